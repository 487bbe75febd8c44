import type { Pool, PoolClient } from "pg";
import type { AttemptFacts } from "../../lib/core/execution.ts";
import { attemptKey, type AttemptKey, parseAttemptKey } from "../../lib/core/ids.ts";
import { SYSTEM_PREFIX } from "../../lib/core/sample.ts";
import { inTransaction } from "../../lib/db.ts";
import { jsonRows } from "../../lib/json-rows.ts";
import { pipelineExperimentId, pipelineExperimentName, taskRunId } from "../../lib/task-run.ts";
import { type AttemptEdge, attemptEdges, type ExecutionRow } from "../lineage/index.ts";
import { keyValues, taskRunName, taskRunTags } from "./core/attempt-tags.ts";
import type { KeyValue } from "./core/batch.ts";
import { ARTIFACT_ROOT } from "./parts.ts";

/** In a run's files: how its code differed from the commit. */
export const DIFF_FILE = "uncommitted.diff";
/** Inputs and outputs of an attempt that its run shows; more have `weft lineage` and `weft trace`. */
const EDGES_MAX = 100;

/** Which of these experiments there are. */
export async function presentExperiments(pool: Pool, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>("select id::text from experiments where id = any($1::bigint[])", [
    ids,
  ]);
  return rows.map(({ id }) => id);
}

/** An experiment that tasks log to; its name may be taken by one that somebody made, and then it has another. */
export async function ensurePipelineExperiment(
  pool: Pool,
  project: string,
  pipeline: string,
  nowMs: number,
): Promise<string> {
  const id = pipelineExperimentId(project, pipeline);
  const name = pipelineExperimentName(project, pipeline);
  for (const one of [name, `${name} (pipeline)`, `${name} (${id})`]) {
    const { rowCount } = await pool.query(
      `insert into experiments (id, name, artifact_location, created_ms, updated_ms)
       select $1, $2, $3, $4, $4 where not exists (select from experiments where id = $1) on conflict do nothing`,
      [id, one, `${ARTIFACT_ROOT}/${id}`, nowMs],
    );
    if (rowCount === 1) return id;
    const { rows } = await pool.query("select from experiments where id = $1", [id]);
    if (rows.length > 0) return id;
  }
  return id;
}

export interface NewTaskRun {
  readonly facts: AttemptFacts;
  readonly experimentId: string;
  readonly startMs: number;
}

/** Makes those of the attempts' runs that are not there, each with how its code differed from the commit as a file. */
export async function ensureTaskRuns(pool: Pool, runs: readonly NewTaskRun[], nowMs: number): Promise<void> {
  const rows = runs.map(({ facts, experimentId, startMs }) => ({
    id: taskRunId(facts.ref),
    experiment: experimentId,
    name: taskRunName(facts),
    start: startMs,
    attempt: attemptKey(facts.ref),
    tags: taskRunTags(facts),
    diff: facts.code?.diff?.digest ?? null,
    bytes: facts.code?.diff?.bytes ?? null,
  }));
  await pool.query({
    name: "tracking-ensure-task-runs",
    text: `
      with given as materialized (
        select * from json_to_recordset($1::json)
          as r(id text, experiment bigint, name text, start bigint, attempt text, tags json, diff text, bytes bigint)),
      made as (
        insert into runs (id, experiment, name, user_id, status, start_ms, artifact_uri, attempt, attempt_open)
        select g.id, e.id, g.name, '', 'RUNNING', g.start, e.artifact_location || '/' || g.id || '/artifacts', g.attempt, true
          from given g join experiments e on e.id = g.experiment order by g.id
        on conflict (id) do nothing returning number, id, artifact_uri),
      filed as (
        insert into tracked_files (path, digest, bytes, updated_ms)
        select substr(m.artifact_uri, length('${ARTIFACT_ROOT}/') + 1) || '/${DIFF_FILE}', g.diff, g.bytes, $2
          from made m join given g on g.id = m.id
         where g.diff is not null and m.artifact_uri like '${ARTIFACT_ROOT}/%' on conflict do nothing)
      insert into run_tags (run, key, value)
      select m.number, t.key, t.value
        from made m join given g on g.id = m.id, json_to_recordset(g.tags) as t(key text, value text)`,
    values: [jsonRows(rows), nowMs],
  });
}

/** Of these ids of runs, those that are there. */
export async function presentRuns(pool: Pool, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: "tracking-present-runs",
    text: "select id from runs where id = any($1)",
    values: [ids],
  });
  return rows.map(({ id }) => id);
}

/** Whether the script, or anybody else, has logged to the run: other things than what it began with, and what the agent measures. */
async function isTouched(client: PoolClient, run: string, folder: string): Promise<boolean> {
  const { rows } = await client.query<{ touched: boolean }>(
    `select exists (select from run_params where run = $1)
         or exists (select from run_metrics where run = $1 and key not like '${SYSTEM_PREFIX}%')
         or exists (select from run_tags where run = $1 and key not like 'weft.%' and key not like 'mlflow.%')
         or exists (select from tracked_files
                     where path ~>=~ ($2 || '/') and path ~<~ ($2 || '0') and path <> $2 || '/${DIFF_FILE}') as touched`,
    [run, folder],
  );
  return rows[0]!.touched;
}

/** Behind our artifact proxy; of a run whose files lie elsewhere, a folder in which nothing is. */
function folderOf(uri: string): string {
  return uri.startsWith(`${ARTIFACT_ROOT}/`) ? uri.slice(ARTIFACT_ROOT.length + 1) : uri;
}

/** Moves a task's run, with the file that it began with, to that experiment unless somebody has logged to it. False: there is no such run. */
export async function moveUntouchedRun(pool: Pool, id: string, experimentId: string): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ number: string; uri: string; other: boolean }>(
      `select number, artifact_uri as uri, experiment <> $2 as other from runs where id = $1 for update`,
      [id, experimentId],
    );
    const [run] = rows;
    if (run === undefined) return false;
    if (!run.other || (await isTouched(client, run.number, folderOf(run.uri)))) return true;
    const moved = await client.query<{ uri: string }>(
      `update runs r set experiment = e.id, artifact_uri = e.artifact_location || '/' || r.id || '/artifacts'
         from experiments e where r.number = $1 and e.id = $2 returning r.artifact_uri as uri`,
      [run.number, experimentId],
    );
    if (moved.rows[0] !== undefined)
      await client.query("update tracked_files set path = $2 where path = $1", [
        `${folderOf(run.uri)}/${DIFF_FILE}`,
        `${folderOf(moved.rows[0].uri)}/${DIFF_FILE}`,
      ]);
    return true;
  });
}

/** Attempts whose runs wait for their end, in order, from after that one. */
export async function openAttempts(pool: Pool, after: string, limit: number): Promise<AttemptKey[]> {
  const { rows } = await pool.query<{ attempt: AttemptKey }>({
    name: "tracking-open-attempts",
    text: "select distinct attempt from runs where attempt_open and attempt > $1 order by attempt limit $2",
    values: [after, limit],
  });
  return rows.map(({ attempt }) => attempt);
}

/** How the attempt's end shows in its run. */
const STATUS: Readonly<Record<ExecutionRow["state"], string>> = {
  succeeded: "FINISHED",
  failed: "FAILED",
  lost: "FAILED",
  cancelled: "KILLED",
};

/** Said of a task's own run when it has ended. */
const ENDED = "('FINISHED', 'FAILED', 'KILLED')";

/**
 * Ends the runs of attempts that have ended. A task's own run that its script ended keeps that time, but not a better status than its task:
 * MLflow's client says FINISHED at the end of a script that failed. Others that the script made (nested ones, trials) keep how they
 * ended, and end as their task when nobody has ended them.
 */
export async function endTaskRuns(pool: Pool, ended: readonly ExecutionRow[]): Promise<void> {
  const edges = await attemptEdges(
    pool,
    ended.map(({ id }) => id),
    EDGES_MAX,
  );
  const rows = ended.map((row) => ({
    attempt: row.id,
    run: taskRunId(parseAttemptKey(row.id)!),
    status: STATUS[row.state],
    ms: Math.round(row.finishedAtMs),
  }));
  const outputs = edges.filter(({ direction }) => direction === "output");
  const tags = [
    ...ended.flatMap((row) => endTags(row).map((tag) => ({ attempt: row.id, ...tag, own: false }))),
    ...outputs.map(({ execution, name, digest }) => ({
      attempt: execution,
      key: `weft.output.${name}`,
      value: digest,
      own: true,
    })),
  ];
  await inTransaction(pool, async (client) => {
    // In one order, so that two servers that end the same runs wait for each other.
    await client.query(`select from runs where attempt = any($1) and attempt_open order by number for update`, [
      ended.map(({ id }) => id),
    ]);
    await insertTags(client, rows, tags);
    await insertInputs(
      client,
      edges.filter(({ direction }) => direction === "input"),
    );
    await client.query(
      `update runs r set attempt_open = false, end_ms = case when r.status in ${ENDED} then coalesce(r.end_ms, e.ms) else e.ms end,
                         status = case when r.status in ${ENDED} and (r.id <> e.run or e.status = 'FINISHED') then r.status
                                       else e.status end
         from json_to_recordset($1::json) as e(attempt text, run text, status text, ms bigint)
        where r.attempt = e.attempt and r.attempt_open`,
      [jsonRows(rows)],
    );
  });
}

/** How an attempt ended is said of its own run, and of those that end with it; what it wrote of its own alone. */
async function insertTags(client: PoolClient, rows: readonly object[], tags: readonly object[]): Promise<void> {
  await client.query(
    `insert into run_tags (run, key, value)
     select r.number, t.key, min(t.value)
       from json_to_recordset($1::json) as t(attempt text, key text, value text, own bool)
       join json_to_recordset($2::json) as e(attempt text, run text) on e.attempt = t.attempt
       join runs r on r.attempt = t.attempt and r.attempt_open
        and (r.id = e.run or (not t.own and r.status not in ${ENDED}))
      group by r.number, t.key order by r.number, t.key
     on conflict (run, key) do update set value = excluded.value`,
    [jsonRows(tags), jsonRows(rows)],
  );
}

/** What an attempt read, as data sets of its run: MLflow's clients show them. */
async function insertInputs(client: PoolClient, inputs: readonly AttemptEdge[]): Promise<void> {
  if (inputs.length === 0) return;
  const rows = inputs.map(({ execution, name, digest, kind, bytes, producer }) => ({
    run: taskRunId(parseAttemptKey(execution)!),
    name,
    digest,
    source: JSON.stringify({ digest, kind, bytes, producer }),
  }));
  const given = `json_to_recordset($1::json) as g(run text, name text, digest text, source text)
       join runs r on r.id = g.run and r.attempt_open`;
  await client.query(
    `insert into datasets (experiment, name, digest, source_type, source)
     select distinct on (r.experiment, g.name, g.digest) r.experiment, g.name, g.digest, 'weft', g.source from ${given}
      order by r.experiment, g.name, g.digest
     on conflict (experiment, name, digest) do nothing`,
    [jsonRows(rows)],
  );
  await client.query(
    `insert into run_datasets (run, dataset, tags)
     select r.number, d.id, '{"mlflow.data.context": "input"}' from ${given}
       join datasets d on d.experiment = r.experiment and d.name = g.name and d.digest = g.digest
     on conflict do nothing`,
    [jsonRows(rows)],
  );
}

function endTags(row: ExecutionRow): KeyValue[] {
  return keyValues({
    "weft.state": row.state,
    "weft.reason": row.reason || null,
    "weft.message": row.message || null,
    "weft.exitCode": row.exitCode === null ? null : String(row.exitCode),
    "weft.node": row.node || null,
    "weft.environment": row.environmentDigest,
    "weft.cpuSeconds": String(row.cpuMs / 1000),
    "weft.peakMemoryBytes": String(row.peakMemoryBytes),
  });
}
