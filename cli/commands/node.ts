import { Command } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import { formatSize } from "../../lib/core/pipeline/units.ts";
import type { Gpu, Node } from "../../sdk/index.ts";
import { resourcesText, share } from "../resources-text.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { renderTable } from "../table.ts";
import { printable, stdout } from "../terminal.ts";
import { ago } from "../when.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
}

export function nodeCommand(): Command {
  return new Command("node")
    .description("show one machine: what it has, what is reserved, what was measured")
    .argument("<node>", "name or id")
    .option("--json", "print JSON: the node")
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft node gpu-7\n  $ weft node gpu-7 --json")
    .action(node);
}

async function node(name: string, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const nodes = await client.nodes();
    const found = nodes.find((each) => each.id === name) ?? nodes.find((each) => each.name === name);
    if (!found)
      throw new WeftError(
        "not_found",
        `there is no node "${name}"${hint(
          name,
          nodes.map((each) => each.name),
        )}`,
      );
    if (options.json) printJson(found);
    else stdout.write(`${describeNode(found, Date.now())}\n`);
  });
}

function describeNode(found: Node, nowMs: number): string {
  const { usage, capacity } = found;
  const measured = [
    usage.cpuFraction === null ? "" : `${Math.round(usage.cpuFraction * 100)}% of the CPUs`,
    usage.memoryBytesUsed === null ? "" : `${formatSize(usage.memoryBytesUsed)} memory`,
    usage.diskBytesFree === null ? "" : `${formatSize(usage.diskBytesFree)} disk free`,
  ].filter((text) => text !== "");
  const facts: [string, string][] = [
    ["node", found.name],
    ["id", found.id],
    ["state", inColor(stdout.colors, found.state)],
    ...found.problems.map((problem): [string, string] => ["trouble", stdout.colors.red(printable(problem))]),
    ["heard", ago(found.lastHeartbeatAt, nowMs)],
    ["has", resourcesText(capacity)],
    ["reserved", `${resourcesText(found.reserved)} by ${found.attempts} ${found.attempts === 1 ? "task" : "tasks"}`],
    ["in use", measured.length > 0 ? measured.join(", ") : "not measured"],
    ["machine", [found.hostname, found.os, found.arch, found.cpuModel].filter((text) => text !== "").join(", ")],
    ["agent", found.agentVersion],
    ["address", found.address],
    ...(found.pool === "" ? [] : [["pool", found.pool] as [string, string]]),
    ...(found.taints.length === 0 ? [] : [["taints", found.taints.join(" ")] as [string, string]]),
    ...found.maintenance.map(({ from, to, reason }): [string, string] => [
      "away",
      `${from.toISOString()} to ${to.toISOString()} ${printable(reason)}`,
    ]),
    ...(found.drainAt === null ? [] : [["drains", `until ${found.drainAt.toISOString()}`] as [string, string]]),
    ...(found.held ? [["held", "kept for work that has waited for long"] as [string, string]] : []),
    [
      "labels",
      Object.entries(found.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(" ") || "none",
    ],
  ];
  const head = facts.map(([name, text]) => `${stdout.colors.dim(name.padEnd(9))} ${text}`).join("\n");
  if (found.gpus.length === 0) return head;
  const table = renderTable(
    stdout,
    ["GPU", "MODEL", "STATE", "MEMORY", "BUSY", "TEMP", "POWER", "UUID"],
    found.gpus.map(gpuRow),
  );
  return `${head}\n\n${table}`;
}

function gpuRow(gpu: Gpu): string[] {
  const away = gpu.healthy ? `quarantined: ${gpu.quarantined}` : `unhealthy: ${gpu.healthMessage}`;
  const isOffered = gpu.healthy && gpu.quarantined === "";
  const state = isOffered ? (gpu.reserved ? "reserved" : "free") : printable(away);
  const memory =
    gpu.memoryBytes === null
      ? "-"
      : gpu.memoryBytesUsed === null
        ? formatSize(gpu.memoryBytes)
        : share(gpu.memoryBytesUsed, gpu.memoryBytes, formatSize);
  return [
    String(gpu.index),
    gpu.model,
    isOffered ? state : stdout.colors.red(state),
    memory,
    gpu.utilizationFraction === null ? "-" : `${Math.round(gpu.utilizationFraction * 100)}%`,
    gpu.temperatureCelsius === null ? "-" : `${gpu.temperatureCelsius}°C`,
    gpu.powerWatts === null ? "-" : `${Math.round(gpu.powerWatts)}W`,
    gpu.uuid,
  ];
}
