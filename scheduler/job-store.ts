import type { ClientBase, Pool } from "pg";
import type { JobId } from "../lib/core/ids.ts";
import { fromStored, type StoredSpec, toStored } from "../lib/core/pipeline/stored.ts";
import { jsonRows } from "../lib/json-rows.ts";
import type { JobProgress, JobRow, JobState } from "./core/index.ts";
import { shapeOf, type TaskShape } from "./shape.ts";

export interface StoredJob {
  readonly row: JobRow;
  readonly progress: JobProgress;
}

export interface KnownKey {
  readonly key: string;
  readonly job: JobId;
  readonly instances: number;
}

/** New jobs, with their progress of the same batch already in. Repeating it changes nothing. */
export async function insertJobs(
  client: ClientBase,
  rows: readonly JobRow[],
  progress: ReadonlyMap<JobId, JobProgress>,
): Promise<void> {
  const json = jsonRows(
    rows.map((row) => ({
      ...FRESH,
      ...progress.get(row.id),
      ...row,
      spec: toStored(row.spec),
      shape: shapeOf(row.spec),
    })),
  );
  await client.query({
    name: "insert-jobs",
    text: `
      insert into jobs (id, pipeline, spec, shape, params, code, priority, project, trigger, idempotency_key, submitted_at_ms,
                        state, started_at_ms, finished_at_ms, cancel_requested, reason, triggered_by, waits_for)
      select id, pipeline, spec, shape, params, nullif(code::text, 'null')::json, priority, project, trigger, "idempotencyKey",
             "submittedAtMs", state, "startedAtMs", "finishedAtMs", "cancelRequested", reason,
             nullif("triggeredBy"::text, 'null')::json, "waitsFor"
      from json_to_recordset($1::json) as row(
        id text, pipeline text, spec json, shape json, params json, code json, priority integer, project text, trigger text,
        "idempotencyKey" text, "submittedAtMs" float8, state text, "startedAtMs" float8, "finishedAtMs" float8,
        "cancelRequested" boolean, reason text, "triggeredBy" json, "waitsFor" text)
      on conflict (id) do nothing`,
    values: [json],
  });
}

const FRESH = { state: "pending", startedAtMs: null, finishedAtMs: null, cancelRequested: false, reason: "" } as const;

/** A job that has ended stays as it is. */
export async function updateJobs(client: ClientBase, progress: readonly JobProgress[]): Promise<void> {
  await client.query({
    name: "update-jobs",
    text: `
      update jobs
      set state = row.state, started_at_ms = row."startedAtMs", finished_at_ms = row."finishedAtMs",
          cancel_requested = row."cancelRequested", reason = row.reason, waits_for = row."waitsFor"
      from json_to_recordset($1::json) as row(
        id text, state text, "startedAtMs" float8, "finishedAtMs" float8, "cancelRequested" boolean, reason text,
        "waitsFor" text)
      where jobs.id = row.id and jobs.state in ('pending', 'running')`,
    values: [jsonRows(progress)],
  });
}

/** Which of the keys made a job already. Only the leader may rely on it: nobody else inserts. */
export async function findByIdempotencyKeys(pool: Pool, keys: readonly string[]): Promise<KnownKey[]> {
  const { rows } = await pool.query<{ key: string; job: JobId; shape: readonly TaskShape[] }>({
    name: "find-by-idempotency-keys",
    text: `select idempotency_key as key, id as job, shape from jobs where idempotency_key = any($1::text[])`,
    values: [keys],
  });
  return rows.map(({ key, job, shape }) => ({
    key,
    job,
    instances: shape.reduce((sum, task) => sum + task.instances, 0),
  }));
}

export const PROGRESS_COLUMNS = `id, state, started_at_ms, finished_at_ms, cancel_requested, reason, waits_for`;
export const ROW_COLUMNS = `pipeline, idempotency_key, params, code, priority, project, trigger, submitted_at_ms, triggered_by`;

export interface ProgressRecord {
  id: JobId;
  state: JobState;
  started_at_ms: number | null;
  finished_at_ms: number | null;
  cancel_requested: boolean;
  reason: string;
  waits_for: NonNullable<JobProgress["waitsFor"]> | null;
}

/** A row as Postgres gives it, without the spec. */
export interface JobRecord extends ProgressRecord {
  pipeline: string;
  idempotency_key: string | null;
  params: JobRow["params"];
  code: JobRow["code"];
  priority: number;
  project: string;
  trigger: string;
  submitted_at_ms: number;
  triggered_by: NonNullable<JobRow["triggeredBy"]> | null;
}

export async function loadUnfinishedJobs(pool: Pool): Promise<StoredJob[]> {
  const { rows } = await pool.query<JobRecord & { spec: StoredSpec }>(
    `select ${PROGRESS_COLUMNS}, ${ROW_COLUMNS}, spec from jobs where state in ('pending', 'running')
     order by submitted_at_ms, id`,
  );
  return rows.map(storedJob);
}

export function storedJob(record: JobRecord & { spec: StoredSpec }): StoredJob {
  return { row: { ...jobHead(record), spec: fromStored(record.spec) }, progress: jobProgress(record) };
}

export function jobHead(record: JobRecord): Omit<JobRow, "spec"> {
  return {
    id: record.id,
    pipeline: record.pipeline,
    params: record.params,
    code: record.code,
    priority: record.priority,
    project: record.project,
    trigger: record.trigger,
    idempotencyKey: record.idempotency_key,
    submittedAtMs: record.submitted_at_ms,
    ...(record.triggered_by ? { triggeredBy: record.triggered_by } : {}),
  };
}

export function jobProgress(record: ProgressRecord): JobProgress {
  return {
    id: record.id,
    state: record.state,
    startedAtMs: record.started_at_ms,
    finishedAtMs: record.finished_at_ms,
    cancelRequested: record.cancel_requested,
    reason: record.reason,
    ...(record.waits_for === null ? {} : { waitsFor: record.waits_for }),
  };
}
