import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import pg from "pg";
import { type JobId, type NodeId, parseAttemptKey } from "../../lib/core/ids.ts";
import { inTransaction } from "../../lib/db.ts";
import { silentLog } from "../../lib/log.ts";
import {
  type Batch,
  type JobProgress,
  type JobRow,
  type NodeRow,
  PLAIN_SETTINGS,
  type TaskRow,
} from "../../scheduler/core/index.ts";
import { findAttempts } from "../../scheduler/attempt-reader.ts";
import { JobReader } from "../../scheduler/job-reader.ts";
import { claimLeadership, LeadershipLost, releaseLeadership, type Reign } from "../../scheduler/leader-store.ts";
import { type Changes, openStore, type Recorder } from "../../scheduler/store.ts";
import { batchOf, capacity, endedReport, key, mapOver, output, pipeline, SUCCEEDED, task } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

const LEASE_MS = 60_000;

let database: TestDatabase;
let opened: ReturnType<typeof openStore>;
let reign: Reign;
let reader: JobReader;

beforeAll(async () => {
  database = await createDatabase();
  opened = openStore(database.url, silentLog());
  reader = new JobReader(opened.store.database.pool);
});
afterAll(async () => {
  await opened.close();
  await database.drop();
});
beforeEach(async () => {
  await opened.store.database.pool.query("truncate leader, jobs, tasks, rates, task_maps, nodes");
  const term = await claimLeadership(opened.store.database.pool, claim("us"));
  reign = { term: term!, holder: "us", leaseMs: LEASE_MS };
});

function claim(holder: string) {
  return { holder, address: "127.0.0.1:8081", leaseMs: LEASE_MS };
}

function changes(parts: Partial<Batch>, archived: Changes["archived"] = []): Changes {
  return { batch: batchOf(parts), archived };
}

const spec = pipeline(task("first"), task("second", { needs: ["first"], map: mapOver(10) }));

function jobRow(id: string, parts: Partial<JobRow> = {}): JobRow {
  return {
    id: id as JobId,
    pipeline: "test",
    spec,
    params: { z: 1, a: "x" },
    code: null,
    priority: 0,
    project: "default",
    trigger: "manual",
    idempotencyKey: null,
    submittedAtMs: 1000,
    ...parts,
  };
}

function progress(id: string, parts: Partial<JobProgress> = {}): JobProgress {
  return {
    id: id as JobId,
    state: "pending",
    startedAtMs: null,
    finishedAtMs: null,
    cancelRequested: false,
    reason: "",
    ...parts,
  };
}

function taskRow(job: string, parts: Partial<TaskRow> = {}): TaskRow {
  return {
    job: job as JobId,
    task: "first",
    index: 0,
    state: "assigned",
    attempt: 1,
    node: "n1" as NodeId,
    gpuUuids: ["GPU-0"],
    choice: 0,
    assignedAtMs: 1001,
    startedAtMs: null,
    finishedAtMs: null,
    exitCode: null,
    reason: "",
    message: "",
    outputs: [],
    result: null,
    cache: null,
    checkpoint: null,
    failures: 0,
    losses: 0,
    crashes: 0,
    notBeforeMs: null,
    ...parts,
  };
}

const node: NodeRow = {
  id: "n1" as NodeId,
  name: "one",
  state: "ready",
  labels: { zone: "a" },
  settings: PLAIN_SETTINGS,
  address: "one.test",
  era: 2,
  capacity: capacity(4, 1),
};

const commit = (what: Changes, recorders: Recorder[] = []): Promise<void> =>
  opened.store.commit(reign, what, recorders);

test("what was committed is what a new leader loads", async () => {
  const row = taskRow("a", { outputs: [output("model")], exitCode: 0, startedAtMs: 1002.5 });
  await commit(
    changes({
      jobsNew: [jobRow("a")],
      jobs: [progress("a", { state: "running", startedAtMs: 1001 })],
      tasks: [row],
      maps: [],
      projects: [],
      nodes: [node],
    }),
  );
  expect(await opened.store.loadRestored()).toEqual({
    jobs: [{ row: jobRow("a"), progress: progress("a", { state: "running", startedAtMs: 1001 }) }],
    tasks: [row],
    maps: [],
    rates: [],
    projects: [],
    nodes: [node],
  });
});

test("a job that has ended is not loaded, and its rows neither", async () => {
  await commit(changes({ jobsNew: [jobRow("a")], jobs: [progress("a")], tasks: [taskRow("a")] }));
  await commit(changes({ jobs: [progress("a", { state: "failed", finishedAtMs: 5 })] }));
  expect(await opened.store.loadRestored()).toEqual({
    jobs: [],
    tasks: [],
    maps: [],
    nodes: [],
    projects: [],
    rates: [],
  });
});

test("the same batch committed twice gives the same rows", async () => {
  const batch = changes({
    jobsNew: [jobRow("a", { idempotencyKey: "k" }), jobRow("b")],
    jobs: [progress("a"), progress("b", { state: "succeeded", finishedAtMs: 9 })],
    tasks: [taskRow("a"), taskRow("b", { state: "succeeded", finishedAtMs: 9 })],
    nodes: [node],
  });
  await commit(batch);
  const once = await dump();
  await commit(batch);
  expect(await dump()).toEqual(once);
});

test("a task never goes back to an earlier attempt, and never leaves a terminal state within one", async () => {
  const seen = async (row: Partial<TaskRow>): Promise<unknown> => {
    await commit(changes({ jobsNew: [jobRow("a")], tasks: [taskRow("a", row)] }));
    const [stored] = (await opened.store.loadRestored()).tasks;
    return [stored?.state, stored?.attempt];
  };
  expect(await seen({ attempt: 2, state: "running" })).toEqual(["running", 2]);
  expect(await seen({ attempt: 1, state: "succeeded" })).toEqual(["running", 2]);
  expect(await seen({ attempt: 2, state: "succeeded" })).toEqual(["succeeded", 2]);
  expect(await seen({ attempt: 2, state: "failed" })).toEqual(["succeeded", 2]);
});

test("a job that has ended stays as it ended", async () => {
  await commit(changes({ jobsNew: [jobRow("a")], jobs: [progress("a", { state: "succeeded", finishedAtMs: 9 })] }));
  await commit(changes({ jobs: [progress("a", { state: "running" })] }));
  expect(await reader.getProgress("a" as JobId)).toEqual(progress("a", { state: "succeeded", finishedAtMs: 9 }));
});

test("once another leads, nothing of an old term is written", async () => {
  await releaseLeadership(opened.store.database.pool, reign);
  const next = await claimLeadership(opened.store.database.pool, claim("them"));
  expect(next).toBe(reign.term + 1);
  await expect(commit(changes({ jobsNew: [jobRow("a")] }))).rejects.toThrow(LeadershipLost);
  expect((await opened.store.loadRestored()).jobs).toEqual([]);
});

test("a lease that ran out does not end a term that nobody took over", async () => {
  await opened.store.database.pool.query("update leader set expires_at = 'epoch'");
  await commit(changes({ jobsNew: [jobRow("a")] }));
  expect(await claimLeadership(opened.store.database.pool, claim("them"))).toBeUndefined();
});

test("nobody takes over while a commit of the term is under way", async () => {
  await opened.store.database.pool.query("update leader set expires_at = 'epoch'");
  let claimed: Promise<number | undefined> | undefined;
  await commit(changes({ ended: [ended()] }), [
    async (client) => {
      // The leader's row is locked by now: this waits for the commit, which renews the lease.
      await client.query("select 1");
      claimed = claimLeadership(opened.store.database.pool, claim("them"));
    },
  ]);
  expect(await claimed).toBeUndefined();
});

function ended(): Batch["ended"][number] {
  const ref = { job: "a" as JobId, task: "first", index: 0, attempt: 1 };
  return {
    assignment: {
      ref,
      pipeline: "test",
      run: { kind: "command", argv: ["true"] },
      env: {},
      code: null,
      files: [],
      inputs: [],
      outputs: [],
      resources: { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
      gpuUuids: [],
      timeoutMs: 0,
      gpuMemoryBytes: 0,
      gang: null,
      checkpoint: null,
      stopGraceMs: 0,
      priority: 0,
      environment: { kind: "none" },
    },
    state: "succeeded",
    node: { id: "n1" as NodeId, name: "one" },
    code: null,
    params: {},
    map: {},
    report: endedReport(key("a.first.0.1"), SUCCEEDED),
  };
}

test("recorders write in the transaction of the batch, and their failure undoes it", async () => {
  const { pool } = opened.store.database;
  await pool.query("create table if not exists recorded (key text primary key)");
  const record: Recorder = async (client, { batch }) => {
    await client.query("insert into recorded select unnest($1::text[]) on conflict do nothing", [
      batch.ended.map(({ report }) => report.key),
    ]);
  };
  const fail: Recorder = async (client) => void (await client.query("insert into recorded values (null)"));
  const batch = changes({ jobsNew: [jobRow("a")], ended: [ended()] });
  await expect(commit(batch, [record, fail])).rejects.toThrow(/null value in column "key"/);
  expect((await pool.query("select * from recorded")).rows).toEqual([]);
  expect((await opened.store.loadRestored()).jobs).toEqual([]);
  await commit(batch, [record]);
  expect((await pool.query("select * from recorded")).rows).toEqual([{ key: "a.first.0.1" }]);
});

test("a backend killed in the middle of a commit does not end the process, and the commit goes through", async () => {
  let kills = 0;
  const kill: Recorder = async (client) => {
    if (kills > 0) return;
    kills += 1;
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    await opened.store.database.pool.query("select pg_terminate_backend($1)", [rows[0]!.pid]);
  };
  await commit(changes({ jobsNew: [jobRow("a")], jobs: [progress("a")], tasks: [taskRow("a")], ended: [ended()] }), [
    kill,
  ]);
  expect(kills).toBe(1);
  expect((await opened.store.loadRestored()).tasks).toEqual([taskRow("a")]);
});

test("a backend killed in the middle of a transaction of the pool does not end the process", async () => {
  const { pool } = opened.store.database;
  const other = new pg.Client({ connectionString: database.url });
  await other.connect();
  await expect(
    inTransaction(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      const lost = new Promise((resolve) => client.once("error", resolve));
      await other.query("select pg_terminate_backend($1)", [rows[0]!.pid]);
      await lost;
      await client.query("select 1");
    }),
  ).rejects.toThrow();
  await other.end();
  expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("10,000 rows are one statement, and bytes that Postgres cannot hold do not stop it", async () => {
  const tasks = Array.from({ length: 10_000 }, (_, index) =>
    taskRow("a", { index, message: "bad \u0000 \ud800 byte" }),
  );
  await commit(changes({ jobsNew: [jobRow("a")], tasks }));
  const stored = (await opened.store.loadRestored()).tasks;
  expect(stored).toHaveLength(10_000);
  expect(stored[0]?.message).toBe("bad \uFFFD \uFFFD byte");
});

test("an idempotency key finds its job, also after it has ended", async () => {
  await commit(
    changes({
      jobsNew: [jobRow("a", { idempotencyKey: "k" })],
      jobs: [progress("a", { state: "failed", finishedAtMs: 1 })],
    }),
  );
  expect(await opened.store.findByIdempotencyKeys(["k", "other"])).toEqual([{ key: "k", job: "a", instances: 11 }]);
  expect(await reader.findByIdempotencyKey("k")).toEqual({ id: "a", instances: 11 });
  expect(await reader.findByIdempotencyKey("other")).toBeUndefined();
});

test("a list is newest first, by pages, with instances counted whether they have a row or not", async () => {
  const ids = ["a1", "a2", "b1", "b2", "b3"];
  await commit(
    changes({
      jobsNew: ids.map((id, index) => jobRow(id, { submittedAtMs: 1000 + Math.floor(index / 2), pipeline: id[0]! })),
      jobs: ids.map((id) => progress(id, { state: id === "b3" ? "cancelled" : "running" })),
      tasks: [
        taskRow("a1", { state: "succeeded" }),
        taskRow("a1", { task: "second", index: 3, state: "running" }),
        taskRow("b3", { state: "cancelled" }),
      ],
    }),
  );
  const list = async (query: Partial<Parameters<JobReader["listJobs"]>[0]>): Promise<string[]> => {
    const jobs = await reader.listJobs({ states: [], pipeline: "", before: null, limit: 2, ...query });
    return jobs.map(({ row }) => row.id);
  };
  expect(await list({})).toEqual(["b3", "b2"]);
  expect(await list({ before: "b2" as JobId })).toEqual(["b1", "a2"]);
  expect(await list({ before: "a2" as JobId })).toEqual(["a1"]);
  expect(await list({ states: ["cancelled", "failed"] })).toEqual(["b3"]);
  expect(await list({ pipeline: "a" })).toEqual(["a2", "a1"]);
  const [b3, , , a2, a1] = await reader.listJobs({ states: [], pipeline: "", before: null, limit: 50 });
  expect(a1?.counts).toEqual({ succeeded: 1, running: 1, ready: 9 });
  expect(a2?.counts).toEqual({ ready: 1, pending: 10 });
  expect(b3?.counts).toEqual({ cancelled: 11 });
});

test("a prefix finds the ids that begin with it, and only those", async () => {
  await commit(changes({ jobsNew: ["ab", "abc", "b"].map((id) => jobRow(id)) }));
  expect(await reader.findIds("ab", 5)).toEqual(["ab", "abc"]);
  expect(await reader.findIds("abc", 1)).toEqual(["abc"]);
  expect(await reader.findIds("%", 5)).toEqual([]);
  expect(await reader.getJob("zzz" as JobId)).toBeUndefined();
  expect((await reader.getJob("b" as JobId))?.row).toEqual(jobRow("b"));
});

async function dump(): Promise<unknown> {
  const { pool } = opened.store.database;
  const tables = ["jobs", "tasks", "nodes"].map((table) =>
    pool.query(`select to_json(t) from ${table} t order by to_json(t)::text`),
  );
  return (await Promise.all(tables)).map(({ rows }) => rows);
}

test("an attempt is known from when it is handed out, alone or with others; none is that was not", async () => {
  const range = { job: "f" as JobId, task: "second", index: 0, count: 4, node: node.id, assignedAtMs: 1001 };
  await commit(
    changes({
      jobsNew: [jobRow("f")],
      tasks: [taskRow("f", { attempt: 2, gpuUuids: [] })],
      ranges: [{ ...range, startedAtMs: null, finishedAtMs: null }],
      nodes: [node],
    }),
  );
  const find = async (text: string) =>
    (await findAttempts(opened.store.database.pool, [parseAttemptKey(key(text))!]))[0];
  expect(await find("f.first.0.2")).toMatchObject({ pipeline: "test", node: "one", startedAtMs: null });
  expect(await find("f.second.3.1")).toMatchObject({ pipeline: "test", node: "one", gpus: [] });
  for (const text of ["f.first.0.3", "f.second.3.2", "f.second.4.1", "f.nosuch.0.1", "g.first.0.1"])
    expect(await find(text), text).toBeUndefined();
});
