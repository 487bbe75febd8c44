import { Command } from "commander";
import { wholeNumber } from "../instance.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { renderTable } from "../table.ts";
import { printable, stdout } from "../terminal.ts";
import { ago } from "../when.ts";

interface Options extends ServerOption {
  readonly state?: string;
  readonly job?: string;
  readonly limit: number;
  readonly retry?: string;
  readonly json?: boolean;
}

export function notificationsCommand(): Command {
  return new Command("notifications")
    .description("show what was sent about jobs, what waits, and what could not be sent; newest first")
    .option("--state <state>", "only pending, sent or dead")
    .option("--job <job>", "only of this job")
    .option("-n, --limit <n>", "how many", wholeNumber(1, 1000), 50)
    .option("--retry <id>", "try a dead one again")
    .option("--json", "print JSON: a list of notifications")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft notifications --state dead\n  $ weft notifications --retry 0mf3x9k2abcd.failed.1790000000000.0",
    )
    .action(notifications);
}

async function notifications(options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const { state, job, limit, retry } = options;
    if (retry !== undefined) {
      const again = await client.notifications.retry(retry);
      if (options.json) return printJson(again);
      stdout.write(`${again.id} is tried again\n`);
      return;
    }
    const listed = await client.notifications.list({
      limit,
      ...(state === undefined ? {} : { state }),
      ...(job === undefined ? {} : { jobId: job }),
    });
    if (options.json) return printJson(listed);
    if (listed.length === 0) {
      stdout.write("nothing was to be sent\n");
      return;
    }
    const nowMs = Date.now();
    const rows = listed.map((each) => [
      each.id,
      inColor(stdout.colors, each.state),
      `${each.pipeline} ${each.event}`,
      printable(`${each.kind} ${each.target}`),
      String(each.attempts),
      ago(each.createdAt, nowMs),
      printable(each.error ?? ""),
    ]);
    stdout.write(`${renderTable(stdout, ["NOTIFICATION", "STATE", "OF", "TO", "TRIES", "MADE", "ERROR"], rows)}\n`);
  });
}
