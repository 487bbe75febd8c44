import { Command } from "commander";
import type { RunDifference } from "../../services/tracking/index.ts";
import { withApi } from "../api.ts";
import { differenceText } from "../difference-text.ts";
import { EXIT } from "../failure.ts";
import { patchOf } from "../patch.ts";
import { type ServerOption, serverOption, withStore } from "../session.ts";
import { printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly all?: boolean;
  readonly patch?: boolean;
  readonly exitCode?: boolean;
  readonly json?: boolean;
}

export function diffCommand(): Command {
  return new Command("diff")
    .description("show in what two runs differ: code, data, params, environment, metrics, outputs, where and how long")
    .argument("<a>", "id or name of a tracked run; job, JOB.TASK, JOB.TASK.INDEX, or an attempt")
    .argument("<b>", "the same; what is told is how B differs from A")
    .option("--all", "show what is the same, too")
    .option("--patch", "show the lines in which changed files differ")
    .option("--exit-code", `exit with ${EXIT.differs} when they differ`)
    .option("--json", "print JSON: { a, b, equal, sections: [{ name, equal, counts, changes }] }")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft diff 0mf3x 0mf4y\n  $ weft diff 0mf3x.fit brave-owl-12 --patch\n  $ weft diff 0mf3x 0mf4y --json | jq '.sections[] | select(.name == \"metrics\").changes'",
    )
    .action(diff);
}

async function diff(a: string, b: string, options: Options): Promise<void> {
  await withApi(options, async (api, client) => {
    const query = new URLSearchParams({ a, b, ...(options.all ? { all: "true" } : {}) });
    const found = await api.get<RunDifference>(`compare ${a} with ${b}`, `/v1/runs/diff?${query.toString()}`);
    const patches = options.patch ? await withStore(client, (store) => withPatches(found, store)) : undefined;
    if (options.json) printJson(patches?.difference ?? found);
    else stdout.write(`${differenceText(stdout, found)}\n${patches ? `\n${patches.text}` : ""}`);
    if (options.exitCode && !found.equal) process.exitCode = EXIT.differs;
  });
}

/** Each changed file with its text difference, as `patch` of its change. */
async function withPatches(
  difference: RunDifference,
  store: Parameters<typeof patchOf>[0],
): Promise<{ readonly difference: object; readonly text: string }> {
  let text = "";
  const sections = [];
  for (const section of difference.sections) {
    const changes = [];
    for (const change of section.changes) {
      const patch = change.change === "same" ? undefined : await patchOf(store, change);
      changes.push(patch === undefined ? change : { ...change, patch });
      text += patch ?? "";
    }
    sections.push({ ...section, changes });
  }
  return { difference: { ...difference, sections }, text };
}
