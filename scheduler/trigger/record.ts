import type { ClientBase } from "pg";
import type { JobNews } from "../core/index.ts";

/**
 * Tells the triggers that wait for a pipeline's jobs or data that jobs have ended: rows of the transaction in which they do. Repeating it
 * changes nothing. `watched`: pipelines that some trigger waits for; null: not known, ask the table.
 */
export async function recordEndedJobs(
  client: ClientBase,
  news: readonly JobNews[],
  watched: ReadonlySet<string> | null,
): Promise<void> {
  const ended = news.filter(
    ({ row, progress }) => progress.finishedAtMs !== null && (watched === null || watched.has(row.pipeline)),
  );
  if (ended.length === 0) return;
  const ids = ended.map(({ row }) => row.id);
  await Promise.all([
    client.query({ name: "trigger-job-events", text: JOB_EVENTS, values: [ids] }),
    client.query({ name: "trigger-data-events", text: DATA_EVENTS, values: [ids] }),
  ]);
}

const INSERT = `insert into trigger_events (trigger, event, name, kind, at_ms, content, context, params, force, depth, state, reason)`;
/** A job that runs again and ends again is another event. */
const EVENT = `j.id || '.' || j.state || '.' || j.finished_at_ms::bigint`;
const JOB_VALUES = `json_build_object('id', j.id, 'pipeline', j.pipeline, 'state', j.state, 'reason', j.reason, 'params', j.params)`;
const DEPTH = `coalesce((j.triggered_by ->> 'depth')::integer, 0) + 1`;
const COMMON_VALUES = `
  'event', json_build_object('id', ${EVENT}, 'kind', t.source ->> 'kind',
    'at', to_char(to_timestamp(j.finished_at_ms / 1000) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
  'trigger', json_build_object('name', t.pipeline || '.' || t.name)`;

const JOB_EVENTS = `
  ${INSERT}
  select t.id, ${EVENT}, t.pipeline || '.' || t.name, 'job', j.finished_at_ms, j.id,
         json_build_object(${COMMON_VALUES}, 'job', ${JOB_VALUES}), '{}'::json, 0, ${DEPTH}, 'pending', ''
  from triggers t join jobs j on j.pipeline = t.watches
  where j.id = any($1::text[]) and t.state = 'active' and t.source ->> 'kind' = 'job' and t.source -> 'states' ? j.state
  on conflict (trigger, event) do nothing`;

/** The content is that of all outputs of the name, in order: of a mapped task each instance has one. */
const DATA_EVENTS = `
  ${INSERT}
  select t.id, ${EVENT}, t.pipeline || '.' || t.name, 'data', j.finished_at_ms, output.content,
         json_build_object(${COMMON_VALUES}, 'job', ${JOB_VALUES},
           'output', json_build_object('name', t.source ->> 'output', 'task', output.task, 'count', output.count,
             'digest', case when output.count = 1 then output.digest else 'sha256:' || output.content end)),
         '{}'::json, 0, ${DEPTH}, 'pending', ''
  from triggers t join jobs j on j.pipeline = t.watches
  cross join lateral (
    select count(*)::integer as count, min(k.task) as task, min(each ->> 'digest') as digest,
           encode(sha256(convert_to(string_agg(each ->> 'digest', ',' order by k.task, k.index), 'UTF8')), 'hex') as content
    from tasks k cross join lateral jsonb_array_elements(k.outputs) as each
    where k.job = j.id and k.state = 'succeeded' and each ->> 'name' = t.source ->> 'output'
      and (t.source ->> 'task' is null or k.task = t.source ->> 'task')) as output
  where j.id = any($1::text[]) and j.state = 'succeeded' and t.state = 'active' and t.source ->> 'kind' = 'data' and output.count > 0
  on conflict (trigger, event) do nothing`;
