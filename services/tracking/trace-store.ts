import type { Pool } from "pg";
import { jsonRows } from "../../lib/json-rows.ts";
import { absent, invalid } from "./core/mlflow-error.ts";
import { type OtlpSpan } from "./core/trace/otlp.ts";
import { type CorrelationCounts } from "./core/trace/correlation.ts";
import { noTrace, type TraceInfo, traceIdOf, unquoted } from "./core/trace/trace.ts";
import { correlationStatement, type TraceSearch, traceSearchStatement } from "./core/trace/trace-search.ts";
import { pageJson } from "./page.ts";
import { ARTIFACT_ROOT } from "./parts.ts";

const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
/** MLflow's TraceInfo of the row `t`, of its third version. */
const INFO_JSON = `json_strip_nulls(json_build_object(
  'trace_id', t.id,
  'client_request_id', t.client_request_id,
  'trace_location', json_build_object('type', 'MLFLOW_EXPERIMENT',
                                      'mlflow_experiment', json_build_object('experiment_id', t.experiment::text)),
  'request_preview', t.request_preview,
  'response_preview', t.response_preview,
  'request_time', to_char(to_timestamp(t.request_ms / 1000.0) at time zone 'UTC', ${TIME}),
  'execution_duration', trim_scale(t.execution_ms / 1000.0)::text || 's',
  'state', t.state,
  'trace_metadata', t.metadata,
  'assessments', (select json_agg(a.json order by a.created_ms, a.id) from assessments a where a.trace = t.id),
  'tags', t.tags || jsonb_build_object('mlflow.artifactLocation',
            '${ARTIFACT_ROOT}/' || t.experiment || '/traces/' || t.id || '/artifacts')
          || case when exists (select from spans s where s.trace = t.id)
                  then '{"mlflow.trace.spansLocation": "TRACKING_STORE"}'::jsonb else '{}'::jsonb end))`;
/** PostgreSQL's code for a regular expression that is none. */
const INVALID_REGULAR_EXPRESSION = "2201B";

/**
 * What is known of traces, put to what was. `told` by whoever made them, against seen by their spans: a trace that was told keeps
 * what it was told. Throws for experiments that are not there.
 */
export async function upsertTraces(pool: Pool, infos: readonly TraceInfo[], told: boolean): Promise<void> {
  const { rows } = await pool.query<{ written: number }>({
    name: "tracking-upsert-traces",
    text: `with given as (
             select g.* from json_to_recordset($1::json)
               as g(id text, "experimentId" bigint, "requestMs" bigint, "executionMs" bigint, state text, "clientRequestId" text,
                    "requestPreview" text, "responsePreview" text, metadata jsonb, tags jsonb)
               join experiments e on e.id = g."experimentId" and not e.deleted order by g.id),
           written as (
             insert into traces as t (id, experiment, request_ms, execution_ms, state, client_request_id, request_preview,
                                      response_preview, metadata, tags, told)
             select id, "experimentId", "requestMs", "executionMs", state, "clientRequestId", "requestPreview",
                    "responsePreview", metadata, tags, $2 from given
             on conflict (id) do update set
               experiment = case when $2 then excluded.experiment else t.experiment end,
               request_ms = case when $2 then excluded.request_ms when t.told then t.request_ms
                                 else least(t.request_ms, excluded.request_ms) end,
               execution_ms = case when $2 or not t.told then coalesce(excluded.execution_ms, t.execution_ms)
                                   else t.execution_ms end,
               state = case when $2 or not (t.told or excluded.state = 'IN_PROGRESS') then excluded.state else t.state end,
               client_request_id = coalesce(excluded.client_request_id, t.client_request_id),
               request_preview = case when $2 then coalesce(excluded.request_preview, t.request_preview)
                                      else coalesce(t.request_preview, excluded.request_preview) end,
               response_preview = case when $2 then coalesce(excluded.response_preview, t.response_preview)
                                       else coalesce(t.response_preview, excluded.response_preview) end,
               metadata = case when $2 then t.metadata || excluded.metadata else excluded.metadata || t.metadata end,
               tags = case when $2 then t.tags || excluded.tags else excluded.tags || t.tags end,
               told = t.told or $2
             returning 1)
           select count(*)::int as written from written`,
    values: [jsonRows(infos), told],
  });
  if (rows[0]!.written === infos.length) return;
  const ids = [...new Set(infos.map(({ experimentId }) => experimentId))].join(", ");
  throw absent(`No Experiment with id=${ids} exists, or it is deleted`);
}

/** The same span again replaces itself. */
export async function upsertSpans(pool: Pool, spans: readonly OtlpSpan[]): Promise<void> {
  const rows = new Map(
    spans.map((span) => [
      `${traceIdOf(span)} ${span.spanId}`,
      {
        trace: traceIdOf(span),
        id: span.spanId,
        name: span.name,
        type: unquoted(span.attributes.get("mlflow.spanType")) ?? "UNKNOWN",
        status: span.status,
        start: String(span.startNs),
        end: String(span.endNs),
        attributes: Object.fromEntries([...span.attributes].map(([key, value]) => [key, String(value)])),
        json: span.json,
      },
    ]),
  );
  await pool.query({
    name: "tracking-upsert-spans",
    text: `insert into spans (trace, id, name, type, status, start_ns, end_ns, attributes, json)
           select trace, id, name, type, status, start, "end", attributes, json
             from json_to_recordset($1::json) as r(trace text, id text, name text, type text, status text, start bigint,
                                                   "end" bigint, attributes jsonb, json text) order by trace, id
           on conflict (trace, id) do update set name = excluded.name, type = excluded.type, status = excluded.status,
             start_ns = excluded.start_ns, end_ns = excluded.end_ns, attributes = excluded.attributes, json = excluded.json`,
    values: [jsonRows([...rows.values()])],
  });
}

/** MLflow's TraceInfo as JSON. Throws RESOURCE_DOES_NOT_EXIST. */
export async function getTraceInfo(pool: Pool, id: string): Promise<string> {
  const [json] = await getTraceInfos(pool, [id]);
  if (json === undefined) throw absent(noTrace(id));
  return json;
}

/** Of those that are there, in the order asked for. */
export async function getTraceInfos(pool: Pool, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ json: string }>({
    name: "tracking-trace-infos",
    text: `select ${INFO_JSON}::text as json from unnest($1::text[]) with ordinality as w(id, place)
             join traces t on t.id = w.id order by w.place`,
    values: [ids],
  });
  return rows.map(({ json }) => json);
}

/** MLflow's Trace, with its spans in order of their start, as JSON; of those that are there. */
export async function getTraces(pool: Pool, ids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ json: string; spans: string | null }>({
    name: "tracking-traces",
    text: `select ${INFO_JSON}::text as json,
                  (select string_agg(s.json, ',' order by s.start_ns, s.id) from spans s where s.trace = t.id) as spans
             from unnest($1::text[]) with ordinality as w(id, place) join traces t on t.id = w.id order by w.place`,
    values: [ids],
  });
  return rows.map(({ json, spans }) => `{"trace_info":${json},"spans":[${spans ?? ""}]}`);
}

export async function searchTraces(pool: Pool, search: TraceSearch): Promise<string> {
  const { sql, values, shape } = traceSearchStatement(search);
  const text = `select ${INFO_JSON}::text as json, p.keys from (${sql}) p join traces t on t.id = p.id order by p.place`;
  const { rows } = await refusingRegularExpressions(() =>
    pool.query<{ json: string; keys: (string | null)[] }>(text, values),
  );
  return pageJson("traces", rows, search.limit, shape);
}

/** Throws RESOURCE_DOES_NOT_EXIST. */
export async function setTraceTags(pool: Pool, id: string, tags: Readonly<Record<string, string>>): Promise<void> {
  const { rowCount } = await pool.query("update traces set tags = tags || $2::jsonb where id = $1", [
    id,
    JSON.stringify(tags),
  ]);
  if (rowCount === 0) throw absent(noTrace(id));
}

export async function deleteTraceTag(pool: Pool, id: string, key: string): Promise<void> {
  const { rowCount } = await pool.query("update traces set tags = tags - $2::text where id = $1 and tags ? $2", [
    id,
    key,
  ]);
  if (rowCount === 0) throw absent(`No trace tag with key '${key}' for trace with ID '${id}'`);
}

/** What is deleted is gone, spans and all. */
export async function deleteTraces(
  pool: Pool,
  which: {
    readonly experimentId: string;
    readonly maxMs: number | null;
    readonly maxCount: number | null;
    readonly ids: readonly string[] | null;
  },
): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `with gone as (
       delete from traces where id in (
         select id from traces where experiment = $1 and ($2::bigint is null or request_ms <= $2)
            and ($3::text[] is null or id = any($3)) order by request_ms limit $4)
       returning id),
     spanless as (delete from spans s using gone where s.trace = gone.id),
     unjudged as (delete from assessments a using gone where a.trace = gone.id),
     unlinked as (delete from trace_runs l using gone where l.trace = gone.id),
     promptless as (delete from trace_prompts l using gone where l.trace = gone.id)
     select count(*)::int as count from gone`,
    [which.experimentId, which.maxMs, which.ids, which.maxCount],
  );
  return rows[0]!.count;
}

/** Linking again changes nothing. Throws for a run that is not there. */
export async function linkTraces(pool: Pool, ids: readonly string[], run: string): Promise<void> {
  const { rows } = await pool.query<{ found: boolean }>(
    `with linked as (
       insert into trace_runs (trace, run) select w.id, r.id from unnest($1::text[]) w(id), runs r where r.id = $2
       on conflict do nothing)
     select exists (select from runs where id = $2) as found`,
    [ids, run],
  );
  if (!rows[0]!.found) throw absent(`Run with id=${run} not found`);
}

/** `prompts`: `name/version` each. Linking again changes nothing. Throws for a trace that is not there. */
export async function linkPrompts(pool: Pool, trace: string, prompts: readonly string[]): Promise<void> {
  const { rows } = await pool.query<{ found: boolean }>(
    `with linked as (
       insert into trace_prompts (trace, prompt) select t.id, w.prompt from unnest($2::text[]) w(prompt), traces t
        where t.id = $1 order by w.prompt on conflict do nothing)
     select exists (select from traces where id = $1) as found`,
    [trace, prompts],
  );
  if (!rows[0]!.found) throw absent(noTrace(trace));
}

/** How many traces of these experiments fit the base, each of the filters, and both. */
export async function correlateTraces(
  pool: Pool,
  asked: Parameters<typeof correlationStatement>[0],
): Promise<CorrelationCounts> {
  const { sql, values } = correlationStatement(asked);
  const { rows } = await refusingRegularExpressions(() => pool.query<CorrelationCounts>(sql, values));
  return rows[0]!;
}

/** Runs a search that may hold regular expressions of users. */
async function refusingRegularExpressions<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if ((error as { code?: string }).code === INVALID_REGULAR_EXPRESSION)
      throw invalid(`RLIKE: ${(error as Error).message}`);
    throw error;
  }
}
