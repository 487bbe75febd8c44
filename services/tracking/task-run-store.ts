import type { Pool } from "pg";
import type { AttemptFacts } from "../../lib/core/execution.ts";
import { attemptKey, type AttemptKey } from "../../lib/core/ids.ts";
import { inTransaction } from "../../lib/db.ts";
import { jsonRows } from "../../lib/json-rows.ts";
import { pipelineExperimentId, pipelineExperimentName, taskRunId } from "../../lib/task-run.ts";
import type { ExecutionRow } from "../lineage/index.ts";
import type { KeyValue } from "./core/batch.ts";
import { ARTIFACT_ROOT } from "./parts.ts";

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

/** Makes the attempt's run if it is not there. */
export async function ensureTaskRun(
  pool: Pool,
  facts: AttemptFacts,
  run: { readonly experimentId: string; readonly startMs: number; readonly tags: readonly KeyValue[] },
): Promise<void> {
  const { ref } = facts;
  await pool.query(
    `with made as (
       insert into runs (id, experiment, name, user_id, status, start_ms, artifact_uri, attempt, attempt_open)
       select $1, e.id, $3, '', 'RUNNING', $4, e.artifact_location || '/' || $1 || '/artifacts', $5, true
         from experiments e where e.id = $2
       on conflict (id) do nothing returning number)
     insert into run_tags (run, key, value)
     select made.number, t.key, t.value from made, json_to_recordset($6::json) as t(key text, value text)`,
    [taskRunId(ref), run.experimentId, runName(facts), run.startMs, attemptKey(ref), jsonRows(run.tags)],
  );
}

export function runName({ ref }: AttemptFacts): string {
  const instance = ref.index > 0 ? `${ref.task}[${ref.index}]` : ref.task;
  return ref.attempt > 1 ? `${instance} attempt ${ref.attempt}` : instance;
}

/** Attempts whose runs wait for their end, in order, from after that one. */
export async function openAttempts(pool: Pool, after: string, limit: number): Promise<AttemptKey[]> {
  const { rows } = await pool.query<{ attempt: AttemptKey }>({
    name: "tracking-open-attempts",
    text: "select attempt from runs where attempt_open and attempt > $1 order by attempt limit $2",
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

/**
 * Ends the runs of attempts that have ended. A run that its script ended by itself keeps that time, but not a better status than its task:
 * MLflow's client says FINISHED at the end of a script that failed.
 */
export async function endTaskRuns(pool: Pool, ended: readonly ExecutionRow[]): Promise<void> {
  const rows = ended.map((row) => ({
    attempt: row.id,
    status: STATUS[row.state],
    ms: Math.round(row.finishedAtMs),
  }));
  const tags = ended.flatMap((row) => endTags(row).map((tag) => ({ attempt: row.id, ...tag })));
  await inTransaction(pool, async (client) => {
    await client.query(
      `insert into run_tags (run, key, value)
       select r.number, t.key, t.value from json_to_recordset($1::json) as t(attempt text, key text, value text)
         join runs r on r.attempt = t.attempt and r.attempt_open order by r.number, t.key
       on conflict (run, key) do update set value = excluded.value`,
      [jsonRows(tags)],
    );
    await client.query(
      `update runs r set attempt_open = false, end_ms = case when r.status in ('FINISHED', 'FAILED', 'KILLED')
                                                             then coalesce(r.end_ms, e.ms) else e.ms end,
                         status = case when r.status in ('FAILED', 'KILLED') and e.status = 'FINISHED' then r.status else e.status end
         from json_to_recordset($1::json) as e(attempt text, status text, ms bigint)
        where r.attempt = e.attempt and r.attempt_open`,
      [jsonRows(rows)],
    );
  });
}

function endTags(row: ExecutionRow): KeyValue[] {
  const all: Record<string, string | null> = {
    "weft.state": row.state,
    "weft.reason": row.reason || null,
    "weft.message": row.message || null,
    "weft.exitCode": row.exitCode === null ? null : String(row.exitCode),
    "weft.node": row.node || null,
    "weft.environment": row.environmentDigest,
    "weft.cpuSeconds": String(row.cpuMs / 1000),
    "weft.peakMemoryBytes": String(row.peakMemoryBytes),
  };
  return Object.entries(all).flatMap(([key, value]) => (value === null ? [] : [{ key, value }]));
}
