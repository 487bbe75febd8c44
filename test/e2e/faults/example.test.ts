import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, startWeft, submit, weft, weftJson } from "../../support/command.ts";
import { Ledger } from "../../support/ledger.ts";
import { ownFolder, type PartName, startUp, sweep, type UpPart } from "../../support/parts.ts";
import { until } from "../../support/wait.ts";

/** Fetching the environment's packages, and learning, on a machine that other tests keep busy. */
const LIMIT_MS = 300_000;
const EXAMPLE = join(import.meta.dirname, "../../../examples/flight-delay");
/** Which part is killed once so many of the example's 14 instances have completed. */
const KILLS: readonly (readonly [PartName, number])[] = [
  ["server", 1],
  ["agent", 3],
  ["NATS", 6],
  ["Postgres", 9],
];

let folder: string;
let up: UpPart;
beforeAll(async () => {
  folder = ownFolder("example");
  up = await startUp(join(folder, "home"));
}, LIMIT_MS);
afterAll(async () => {
  await up?.stop();
  await sweep(join(folder, "home/agent"));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, LIMIT_MS);

/** The example, whose every task notes by one append as its last act that it ran to completion. */
function example(notes: string): string {
  const copy = join(folder, "flight-delay");
  cpSync(EXAMPLE, copy, {
    recursive: true,
    filter: (path) => !["node_modules", "out"].some((name) => path.startsWith(join(EXAMPLE, name))),
  });
  const file = join(copy, "weft.yaml");
  const text = readFileSync(file, "utf8");
  const noted = text.replaceAll(/^( +run: )(.+)$/gm, `$1$2 && echo $WEFT_TASK.$WEFT_INDEX >> ${notes}`);
  expect(noted).not.toBe(text);
  writeFileSync(file, noted);
  writeFileSync(notes, "");
  return file;
}

test(
  "the example ends well though server, agent, NATS and Postgres are killed in turn; each task completed once",
  { timeout: LIMIT_MS },
  async () => {
    const notes = join(folder, "notes");
    const id = await submit(up.grpc, example(notes), "--param", "epochs=2");
    const watched = startWeft(up.grpc, ["job", id, "--watch"]);
    const followed = startWeft(up.grpc, ["logs", id, "-f", "--stream", "stdout"]);
    const completed = (): string[] => readFileSync(notes, "utf8").split("\n").slice(0, -1);
    for (const [name, count] of KILLS) {
      await until(() => completed().length >= count, `${count} tasks to complete`, LIMIT_MS);
      await up.killPart(name);
    }
    const end = await watched.done;
    expect(end.exitCode, end.stdout.toString()).toBe(0);
    const { tasks } = await weftJson<JobJson>(up.grpc, ["job", id]);
    expect(completed().toSorted()).toEqual(tasks.map(({ name, index }) => `${name}.${index}`).toSorted());
    await Ledger.nothingBegunTwice(up.grpc, id);
    // Who followed the log throughout has read what is kept of it, line for line.
    const live = await followed.done;
    expect(live.exitCode, live.stderr).toBe(0);
    const kept = await weft(up.grpc, ["logs", id, "--stream", "stdout"]);
    for (const { stderr } of [live, kept]) expect(stderr).not.toContain("weft:");
    expect(linesOf(live.stdout)).toEqual(linesOf(kept.stdout));
  },
);

/** Lines of each task in their order; tasks beside each other may be interleaved differently each time. */
function linesOf(log: Buffer): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const line of log.toString("utf8").split("\n").slice(0, -1)) (found[line.split(" | ")[0]!] ??= []).push(line);
  return found;
}
