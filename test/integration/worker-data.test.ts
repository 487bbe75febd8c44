import { existsSync, writeFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { AssignedInput } from "../../lib/core/dispatch.ts";
import type { AttemptKey, Digest } from "../../lib/core/ids.ts";
import { decodeTree } from "../../lib/core/tree.ts";
import { digestBytes } from "../../lib/digest.ts";
import { run, StoreBench } from "../support/store-bench.ts";
import { until } from "../support/wait.ts";
import { assignment, keyOf, removeBuilt, type WorkerBench } from "../support/worker.ts";

let bench: StoreBench;
beforeEach(async () => {
  bench = await StoreBench.open();
});
afterEach(() => bench.close());
afterAll(removeBuilt);

test("code is laid out, with executable bits, and may be written to without changing what others get", async () => {
  const worker = await bench.worker();
  const code = await bench.submit({
    "run.sh*": "#!/bin/sh\ncat lib/a.txt; echo spoilt > lib/a.txt",
    "lib/a.txt": "hello\n",
  });
  expect(await run(worker, "./run.sh", { code })).toMatchObject([{ outcome: { kind: "succeeded" } }, "hello\n"]);
  expect(await run(worker, "./run.sh", { code })).toMatchObject([{ outcome: { kind: "succeeded" } }, "hello\n"]);
});

test("only the working files are laid out when globs name some", async () => {
  const worker = await bench.worker();
  const code = await bench.submit({
    "a.mjs": "",
    "b.txt": "",
    "src/x.ts": "",
    "src/deep/y.ts": "",
    ".hidden/z": "",
    "data/big.bin": "",
  });
  const [, all] = await run(worker, "find . -type f | sort", { code });
  expect(all.split("\n")).toHaveLength(7);
  const [, some] = await run(worker, "find . -type f | sort", { code, files: ["*.mjs", "src/**/*.ts", "./.hidden/"] });
  expect(some).toBe("./.hidden/z\n./a.mjs\n./src/deep/y.ts\n./src/x.ts\n");
});

test("inputs lie where the variables say, one entry an instance when the producer is mapped", async () => {
  const worker = await bench.worker();
  const inputs = [
    await bench.fileInput("table", "rows"),
    await bench.fileInput("model-part", "m0", { index: 0, fileName: "model.bin" }),
    await bench.fileInput("model-part", "m1", { index: 1, fileName: "model.bin" }),
    {
      name: "images",
      digest: await bench.submit({ "a/1": "one", "2": "two" }),
      kind: "tree",
      bytes: 6,
      index: null,
      fileName: "img",
    },
  ] satisfies AssignedInput[];
  const script = `cat $WEFT_INPUT_TABLE $WEFT_INPUT_MODEL_PART/0/model.bin $WEFT_INPUT_MODEL_PART/1/model.bin $WEFT_INPUT_IMAGES/a/1 $WEFT_INPUT_IMAGES/2
    echo; cat inputs/table/data.txt`;
  expect((await run(worker, script, { inputs }))[1]).toBe("rowsm0m1onetwo\nrows");
});

test("outputs and the result are stored by digest, files and folders", async () => {
  const worker = await bench.worker();
  const outputs = [
    { name: "table", path: "out/table.csv" },
    { name: "model", path: "model/" },
  ];
  const script = `echo 1,2 > out/table.csv
    mkdir -p model/deep; echo w > $WEFT_OUTPUT_MODEL/deep/weights; ln -s ../out/table.csv model/link; echo '{"rmse":1}' > $WEFT_RESULT`;
  const [ended] = await run(worker, script, { outputs });
  expect(ended).toMatchObject({ outcome: { kind: "succeeded" }, message: "" });
  const [table, model, result] = ended.outputs;
  expect(table).toEqual({ name: "table", kind: "file", bytes: 4, fileName: "table.csv", digest: digestBytes("1,2\n") });
  expect(model).toMatchObject({ name: "model", kind: "tree", bytes: 6, fileName: "model" });
  expect(result).toMatchObject({ name: "result", kind: "file", fileName: "result.json" });
  expect(await bench.stored(result!.digest)).toBe('{"rmse":1}\n');
  const tree = decodeTree(await bench.stored(model!.digest))!;
  expect(tree.files.map(({ path }) => path)).toEqual(["deep/weights", "link"]);
  expect(await bench.stored(tree.files[1]!.digest)).toBe("1,2\n");
});

test("bytes that the store has are not sent again", async () => {
  const worker = await bench.worker();
  const outputs = [{ name: "o", path: "o" }];
  await run(worker, "echo same > o", { outputs });
  bench.requests = [];
  const [ended] = await run(worker, "echo same > o", { outputs });
  expect(ended.outputs).toHaveLength(1);
  expect(bench.requests.filter((line) => line.startsWith("PUT"))).toEqual([]);
});

test("an output that is missing is named, with its path and what is there instead", async () => {
  const worker = await bench.worker();
  const outputs = [{ name: "model", path: "out/model.onnx" }];
  const failed = { outcome: { kind: "failed", reason: "missing-output" }, exitCode: 0, outputs: [] };
  expect((await run(worker, "touch out/model.onx; mkdir out/logs", { outputs }))[0]).toMatchObject({
    ...failed,
    message: 'output "model": the task ended without writing the file out/model.onnx; out/ holds logs/, model.onx',
  });
  expect((await run(worker, ":", { outputs }))[0].message).toContain("out/ is empty");
  expect((await run(worker, "mkdir out/model.onnx", { outputs }))[0].message).toContain('write "out/model.onnx/"');
  expect((await run(worker, ":", { outputs: [{ name: "d", path: "d/" }] }))[0].message).toContain(
    "the folder d/ is empty",
  );
  expect((await run(worker, "rmdir d; echo > d", { outputs: [{ name: "d", path: "d/" }] }))[0].message).toContain(
    "d/ is a file",
  );
});

test("an output that links out of the workspace is refused", async () => {
  const worker = await bench.worker();
  const outputs = [{ name: "o", path: "o" }];
  const outside = join(bench.folder, "outside");
  writeFileSync(outside, "x");
  expect((await run(worker, `ln -s ${outside} o`, { outputs }))[0]).toMatchObject({
    outcome: { kind: "failed", reason: "missing-output" },
    message: expect.stringContaining("outside the workspace"),
  });
  const tree = { outputs: [{ name: "t", path: "t/" }] };
  expect((await run(worker, `ln -s ${outside} t/x`, tree))[0]).toMatchObject({
    outcome: { kind: "failed", reason: "missing-output" },
  });
});

test("outputs of a task that failed are not looked at", async () => {
  const worker = await bench.worker();
  const [ended] = await run(worker, "echo x > o; exit 1", { outputs: [{ name: "o", path: "o" }] });
  expect(ended).toMatchObject({ outcome: { kind: "failed", reason: "exit" }, outputs: [] });
});

test("attempts that need the same content at the same time fetch it once", async () => {
  const worker = await bench.worker();
  const code = await bench.submit({ "a.txt": "a".repeat(100_000) });
  bench.requests = [];
  await Promise.all(Array.from({ length: 6 }, () => run(worker, "cat a.txt > /dev/null", { code })));
  expect(bench.requests.filter((line) => line.startsWith("GET"))).toHaveLength(2);
});

test("the cache forgets what was used longest ago, and never what is in use", async () => {
  const worker = await bench.worker({ cacheBytesMax: 250_000 });
  const inputs = await Promise.all(["a", "b", "c"].map((letter) => bench.fileInput("x", letter.repeat(100_000))));
  for (const input of inputs)
    expect((await run(worker, "wc -c < inputs/x/data.txt", { inputs: [input] }))[1]).toBe("100000\n");
  const cached = (digest: Digest) => existsSync(join(worker.dir, "cache/sha256", digest.slice(7, 9), digest.slice(7)));
  expect(inputs.map(({ digest }) => cached(digest))).toEqual([false, true, true]);
  // More than the cache may hold, all at once, in one attempt.
  const many = await Promise.all(
    ["d", "e", "f", "g"].map((letter, index) => bench.fileInput("x", letter.repeat(100_000), { index })),
  );
  expect((await run(worker, "cat inputs/x/*/data.txt | wc -c", { inputs: many }))[1]).toBe("400000\n");
});

test("content that the store does not have, or has wrong, is an input that is missing", async () => {
  const worker = await bench.worker();
  const absent = await bench.fileInput("x", "never stored", { digest: digestBytes("other") });
  expect((await run(worker, "true", { inputs: [absent] }))[0]).toMatchObject({
    outcome: { kind: "failed", reason: "input-missing" },
    startedAtMs: null,
    message: expect.stringContaining(absent.digest),
  });
  const wrong = await bench.fileInput("x", "right");
  await chmod(bench.store.files.path(wrong.digest), 0o644);
  writeFileSync(bench.store.files.path(wrong.digest), "wrong");
  expect((await run(worker, "true", { inputs: [wrong] }))[0]).toMatchObject({
    outcome: { kind: "failed", reason: "input-missing" },
  });
});

test("a store that is away for a while delays inputs and outputs, and loses nothing", async () => {
  const worker = await bench.worker();
  const inputs = [await bench.fileInput("x", "data")];
  await bench.down();
  const made = assignment("cp inputs/x/data.txt o; echo up; while [ ! -e $TMPDIR/go ]; do sleep 0.02; done", {
    inputs,
    outputs: [{ name: "o", path: "o" }],
  });
  worker.worker.start(made);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(worker.worker.active()).toEqual([{ key: keyOf(made), phase: "preparing" }]);
  await bench.up();
  await worker.line(keyOf(made), "up");
  await bench.down();
  writeFileSync(join(worker.dir, "attempts", keyOf(made), "tmp/go"), "");
  await until(() => worker.worker.active()[0]?.phase === "collecting", "it to collect");
  await new Promise((resolve) => setTimeout(resolve, 500));
  await bench.up();
  expect(await worker.ended(keyOf(made))).toMatchObject({
    outcome: { kind: "succeeded" },
    outputs: [{ digest: inputs[0]!.digest }],
  });
});

test("a store that stays away costs the attempt, as the platform's loss", async () => {
  const worker = await bench.worker({ storeWaitMsMax: 300 });
  const inputs = [await bench.fileInput("x", "data")];
  await bench.down();
  const lost = { outcome: { kind: "lost", reason: "store-unreachable" } };
  expect((await run(worker, "true", { inputs }))[0]).toMatchObject(lost);
  expect((await run(worker, "echo x > o", { outputs: [{ name: "o", path: "o" }] }))[0]).toMatchObject(lost);
});

test("a cancel ends an attempt that waits for the store, before and after its process", async () => {
  const worker = await bench.worker();
  const inputs = [await bench.fileInput("x", "data")];
  await bench.down();
  const before = worker.start("true", { inputs });
  const after = worker.start("echo x > o", { outputs: [{ name: "o", path: "o" }] });
  await until(() => worker.worker.active().some(({ phase }) => phase === "collecting"), "one to collect");
  for (const key of [before, after]) worker.worker.stop(key, "cancelled", 10_000);
  expect(await worker.ended(before)).toMatchObject({
    outcome: { kind: "stopped", reason: "cancelled" },
    startedAtMs: null,
  });
  expect(await worker.ended(after)).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" }, exitCode: 0 });
});

test("outputs that were not stored yet are stored by the next agent", async () => {
  const worker = await bench.worker();
  await bench.down();
  const made = assignment("echo x > o", { outputs: [{ name: "o", path: "o" }] });
  worker.worker.start(made);
  await until(() => worker.worker.active()[0]?.phase === "collecting", "it to collect");
  await worker.worker.close({ stopAttempts: false });
  await bench.up();
  await worker.reopen();
  await worker.worker.recover([made], []);
  expect(await worker.ended(keyOf(made))).toMatchObject({
    outcome: { kind: "succeeded" },
    outputs: [{ digest: digestBytes("x\n") }],
  });
});

test("what a stopped attempt left in its checkpoint folder is there for the next one, and what a successful one left is not kept", async () => {
  const worker = await bench.worker();
  const first = worker.start(
    'mkdir -p "$WEFT_CHECKPOINT/deep"; echo 7 > "$WEFT_CHECKPOINT/deep/step"; echo ready; exec sleep 60',
    { checkpoint: { from: null } },
  );
  await worker.line(first, "ready");
  worker.worker.stop(first, "preempted", 1000);
  const { outcome, checkpoint } = await worker.ended(first);
  expect(outcome).toEqual({ kind: "lost", reason: "preempted" });
  expect(checkpoint).toMatchObject({ kind: "tree", bytes: 2 });
  const other = await bench.worker();
  const next = await other.run('test "$(cat "$WEFT_CHECKPOINT/deep/step")" = 7', {
    checkpoint: { from: checkpoint! },
  });
  expect(next).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(next.checkpoint).toBeUndefined();
});

test.each([
  ["a number", "12", 12],
  ["anything else", "twelve", undefined],
  ["nothing", "", undefined],
])("a checkpoint whose ROUND holds %s is of that round", async (_, text, round) => {
  const worker = await bench.worker();
  const run = `printf '%s' '${text}' > "$WEFT_CHECKPOINT/ROUND"; exit 1`;
  const { checkpoint } = await worker.run(run, { checkpoint: { from: null } });
  expect(checkpoint?.round).toBe(round);
});

/** What the worker has said of checkpoints of that attempt, in their order. */
const checkpointsOf = (worker: WorkerBench, key: AttemptKey) =>
  worker.reports.flatMap((report) => (report.kind === "checkpoint" && report.key === key ? [report.checkpoint] : []));

test("the checkpoint of a task that runs is stored again and again, whole, and what has not changed is not sent again", async () => {
  const worker = await bench.worker();
  const go = join(bench.folder, "go");
  const made = assignment(
    `cd "$WEFT_CHECKPOINT"
    head -c 100000 /dev/zero > base.tmp; mv base.tmp base
    echo torn > next.tmp
    echo 1 > step
    while ! test -e ${go}; do sleep 0.05; done
    echo 2 > step.tmp; mv step.tmp step
    exec sleep 60`,
    { checkpoint: { from: null, everyMs: 50 } },
  );
  const key = keyOf(made);
  worker.worker.start(made);
  await until(() => checkpointsOf(worker, key).at(-1)?.bytes === 100_002, "the first two files to be kept");
  const [first] = checkpointsOf(worker, key).slice(-1);
  const base = digestBytes(Buffer.alloc(100_000));
  const tree = async (digest: Digest) => decodeTree(await bench.stored(digest));
  expect((await tree(first!.digest))!.files.map(({ path }) => path)).toEqual(["base", "step"]);
  const puts = () => bench.requests.filter((request) => request === `PUT /v1/artifacts/${base}`).length;
  const sent = puts();
  writeFileSync(go, "");
  await until(() => checkpointsOf(worker, key).at(-1)?.digest !== first!.digest, "the next one");
  await until(() => checkpointsOf(worker, key).at(-1)?.bytes === 100_002, "the next one, whole");
  const kept = checkpointsOf(worker, key).at(-1)!;
  expect([sent, puts()]).toEqual([1, 1]);
  // Nothing more is told while nothing changes, also not by the worker that takes it over.
  const told = checkpointsOf(worker, key).length;
  const other = await bench.worker();
  const resumed = await other.run('cat "$WEFT_CHECKPOINT/step"; test ! -e "$WEFT_CHECKPOINT/next.tmp"', {
    checkpoint: { from: kept, everyMs: 60_000 },
  });
  expect(resumed).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(checkpointsOf(worker, key).length).toBe(told);
  worker.worker.stop(key, "cancelled", 0);
  await worker.ended(key);
});

test("a folder that changes all the time is no checkpoint, which the task is told once", async () => {
  const worker = await bench.worker();
  const made = assignment(
    'cd "$WEFT_CHECKPOINT"; echo begun; i=0; while true; do i=$((i + 1)); echo $i >> step; sleep 0.02; done',
    { checkpoint: { from: null, everyMs: 50 } },
  );
  const key = keyOf(made);
  worker.worker.start(made);
  const stderr = () => worker.stderr(key);
  await worker.line(key, "begun");
  await until(() => stderr().includes("the checkpoint was not stored"), "the complaint");
  expect(stderr()).toMatch(/changed while they were read; write to a name that ends in \.tmp/);
  worker.worker.stop(key, "cancelled", 0);
  await worker.ended(key);
  // Again only after it went well in between.
  expect(stderr().match(/was not stored/g)!.length).toBeLessThanOrEqual(checkpointsOf(worker, key).length + 1);
});
