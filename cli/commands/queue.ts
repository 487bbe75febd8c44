import { Command } from "commander";
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
}

export function queueCommand(): Command {
  return new Command("queue")
    .description("show what waits for machines, and why; instances that ask for the same thing are one row")
    .option("--json", "print JSON: a list of classes")
    .addOption(watchOption())
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft queue --watch\n  $ weft queue --json")
    .action(queue);
}

async function queue(options: Options): Promise<void> {
  await withServer(options, async (client) => {
    if (options.json) return printJson(await client.queue());
    await show(stdout, options.watch ?? false, async () => {
      const classes = await client.queue();
      if (classes.length === 0) return "nothing waits";
      const rows = classes.map((each) => [
        String(each.waiting),
        String(each.priority),
        each.project,
        `${each.nodes > 1 ? `${each.nodes} nodes × ` : ""}${resourcesText(each.resources)}`,
        ago(each.oldestReadyAt, Date.now()),
        each.head,
        each.reason,
      ]);
      return renderTable(stdout, ["WAITING", "PRIORITY", "PROJECT", "ASKS FOR", "OLDEST", "HEAD", "WHY"], rows);
    });
  });
}
