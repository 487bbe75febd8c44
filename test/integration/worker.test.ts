import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assignment, isAlive, keyOf, removeBuilt, WorkerBench } from "../support/worker.ts";
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

test("a command that succeeds is reported started and succeeded", async () => {
  const key = bench.start(["sh", "-c", "echo out; echo err >&2"]);
  const started = await bench.started(key);
  const ended = await bench.ended(key);
  expect(ended).toMatchObject({ outcome: { kind: "succeeded" }, message: "", exitCode: 0, signal: null, outputs: [] });
  expect(ended.startedAtMs).toBe(started.atMs);
  expect(ended.logBytes).toEqual({ stdout: 4, stderr: 4 });
  expect(bench.stdout(key)).toBe("out\n");
  expect(bench.stderr(key)).toBe("err\n");
});

test("values of variables arrive unchanged, whatever is in them", async () => {
  const env = {
    WEFT_PARAM_SPACES: "  two  spaces ",
    WEFT_PARAM_QUOTES: `"double" 'single' \`tick\``,
    WEFT_PARAM_SHELL: "$(touch pwned) $HOME ; rm -rf . & *",
    WEFT_PARAM_LINES: "one\ntwo\n\nfour",
    WEFT_PARAM_UNICODE: "naïve 雪 \u{1f9f6}",
    WEFT_PARAM_EMPTY: "",
  };
  const script = `${process.execPath} -e 'console.log(JSON.stringify(process.env))'`;
  for (const run of [script, [process.execPath, "-e", "console.log(JSON.stringify(process.env))"]]) {
    const key = bench.start(run, { env });
    await bench.ended(key);
    expect(JSON.parse(bench.stdout(key))).toMatchObject(env);
  }
});

test("a task sees who it is and where it is, and nothing of the agent's own environment", async () => {
  process.env["SECRET_OF_THE_AGENT"] = "x";
  const made = assignment("env; pwd", {
    ref: { ...assignment("").ref, task: "train", index: 3, attempt: 2 },
    inputs: [],
    gpuUuids: [],
  });
  bench.worker.start(made);
  await bench.ended(keyOf(made));
  const folder = `${bench.dir}/attempts/${keyOf(made)}`;
  const seen = Object.fromEntries(
    bench
      .stdout(keyOf(made))
      .split("\n")
      .filter((line) => line.includes("="))
      .map((line) => line.split(/=(.*)/s, 2)),
  );
  expect(seen).toMatchObject({
    WEFT_JOB_ID: made.ref.job,
    WEFT_TASK: "train",
    WEFT_INDEX: "3",
    WEFT_ATTEMPT: "2",
    WEFT_PIPELINE: "test",
    WEFT_ATTEMPT_KEY: keyOf(made),
    WEFT_RESULT: `${folder}/result.json`,
    TMPDIR: `${folder}/tmp`,
    CUDA_VISIBLE_DEVICES: "",
    ROCR_VISIBLE_DEVICES: "",
    CUDA_DEVICE_ORDER: "PCI_BUS_ID",
  });
  expect(seen).not.toHaveProperty("SECRET_OF_THE_AGENT");
  expect(bench.stdout(keyOf(made)).trimEnd().split("\n").at(-1)).toBe(`${folder}/workspace`);
});

test("a command list meets no shell", async () => {
  const key = bench.start(["printf", "%s|", "$HOME", "a b", "*", "'", "$(id)"]);
  await bench.ended(key);
  expect(bench.stdout(key)).toBe("$HOME|a b|*|'|$(id)|");
});

test("a script of many lines runs as one, and ends at the first command that fails", async () => {
  const key = bench.start(
    "for i in 1 2\ndo\n  echo line $i\ndone\ncat <<END\nhere $((1+1))\nEND\nfalse\necho not reached\n",
  );
  expect(await bench.ended(key)).toMatchObject({ outcome: { kind: "failed", reason: "exit" }, exitCode: 1 });
  expect(bench.stdout(key)).toBe("line 1\nline 2\nhere 2\n");
});

test("a script of 100 kB runs", async () => {
  const key = bench.start(`: '${"x".repeat(100_000)}'\necho end`);
  expect(await bench.ended(key)).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(bench.stdout(key)).toBe("end\n");
});

test("a failure names the exit code and the last line of stderr", async () => {
  const ended = await bench.run("echo first >&2; echo 'no such column: delay' >&2; exit 3");
  expect(ended).toMatchObject({
    outcome: { kind: "failed", reason: "exit" },
    exitCode: 3,
    message: "exit code 3: no such column: delay",
  });
});

test("a command that is not there is told from one that fails", async () => {
  expect(await bench.run(["no-such-command", "x"])).toMatchObject({
    outcome: { kind: "failed", reason: "command-not-found" },
    startedAtMs: null,
    message: expect.stringContaining('"no-such-command"'),
  });
  expect(await bench.run(["no-such-command"], limited(64))).toMatchObject({
    outcome: { kind: "failed", reason: "command-not-found" },
  });
  expect(await bench.run("no-such-command")).toMatchObject({
    outcome: { kind: "failed", reason: "exit" },
    exitCode: 127,
    message: expect.stringMatching(/did not find a command.*not found/),
  });
  expect(await bench.run(["/etc/passwd"])).toMatchObject({
    outcome: { kind: "failed", reason: "command-not-found" },
    message: expect.stringContaining("executable"),
  });
});

test("arguments that the system does not take are named as such", async () => {
  expect(await bench.run(["true", "x".repeat(200_000)])).toMatchObject({
    outcome: { kind: "failed", reason: "exit" },
    message: expect.stringContaining("128 KiB"),
  });
});

test("a process killed by a signal from elsewhere is reported with it", async () => {
  expect(await bench.run(["sh", "-c", "kill -SEGV $$"])).toMatchObject({
    outcome: { kind: "failed", reason: "signal" },
    signal: "SIGSEGV",
    exitCode: null,
  });
});

test("200 MB on stdout and any bytes are kept whole", async () => {
  const big = bench.start(["sh", "-c", "head -c 200000000 /dev/zero"]);
  const binary = bench.start(["printf", "\\000\\377\\001\\n\\200"]);
  expect(await bench.ended(big)).toMatchObject({ outcome: { kind: "succeeded" }, logBytes: { stdout: 200_000_000 } });
  expect(await bench.ended(binary)).toMatchObject({ logBytes: { stdout: 5 } });
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
  const burn = `${process.execPath} -e 'const b = Buffer.alloc(150e6, 1); const end = Date.now() + 400; while (Date.now() < end);'`;
  for (const parts of [{}, limited(1000)]) {
    const { usage } = await bench.run(`${burn}\n${burn}`, parts);
    expect(usage.cpuMs).toBeGreaterThan(600);
    expect(usage.cpuMs).toBeLessThan(3000);
    expect(usage.peakMemoryBytes).toBeGreaterThan(150e6);
    expect(usage.peakMemoryBytes).toBeLessThan(400e6);
  }
});

test("stop reaches one that still waits, and no process is started", async () => {
  const blocker = bench.start("sleep 1000", { resources: { cpuMillis: 8000, memoryBytes: 0, diskBytes: 0, gpus: 0 } });
  await bench.started(blocker);
  const waiting = bench.start("true");
  expect(bench.worker.active()).toContainEqual({ key: waiting, phase: "queued" });
  bench.worker.stop(waiting, "cancelled", 1000);
  expect(await bench.ended(waiting)).toMatchObject({
    outcome: { kind: "stopped", reason: "cancelled" },
    startedAtMs: null,
  });
  bench.worker.stop(blocker, "cancelled", 0);
  await bench.ended(blocker);
});

test("one that waits starts when there is room, the most urgent first", async () => {
  const all = { resources: { cpuMillis: 8000, memoryBytes: 0, diskBytes: 0, gpus: 0 } };
  const first = bench.start("sleep 0.2", all);
  await bench.started(first);
  const low = bench.start("true", { ...all, priority: -1 });
  const high = bench.start("true", { ...all, priority: 5 });
  await Promise.all([first, low, high].map((key) => bench.ended(key)));
  const order = bench.reports
    .filter((report) => report.kind === "started" && [first, low, high].includes(report.key))
    .map(({ key }) => key);
  expect(order).toEqual([first, high, low]);
});

test("what the machine could never hold fails at once and says why", async () => {
  expect(
    await bench.run("true", { resources: { cpuMillis: 9000, memoryBytes: 0, diskBytes: 0, gpus: 0 } }),
  ).toMatchObject({
    outcome: { kind: "failed" },
    message: expect.stringContaining("9 CPUs and this node has 8"),
  });
  expect(await bench.run("true", { gpuUuids: ["GPU-1"] })).toMatchObject({ message: expect.stringContaining("GPU-1") });
});

test("an attempt that is known is not started again", async () => {
  const made = assignment("echo once");
  bench.worker.start(made);
  bench.worker.start(made);
  await bench.ended(keyOf(made));
  bench.worker.start(made);
  await bench.run("true");
  expect(bench.stdout(keyOf(made))).toBe("once\n");
  expect(bench.reports.filter(({ key, kind }) => key === keyOf(made) && kind === "ended")).toHaveLength(1);
});

test("what an attempt has made goes when it has ended, its spool when it is forgotten", async () => {
  const key = bench.start("echo x > file; mkdir -p a/b; echo y > $TMPDIR/z; echo out; echo more > ../more");
  const folder = `${bench.dir}/attempts/${key}`;
  await bench.ended(key);
  await until(() => !existsSync(`${folder}/workspace`) && !existsSync(`${folder}/tmp`), "it to go");
  expect(bench.stdout(key)).toBe("out\n");
  bench.worker.forget(key);
  await until(() => !existsSync(folder), "the folder to go");
});

test("a link in the place of a folder or file goes alone: what it leads to is left as it was", async () => {
  const outside = mkdtempSync(join(tmpdir(), "weft-outside-"));
  writeFileSync(join(outside, "precious"), "x");
  mkdirSync(join(outside, "deep"));
  writeFileSync(join(outside, "deep/precious"), "x");
  for (const name of [
    "workspace",
    "tmp",
    "result.json",
    "stdout",
    "stderr",
    "script",
    "exit.json",
    "link",
    "workspace/x",
  ]) {
    const to = ["stdout", "stderr", "script", "exit.json"].includes(name) ? `${outside}/precious` : outside;
    const key = bench.start(["sh", "-c", `rm -rf ../${name}; ln -s ${to} ../${name}`]);
    await bench.ended(key);
    bench.worker.forget(key);
    await until(() => !existsSync(`${bench.dir}/attempts/${key}`), "the folder to go");
    expect((await bench.run("echo next")).outcome).toEqual({ kind: "succeeded" });
    expect(readFileSync(join(outside, "deep/precious"), "utf8")).toBe("x");
    expect(readFileSync(join(outside, "precious"), "utf8")).toBe("x");
  }
  mkdirSync(join(outside, "tmp"));
  writeFileSync(join(outside, "tmp/precious"), "x");
  const key = bench.start(["sh", "-c", `cd ..; d=$PWD; cd /; mv "$d" "$d.was"; ln -s ${outside} "$d"`]);
  await bench.ended(key);
  bench.worker.forget(key);
  await until(() => !existsSync(`${bench.dir}/attempts/${key}`), "the link to go");
  expect(readFileSync(join(outside, "tmp/precious"), "utf8")).toBe("x");
  rmSync(outside, { recursive: true });
});

test("a pipe in the place of stderr holds nobody up", async () => {
  expect(await bench.run(["sh", "-c", "rm ../stderr; mkfifo ../stderr; exit 4"])).toMatchObject({
    exitCode: 4,
    message: "exit code 4",
  });
});

test("an attempt finds nothing of those before it, also where their folders are used again", async () => {
  const nasty = [
    "echo x > ../left; echo $$ > file",
    "ln -sf /etc/hostname ../stderr.new; mv ../stderr.new ../stderr",
    "cd ..; mv tmp was; mkdir -m 777 tmp",
    "ln ../stdout ../hard",
    "chmod 777 .",
    "echo out; echo err >&2; sleep 0.06",
  ];
  for (const script of nasty) {
    const before = bench.start(script);
    await bench.ended(before);
    bench.worker.forget(before);
    await until(() => !existsSync(`${bench.dir}/attempts/${before}`), "the folder to go");
    const key = bench.start(
      "pwd -P; stat -c %F:%a . ../tmp ../stdout ../stderr; ls -A . ../tmp; ls -A ..; cat ../exit.json",
    );
    expect((await bench.ended(key)).outcome).toEqual({ kind: "succeeded" });
    const folder = `${bench.dir}/attempts/${key}`;
    const lines = bench.stdout(key).split("\n");
    expect(lines.slice(0, 9)).toEqual([
      `${folder}/workspace`,
      "directory:700",
      "directory:700",
      expect.stringMatching(/^regular.* file:600$/),
      "regular empty file:600",
      ".:",
      "",
      "../tmp:",
      "exit.json",
    ]);
    expect(lines.slice(9).filter((line) => !["process.json", "script"].includes(line))).toEqual([
      "stderr",
      "stdout",
      "tmp",
      "workspace",
      "started",
      "",
    ]);
    bench.worker.forget(key);
  }
});

function limited(mebibytes: number) {
  return { resources: { cpuMillis: 1000, memoryBytes: mebibytes * 2 ** 20, diskBytes: 0, gpus: 0 } };
}

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
