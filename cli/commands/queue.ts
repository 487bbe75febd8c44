import { Command } from "commander";
import type { WeftClient } from "../../sdk/index.ts";
import { resourcesText } from "../resources-text.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { renderTable } from "../table.ts";
import { stdout } from "../terminal.ts";
import { show, watchOption } from "../watching.ts";
import { ago } from "../when.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly gates?: boolean;
}

export function queueCommand(): Command {
  return new Command("queue")
    .description("show what waits, and why; instances that ask for the same thing are one row")
    .option("--json", "print JSON: a list of classes; with --gates a list of gates")
    .option("--gates", "only what waits for a concurrency group, a rate limit or an approval")
    .addOption(watchOption())
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft queue --watch\n  $ weft queue --json")
    .action(queue);
}

async function queue(options: Options): Promise<void> {
  await withServer(options, async (client) => {
    if (options.json) return printJson(options.gates ? await client.gates() : await client.queue());
    await show(stdout, options.watch ?? false, async () => {
      const gates = await gatesTable(client);
      if (options.gates) return gates ?? "nothing waits for a group, a limit or an approval";
      const classes = await client.queue();
      if (classes.length === 0) return gates ?? "nothing waits";
      const rows = classes.map((each) => [
        String(each.waiting),
        String(each.priority),
        each.project,
        `${each.nodes > 1 ? `${each.nodes} nodes × ` : ""}${resourcesText(each.resources)}`,
        ago(each.oldestReadyAt, Date.now()),
        each.head,
        each.reason,
      ]);
      const table = renderTable(stdout, ["WAITING", "PRIORITY", "PROJECT", "ASKS FOR", "OLDEST", "HEAD", "WHY"], rows);
      return gates === undefined ? table : `${table}\n\n${gates}`;
    });
  });
}

/** What waits for other things than machines; undefined: nothing. */
async function gatesTable(client: WeftClient): Promise<string | undefined> {
  const gates = await client.gates();
  if (gates.length === 0) return undefined;
  const rows = gates.map(({ kind, key, waiting, head, reason }) => [String(waiting), kind, key, head, reason]);
  return renderTable(stdout, ["WAITING", "FOR", "OF", "NEXT", "WHY"], rows);
}
