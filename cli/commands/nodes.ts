import { Command } from "commander";
import { formatSize } from "../../lib/core/pipeline/units.ts";
import type { Node } from "../../sdk/index.ts";
import { share } from "../resources-text.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { renderTable } from "../table.ts";
import { printable, stdout } from "../terminal.ts";
import { show, watchOption } from "../watching.ts";
import { ago } from "../when.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
  readonly watch?: boolean;
}

export function nodesCommand(): Command {
  return new Command("nodes")
    .description("list the machines of the cluster; columns show what is reserved of what there is")
    .option("--json", "print JSON: a list of nodes")
    .addOption(watchOption())
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft nodes --watch\n  $ weft nodes --json | jq '.[] | select(.state != \"ready\") | .name'",
    )
    .action(nodes);
}

async function nodes(options: Options): Promise<void> {
  await withServer(options, async (client) => {
    if (options.json) return printJson(await client.nodes());
    await show(stdout, options.watch ?? false, async () => {
      const listed = await client.nodes();
      if (listed.length === 0) return "no machine has joined yet; on each run: weft agent --server HOST:PORT";
      const nowMs = Date.now();
      const rows = listed.map((node) => [
        node.name,
        inColor(stdout.colors, node.state),
        share(node.reserved.cpus, node.capacity.cpus),
        share(node.reserved.memoryBytes, node.capacity.memoryBytes, formatSize),
        share(node.gpus.filter((gpu) => gpu.reserved).length, node.gpus.length),
        String(node.attempts),
        node.usage.cpuFraction === null ? "-" : `${Math.round(node.usage.cpuFraction * 100)}%`,
        ago(node.lastHeartbeatAt, nowMs),
        Object.entries(node.labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(" "),
      ]);
      const table = renderTable(
        stdout,
        ["NODE", "STATE", "CPUS", "MEMORY", "GPUS", "TASKS", "BUSY", "HEARD", "LABELS"],
        rows,
      );
      return [table, ...listed.flatMap(troubles)].join("\n");
    });
  });
}

/** A line for each thing that keeps a node from working: it is ready as far as the scheduler knows, and takes nothing. */
function troubles({ name, problems }: Node): string[] {
  return problems.map((problem) => `${name}: ${stdout.colors.red(printable(problem))}`);
}
