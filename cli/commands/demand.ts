import { Command } from "commander";
import { resourcesText } from "../resources-text.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { renderTable } from "../table.ts";
import { stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
}

export function demandCommand(): Command {
  return new Command("demand")
    .description("show how many machines of each kind what runs and waits would fill: for autoscaling")
    .option("--json", "print JSON: a list of kinds")
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft demand --json | jq '.[] | {pool, ready, desired}'")
    .action(demand);
}

async function demand(options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const kinds = await client.demand();
    if (options.json) return printJson(kinds);
    if (kinds.length === 0) {
      stdout.write("no machine has joined yet\n");
      return;
    }
    const rows = kinds.map(({ pool, capacity, gpuModel, ready, idle, desired }) => [
      pool === "" ? "-" : pool,
      `${resourcesText(capacity)}${gpuModel === "" ? "" : ` (${gpuModel})`}`,
      String(ready),
      String(idle),
      String(desired),
    ]);
    stdout.write(`${renderTable(stdout, ["POOL", "KIND", "READY", "IDLE", "DESIRED"], rows)}\n`);
    const { unplaceable } = kinds[0]!;
    if (unplaceable > 0) stdout.write(`${unplaceable} waiting instances could run on none of these\n`);
  });
}
