import { Command } from "commander";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { stdout } from "../terminal.ts";

/** More would fill a screen, and completing is to be quick. */
const WORDS_MAX = 50;

/** What completion offers after a command: ids of jobs, names of a job's tasks, names of nodes. Silent when no server answers. */
export function wordsCommand(): Command {
  return new Command("words")
    .argument("<kind>")
    .argument("[job]")
    .addOption(serverOption())
    .action(async (kind: string, job: string | undefined, options: ServerOption) => {
      const words = await withServer(options, async (client) => {
        if (kind === "nodes") return (await client.nodes()).map((node) => node.name);
        if (kind === "jobs") return (await client.list({ limit: WORDS_MAX })).jobs.map((each) => each.id);
        if (job === undefined) return [];
        const { tasks, resting } = await client.get(job);
        return [...new Set([...tasks, ...resting].map(({ name }) => name))];
      }).catch(() => []);
      stdout.write(words.map((word) => `${word}\n`).join(""));
    });
}
