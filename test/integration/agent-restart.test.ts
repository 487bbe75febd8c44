import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  cpSync,
  mkdirSync,
} from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { readRunnerRecord } from "../../worker/runner/door.ts";
import { spawnAgent, startTestAgent } from "../support/agent.ts";
import { PlayedServer } from "../support/played-server.ts";
import { until } from "../support/wait.ts";
import { assignment, isAlive, keyOf } from "../support/worker.ts";

const FIXTURES = new URL("../fixtures/gpu/", import.meta.url).pathname;

let server: PlayedServer;
let dir: string;
const cleanups: (() => unknown)[] = [];
beforeAll(async () => {
  server = await PlayedServer.start();
});
afterAll(() => server?.stop());
beforeEach(() => {
  server.leaseMs = 10_000;
  server.silent = false;
  dir = mkdtempSync(join(inject("folder"), "agent-"));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  rmSync(dir, { recursive: true, force: true });
});

/** Ends what the test's agents left: an agent that is told to stop everything. */
async function sweep(): Promise<void> {
  const agent = await startTestAgent(server.address, dir);
  await agent.stop({ stopTasks: true });
  expect(readRunnerRecord(dir)).toBeUndefined();
}

/** Every task prints its lines slowly and counts that it ran. */
const slow = (counter: string) =>
  assignment(`echo x >> ${counter}; for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; sleep 0.2; done`);
const LINES = "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\nline 9\nline 10\n";

test("an agent that is killed and comes back takes up what runs, and reports what ended meanwhile; nothing ran twice", async () => {
  const first = spawnAgent(server.address, dir);
  const node = await first.node;
  const counters = ["a", "b"].map((name) => join(dir, name));
  const [running, ending] = [slow(counters[0]!), assignment(`echo x >> ${counters[1]}; sleep 0.5; echo done`)];
  await server.assign(node, running, ending);
  await server.reported(keyOf(running), "started");
  await server.reported(keyOf(ending), "started");
  await first.end("SIGKILL");
  await until(
    () => readFileSync(join(dir, "attempts", keyOf(ending), "exit.json")),
    "one ended while nobody was there",
  );
  const second = spawnAgent(server.address, dir);
  expect(await second.node).toBe(node);
  expect(await server.ended(keyOf(ending))).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(await server.ended(keyOf(running))).toMatchObject({ outcome: { kind: "succeeded" } });
  await server.reported(keyOf(running), "archived");
  await server.reported(keyOf(ending), "archived");
  expect(await server.log(keyOf(running))).toBe(LINES);
  expect(await server.log(keyOf(ending))).toBe("done\n");
  for (const counter of counters) expect(readFileSync(counter, "utf8")).toBe("x\n");
  await server.assign(node, running);
  expect(await second.end("SIGTERM")).toBe(0);
  expect(readFileSync(counters[0]!, "utf8")).toBe("x\n");
}, 60_000);

test("killed again and again, an agent loses no attempt and runs none twice", async () => {
  let agent = spawnAgent(server.address, dir);
  const node = await agent.node;
  const made = Array.from({ length: 30 }, (_, i) => assignment(`echo x >> ${dir}/ran-${i}; echo out ${i}; sleep 0.1`));
  for (const one of made) void server.assign(node, one);
  for (let i = 0; i < 4; i++) {
    await until(() => server.reports.filter(({ kind }) => kind === "ended").length > i * 5, "some have ended");
    await agent.end("SIGKILL");
    agent = spawnAgent(server.address, dir);
    await agent.node;
  }
  for (const [i, one] of made.entries()) {
    expect(await server.ended(keyOf(one), 30_000)).toMatchObject({ outcome: { kind: "succeeded" } });
    await server.reported(keyOf(one), "archived", 30_000);
    expect(readFileSync(join(dir, `ran-${i}`), "utf8")).toBe("x\n");
    expect(await server.log(keyOf(one))).toBe(`out ${i}\n`);
  }
  await agent.end("SIGTERM");
}, 90_000);

test("told to stop, an agent leaves its tasks to the next; told to stop them too, it reports them before it goes", async () => {
  const first = await startTestAgent(server.address, dir);
  const made = assignment(`echo x >> ${join(dir, "counter")}; sleep 1000`);
  await server.assign(first.node, made);
  await server.reported(keyOf(made), "started");
  await first.stop({ stopTasks: false });
  expect(server.beats.at(-1)).toMatchObject({ leaving: true });
  const second = await startTestAgent(server.address, dir);
  await until(() => server.beats.at(-1)!.active.some(({ key }) => key === keyOf(made)), "the next one names it");
  await second.stop({ stopTasks: true });
  expect(await server.ended(keyOf(made), 100)).toMatchObject({ outcome: { kind: "lost", reason: "node-stopped" } });
  expect(readFileSync(join(dir, "counter"), "utf8")).toBe("x\n");
  expect(readRunnerRecord(dir)).toBeUndefined();
}, 60_000);

test("when the process that started it is gone, an agent stops all it runs", async () => {
  const agent = spawnAgent(server.address, dir);
  const made = assignment("echo $$; sleep 1000");
  await server.assign(await agent.node, made);
  await server.reported(keyOf(made), "started");
  const stdout = join(dir, "attempts", keyOf(made), "stdout");
  const pid = Number(await until(() => readFileSync(stdout, "utf8").trim(), "it printed its pid"));
  const runner = readRunnerRecord(dir)!.pid;
  agent.child.disconnect();
  expect(await server.ended(keyOf(made))).toMatchObject({ outcome: { kind: "lost", reason: "node-stopped" } });
  await until(() => !isAlive(pid) && !isAlive(runner) && !isAlive(agent.child.pid!), "nothing is left");
}, 60_000);

test("a node that cannot renew its lease stops what it runs before the lease ends", async () => {
  server.leaseMs = 3_000;
  const agent = await startTestAgent(server.address, dir);
  cleanups.push(() => agent.stop({ stopTasks: true }));
  const made = assignment("trap '' TERM; while :; do sleep 0.1; done");
  await server.assign(agent.node, made);
  await server.reported(keyOf(made), "started");
  server.silent = true;
  const lastAnswered = server.beatAtMs.at(-1)!;
  const ended = await server.ended(keyOf(made));
  const afterMs = performance.now() - lastAnswered;
  expect(ended).toMatchObject({ outcome: { kind: "lost", reason: "lease-lost" } });
  expect(afterMs).toBeGreaterThan(1_000);
  expect(afterMs).toBeLessThan(3_000 + server.intervalMs + 200);
  // It takes nothing new while it has no lease, and takes it when it has one again.
  const later = assignment(["true"]);
  await server.assign(agent.node, later);
  server.silent = false;
  await server.ended(keyOf(later), 20_000);
}, 60_000);

test("without a server an agent waits, and joins when there is one", async () => {
  await server.stopServing();
  const starting = startTestAgent(server.address, dir);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await server.serve();
  const agent = await starting;
  await agent.stop({ stopTasks: true });
  await server.stopServing();
  const giveUp = new AbortController();
  const waiting = startTestAgent(server.address, dir, { signal: giveUp.signal });
  setTimeout(() => giveUp.abort(new Error("asked to stop")), 300);
  await expect(waiting).rejects.toThrow("asked to stop");
  await server.serve();
  await sweep();
}, 60_000);

test("a GPU driver that hangs holds up neither the heartbeats nor the event loop, and its cards are called unhealthy", async () => {
  const answers = join(dir, "answers");
  cpSync(join(FIXTURES, "nvidia/h100"), answers, { recursive: true });
  mkdirSync(join(dir, "bin"));
  symlinkSync(join(FIXTURES, "bin/nvidia-smi"), join(dir, "bin/nvidia-smi"));
  writeFileSync(join(dir, "kmsg"), "");
  const env = { PATH: `${join(dir, "bin")}:/usr/bin:/bin`, FAKE_GPU: answers };
  const gpus = { env, lookMs: 50, deadlineMs: 1_500, kernelLog: join(dir, "kmsg") };
  const agent = await startTestAgent(server.address, join(dir, "agent"), { gpus });
  cleanups.push(() => agent.stop({ stopTasks: true }));
  const uuid = "GPU-1f0c3b7e-7a0d-4f6e-9a53-2b7c9d1e3f03";
  expect(server.joins.at(-1)!.capacity!.gpus).toMatchObject([{ uuid, healthy: true, model: "NVIDIA H100 80GB HBM3" }]);
  const from = server.beats.length;
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  writeFileSync(join(answers, "hang"), "");
  const sick = await until(
    () => server.beats.slice(from).find(({ capacity }) => capacity?.gpus[0]?.healthy === false),
    "a beat says that the card is not healthy",
  );
  loop.disable();
  expect(sick.capacity!.gpus[0]!.healthMessage).toBe("the GPU driver did not answer in time");
  const gaps = server.beatAtMs.slice(from).map((at, i, all) => (i === 0 ? 0 : at - all[i - 1]!));
  console.log(`while nvidia-smi hung: worst beat gap ${Math.max(...gaps)} ms, worst loop gap ${loop.max / 1e6} ms`);
  expect(Math.max(...gaps)).toBeLessThan(1_000);
  expect(loop.max / 1e6).toBeLessThan(500);
  rmSync(join(answers, "hang"));
  const well = server.beats.length;
  await until(() => server.beats.slice(well).some(({ capacity }) => capacity?.gpus[0]?.healthy), "it is well again");
}, 60_000);

test("a task does not start on a GPU that is not empty; the heartbeats say what is on it, and that it is gone", async () => {
  const answers = join(dir, "answers");
  cpSync(join(FIXTURES, "nvidia/h100"), answers, { recursive: true });
  mkdirSync(join(dir, "bin"));
  symlinkSync(join(FIXTURES, "bin/nvidia-smi"), join(dir, "bin/nvidia-smi"));
  writeFileSync(join(dir, "kmsg"), "");
  const env = { PATH: `${join(dir, "bin")}:/usr/bin:/bin`, FAKE_GPU: answers };
  const gpus = { env, lookMs: 50, emptyMs: 300, deadlineMs: 5_000, kernelLog: join(dir, "kmsg") };
  const agent = await startTestAgent(server.address, join(dir, "agent"), { gpus });
  cleanups.push(() => agent.stop({ stopTasks: true }));
  const uuid = "GPU-1f0c3b7e-7a0d-4f6e-9a53-2b7c9d1e3f03";
  const resources = { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 1000, gpu: null };
  const apps = join(answers, "apps.csv");
  const begun = server.beats.length;
  // Its process is seen while it runs, and is still there when it has ended.
  const first = assignment(`echo "${uuid}, 4711, python, 12288" > ${apps}; sleep 0.3`, { resources, gpuUuids: [uuid] });
  await server.assign(agent.node, first);
  expect(await server.ended(keyOf(first))).toMatchObject({ outcome: { kind: "succeeded" } });
  const second = assignment("true", { resources, gpuUuids: [uuid] });
  await server.assign(agent.node, second);
  expect(await server.ended(keyOf(second))).toMatchObject({
    outcome: { kind: "lost", reason: "gpu-busy" },
    message: expect.stringContaining("not empty though no task is on it: process 4711 (python, 12GiB)") as string,
    startedAtMs: null,
  });
  const said = (healthy: boolean, from: number) =>
    until(
      () => server.beats.slice(from).find(({ capacity }) => capacity?.gpus[0]?.healthy === healthy),
      `a beat that says whether it is well: ${healthy}`,
    );
  expect((await said(false, begun)).capacity!.gpus[0]!.healthMessage).toContain("process 4711");
  const from = server.beats.length;
  rmSync(apps);
  await said(true, from);
  const third = assignment("true", { resources, gpuUuids: [uuid] });
  await server.assign(agent.node, third);
  expect(await server.ended(keyOf(third))).toMatchObject({ outcome: { kind: "succeeded" } });
}, 60_000);

test("a node whose disk is full says so and wants no work, and takes what waited when there is room", async ({
  skip,
}) => {
  const disk = join(dir, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    return skip("needs the right to mount a tmpfs");
  }
  cleanups.push(() => execFileSync("umount", ["--lazy", disk]));
  const agent = await startTestAgent(server.address, disk);
  cleanups.push(() => agent.stop({ stopTasks: true }));
  const from = server.beats.length;
  const filler = join(disk, "filler");
  expect(() => {
    for (;;) appendFileSync(filler, "x".repeat(4096));
  }).toThrow("ENOSPC");
  // Larger than what may be left in the journal's last block.
  const made = assignment(["true"], { env: { PADDING: "x".repeat(8192) } });
  await server.assign(agent.node, made);
  const beat = await until(() => server.beats.slice(from).find(({ leaving }) => leaving), "a beat wants no work");
  expect(beat.usage!.problems[0]).toContain("is full");
  rmSync(filler);
  expect(await server.ended(keyOf(made), 20_000)).toMatchObject({ outcome: { kind: "succeeded" } });
  await until(
    () => server.beats.at(-1)!.leaving === false && server.beats.at(-1)!.usage!.problems.length === 0,
    "all is well",
  );
}, 60_000);
