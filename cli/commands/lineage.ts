import { Command } from "commander";
import { shortCode } from "../code-text.ts";
import { formatDuration, formatSize } from "../../lib/core/pipeline/units.ts";
import type { Edge, Execution, Lineage } from "../../sdk/index.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { printable, stdout } from "../terminal.ts";
import { lasted } from "../when.ts";

/** "sha256:" and 12 digits: enough to tell apart, short enough to read. */
const DIGEST_SHOWN = 19;

interface Options extends ServerOption {
  readonly json?: boolean;
}

export function lineageCommand(): Command {
  return new Command("lineage")
    .description("show what came from what: each attempt with its code, command, inputs and outputs")
    .argument("<job>", "id of the job, or its beginning")
    .option("--json", "print JSON: { executions, artifacts, edges }")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft lineage 0mf3x\n  $ weft lineage 0mf3x --json | jq '.edges[] | select(.name == \"model\")'",
    )
    .action(lineage);
}

async function lineage(jobId: string, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const found = await client.lineage(jobId);
    if (options.json) printJson(found);
    else stdout.write(`${describeLineage(found)}\n`);
  });
}

function describeLineage(found: Lineage): string {
  if (found.executions.length === 0) return "no attempt of this job has ended yet";
  const artifacts = new Map(found.artifacts.map((artifact) => [artifact.digest, artifact]));
  const edges = groupEdges(found.edges);
  const blocks = found.executions.map((execution) => {
    const lines = (edges.get(execution.id) ?? []).map((edge) => {
      const bytes = artifacts.get(edge.digest)?.bytes;
      const producer = artifacts.get(edge.digest)?.producer;
      const from = edge.direction === "input" && producer ? ` from ${producer}` : "";
      const arrow = edge.direction === "input" ? "←" : "→";
      return `  ${arrow} ${edge.name}  ${edge.digest.slice(0, DIGEST_SHOWN)}  ${bytes ? formatSize(bytes) : ""}${from}`;
    });
    return [executionLine(execution), ...lines].join("\n");
  });
  return blocks.join("\n");
}

function groupEdges(edges: readonly Edge[]): Map<string, Edge[]> {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const group = groups.get(edge.execution);
    if (group) group.push(edge);
    else groups.set(edge.execution, [edge]);
  }
  return groups;
}

function executionLine(execution: Execution): string {
  const { colors } = stdout;
  // Of a process that ends within milliseconds nothing could be read.
  const cost =
    execution.usageSource === "none"
      ? "usage not measured"
      : `${formatDuration(execution.cpuMs)} CPU, ${formatSize(execution.peakMemoryBytes)} at most`;
  const facts = [
    inColor(colors, execution.state),
    `on ${execution.node}`,
    lasted(execution.startedAt, execution.finishedAt, 0),
    cost,
    shortCode(execution.code),
  ];
  if (execution.gpuUuids.length > 0) facts.push(execution.gpuUuids.join(" "));
  const command = printable(execution.command.trim().split("\n")[0] ?? "");
  return `${colors.bold(execution.id)}  ${facts.join("  ")}\n  ${colors.dim(`$ ${command}`)}`;
}
