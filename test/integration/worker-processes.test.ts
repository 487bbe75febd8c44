import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isAlive, limited, removeBuilt, WorkerBench } from "../support/worker.ts";
import { until } from "../support/wait.ts";

let bench: WorkerBench;
beforeAll(async () => {
  bench = await WorkerBench.open();
  await bench.worker.recover([], []);
});
afterAll(async () => {
  await bench.close();
  removeBuilt();
});

test("a timeout ends the task with SIGTERM, and says how long it was", async () => {
  const key = bench.start("trap 'echo got TERM; exit 0' TERM\nsleep 1000 & wait", { timeoutMs: 100 });
  expect(await bench.ended(key)).toMatchObject({
    outcome: { kind: "failed", reason: "timeout" },
    message: expect.stringContaining("0.1 s"),
  });
  expect(bench.stdout(key)).toBe("got TERM\n");
});

test("one that ignores SIGTERM is killed after its grace", async () => {
  const key = bench.start("trap '' TERM\necho pid $$\nwhile :; do sleep 0.05; done");
  const pid = Number(await bench.line(key, "pid "));
  const beganMs = performance.now();
  bench.worker.stop(key, "cancelled", 300);
  expect(bench.worker.active()).toContainEqual({ key, phase: "stopping" });
  expect(await bench.ended(key)).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" } });
  expect(performance.now() - beganMs).toBeGreaterThan(290);
  expect(isAlive(pid)).toBe(false);
});

test("what the main process leaves behind in its time of grace may end in order", async () => {
  const key = bench.start(
    "(trap 'sleep 0.2; echo saved; exit 0' TERM; echo ready; while :; do sleep 0.02; done) &\nwait",
  );
  await bench.line(key, "ready");
  bench.worker.stop(key, "drained", 5000);
  expect(await bench.ended(key)).toMatchObject({ outcome: { kind: "lost", reason: "drained" } });
  expect(bench.stdout(key)).toBe("ready\nsaved\n");
});

const ESCAPES: Record<string, string> = {
  "in the background": "sleep N &",
  "in another session": "setsid sleep N & sleep 0.1",
  "by a double fork": "(setsid sh -c 'sleep N &' &); sleep 0.1",
  "without the environment": "env -i setsid /bin/sleep N & sleep 0.1",
  "without the environment, at once": "env -i setsid /bin/sleep N &",
  "without environment, workspace and output":
    "env -i setsid /bin/sh -c 'cd /; exec sleep N >/dev/null 2>&1' & sleep 0.2",
};
for (const [how, script] of Object.entries(ESCAPES)) {
  test(`a process that is left behind ${how} is killed and mentioned`, async () => {
    const seconds = uniqueSeconds();
    const ended = await bench.run(script.replace("N", seconds));
    expect(ended.outcome).toEqual({ kind: "succeeded" });
    expect(sleepers(seconds)).toEqual([]);
    expect(ended.message).toMatch(/^\d process(es)? that it had left running (was|were) killed$/);
  });

  test(`a process ${how} goes with a stop of its attempt`, async () => {
    const seconds = uniqueSeconds();
    const key = bench.start(`${script.replace("N", seconds)}\nsleep 1000`);
    await until(() => sleepers(seconds).length > 0, "its process");
    bench.worker.stop(key, "cancelled", 0);
    expect(await bench.ended(key)).toMatchObject({ outcome: { kind: "stopped" } });
    expect(sleepers(seconds)).toEqual([]);
  });
}

test.runIf(existsSync("/sys/fs/cgroup/unified/cgroup.procs") || existsSync("/sys/fs/cgroup/cgroup.procs"))(
  "a process that hides everything at once is found when only one attempt can have left it",
  async () => {
    const seconds = uniqueSeconds();
    const other = bench.start("sleep 1000");
    await bench.started(other);
    await bench.run(`env -i setsid /bin/sh -c 'cd /; exec sleep ${seconds} >/dev/null 2>&1' >/dev/null 2>&1 &`);
    bench.worker.stop(other, "cancelled", 0);
    await bench.ended(other);
    expect(sleepers(seconds)).toEqual([]);
  },
);

test("a process in a cgroup cannot leave it", async () => {
  const seconds = uniqueSeconds();
  const script = `env -i setsid /bin/sh -c 'cd /; exec sleep ${seconds} >/dev/null 2>&1' >/dev/null 2>&1 &`;
  expect((await bench.run(script, limited(64))).outcome).toEqual({ kind: "succeeded" });
  expect(sleepers(seconds)).toEqual([]);
});

test("memory beyond the limit ends the task as out of memory, with the figures", async () => {
  const ended = await bench.run(
    [process.execPath, "-e", "const all = []; for (;;) all.push(Buffer.alloc(8e6, 1))"],
    limited(100),
  );
  expect(ended).toMatchObject({
    outcome: { kind: "failed", reason: "out-of-memory" },
    message: expect.stringMatching(/limit of 100 MiB; it used up to (9\d|100) MiB/),
  });
});

test("a child of the task that runs out of memory counts as well, unless the task copes", async () => {
  const eat = `${process.execPath} -e 'const all = []; for (;;) all.push(Buffer.alloc(8e6, 1))'`;
  expect(await bench.run(`${eat}; echo not reached`, limited(100))).toMatchObject({
    outcome: { kind: "failed", reason: "out-of-memory" },
  });
  expect(await bench.run(`${eat} || echo coped`, limited(100))).toMatchObject({ outcome: { kind: "succeeded" } });
});

test("CPU time and memory of the whole tree are measured", async () => {
  const burn = `${process.execPath} -e 'const b = Buffer.alloc(150e6, 1); for (let i = 0; process.cpuUsage().user < 400e3; i++) for (let j = 0; j < 1e6; j++);'`;
  for (const parts of [{}, limited(1000)]) {
    const { usage } = await bench.run(`${burn}\n${burn}`, parts);
    expect(usage.cpuMs).toBeGreaterThan(600);
    expect(usage.cpuMs).toBeLessThan(3000);
    expect(usage.peakMemoryBytes).toBeGreaterThan(150e6);
    expect(usage.peakMemoryBytes).toBeLessThan(400e6);
  }
});

test("what a task used that was over at once is known as well", async () => {
  const { usage } = await bench.run(["sh", "-c", "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done"]);
  expect(usage.source).toBe("sampled");
  expect(usage.cpuMs).toBeGreaterThan(0);
  expect(usage.cpuMs).toBeLessThan(1000);
});

test("a task starts with no signal blocked, none ignored, and none of the runner's files open", async () => {
  const key = bench.start(
    "grep -E '^Sig(Blk|Ign)' /proc/self/status; readlink /proc/self/fd/* | grep exit.json || echo none",
  );
  await bench.ended(key);
  const none = "0".repeat(16);
  expect(bench.stdout(key)).toBe(`SigBlk:\t${none}\nSigIgn:\t${none}\nnone\n`);
});

test("a program is looked up in the task's own PATH, and one without #! goes to the shell", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-path-"));
  writeFileSync(join(folder, "greet"), "echo from $0\n", { mode: 0o755 });
  const key = bench.start(["greet"], { env: { PATH: `/nowhere:${folder}` } });
  expect((await bench.ended(key)).outcome).toEqual({ kind: "succeeded" });
  expect(bench.stdout(key)).toBe(`from ${folder}/greet\n`);
  rmSync(folder, { recursive: true });
});

let lastSeconds = 1_000_000;

/** To find the process again by what it was told to do. */
function uniqueSeconds(): string {
  lastSeconds += 1;
  return `${lastSeconds}.${process.pid}`;
}

function sleepers(seconds: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter(
      (pid) => pid > 0 && isAlive(pid) && commandLine(pid).startsWith("sleep") && commandLine(pid).includes(seconds),
    );
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/^\/bin\//, "");
  } catch {
    return "";
  }
}
