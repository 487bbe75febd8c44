import { Command } from "commander";
import type { Graph } from "../../services/lineage/index.ts";
import { withApi } from "../api.ts";
import { wholeNumber } from "../instance.ts";
import { type ServerOption, serverOption } from "../session.ts";
import { printJson } from "../shape.ts";
import { printable, stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
  readonly limit?: number;
}

const DESCRIPTIONS = {
  trace: "show all that something came from: data, code, environments, attempts, runs",
  impact: "show all that came of something: attempts, artifacts, runs, models",
} as const;

export function traceCommand(direction: "trace" | "impact"): Command {
  return new Command(direction)
    .description(DESCRIPTIONS[direction])
    .argument("<id>", "digest, job, attempt (job.task.0.1), data set (NAME@VERSION), run, model (NAME/VERSION) or URI")
    .option("--limit <n>", "most nodes to show, the nearest first; without it 10000", wholeNumber(1))
    .option("--json", "print JSON: { roots, nodes, edges, truncated }")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `\nExamples:\n  $ weft ${direction} 0mf3xab12cd4\n  $ weft ${direction} iris@3 --json | jq '.nodes[] | select(.kind == "execution").id'`,
    )
    .action((id: string, options: Options) => trace(direction, id, options));
}

async function trace(direction: "trace" | "impact", id: string, options: Options): Promise<void> {
  await withApi(options, async (api) => {
    const limit = options.limit === undefined ? "" : `&limit=${options.limit}`;
    const path = `/v1/lineage/${direction}?id=${encodeURIComponent(id)}${limit}`;
    const graph = await api.get<Graph>(`${direction} ${id}`, path);
    if (options.json) printJson(graph);
    else stdout.write(`${describe(direction, graph)}\n`);
  });
}

/** Each node once, under the one it was first reached from. */
function describe(direction: "trace" | "impact", { roots, nodes, edges, truncated }: Graph): string {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const next = new Map<string, { readonly to: string; readonly how: string }[]>();
  for (const { source, target, kind, name } of edges) {
    const [from, to] = direction === "trace" ? [target, source] : [source, target];
    const steps = next.get(from) ?? [];
    next.set(from, steps);
    steps.push({ to, how: name === "" || name === kind ? kind : `${kind} ${name}` });
  }
  const shown = new Set<string>();
  const lines: string[] = [];
  // A stack and no recursion: a chain may be thousands long.
  const stack = roots.map((id) => ({ id, depth: 0, how: "" })).toReversed();
  for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
    const node = byId.get(one.id);
    if (node === undefined || shown.has(one.id)) continue;
    shown.add(one.id);
    const arrow = one.depth === 0 ? "" : direction === "trace" ? "← " : "→ ";
    const how = one.how === "" ? "" : `${printable(one.how)}: `;
    lines.push(`${"  ".repeat(Math.min(one.depth, 20))}${arrow}${how}${node.kind} ${printable(node.label)}`);
    for (const { to, how: by } of (next.get(one.id) ?? []).toReversed())
      stack.push({ id: to, depth: one.depth + 1, how: by });
  }
  lines.push(`${nodes.length} nodes, ${edges.length} edges${truncated ? "; there are more: --limit shows them" : ""}`);
  return lines.join("\n");
}
