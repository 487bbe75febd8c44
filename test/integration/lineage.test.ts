import { randomBytes, randomInt } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AssignedInput, Assignment, EndedReport, OutputRef } from "../../lib/core/dispatch.ts";
import type { EndedAttempt } from "../../lib/core/execution.ts";
import { attemptKey, type AttemptRef, type Digest, type JobId, type NodeId } from "../../lib/core/ids.ts";
import { readOutside, VERSION_CHARS_MAX } from "../../lib/core/pipeline/outside.ts";
import { inTransaction, openDatabase, type Database } from "../../lib/db.ts";
import { digestBytes } from "../../lib/digest.ts";
import { lineageOfJob, lineageParts, logArchive, recordArchived, recordEnded } from "../../services/lineage/index.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

let testDatabase: TestDatabase;
let database: Database;
beforeEach(async () => {
  testDatabase = await createDatabase();
  database = openDatabase(testDatabase.url, { pipeline: true });
});
afterEach(async () => {
  await database.close();
  await testDatabase.drop();
});

const job = "0000jobid001" as JobId;
const code = digestBytes("code");
const table = digestBytes("table");
const model = digestBytes("model");

interface Ending {
  readonly task: string;
  readonly index?: number;
  readonly attempt?: number;
  readonly inputs?: readonly AssignedInput[];
  readonly outputs?: readonly OutputRef[];
  readonly report?: Partial<EndedReport>;
  readonly state?: EndedAttempt["state"];
}

function ended({
  task,
  index = 0,
  attempt = 1,
  inputs = [],
  outputs = [],
  report = {},
  state = "succeeded",
}: Ending): EndedAttempt {
  const ref: AttemptRef = { job, task, index, attempt };
  const assignment: Assignment = {
    ref,
    pipeline: "flight-delay",
    run: { kind: "script", script: `node ${task}.mjs` },
    env: {},
    code,
    files: [],
    inputs,
    outputs: [],
    resources: { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 1000, gpu: null },
    gpuUuids: ["GPU-a", "GPU-b"],
    timeoutMs: 0,
    gpuMemoryBytes: 0,
    gang: null,
    checkpoint: null,
    stopGraceMs: 10_000,
    priority: 0,
    environment: { kind: "none" },
  };
  return {
    assignment,
    state,
    node: { id: "6a1c0a3e-0000-4000-8000-000000000001" as NodeId, name: "node-1" },
    code: { digest: code, commit: "c0ffee", dirty: true },
    params: { horizon: 7, name: 'it\'s "quoted"' },
    map: { seed: index },
    report: {
      kind: "ended",
      key: attemptKey(ref),
      outcome: { kind: "succeeded" },
      message: "",
      startedAtMs: 1_700_000_000_000.5,
      endedAtMs: 1_700_000_001_000,
      exitCode: 0,
      signal: null,
      usage: { cpuMs: 12.5, peakMemoryBytes: 5_000_000_000, source: "cgroup" },
      outputs,
      environmentDigest: null,
      logBytes: { stdout: 3_000_000_000, stderr: 0 },
      ...report,
    },
  };
}

const output = (name: string, digest: Digest): OutputRef => ({ name, digest, kind: "file", bytes: 42, fileName: name });
const input = (name: string, digest: Digest): AssignedInput => ({
  name,
  digest,
  kind: "file",
  bytes: 42,
  index: null,
  fileName: name,
});
const record = (attempts: readonly EndedAttempt[]) =>
  inTransaction(database.pool, (client) => recordEnded(client, attempts));

const batch = [
  ended({ task: "features", outputs: [output("table", table)] }),
  ended({ task: "train", inputs: [input("table", table)], outputs: [output("model", model)] }),
  ended({ task: "train", index: 1, inputs: [input("table", table)], outputs: [output("model", model)] }),
];

test("the longest name that something outside may have is recorded, however little of it comes twice", async () => {
  // Two bytes each: what an ETag may hold besides ASCII.
  const version = String.fromCharCode(...Array.from({ length: VERSION_CHARS_MAX }, () => randomInt(0xa1, 0xff)));
  const uri = `https://host/${randomBytes(1_500).toString("base64url")}`.slice(0, 2_000);
  expect(readOutside(uri).ok).toBe(true);
  const read = { name: "x", uri, version, fileName: "x", digest: table, kind: "file", bytes: 1, kept: true } as const;
  await record([ended({ task: "read", report: { reads: [read] } })]);
  const { rows } = await database.pool.query("select node from source_reads");
  expect(rows).toEqual([{ node: `${uri}#${version}` }]);
  // As it was before versions had a limit: no commit was possible any more.
  const long = { ...read, version: randomBytes(1_500).toString("base64url") };
  await expect(record([ended({ task: "long", report: { reads: [long] } })])).rejects.toThrow("index row size");
});

test("lineage tells from what, where and with what result each attempt ran", async () => {
  await record(batch);
  const parts = [...(await lineageParts(database.pool, job))];
  const executions = parts.flatMap((part) => part.executions ?? []);
  const artifacts = parts.flatMap((part) => part.artifacts ?? []);
  const edges = parts.flatMap((part) => part.edges ?? []);
  expect(executions.map((execution) => execution.id)).toEqual([
    `${job}.features.0.1`,
    `${job}.train.0.1`,
    `${job}.train.1.1`,
  ]);
  expect(executions[1]).toEqual({
    id: `${job}.train.0.1`,
    jobId: job,
    task: "train",
    index: 0,
    attempt: 1,
    state: "succeeded",
    nodeId: "6a1c0a3e-0000-4000-8000-000000000001",
    node: "node-1",
    gpuUuids: ["GPU-a", "GPU-b"],
    code: { digest: code, commit: "c0ffee", dirty: true, branch: "", remote: "", diff: "", diffBytes: 0 },
    command: "node train.mjs",
    params: { horizon: { numberValue: 7 }, name: { stringValue: 'it\'s "quoted"' } },
    map: { seed: { numberValue: 0 } },
    startedAtMs: 1_700_000_000_000.5,
    finishedAtMs: 1_700_000_001_000,
    exitCode: 0,
    signal: "",
    reason: "",
    message: "",
    cpuMs: 12.5,
    peakMemoryBytes: 5_000_000_000,
    environmentDigest: "",
    stdoutBytes: 3_000_000_000,
    stderrBytes: 0,
    usageSource: "cgroup",
  });
  const artifactList = [
    { digest: code, kind: "tree", bytes: 0, producer: "" },
    { digest: table, kind: "file", bytes: 42, producer: `${job}.features.0.1` },
    { digest: model, kind: "file", bytes: 42, producer: `${job}.train.0.1` },
  ];
  expect(artifacts).toEqual(artifactList.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)));
  expect(edges.filter((edge) => edge.execution === `${job}.train.1.1`)).toEqual([
    { execution: `${job}.train.1.1`, digest: code, direction: "input", name: "code" },
    { execution: `${job}.train.1.1`, digest: table, direction: "input", name: "table" },
    { execution: `${job}.train.1.1`, digest: model, direction: "output", name: "model" },
  ]);
});

test("a batch that is recorded again changes nothing, and the first producer stays", async () => {
  await record(batch);
  const once = await lineageOfJob(database.pool, job);
  await record(batch);
  await record([ended({ task: "train", report: { message: "another story" } })]);
  expect(await lineageOfJob(database.pool, job)).toEqual(once);
  await record([ended({ task: "later", outputs: [output("same", model)] })]);
  const { artifacts } = await lineageOfJob(database.pool, job);
  expect(artifacts.find((artifact) => artifact.digest === model)?.producer).toBe(`${job}.train.0.1`);
});

test("what was known as an input only gets its producer when one turns up", async () => {
  await record([ended({ task: "reader", inputs: [input("table", table)] })]);
  await record([ended({ task: "writer", outputs: [output("table", table)] })]);
  const { artifacts } = await lineageOfJob(database.pool, job);
  expect(artifacts.find((artifact) => artifact.digest === table)?.producer).toBe(`${job}.writer.0.1`);
});

test("a batch whose transaction is undone leaves no trace", async () => {
  const undone = inTransaction(database.pool, async (client) => {
    await recordEnded(client, batch);
    throw new Error("the term is over");
  });
  await expect(undone).rejects.toThrow("the term is over");
  expect(await lineageOfJob(database.pool, job)).toEqual({ executions: [], artifacts: [], edges: [] });
});

test("an attempt that never started, and text that Postgres cannot hold, do not hold up the batch", async () => {
  const report: Partial<EndedReport> = {
    outcome: { kind: "failed", reason: "command-not-found" },
    message: "no such command: a\0b \ud800",
    startedAtMs: null,
    exitCode: null,
  };
  await record([ended({ task: "bad", report, state: "failed" }), ...batch]);
  const { executions } = await lineageOfJob(database.pool, job);
  expect(executions).toHaveLength(4);
  expect(executions[0]).toMatchObject({
    reason: "command-not-found",
    message: "no such command: a\ufffdb \ufffd",
    startedAtMs: null,
    exitCode: null,
  });
});

test("archived logs are found by attempt, once, and only for attempts that ended", async () => {
  await record(batch);
  const key = attemptKey(batch[0]!.assignment.ref);
  const unknown = attemptKey({ job, task: "never", index: 0, attempt: 1 });
  const log = digestBytes("log");
  const archive = (stdout: Digest) =>
    inTransaction(database.pool, (client) =>
      recordArchived(client, [
        { key, stdout, stderr: null },
        { key: unknown, stdout, stderr: null },
      ]),
    );
  expect(await logArchive(database.pool, job)).toEqual(new Map());
  await archive(log);
  await archive(digestBytes("a late repetition"));
  expect(await logArchive(database.pool, job)).toEqual(
    new Map([[key, { stdout: log, stderr: null, stdoutBytes: 3_000_000_000, stderrBytes: 0 }]]),
  );
});

test("10,000 attempts are recorded in one batch", { timeout: 60_000 }, async () => {
  const many = Array.from({ length: 10_000 }, (_, index) =>
    ended({
      task: "train",
      index,
      inputs: [input("table", table)],
      outputs: [output("model", digestBytes(String(index)))],
    }),
  );
  const cpu = process.cpuUsage();
  const started = performance.now();
  await record(many);
  const took = performance.now() - started;
  console.log(
    `10,000 attempts, 30,000 edges: ${took.toFixed(0)} ms, of it ${(process.cpuUsage(cpu).user / 1000).toFixed(0)} ms in this process`,
  );
  const noFiles = many.map((attempt) => ({
    ...attempt,
    code: null,
    assignment: { ...attempt.assignment, inputs: [], ref: { ...attempt.assignment.ref, attempt: 2 } },
    report: { ...attempt.report, outputs: [] },
  }));
  const bare = performance.now();
  await record(noFiles);
  console.log(`10,000 attempts without files: ${(performance.now() - bare).toFixed(0)} ms`);
  const { executions, edges } = await lineageOfJob(database.pool, job);
  expect([executions.length, edges.length]).toEqual([20_000, 30_000]);
});
