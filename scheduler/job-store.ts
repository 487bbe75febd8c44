import type { ClientBase, Pool } from "pg";
import { WeftError } from "../lib/core/error.ts";
import type { JobId } from "../lib/core/ids.ts";
import { jsonRows } from "../lib/json-rows.ts";
import type { JobProgress, JobRow, JobState, TaskState } from "./core/index.ts";
import { countInstances, shapeOf, type TaskShape } from "./shape.ts";
import { countTaskRows } from "./task-store.ts";

/** Jobs on one page of a list; more would only make a slow answer. */
export const LIST_LIMIT_MAX = 1_000;
/** Ids named when a prefix is ambiguous: enough to see what to type next. */
const AMBIGUOUS_SHOWN = 5;

export interface StoredJob {
  readonly row: JobRow;
  readonly progress: JobProgress;
}

/** A job without its spec, for lists. */
export interface ListedJob {
  readonly row: Omit<JobRow, "spec" | "idempotencyKey">;
  readonly progress: JobProgress;
  /** Instances by state. */
  readonly counts: Readonly<Partial<Record<TaskState, number>>>;
}

export interface ListQuery {
  /** 1 to LIST_LIMIT_MAX. */
  readonly limit: number;
  /** Empty: all. */
  readonly states: readonly JobState[];
  readonly pipeline: string | null;
  /** The last job of the page before; null: the first page. */
  readonly before: { readonly submittedAtMs: number; readonly id: JobId } | null;
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
  const json = jsonRows(rows.map((row) => ({ ...FRESH, ...progress.get(row.id), ...row, shape: shapeOf(row.spec) })));
  await client.query({
    name: "insert-jobs",
    text: `
      insert into jobs (id, pipeline, spec, shape, params, code, priority, trigger, idempotency_key, submitted_at_ms,
                        state, started_at_ms, finished_at_ms, cancel_requested, reason)
      select id, pipeline, spec, shape, params, nullif(code::text, 'null')::json, priority, trigger, "idempotencyKey",
             "submittedAtMs", state, "startedAtMs", "finishedAtMs", "cancelRequested", reason
      from json_to_recordset($1::json) as row(
        id text, pipeline text, spec json, shape json, params json, code json, priority integer, trigger text,
        "idempotencyKey" text, "submittedAtMs" float8, state text, "startedAtMs" float8, "finishedAtMs" float8,
        "cancelRequested" boolean, reason text)
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
          cancel_requested = row."cancelRequested", reason = row.reason
      from json_to_recordset($1::json) as row(
        id text, state text, "startedAtMs" float8, "finishedAtMs" float8, "cancelRequested" boolean, reason text)
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

const PROGRESS = `id, state, started_at_ms, finished_at_ms, cancel_requested, reason`;
const ROW = `pipeline, params, code, priority, trigger, submitted_at_ms`;

interface JobRecord {
  id: JobId;
  pipeline: string;
  params: JobRow["params"];
  code: JobRow["code"];
  priority: number;
  trigger: string;
  submitted_at_ms: number;
  state: JobState;
  started_at_ms: number | null;
  finished_at_ms: number | null;
  cancel_requested: boolean;
  reason: string;
}
type FullRecord = JobRecord & { spec: JobRow["spec"]; idempotency_key: string | null };

export async function loadUnfinishedJobs(pool: Pool): Promise<StoredJob[]> {
  const { rows } = await pool.query<FullRecord>(
    `select ${PROGRESS}, ${ROW}, spec, idempotency_key from jobs where state in ('pending', 'running')
     order by submitted_at_ms, id`,
  );
  return rows.map(storedJob);
}

/** By id, or by a prefix of it that no other job has. Throws `not_found`, or `invalid` when the prefix is ambiguous. */
export async function findJob(pool: Pool, idOrPrefix: string): Promise<StoredJob> {
  const rows = /^[0-9a-z]{1,64}$/.test(idOrPrefix) ? await findIds(pool, idOrPrefix) : [];
  const id = rows.length === 1 ? rows[0] : rows.find((candidate) => candidate === idOrPrefix);
  if (rows.length > 1 && id === undefined) {
    const shown = rows.slice(0, AMBIGUOUS_SHOWN).join(", ");
    const more = rows.length > AMBIGUOUS_SHOWN ? ", …" : "";
    throw new WeftError(
      "invalid",
      `"${idOrPrefix}" begins the ids of several jobs (${shown}${more}): give more of the id`,
    );
  }
  const job = id === undefined ? undefined : await readJob(pool, id);
  if (!job) throw new WeftError("not_found", `there is no job "${idOrPrefix}": weft jobs lists them`);
  return job;
}

async function findIds(pool: Pool, prefix: string): Promise<JobId[]> {
  const { rows } = await pool.query<{ id: JobId }>(
    `select id from jobs where id like $1 order by id = $2 desc, id limit ${AMBIGUOUS_SHOWN + 1}`,
    [`${prefix}%`, prefix],
  );
  return rows.map((row) => row.id);
}

async function readJob(pool: Pool, id: JobId): Promise<StoredJob | undefined> {
  const { rows } = await pool.query<FullRecord>({
    name: "read-job",
    text: `select ${PROGRESS}, ${ROW}, spec, idempotency_key from jobs where id = $1`,
    values: [id],
  });
  return rows[0] && storedJob(rows[0]);
}

/** Newest first. */
export async function listJobs(pool: Pool, query: ListQuery): Promise<ListedJob[]> {
  const limit = Math.min(Math.max(1, query.limit), LIST_LIMIT_MAX);
  // Not a named statement: Postgres plans it for the conditions that are really set.
  const { rows } = await pool.query<JobRecord & { shape: readonly TaskShape[] }>(
    `select ${PROGRESS}, ${ROW}, shape from jobs
     where ($1::text[] is null or state = any($1)) and ($2::text is null or pipeline = $2)
       and ($3::float8 is null or (submitted_at_ms, id) < ($3, $4))
     order by submitted_at_ms desc nulls last, id desc nulls last limit $5`,
    [
      query.states.length > 0 ? query.states : null,
      query.pipeline,
      query.before?.submittedAtMs ?? null,
      query.before?.id ?? null,
      limit,
    ],
  );
  const counts = await countTaskRows(
    pool,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({
    row: jobRow(row),
    progress: jobProgress(row),
    counts: countInstances(row.shape, counts.get(row.id) ?? new Map(), row.state),
  }));
}

function storedJob(record: FullRecord): StoredJob {
  return {
    row: { ...jobRow(record), spec: record.spec, idempotencyKey: record.idempotency_key },
    progress: jobProgress(record),
  };
}

function jobRow(record: JobRecord): ListedJob["row"] {
  return {
    id: record.id,
    pipeline: record.pipeline,
    params: record.params,
    code: record.code,
    priority: record.priority,
    trigger: record.trigger,
    submittedAtMs: record.submitted_at_ms,
  };
}

function jobProgress(record: JobRecord): JobProgress {
  return {
    id: record.id,
    state: record.state,
    startedAtMs: record.started_at_ms,
    finishedAtMs: record.finished_at_ms,
    cancelRequested: record.cancel_requested,
    reason: record.reason,
  };
}
