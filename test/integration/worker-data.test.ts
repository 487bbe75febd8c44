import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { createArtifactClient, putTree, type ArtifactClient } from "../../lib/artifacts.ts";
import type { Store } from "../../lib/cas.ts";
import type { AssignedInput, Assignment, EndedReport } from "../../lib/core/dispatch.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { decodeTree } from "../../lib/core/tree.ts";
import { digestBytes } from "../../lib/digest.ts";
import { closeHttp, createHttpApp, listenHttp } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import { packFolder } from "../../lib/tree.ts";
import { artifactRoutes, openArtifactStore } from "../../services/artifacts/index.ts";
import type { WorkerOptions } from "../../worker/index.ts";
import { until } from "../support/wait.ts";
import { assignment, keyOf, removeBuilt, WorkerBench } from "../support/worker.ts";

let folder: string;
let store: Store;
let app: FastifyInstance;
let port: number;
let client: ArtifactClient;
let requests: string[];
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "weft-data-")));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  store = await openArtifactStore(join(folder, "store"));
  await serve(0);
  client = createArtifactClient({ baseUrl: () => `http://127.0.0.1:${port}`, retryMs: 300 });
  cleanups.push(() => client.close());
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});
afterAll(removeBuilt);

async function serve(at: number): Promise<void> {
  requests = [];
  app = createHttpApp({ logger: silentLog() });
  app.addHook("onRequest", async (request) => void requests.push(`${request.method} ${request.url}`));
  await app.register(artifactRoutes(store));
  port = await listenHttp(app, { host: "127.0.0.1", port: at });
  const served = app;
  cleanups.push(() => closeHttp(served, 0));
}

async function open(options: Partial<WorkerOptions> = {}): Promise<WorkerBench> {
  const bench = await WorkerBench.open({ artifacts: client, ...options });
  cleanups.push(() => bench.close());
  await bench.worker.recover([], []);
  return bench;
}

/** Stores a folder with these files; a path that ends with "*" is executable. */
async function submit(files: Record<string, string>): Promise<Digest> {
  const root = mkdtempSync(join(folder, "code-"));
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name.replace(/\*$/, ""));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    if (name.endsWith("*")) await chmod(path, 0o755);
  }
  const packed = await packFolder(root, ["."]);
  await putTree(client, packed, root);
  return packed.digest;
}

async function fileInput(name: string, content: string, parts: Partial<AssignedInput> = {}): Promise<AssignedInput> {
  const digest = digestBytes(content);
  await client.putBytes(digest, content);
  return { name, digest, kind: "file", bytes: content.length, index: null, fileName: "data.txt", ...parts };
}

const stored = async (digest: Digest): Promise<string> => text(await store.open(digest));

async function run(
  bench: WorkerBench,
  script: string,
  parts: Partial<Assignment> = {},
): Promise<[EndedReport, string]> {
  const made = assignment(script, parts);
  bench.worker.start(made);
  const ended = await bench.ended(keyOf(made));
  const stdout = join(bench.dir, "attempts", keyOf(made), "stdout");
  return [ended, existsSync(stdout) ? readFileSync(stdout, "utf8") : ""];
}

test("code is laid out, with executable bits, and may be written to without changing what others get", async () => {
  const bench = await open();
  const code = await submit({ "run.sh*": "#!/bin/sh\ncat lib/a.txt; echo spoilt > lib/a.txt", "lib/a.txt": "hello\n" });
  expect(await run(bench, "./run.sh", { code })).toMatchObject([{ outcome: { kind: "succeeded" } }, "hello\n"]);
  expect(await run(bench, "./run.sh", { code })).toMatchObject([{ outcome: { kind: "succeeded" } }, "hello\n"]);
});

test("only the working files are laid out when globs name some", async () => {
  const bench = await open();
  const code = await submit({
    "a.mjs": "",
    "b.txt": "",
    "src/x.ts": "",
    "src/deep/y.ts": "",
    ".hidden/z": "",
    "data/big.bin": "",
  });
  const [, all] = await run(bench, "find . -type f | sort", { code });
  expect(all.split("\n")).toHaveLength(7);
  const [, some] = await run(bench, "find . -type f | sort", { code, files: ["*.mjs", "src/**/*.ts", "./.hidden/"] });
  expect(some).toBe("./.hidden/z\n./a.mjs\n./src/deep/y.ts\n./src/x.ts\n");
});

test("inputs lie where the variables say, one entry an instance when the producer is mapped", async () => {
  const bench = await open();
  const inputs = [
    await fileInput("table", "rows"),
    await fileInput("model-part", "m0", { index: 0, fileName: "model.bin" }),
    await fileInput("model-part", "m1", { index: 1, fileName: "model.bin" }),
    {
      name: "images",
      digest: await submit({ "a/1": "one", "2": "two" }),
      kind: "tree",
      bytes: 6,
      index: null,
      fileName: "img",
    },
  ] satisfies AssignedInput[];
  const script = `cat $WEFT_INPUT_TABLE $WEFT_INPUT_MODEL_PART/0/model.bin $WEFT_INPUT_MODEL_PART/1/model.bin $WEFT_INPUT_IMAGES/a/1 $WEFT_INPUT_IMAGES/2
    echo; cat inputs/table/data.txt`;
  expect((await run(bench, script, { inputs }))[1]).toBe("rowsm0m1onetwo\nrows");
});

test("outputs and the result are stored by digest, files and folders", async () => {
  const bench = await open();
  const outputs = [
    { name: "table", path: "out/table.csv" },
    { name: "model", path: "model/" },
  ];
  const script = `echo 1,2 > out/table.csv
    mkdir -p model/deep; echo w > $WEFT_OUTPUT_MODEL/deep/weights; ln -s ../out/table.csv model/link; echo '{"rmse":1}' > $WEFT_RESULT`;
  const [ended] = await run(bench, script, { outputs });
  expect(ended).toMatchObject({ outcome: { kind: "succeeded" }, message: "" });
  const [table, model, result] = ended.outputs;
  expect(table).toEqual({ name: "table", kind: "file", bytes: 4, fileName: "table.csv", digest: digestBytes("1,2\n") });
  expect(model).toMatchObject({ name: "model", kind: "tree", bytes: 6, fileName: "model" });
  expect(result).toMatchObject({ name: "result", kind: "file", fileName: "result.json" });
  expect(await stored(result!.digest)).toBe('{"rmse":1}\n');
  const tree = decodeTree(await stored(model!.digest))!;
  expect(tree.files.map(({ path }) => path)).toEqual(["deep/weights", "link"]);
  expect(await stored(tree.files[1]!.digest)).toBe("1,2\n");
});

test("bytes that the store has are not sent again", async () => {
  const bench = await open();
  const outputs = [{ name: "o", path: "o" }];
  await run(bench, "echo same > o", { outputs });
  requests = [];
  const [ended] = await run(bench, "echo same > o", { outputs });
  expect(ended.outputs).toHaveLength(1);
  expect(requests.filter((line) => line.startsWith("PUT"))).toEqual([]);
});

test("an output that is missing is named, with its path and what is there instead", async () => {
  const bench = await open();
  const outputs = [{ name: "model", path: "out/model.onnx" }];
  const failed = { outcome: { kind: "failed", reason: "missing-output" }, exitCode: 0, outputs: [] };
  expect((await run(bench, "touch out/model.onx; mkdir out/logs", { outputs }))[0]).toMatchObject({
    ...failed,
    message: 'output "model": the task ended without writing the file out/model.onnx; out/ holds logs/, model.onx',
  });
  expect((await run(bench, ":", { outputs }))[0].message).toContain("out/ is empty");
  expect((await run(bench, "mkdir out/model.onnx", { outputs }))[0].message).toContain('write "out/model.onnx/"');
  expect((await run(bench, ":", { outputs: [{ name: "d", path: "d/" }] }))[0].message).toContain(
    "the folder d/ is empty",
  );
  expect((await run(bench, "rmdir d; echo > d", { outputs: [{ name: "d", path: "d/" }] }))[0].message).toContain(
    "d/ is a file",
  );
});

test("an output that links out of the workspace is refused", async () => {
  const bench = await open();
  const outputs = [{ name: "o", path: "o" }];
  expect((await run(bench, "ln -s /etc/passwd o", { outputs }))[0]).toMatchObject({
    outcome: { kind: "failed", reason: "missing-output" },
    message: expect.stringContaining("outside the workspace"),
  });
  const tree = { outputs: [{ name: "t", path: "t/" }] };
  expect((await run(bench, "ln -s /etc/passwd t/x", tree))[0]).toMatchObject({
    outcome: { kind: "failed", reason: "missing-output" },
  });
});

test("outputs of a task that failed are not looked at", async () => {
  const bench = await open();
  const [ended] = await run(bench, "echo x > o; exit 1", { outputs: [{ name: "o", path: "o" }] });
  expect(ended).toMatchObject({ outcome: { kind: "failed", reason: "exit" }, outputs: [] });
});

test("attempts that need the same content at the same time fetch it once", async () => {
  const bench = await open();
  const code = await submit({ "a.txt": "a".repeat(100_000) });
  requests = [];
  await Promise.all(Array.from({ length: 6 }, () => run(bench, "cat a.txt > /dev/null", { code })));
  expect(requests.filter((line) => line.startsWith("GET"))).toHaveLength(2);
});

test("the cache forgets what was used longest ago, and never what is in use", async () => {
  const bench = await open({ cacheBytesMax: 250_000 });
  const inputs = await Promise.all(["a", "b", "c"].map((letter) => fileInput("x", letter.repeat(100_000))));
  for (const input of inputs)
    expect((await run(bench, "wc -c < inputs/x/data.txt", { inputs: [input] }))[1]).toBe("100000\n");
  const cached = (digest: Digest) => existsSync(join(bench.dir, "cache/sha256", digest.slice(7, 9), digest.slice(7)));
  expect(inputs.map(({ digest }) => cached(digest))).toEqual([false, true, true]);
  // More than the cache may hold, all at once, in one attempt.
  const many = await Promise.all(
    ["d", "e", "f", "g"].map((letter, index) => fileInput("x", letter.repeat(100_000), { index })),
  );
  expect((await run(bench, "cat inputs/x/*/data.txt | wc -c", { inputs: many }))[1]).toBe("400000\n");
});

test("content that the store does not have, or has wrong, is an input that is missing", async () => {
  const bench = await open();
  const absent = await fileInput("x", "never stored", { digest: digestBytes("other") });
  expect((await run(bench, "true", { inputs: [absent] }))[0]).toMatchObject({
    outcome: { kind: "failed", reason: "input-missing" },
    startedAtMs: null,
    message: expect.stringContaining(absent.digest),
  });
  const wrong = await fileInput("x", "right");
  await chmod(store.path(wrong.digest), 0o644);
  writeFileSync(store.path(wrong.digest), "wrong");
  expect((await run(bench, "true", { inputs: [wrong] }))[0]).toMatchObject({
    outcome: { kind: "failed", reason: "input-missing" },
  });
});

test("a store that is away for a while delays inputs and outputs, and loses nothing", async () => {
  const bench = await open();
  const inputs = [await fileInput("x", "data")];
  await closeHttp(app, 0);
  const made = assignment("cp inputs/x/data.txt o; echo up; while [ ! -e $TMPDIR/go ]; do sleep 0.02; done", {
    inputs,
    outputs: [{ name: "o", path: "o" }],
  });
  bench.worker.start(made);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(bench.worker.active()).toEqual([{ key: keyOf(made), phase: "preparing" }]);
  await serve(port);
  await bench.line(keyOf(made), "up");
  await closeHttp(app, 0);
  writeFileSync(join(bench.dir, "attempts", keyOf(made), "tmp/go"), "");
  await until(() => bench.worker.active()[0]?.phase === "collecting", "it to collect");
  await new Promise((resolve) => setTimeout(resolve, 500));
  await serve(port);
  expect(await bench.ended(keyOf(made))).toMatchObject({
    outcome: { kind: "succeeded" },
    outputs: [{ digest: inputs[0]!.digest }],
  });
});

test("a store that stays away costs the attempt, as the platform's loss", async () => {
  const bench = await open({ storeWaitMsMax: 300 });
  const inputs = [await fileInput("x", "data")];
  await closeHttp(app, 0);
  const lost = { outcome: { kind: "lost", reason: "store-unreachable" } };
  expect((await run(bench, "true", { inputs }))[0]).toMatchObject(lost);
  expect((await run(bench, "echo x > o", { outputs: [{ name: "o", path: "o" }] }))[0]).toMatchObject(lost);
});

test("a cancel ends an attempt that waits for the store, before and after its process", async () => {
  const bench = await open();
  const inputs = [await fileInput("x", "data")];
  await closeHttp(app, 0);
  const before = bench.start("true", { inputs });
  const after = bench.start("echo x > o", { outputs: [{ name: "o", path: "o" }] });
  await until(() => bench.worker.active().some(({ phase }) => phase === "collecting"), "one to collect");
  for (const key of [before, after]) bench.worker.stop(key, "cancelled", 10_000);
  expect(await bench.ended(before)).toMatchObject({
    outcome: { kind: "stopped", reason: "cancelled" },
    startedAtMs: null,
  });
  expect(await bench.ended(after)).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" }, exitCode: 0 });
});

test("outputs that were not stored yet are stored by the next agent", async () => {
  const bench = await open();
  await closeHttp(app, 0);
  const made = assignment("echo x > o", { outputs: [{ name: "o", path: "o" }] });
  bench.worker.start(made);
  await until(() => bench.worker.active()[0]?.phase === "collecting", "it to collect");
  await bench.worker.close({ stopAttempts: false });
  await serve(port);
  await bench.reopen();
  await bench.worker.recover([made], []);
  expect(await bench.ended(keyOf(made))).toMatchObject({
    outcome: { kind: "succeeded" },
    outputs: [{ digest: digestBytes("x\n") }],
  });
});

/** A package that lies in the submitted folder itself: nothing is fetched from anywhere. */
const PACKAGE = {
  "app/package.json": JSON.stringify({ name: "app", version: "1.0.0", dependencies: { greeting: "file:./greeting" } }),
  "app/package-lock.json": JSON.stringify({
    name: "app",
    version: "1.0.0",
    lockfileVersion: 3,
    packages: { "": { name: "app", version: "1.0.0" } },
  }),
};

test("packages of a lock file are installed once, and appear as node_modules beside it", async () => {
  const bench = await open();
  const files = {
    ...PACKAGE,
    "app/package.json": JSON.stringify({ name: "app", version: "1.0.0" }),
    "app/main.mjs": "",
  };
  const code = await submit(files);
  const parts = { code, files: ["app/*.mjs"], environment: { kind: "node", lock: "app/package-lock.json" } } as const;
  const both = await Promise.all([1, 2].map(() => run(bench, "readlink app/node_modules; ls app", parts)));
  for (const [ended, out] of both) {
    expect(ended).toMatchObject({
      outcome: { kind: "succeeded" },
      environmentDigest: expect.stringMatching(/^sha256:/),
    });
    const built = join(bench.dir, "cache/environments", ended.environmentDigest!.slice(7));
    expect(out).toBe(`${built}/node_modules\nmain.mjs\nnode_modules\n`);
  }
  expect(readdirSync(join(bench.dir, "cache/environments"))).toHaveLength(1);
});

test("packages that cannot be installed fail the attempt with npm's own words", async () => {
  const bench = await open();
  // The lock file does not hold what package.json asks for.
  const code = await submit(PACKAGE);
  const made = assignment("true", { code, environment: { kind: "node", lock: "app/package-lock.json" } });
  bench.worker.start(made);
  const ended = await bench.ended(keyOf(made));
  expect(ended).toMatchObject({ outcome: { kind: "failed", reason: "environment-failed" }, startedAtMs: null });
  expect(ended.message).toMatch(/npm ci of app\/package-lock.json failed[^]*greeting/);
  expect(bench.stderr(keyOf(made))).toContain("greeting");
  expect(readdirSync(join(bench.dir, "cache/environments"))).toEqual([]);
  const [absent] = await run(bench, "true", { code, environment: { kind: "node", lock: "package-lock.json" } });
  expect(absent).toMatchObject({
    outcome: { reason: "environment-failed" },
    message: expect.stringContaining("package-lock.json is not in the submitted folder"),
  });
});

/** A disk of 3 MB; undefined where one cannot be made. */
function smallDisk(): string | undefined {
  const path = mkdtempSync(join(folder, "disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", path], { stdio: "pipe" });
  } catch {
    return undefined;
  }
  cleanups.push(() => execFileSync("umount", ["-l", path]));
  return path;
}

test("a full disk loses the attempt, names the folder, and the next one runs once there is space", async (context) => {
  const disk = smallDisk();
  if (disk === undefined) return context.skip("only root may mount a small disk to fill");
  const bench = await open({ dir: join(disk, "agent") });
  const [during] = await run(bench, "head -c 9000000 /dev/zero > big");
  expect(during).toMatchObject({
    outcome: { kind: "lost", reason: "disk-full" },
    message: expect.stringContaining(disk),
  });
  await until(
    () => !existsSync(join(bench.dir, "attempts", during.key, "workspace/big")),
    "the workspace to be emptied",
  );
  const [input] = [await fileInput("x", "z".repeat(5_000_000))];
  const [before] = await run(bench, "true", { inputs: [input] });
  expect(before).toMatchObject({
    outcome: { kind: "lost", reason: "disk-full" },
    startedAtMs: null,
    message: expect.stringContaining(disk),
  });
  // Full to the last byte when the process ends: the record of its end has its place already.
  writeFileSync(join(disk, "filler"), "");
  const made = assignment(`echo up; while [ ! -e ${folder}/go ]; do sleep 0.02; done`);
  bench.worker.start(made);
  await bench.line(keyOf(made), "up");
  try {
    writeFileSync(join(disk, "filler"), Buffer.alloc(9_000_000));
  } catch {
    // That is what it is for.
  }
  writeFileSync(join(folder, "go"), "");
  expect(await bench.ended(keyOf(made))).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(JSON.parse(readFileSync(join(bench.dir, "attempts", keyOf(made), "exit.json"), "utf8"))).toMatchObject({
    exitCode: 0,
  });
  await rm(join(disk, "filler"));
  expect((await run(bench, "true"))[0]).toMatchObject({ outcome: { kind: "succeeded" } });
});
