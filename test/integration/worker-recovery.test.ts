import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import type { Assignment } from "../../lib/core/dispatch.ts";
import { silentLog } from "../../lib/log.ts";
import { createWorker } from "../../worker/index.ts";
import { until } from "../support/wait.ts";
import { assignment, builtWorker, isAlive, keyOf, removeBuilt, WorkerBench } from "../support/worker.ts";

const benches: WorkerBench[] = [];
const agents: ChildProcess[] = [];
afterEach(async () => {
  for (const agent of agents.splice(0)) agent.kill("SIGKILL");
  for (const bench of benches.splice(0)) {
    const pid = bench.runnerPid;
    await bench.close();
    if (pid !== undefined) await until(() => !isAlive(pid), "the runner to end");
  }
});
afterAll(removeBuilt);

/** A folder in which no worker is open yet. */
function newBench(parts: ConstructorParameters<typeof WorkerBench>[0] = {}): WorkerBench {
  const bench = new WorkerBench(parts);
  benches.push(bench);
  return bench;
}

/** A process that holds a worker in the folder, starts the assignments and renews the lease once; to be killed. */
function startAgent(dir: string, assignments: readonly Assignment[], leaseMs = 60_000): ChildProcess {
  const { module, program } = builtWorker();
  const text = `
    const { createWorker } = await import(${JSON.stringify(module)});
    const worker = await createWorker({
      dir: ${JSON.stringify(dir)}, runnerProgram: ${JSON.stringify(program)}, artifacts: {}, log: console,
      capacity: () => ({ cpuMillis: 8000, memoryBytes: 2 ** 33, gpuUuids: [] }), onReport() {}, onSpool() {},
    });
    await worker.recover([], []);
    worker.renewLease(${leaseMs});
    for (const assignment of ${JSON.stringify(assignments)}) worker.start(assignment);
    setInterval(() => {}, 1000);`;
  const agent = spawn(process.execPath, ["--input-type=module", "-e", text], { stdio: "inherit" });
  agents.push(agent);
  return agent;
}

async function killed(agent: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => agent.once("exit", resolve));
  agent.kill("SIGKILL");
  await gone;
}

function spool(bench: WorkerBench, made: Assignment): string {
  const path = join(bench.dir, "attempts", keyOf(made), "stdout");
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

test("after a kill of the agent, what runs is adopted, what ended is reported, and nothing runs twice", async () => {
  const bench = newBench();
  const runs = assignment("echo ran; while [ ! -e go ]; do sleep 0.02; done; echo end");
  const ends = assignment("echo ran; while [ ! -e go ]; do sleep 0.02; done; exit 7");
  const never = assignment("echo ran");
  const agent = startAgent(bench.dir, [runs, ends]);
  await until(() => spool(bench, runs) !== "" && spool(bench, ends) !== "", "both to run");
  await killed(agent);
  writeFileSync(join(bench.dir, "attempts", keyOf(ends), "workspace/go"), "");
  await until(() => existsSync(join(bench.dir, "attempts", keyOf(ends), "exit.json")), "one to end");

  await bench.reopen();
  await bench.worker.recover([runs, ends, never], []);
  expect(await bench.ended(keyOf(ends))).toMatchObject({ outcome: { kind: "failed", reason: "exit" }, exitCode: 7 });
  expect(await bench.ended(keyOf(never))).toMatchObject({ outcome: { kind: "succeeded" } });
  await until(() => bench.worker.active().length === 1, "the reports to be kept");
  expect(bench.worker.active()).toEqual([{ key: keyOf(runs), phase: "running" }]);
  bench.worker.start(runs);
  writeFileSync(join(bench.dir, "attempts", keyOf(runs), "workspace/go"), "");
  expect(await bench.ended(keyOf(runs))).toMatchObject({ outcome: { kind: "succeeded" }, exitCode: 0 });
  expect([runs, ends, never].map((made) => spool(bench, made))).toEqual(["ran\nend\n", "ran\n", "ran\n"]);
  expect(bench.reports.filter(({ kind }) => kind === "ended")).toHaveLength(3);
});

test("an adopted attempt still counts as room that is taken, and can be stopped", async () => {
  const all = { resources: { cpuMillis: 8000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null } };
  const bench = newBench();
  const runs = assignment("sleep 1000", all);
  const agent = startAgent(bench.dir, [runs]);
  await until(() => existsSync(join(bench.dir, "attempts", keyOf(runs), "stdout")), "it to run");
  await killed(agent);
  await bench.reopen();
  await bench.worker.recover([runs], []);
  const waits = bench.start("true", all);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(bench.worker.active()).toContainEqual({ key: waits, phase: "queued" });
  bench.worker.stop(keyOf(runs), "cancelled", 0);
  expect(await bench.ended(keyOf(runs))).toMatchObject({ outcome: { kind: "stopped" } });
  expect(await bench.ended(waits)).toMatchObject({ outcome: { kind: "succeeded" } });
});

test("what runs without an assignment is killed, and folders that nobody names go", async () => {
  const bench = newBench();
  const [forgotten, kept] = [assignment("echo pid $$; sleep 1000"), assignment("echo kept")];
  const agent = startAgent(bench.dir, [forgotten, kept]);
  const pid = Number(await until(() => /pid (\d+)/.exec(spool(bench, forgotten))?.[1], "it to run"));
  await until(() => existsSync(join(bench.dir, "attempts", keyOf(kept), "exit.json")), "one to end");
  await killed(agent);
  mkdirSync(join(bench.dir, "attempts", "old.t.0.1"));
  await bench.reopen();
  await bench.worker.recover([], [keyOf(kept)]);
  await until(() => !isAlive(pid), "it to be killed");
  expect(spool(bench, kept)).toBe("kept\n");
  expect(existsSync(join(bench.dir, "attempts", "old.t.0.1"))).toBe(false);
  expect(bench.reports).toEqual([]);
});

test("closing without a stop leaves the attempts to the next worker", async () => {
  const bench = newBench();
  await bench.reopen();
  await bench.worker.recover([], []);
  const runs = assignment("echo ran; while [ ! -e go ]; do sleep 0.02; done; echo end");
  bench.worker.start(runs);
  await bench.started(keyOf(runs));
  await bench.worker.close({ stopAttempts: false });
  await bench.reopen();
  await bench.worker.recover([runs], []);
  writeFileSync(join(bench.dir, "attempts", keyOf(runs), "workspace/go"), "");
  expect(await bench.ended(keyOf(runs))).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(bench.stdout(keyOf(runs))).toBe("ran\nend\n");
});

test("closing with a stop ends the attempts in order, and the runner", async () => {
  const bench = newBench();
  await bench.reopen();
  await bench.worker.recover([], []);
  const key = bench.start("trap 'echo bye; exit 0' TERM; sleep 1000 & echo up; wait");
  await bench.line(key, "up");
  const pid = bench.runnerPid!;
  await bench.worker.close({ stopAttempts: true });
  expect(await bench.ended(key)).toMatchObject({ outcome: { kind: "lost", reason: "node-stopped" } });
  expect(bench.stdout(key)).toBe("up\nbye\n");
  await until(() => !isAlive(pid), "the runner to end");
  expect(existsSync(join(bench.dir, "runner.pid"))).toBe(false);
});

test("when the lease runs out with no agent there, everything is stopped", async () => {
  const bench = newBench();
  const runs = assignment("trap '' TERM; echo pid $$; while :; do sleep 0.05; done");
  const agent = startAgent(bench.dir, [runs], 600);
  const pid = Number(await until(() => /pid (\d+)/.exec(spool(bench, runs))?.[1], "it to run"));
  await killed(agent);
  expect(isAlive(pid)).toBe(true);
  await until(() => !isAlive(pid), "it to be stopped");
  await bench.reopen();
  await bench.worker.recover([runs], []);
  expect(await bench.ended(keyOf(runs))).toMatchObject({ outcome: { kind: "lost", reason: "lease-lost" } });
  // The next lease makes the node fit to work again.
  bench.worker.renewLease(60_000);
  expect(await bench.run("true")).toMatchObject({ outcome: { kind: "succeeded" } });
});

test("a lease that is renewed does not run out, and an older, shorter one does not shorten it", async () => {
  const bench = newBench();
  await bench.reopen();
  await bench.worker.recover([], []);
  bench.worker.renewLease(60_000);
  bench.worker.renewLease(100);
  expect(await bench.run("sleep 1.2")).toMatchObject({ outcome: { kind: "succeeded" } });
});

test("when the runner is killed, its attempts are lost, their processes die, and work goes on", async () => {
  const bench = newBench();
  await bench.reopen();
  await bench.worker.recover([], []);
  const key = bench.start("echo pid $$; (setsid sh -c 'echo child $$; exec sleep 1000' &); sleep 1000");
  const pids = [Number(await bench.line(key, "pid ")), Number(await bench.line(key, "child "))];
  process.kill(bench.runnerPid!, "SIGKILL");
  const next = bench.start("echo ran");
  expect(await bench.ended(key)).toMatchObject({
    outcome: { kind: "lost", reason: "runner-lost" },
    startedAtMs: (await bench.started(key)).atMs,
  });
  expect(pids.filter(isAlive)).toEqual([]);
  expect(await bench.ended(next)).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(bench.stdout(next)).toBe("ran\n");
});

test("when runner and agent are both killed, the next agent reports the loss and nothing is left", async () => {
  const bench = newBench();
  const runs = assignment("echo pid $$; sleep 1000");
  const agent = startAgent(bench.dir, [runs]);
  const pid = Number(await until(() => /pid (\d+)/.exec(spool(bench, runs))?.[1], "it to run"));
  await killed(agent);
  process.kill(bench.runnerPid!, "SIGKILL");
  await bench.reopen();
  expect(isAlive(pid)).toBe(false);
  await bench.worker.recover([runs], []);
  expect(await bench.ended(keyOf(runs))).toMatchObject({ outcome: { kind: "lost", reason: "runner-lost" } });
});

test("a second agent in a folder is refused and names the first", async () => {
  const bench = newBench();
  const runs = assignment("sleep 1000");
  const agent = startAgent(bench.dir, [runs]);
  await until(() => existsSync(join(bench.dir, "attempts", keyOf(runs), "stdout")), "it to run");
  await expect(bench.reopen()).rejects.toThrow(`another agent, process ${agent.pid}, uses`);
  await killed(agent);
  await bench.reopen();
  await bench.worker.recover([], []);
});

test("a folder whose path is too long for a socket works", async () => {
  const bench = newBench();
  const dir = join(bench.dir, "x".repeat(100), "y".repeat(100));
  mkdirSync(dirname(dir), { recursive: true });
  const deep = newBench({ dir });
  await deep.reopen();
  await deep.worker.recover([], []);
  expect(await deep.run("true")).toMatchObject({ outcome: { kind: "succeeded" } });
  await deep.worker.close({ stopAttempts: true });
});

test("a runner that cannot be started is said to be, with the place to look", async () => {
  const bench = newBench();
  const options = {
    dir: bench.dir,
    capacity: () => ({ cpuMillis: 1000, memoryBytes: 0, gpuUuids: [] }),
    artifacts: {} as never,
    onReport: () => {},
    onSpool: () => {},
    log: silentLog(),
  };
  const broken = join(bench.dir, "broken.mjs");
  writeFileSync(broken, "process.exit(9)");
  await expect(createWorker({ ...options, runnerProgram: broken })).rejects.toThrow(/exit code 9; see runner.log/);
  await expect(createWorker({ ...options, runnerProgram: "/nowhere.js" })).rejects.toThrow(/npm run build/);
});
