import { Command } from "commander";
import type { WeftClient } from "../../sdk/index.ts";
import { Screen } from "../screen.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";
import { drawTop, type Snapshot } from "../top.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
}

/** People read no faster, and the server answers from memory. */
const REFRESH_MS = 1_000;

export function topCommand(): Command {
  return new Command("top")
    .description("watch machines, and what runs and waits on them; q ends it. Shown once where there is no terminal")
    .option("--json", "print JSON, once: at, server, nodes, classes")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft top\n  $ weft top --json | jq '.classes[] | {running, waiting, reason}'",
    )
    .action(top);
}

async function top(options: Options): Promise<void> {
  await withServer(options, async (client) => {
    if (options.json) return printJson(await look(client));
    if (!stdout.isTerminal) return stdout.write(`${drawTop(await look(client), stdout).join("\n")}\n`);
    // Before the screen is taken: that there is no server is said where the user is.
    let snapshot = await look(client);
    const screen = new Screen(stdout, process.stdin);
    screen.open();
    try {
      for (;;) {
        screen.draw(drawTop(snapshot, stdout));
        if ((await screen.quitWithin(REFRESH_MS)) === "quit") return;
        snapshot = await look(client);
      }
    } finally {
      screen.close();
    }
  });
}

async function look(client: WeftClient): Promise<Snapshot> {
  const [server, nodes, classes] = await Promise.all([client.info(), client.nodes(), client.queue({ running: true })]);
  return { at: new Date(), server, nodes, classes };
}
