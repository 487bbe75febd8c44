import type { FastifyRequest } from "fastify";
import { setInterval } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EndedAttempt } from "../../lib/core/execution.ts";
import { attemptKey, type AttemptRef, type Digest, type JobId, type NodeId } from "../../lib/core/ids.ts";
import { type Database, inTransaction, openDatabase } from "../../lib/db.ts";
import type { Sample } from "../../lib/core/sample.ts";
import { createHttpApp } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import { ATTEMPT_TOKEN_PREFIX, pipelineExperimentId, taskRunId } from "../../lib/task-run.ts";
import { Fields } from "../../services/tracking/core/fields.ts";
import { recordEnded } from "../../services/lineage/index.ts";
import { Ingest } from "../../services/tracking/ingest.ts";
import { sampleRoutes } from "../../services/tracking/sample-api.ts";
import { TaskRuns } from "../../services/tracking/task-runs.ts";
import { endedReport } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { until } from "../support/wait.ts";
import { assignment } from "../support/worker.ts";

/** Between two ends of other attempts: a cluster that is at work. */
const ENDS_EVERY_MS = 20;

const DIGEST = `sha256:${"a".repeat(64)}` as Digest;

let testDatabase: TestDatabase;
let database: Database;
let runs: TaskRuns;

beforeAll(async () => {
  testDatabase = await createDatabase();
  database = openDatabase(testDatabase.url);
  runs = new TaskRuns({
    pool: database.pool,
    findAttempts: async (refs) =>
      refs
        .filter(({ task }) => task !== "nosuch")
        .map((ref) => ({
          ref,
          pipeline: "busy",
          project: "default",
          code: { digest: DIGEST, commit: null, dirty: true, diff: { digest: DIGEST, bytes: 3 } },
          params: {},
          node: "node-1",
          gpus: [],
          environment: { kind: "none" },
          startedAtMs: 1,
        })),
    now: Date.now,
    log: silentLog(),
  });
});
afterAll(async () => {
  await runs?.close();
  await database?.close();
  await testDatabase?.drop();
});

function ended(ref: AttemptRef): EndedAttempt {
  return {
    assignment: assignment("true", { ref }),
    state: "succeeded",
    node: { id: "6a1c0a3e-0000-4000-8000-000000000001" as NodeId, name: "node-1" },
    code: null,
    params: {},
    map: {},
    report: endedReport(attemptKey(ref), { kind: "succeeded" }),
  };
}

async function statusOf(ref: AttemptRef): Promise<string | undefined> {
  const { rows } = await database.pool.query<{ status: string }>("select status from runs where id = $1", [
    taskRunId(ref),
  ]);
  return rows[0]?.status;
}

test("runs end while attempts end one after the other, without a pause", async () => {
  const ref: AttemptRef = { job: "0000jobid001" as JobId, task: "train", index: 0, attempt: 1 };
  await runs.ensure(taskRunId(ref));
  expect(await statusOf(ref)).toBe("RUNNING");
  const isOver = new AbortController();
  const others = (async () => {
    for await (const _ of setInterval(ENDS_EVERY_MS, undefined, { signal: isOver.signal })) runs.onEnded();
  })();
  try {
    await inTransaction(database.pool, (client) => recordEnded(client, [ended(ref)]));
    await until(async () => (await statusOf(ref)) === "FINISHED", "the run to end");
  } finally {
    isOver.abort();
    await others.catch(() => undefined);
  }
});

test("samples of a machine make the runs of its tasks, count once, and are dropped where there is no such task", async () => {
  const ingestDatabase = openDatabase(testDatabase.url, { max: 1, pipeline: true });
  const ingest = new Ingest({ pool: ingestDatabase.pool, log: silentLog(), onWritten: () => {} });
  const app = createHttpApp({ logger: silentLog() });
  await app.register(sampleRoutes({ ingest, ensureRuns: runs.ensureAll }));
  const job = "0000jobid002" as JobId;
  const sample = (task: string, step: number): Sample => ({
    run: taskRunId({ job, task, index: 0, attempt: 1 }),
    atMs: 1_000 * step,
    step,
    values: { "system/cpu_utilization_percentage": step },
    tags: { "weft.node.cpus": "4" },
  });
  const post = async (samples: readonly unknown[]) =>
    app.inject({ method: "POST", url: "/v1/samples", payload: { samples } });
  try {
    const samples = [sample("a", 1), sample("b", 1), sample("a", 2), sample("nosuch", 1)];
    for (let again = 0; again < 2; again += 1) expect((await post(samples)).json()).toEqual({ dropped: 1 });
    const { rows } = await database.pool.query(
      `select r.id, m.value, (select value from run_tags t where t.run = r.number and t.key = 'weft.node.cpus') as cpus,
              (select value from run_tags t where t.run = r.number and t.key = 'weft.task') as task
         from runs r join run_metrics m on m.run = r.number where r.id like '0000jobid002-%' order by r.id`,
    );
    expect(rows).toEqual([
      { id: "0000jobid002-a-0-1", value: 2, cpus: "4", task: "a" },
      { id: "0000jobid002-b-0-1", value: 1, cpus: "4", task: "b" },
    ]);
    const refused = await post([{ ...sample("a", 3), values: { loss: 1 } }]);
    expect([refused.statusCode, refused.json()]).toMatchObject([400, { error: { code: "invalid" } }]);
  } finally {
    await app.close();
    await ingestDatabase.close();
  }
});

test("a run that only samples have made goes to the experiment that its script chooses; one that was logged to stays", async () => {
  const { pool } = database;
  const { rows } = await pool.query<{ id: string }>(
    `insert into experiments (name, artifact_location, created_ms, updated_ms)
     values ('chosen', 'mlflow-artifacts:/chosen', 1, 1) returning id::text`,
  );
  const chosen = rows[0]!.id;
  const [route] = runs.serve([{ method: "GET", path: "/experiments/get-by-name", answer: async () => undefined }]);
  const choose = async (task: string): Promise<unknown[]> => {
    const ref: AttemptRef = { job: "0000jobid003" as JobId, task, index: 0, attempt: 1 };
    await runs.ensure(taskRunId(ref));
    await pool.query(
      `insert into run_metrics (run, key, value, timestamp_ms, step)
       select number, 'system/cpu_utilization_percentage', 1, 1, 1 from runs where id = $1`,
      [taskRunId(ref)],
    );
    if (task === "logs")
      await pool.query("insert into run_params (run, key, value) select number, 'lr', '1' from runs where id = $1", [
        taskRunId(ref),
      ]);
    const headers = { authorization: `Bearer ${ATTEMPT_TOKEN_PREFIX}${attemptKey(ref)}` };
    await route!.answer(new Fields({ experiment_name: "chosen" }), { headers } as FastifyRequest);
    const found = await pool.query<{ experiment: string; paths: string[] }>(
      `select r.experiment::text,
              array(select path from tracked_files f where f.path like '%/' || r.id || '/%') as paths from runs r where r.id = $1`,
      [taskRunId(ref)],
    );
    return [found.rows[0]!.experiment === chosen, found.rows[0]!.paths];
  };
  expect(await choose("imports")).toEqual([true, ["chosen/0000jobid003-imports-0-1/artifacts/uncommitted.diff"]]);
  const kept = pipelineExperimentId("default", "busy");
  expect(await choose("logs")).toEqual([false, [`${kept}/0000jobid003-logs-0-1/artifacts/uncommitted.diff`]]);
});
