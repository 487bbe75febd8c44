import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeLock } from "./lock.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "weft-lock-"));
  path = join(dir, "agent.lock");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("a second agent in the same folder is refused, with the pid of the first", async () => {
  const lock = await takeLock(path);
  await expect(takeLock(path)).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining(`pid ${process.pid}`) as string,
  });
  await lock.release();
  await (await takeLock(path)).release();
  expect(readdirSync(dir)).toEqual([]);
});

test("the lock of a dead agent is taken over, also when its pid lives on in another process", async () => {
  const child = spawn("true");
  await once(child, "exit");
  writeFileSync(path, JSON.stringify({ pid: child.pid, startTicks: "1", id: "dead" }));
  await (await takeLock(path)).release();
  writeFileSync(path, JSON.stringify({ pid: process.pid, startTicks: "1", id: "reused" }));
  await (await takeLock(path)).release();
  writeFileSync(path, "torn");
  await (await takeLock(path)).release();
});

test("of many that take over the same stale lock one has it", async () => {
  writeFileSync(path, JSON.stringify({ pid: 2 ** 22 + 1, startTicks: "1", id: "dead" }));
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(path)));
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(readdirSync(dir)).toEqual(["agent.lock"]);
});
