import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../test/support/wait.ts";
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
  await (await takeLock(path)).release();
  // Of many takings one small file stays.
  expect(readdirSync(dir)).toHaveLength(1);
});

test("the lock of a dead agent is taken over, also when its pid lives on in another process", async () => {
  const child = spawn("true");
  await once(child, "exit");
  writeFileSync(`${path}.1`, JSON.stringify({ pid: child.pid, startTicks: "1" }));
  await (await takeLock(path)).release();
  writeFileSync(`${path}.9`, JSON.stringify({ pid: process.pid, startTicks: "1" }));
  await (await takeLock(path)).release();
  writeFileSync(`${path}.20`, "torn");
  await (await takeLock(path)).release();
});

test("of many that take over the same stale lock one has it", async () => {
  for (let round = 0; round < 20; round++) {
    const own = `${path}-${round}`;
    writeFileSync(`${own}.1`, JSON.stringify({ pid: 2 ** 22 + 1, startTicks: "1" }));
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(own)));
    expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  }
});

test("the lock of a killed agent is taken over though its parent has not asked for its exit status", async () => {
  // The shell becomes a program that never waits for the child, which ends after that: a zombie, for as long as it runs.
  const parent = spawn("sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    const fields = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    await until(() => fields()[0] === "Z", "the child to end");
    writeFileSync(`${path}.1`, JSON.stringify({ pid, startTicks: fields()[19] }));
    await (await takeLock(path)).release();
  } finally {
    parent.kill("SIGKILL");
  }
});
