import type { ClientBase, Pool } from "pg";
import type { JobId, NodeId } from "../lib/core/ids.ts";
import { jsonRows } from "../lib/json-rows.ts";
import type { RangeRow, ServiceState, TaskRow, TaskState } from "./core/index.ts";
import type { RowCounts } from "./shape.ts";

/**
 * Rows as they stand. A row never goes back to an earlier attempt, and never leaves a terminal state within one: the
 * same batch may come twice, when it is not known whether its commit was done.
 */
export async function upsertTasks(client: ClientBase, rows: readonly TaskRow[]): Promise<void> {
  await client.query({ name: "upsert-tasks", text: UPSERT, values: [jsonRows(rows)] });
}

const UPSERT = `
  insert into tasks (job, task, index, state, attempt, node, gpu_uuids, choice, assigned_at_ms, started_at_ms,
                     finished_at_ms, exit_code, reason, message, outputs, result, checkpoint, failures, losses, crashes,
                     not_before_ms, service, cache)
  select job, task, index, state, attempt, node, "gpuUuids", choice, "assignedAtMs", "startedAtMs", "finishedAtMs",
         "exitCode", reason, message, outputs, nullif(result::text, 'null')::json,
         nullif(checkpoint::text, 'null')::json, failures, losses, crashes,
         "notBeforeMs", nullif(service::text, 'null')::json,
         nullif(cache::text, 'null')::json
  from json_to_recordset($1::json) as row(
    job text, task text, index integer, state text, attempt integer, node text, "gpuUuids" jsonb, choice integer,
    "assignedAtMs" float8, "startedAtMs" float8, "finishedAtMs" float8, "exitCode" integer, reason text, message text,
    outputs jsonb, result json, checkpoint json, failures integer, losses integer, crashes integer, "notBeforeMs" float8,
    service json, cache json)
  on conflict (job, task, index) do update set
    state = excluded.state, attempt = excluded.attempt, node = excluded.node, gpu_uuids = excluded.gpu_uuids,
    choice = excluded.choice, assigned_at_ms = excluded.assigned_at_ms, started_at_ms = excluded.started_at_ms,
    finished_at_ms = excluded.finished_at_ms, exit_code = excluded.exit_code, reason = excluded.reason,
    message = excluded.message, outputs = excluded.outputs, result = excluded.result,
    checkpoint = excluded.checkpoint, failures = excluded.failures, losses = excluded.losses,
    crashes = excluded.crashes, not_before_ms = excluded.not_before_ms, service = excluded.service,
    cache = excluded.cache
  where tasks.attempt < excluded.attempt
     or (tasks.attempt = excluded.attempt and tasks.state not in ('succeeded', 'failed', 'cancelled', 'skipped'))`;

/** The rows that the ranges stand for (see rangeTasks): of those that were assigned new ones, of those that have ended the same. */
export async function writeRanges(client: ClientBase, rows: readonly RangeRow[]): Promise<void> {
  const of = (isEnded: boolean, isBundle: boolean): RangeRow[] =>
    rows.filter(({ startedAtMs, tasks }) => (startedAtMs !== null) === isEnded && (tasks !== undefined) === isBundle);
  const sent: Promise<unknown>[] = [];
  const send = (name: string, text: string, parts: readonly RangeRow[]): void => {
    if (parts.length > 0) sent.push(client.query({ name, text, values: [jsonRows(parts)] }));
  };
  send("end-ranges", END_RANGES, of(true, false));
  send("end-bundles", END_BUNDLES, of(true, true));
  send("insert-ranges", INSERT_RANGES, of(false, false));
  send("insert-bundles", INSERT_BUNDLES, of(false, true));
  await Promise.all(sent);
}

const SUCCEED_ASSIGNED = `
  on conflict (job, task, index) do update set
    state = excluded.state, started_at_ms = excluded.started_at_ms, finished_at_ms = excluded.finished_at_ms,
    exit_code = excluded.exit_code
  where tasks.attempt = 1 and tasks.state = 'assigned'`;

/** An instance of which something was written before it was assigned has attempt 0 there. */
const INSERT_BUNDLES = `
  insert into tasks (job, task, index, state, attempt, node, gpu_uuids, assigned_at_ms, reason, message, outputs,
                     failures, losses)
  select job, name, index, 'assigned', 1, node, '[]', "assignedAtMs", '', '', '[]', 0, 0
  from json_to_recordset($1::json) as row(
    job text, tasks text[], index integer, node text, "assignedAtMs" float8), unnest(tasks) as name
  on conflict (job, task, index) do update set
    state = excluded.state, attempt = excluded.attempt, node = excluded.node, assigned_at_ms = excluded.assigned_at_ms,
    reason = '', message = '', not_before_ms = null
  where tasks.attempt < excluded.attempt`;

const END_BUNDLES = `
  insert into tasks (job, task, index, state, attempt, node, gpu_uuids, assigned_at_ms, started_at_ms, finished_at_ms,
                     exit_code, reason, message, outputs, failures, losses)
  select job, name, index, 'succeeded', 1, node, '[]', "assignedAtMs", started, "finishedAtMs", 0, '', '', '[]', 0, 0
  from json_to_recordset($1::json) as row(
    job text, tasks text[], index integer, node text, "assignedAtMs" float8, "startedAtMs" float8[], "finishedAtMs" float8),
    unnest(tasks, "startedAtMs") as each(name, started)
  ${SUCCEED_ASSIGNED}`;

const INSERT_RANGES = `
  insert into tasks (job, task, index, state, attempt, node, gpu_uuids, assigned_at_ms, reason, message, outputs,
                     failures, losses)
  select job, task, index + i, 'assigned', 1, node, '[]', "assignedAtMs", '', '', '[]', 0, 0
  from json_to_recordset($1::json) as row(
    job text, task text, index integer, count integer, node text, "assignedAtMs" float8), generate_series(0, count - 1) as i
  on conflict (job, task, index) do nothing`;

/**
 * As inserts that find their rows by the key, whatever the plan: an update that joins on a part of the key was planned as a walk
 * through the whole index in each commit, once the table of one large job had been analyzed.
 */
const END_RANGES = `
  insert into tasks (job, task, index, state, attempt, node, gpu_uuids, assigned_at_ms, started_at_ms, finished_at_ms,
                     exit_code, reason, message, outputs, failures, losses)
  select job, task, index + i, 'succeeded', 1, node, '[]', "assignedAtMs", "startedAtMs"[i + 1], "finishedAtMs", 0, '', '',
         '[]', 0, 0
  from json_to_recordset($1::json) as row(
    job text, task text, index integer, count integer, node text, "assignedAtMs" float8, "startedAtMs" float8[],
    "finishedAtMs" float8),
    generate_series(0, count - 1) as i
  ${SUCCEED_ASSIGNED}`;

interface TaskRecord {
  job: JobId;
  task: string;
  index: number;
  state: TaskState;
  attempt: number;
  node: NodeId | null;
  gpu_uuids: readonly string[];
  choice: number;
  assigned_at_ms: number | null;
  started_at_ms: number | null;
  finished_at_ms: number | null;
  exit_code: number | null;
  reason: string;
  message: string;
  outputs: TaskRow["outputs"];
  result: TaskRow["result"];
  cache: TaskRow["cache"];
  checkpoint: TaskRow["checkpoint"];
  failures: number;
  losses: number;
  crashes: number;
  not_before_ms: number | null;
  service: ServiceState | null;
}

const COLUMNS = `tasks.job, tasks.task, tasks.index, tasks.state, tasks.attempt, tasks.node, tasks.gpu_uuids, tasks.choice,
  tasks.assigned_at_ms, tasks.started_at_ms, tasks.finished_at_ms, tasks.exit_code, tasks.reason, tasks.message,
  tasks.outputs, tasks.result, tasks.cache, tasks.checkpoint,
  tasks.failures, tasks.losses, tasks.crashes, tasks.not_before_ms, tasks.service`;

/** The rows of all jobs that have not ended. */
export async function loadUnfinishedTasks(pool: Pool): Promise<TaskRow[]> {
  const { rows } = await pool.query<TaskRecord>(
    `select ${COLUMNS} from tasks join jobs on jobs.id = tasks.job where jobs.state in ('pending', 'running')
     order by tasks.job, tasks.task, tasks.index`,
  );
  return rows.map(taskRow);
}

export async function readTasks(pool: Pool, job: JobId): Promise<TaskRow[]> {
  const { rows } = await pool.query<TaskRecord>({
    name: "read-tasks",
    text: `select ${COLUMNS} from tasks where job = $1 order by task, index`,
    values: [job],
  });
  return rows.map(taskRow);
}

/** For each job that has any: rows by task and state. */
export async function countTaskRows(pool: Pool, jobs: readonly JobId[]): Promise<Map<JobId, RowCounts>> {
  const counts = new Map<JobId, Map<string, Partial<Record<TaskState, number>>>>();
  if (jobs.length === 0) return counts;
  const { rows } = await pool.query<{ job: JobId; task: string; state: TaskState; count: number }>({
    name: "count-task-rows",
    text: `select job, task, state, count(*)::integer as count from tasks where job = any($1::text[]) group by 1, 2, 3`,
    values: [jobs],
  });
  for (const { job, task, state, count } of rows) {
    const byTask = counts.get(job) ?? new Map<string, Partial<Record<TaskState, number>>>();
    byTask.set(task, { ...byTask.get(task), [state]: count });
    counts.set(job, byTask);
  }
  return counts;
}

function taskRow(record: TaskRecord): TaskRow {
  return {
    job: record.job,
    task: record.task,
    index: record.index,
    state: record.state,
    attempt: record.attempt,
    node: record.node,
    gpuUuids: record.gpu_uuids,
    choice: record.choice,
    assignedAtMs: record.assigned_at_ms,
    startedAtMs: record.started_at_ms,
    finishedAtMs: record.finished_at_ms,
    exitCode: record.exit_code,
    reason: record.reason,
    message: record.message,
    outputs: record.outputs,
    result: record.result,
    cache: record.cache,
    checkpoint: record.checkpoint,
    failures: record.failures,
    losses: record.losses,
    crashes: record.crashes,
    notBeforeMs: record.not_before_ms,
    ...(record.service ? { service: record.service } : {}),
  };
}
