import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { finishExit, markStarted, readExit, recordUnstarted, wasStarted, writeExit } from "./exit.ts";

let dir: string;
let folder: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "weft-exit-"));
  folder = join(dir, "j.a.0.1");
  mkdirSync(folder);
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The folder is another attempt's now. */
function reuse(name: string): void {
  const next = join(dir, name);
  renameSync(folder, next);
  folder = next;
}

const long = { ...recordUnstarted(null, null), exitCode: 1, signal: "SIGTERM".repeat(9) };
const short = { ...recordUnstarted(null, null), exitCode: 0 };

test("an attempt is started once, and its end is read whole over a longer one of the attempt before", () => {
  finishExit(markStarted(folder), folder, long);
  expect(readExit(folder)).toEqual(long);
  expect(() => markStarted(folder)).toThrow("started before");
  // Its key begins with the key before.
  reuse("j.a.0.10");
  expect([wasStarted(folder), readExit(folder)]).toEqual([false, undefined]);
  const file = markStarted(folder);
  expect([wasStarted(folder), readExit(folder)]).toEqual([true, undefined]);
  finishExit(file, folder, short);
  expect([wasStarted(folder), readExit(folder)]).toEqual([true, short]);
  reuse("j.a.0.1");
  expect([wasStarted(folder), readExit(folder)]).toEqual([false, undefined]);
});

test("one that was not started has an end, too", () => {
  expect(wasStarted(folder)).toBe(false);
  writeExit(folder, short);
  expect(readExit(folder)).toEqual(short);
});

test.each(["started\n", JSON.stringify(short), "\0\0\0"])("%j names no attempt: it may have been started", (text) => {
  writeFileSync(join(folder, "exit.json"), text);
  expect([wasStarted(folder), readExit(folder)]).toEqual([true, undefined]);
});
