import { afterAll, beforeAll, expect, test } from "vitest";
import { assignment, keyOf, limited, removeBuilt, WorkerBench } from "../support/worker.ts";

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
    WEFT_PARAM_SHELL: "$(touch pwned) $HOME ; touch pwned & *",
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

test("stop reaches one that still waits, and no process is started", async () => {
  const blocker = bench.start("sleep 1000", {
    resources: { cpuMillis: 8000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
  });
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
  const all = { resources: { cpuMillis: 8000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null } };
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

test("what the machine could never hold ends at once, says why, and spends no retry", async () => {
  expect(
    await bench.run("true", { resources: { cpuMillis: 9000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null } }),
  ).toMatchObject({
    outcome: { kind: "lost" },
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
