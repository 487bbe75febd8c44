import { expect, test } from "vitest";
import type { Log } from "./log.ts";
import { Rounds } from "./rounds.ts";

const HOUR_MS = 3_600_000;

/** Rounds that do what the list says, one after the other, then rest for an hour; `ended` resolves when the list is at its end. */
function rounds(list: readonly (() => number)[]) {
  const said: string[] = [];
  const note = (level: string) => (given: unknown, message?: string) =>
    void said.push(`${level}: ${message ?? String(given)}`);
  const log = { info: note("info"), warn: note("warn"), error: note("error") } as unknown as Log;
  const left = [...list];
  let end: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const made = new Rounds({
    round: async () => {
      const doIt = left.shift();
      if (left.length === 0) end();
      return doIt ? doIt() : HOUR_MS;
    },
    log,
    failing: "work stands still",
    mended: "work goes on",
  });
  return { made, said, ended };
}

test("a round that was woken, before it or while it ran, is followed by another at once", async () => {
  const { made, ended } = rounds([() => (made.wake(), HOUR_MS), () => HOUR_MS, () => HOUR_MS]);
  await Promise.resolve();
  setImmediate(() => made.wake());
  await ended;
  await made.stop();
  expect(made.signal.aborted).toBe(true);
});

test("rounds that fail are logged once, tried again, and logged when they work again", async () => {
  const fail = (): never => {
    throw new Error("no");
  };
  const { made, said, ended } = rounds([fail, fail, () => 0, () => 0, () => HOUR_MS]);
  await ended;
  await made.stop();
  expect(said).toEqual(["error: work stands still; trying again", "info: work goes on"]);
});

test("a stop waits for the round under way, and says nothing of what it throws", async () => {
  let done = false;
  const { made, said } = rounds([
    () => {
      done = true;
      throw new Error("cut off");
    },
  ]);
  await Promise.resolve();
  await made.stop();
  expect([done, said]).toEqual([true, []]);
});
