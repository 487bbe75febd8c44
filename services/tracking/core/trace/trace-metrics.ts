import { type Comparison, type Grammar, parseFilter } from "../filter.ts";
import { amongSql } from "../keyset.ts";
import { invalid } from "../mlflow-error.ts";
import { Binds } from "../sql.ts";

export type MetricView = "TRACES" | "SPANS" | "ASSESSMENTS";
export const METRIC_VIEWS: readonly MetricView[] = ["TRACES", "SPANS", "ASSESSMENTS"];
/** In protobuf's order from 1. */
export const AGGREGATIONS = ["COUNT", "SUM", "AVG", "PERCENTILE", "MIN", "MAX"] as const;

export interface Aggregation {
  readonly type: (typeof AGGREGATIONS)[number];
  /** From 0 to 100; null: of the others. */
  readonly percentile: number | null;
}

export interface MetricQuery {
  readonly experimentIds: readonly string[];
  readonly view: MetricView;
  readonly metric: string;
  readonly aggregations: readonly Aggregation[];
  readonly dimensions: readonly string[];
  /** One comparison each. */
  readonly filters: readonly string[];
  /** Null: no groups by time. */
  readonly intervalSeconds: number | null;
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly limit: number;
}

interface Measured {
  /** SQL of what is aggregated. Rows where it is null do not count. */
  readonly value: string;
  readonly aggregations: readonly Aggregation["type"][];
  readonly dimensions: readonly string[];
}

interface View {
  readonly from: string;
  /** SQL of epoch milliseconds, for ranges and groups of time. */
  readonly time: string;
  readonly metrics: Readonly<Record<string, Measured>>;
  readonly dimensions: Readonly<Record<string, string>>;
}

const SPREAD: readonly Aggregation["type"][] = ["AVG", "MIN", "MAX", "PERCENTILE"];
const SUMMED: readonly Aggregation["type"][] = ["SUM", ...SPREAD];
/** A number in a map that MLflow's client wrote as JSON text; null for whatever else somebody wrote. */
const numberIn = (json: string, key: string): string =>
  `(substring(${json} from '"${key}": *(-?[0-9]{1,30}(?:[.][0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?)'))::float8`;
const tokens = (key: string): Measured => ({
  value: numberIn("(t.metadata->>'mlflow.trace.tokenUsage')", key),
  aggregations: SUMMED,
  dimensions: ["trace_name"],
});
const cost = (key: string): Measured => ({
  value: numberIn("(s.attributes->>'mlflow.llm.cost')", key),
  aggregations: SUMMED,
  dimensions: ["span_model_name", "span_model_provider"],
});
/** Of spans' attributes, which MLflow's client writes as JSON: without the quotes. */
const unquoted = (key: string): string => `trim(both '"' from s.attributes->>'${key}')`;

/** The value of an assessment. */
const JUDGED = "coalesce(a.json->'feedback'->'value', a.json->'expectation'->'value')";

/** What can be asked, by MLflow's own names. */
const VIEWS: Readonly<Record<MetricView, View>> = {
  TRACES: {
    from: "traces t",
    time: "t.request_ms",
    metrics: {
      trace_count: { value: "t.id", aggregations: ["COUNT"], dimensions: ["trace_name", "trace_status"] },
      session_count: { value: "t.metadata->>'mlflow.trace.session'", aggregations: ["COUNT"], dimensions: [] },
      latency: { value: "t.execution_ms::float8", aggregations: SPREAD, dimensions: ["trace_name"] },
      input_tokens: tokens("input_tokens"),
      output_tokens: tokens("output_tokens"),
      total_tokens: tokens("total_tokens"),
      cache_read_input_tokens: tokens("cache_read_input_tokens"),
      cache_creation_input_tokens: tokens("cache_creation_input_tokens"),
    },
    dimensions: { trace_name: "t.tags->>'mlflow.traceName'", trace_status: "t.state" },
  },
  SPANS: {
    from: "traces t join spans s on s.trace = t.id",
    time: "(s.start_ns / 1000000)",
    metrics: {
      span_count: {
        value: "s.id",
        aggregations: ["COUNT"],
        dimensions: ["span_name", "span_type", "span_status", "span_model_name", "span_model_provider"],
      },
      latency: {
        value: "((s.end_ns - s.start_ns) / 1000000)::float8",
        aggregations: SPREAD,
        dimensions: ["span_name", "span_status"],
      },
      input_cost: cost("input_cost"),
      output_cost: cost("output_cost"),
      total_cost: cost("total_cost"),
    },
    dimensions: {
      span_name: "s.name",
      span_type: "s.type",
      span_status: "s.status",
      span_model_name: unquoted("mlflow.llm.model"),
      span_model_provider: unquoted("mlflow.llm.provider"),
    },
  },
  ASSESSMENTS: {
    from: "traces t join assessments a on a.trace = t.id and a.valid",
    time: "t.request_ms",
    metrics: {
      assessment_count: {
        value: "a.id",
        aggregations: ["COUNT"],
        dimensions: ["assessment_name", "assessment_value"],
      },
      assessment_value: {
        // Numbers that a double holds as they are; yes and no, true and false, as one and zero.
        value: `case jsonb_typeof(${JUDGED})
                  when 'number' then case when abs((${JUDGED})::numeric) < 1e300 then round((${JUDGED})::numeric, 300)::float8 end
                  when 'boolean' then (${JUDGED})::boolean::int::float8
                  when 'string' then case lower(trim(a.value)) when 'yes' then 1 when 'no' then 0 end end`,
        aggregations: SPREAD,
        dimensions: ["assessment_name"],
      },
    },
    // As JSON, as MLflow has it: texts with quotes.
    dimensions: { assessment_name: "a.name", assessment_value: `${JUDGED}::text` },
  },
};

/** Filters as MLflow's SearchTraceMetricsUtils reads them: `trace.status`, `trace.tag.KEY`, `span.name`, `assessment.type`, … */
const GRAMMAR: Grammar = {
  entities: { trace: "trace", span: "span", assessment: "assessment" },
  attributes: {},
  aliases: {},
  numbers: [],
  keys: { span: ["name", "status", "type"], assessment: ["name", "type"] },
  lists: [],
  nullable: [],
};

const FILTERED: Readonly<Record<string, string>> = {
  "trace.status": "t.state",
  "span.name": "s.name",
  "span.status": "s.status",
  "span.type": "s.type",
  "assessment.name": "a.name",
  "assessment.type": "a.kind",
};

export interface MetricStatement {
  /** Rows of `bucket` (epoch milliseconds, or null), `dimensions` (text[]) and `values` (float8[]). */
  readonly sql: string;
  readonly values: unknown[];
}

/** Throws INVALID_PARAMETER_VALUE for what cannot be asked, in MLflow's words. */
export function metricStatement(query: MetricQuery): MetricStatement {
  const view = VIEWS[query.view];
  const measured = measuredOf(query, view);
  if (query.intervalSeconds !== null && (query.startMs === null || query.endMs === null))
    throw invalid("start_time_ms and end_time_ms are required if time_interval_seconds is set");
  const binds = new Binds();
  const where = [amongSql("t.experiment", query.experimentIds, binds), `(${measured.value}) is not null`];
  for (const filter of query.filters) where.push(filterSql(filter, query.view, binds));
  // Spans count by their trace's time where a range is asked for, but for what they cost.
  const ranged = query.view === "SPANS" && !query.metric.endsWith("_cost") ? "t.request_ms" : view.time;
  if (query.startMs !== null) where.push(`${ranged} >= ${binds.add(query.startMs)}::bigint`);
  if (query.endMs !== null) where.push(`${ranged} <= ${binds.add(query.endMs)}::bigint`);
  const dimensions = query.dimensions.map((name) => `(${view.dimensions[name]!})`);
  for (const dimension of dimensions) where.push(`${dimension} is not null`);
  const bucketMs = query.intervalSeconds === null ? null : `(${binds.add(query.intervalSeconds)}::bigint * 1000)`;
  const bucket =
    bucketMs === null ? "null::bigint" : `(floor(${view.time}::numeric / ${bucketMs}) * ${bucketMs})::bigint`;
  const aggregated = query.aggregations.map((one) => aggregateSql(one, measured.value, query.metric, binds));
  const grouped = [...(bucketMs === null ? [] : ["bucket"]), ...dimensions.map((_, index) => `d${index}`)];
  const inner = `select ${bucket} as bucket, ${dimensions.map((sql, index) => `${sql} as d${index}, `).join("")}
      (${measured.value}) as measured from ${view.from} where ${where.join(" and ")}`;
  const names = dimensions.map((_, index) => `d${index}`).join(", ");
  const sql = `select ${bucketMs === null ? "null" : "bucket::text"} as bucket, array[${names}]::text[] as dimensions,
      array[${aggregated.join(", ")}]::float8[] as values from (${inner}) m
    ${grouped.length === 0 ? "" : `group by ${grouped.join(", ")} order by ${grouped.join(", ")}`}
    limit ${binds.add(query.limit)}::int`;
  return { sql, values: binds.values };
}

/** What a result calls the aggregation: `AVG`, `P99.0`. */
export function aggregationName({ type, percentile }: Aggregation): string {
  if (type !== "PERCENTILE") return type;
  // As Python writes a float.
  return `P${Number.isInteger(percentile) ? `${percentile}.0` : String(percentile)}`;
}

function measuredOf(query: MetricQuery, { metrics }: View): Measured {
  const measured = Object.hasOwn(metrics, query.metric) ? metrics[query.metric] : undefined;
  if (measured === undefined)
    throw invalid(`metric_name must be one of [${Object.keys(metrics).map(quoted).join(", ")}], got '${query.metric}'`);
  const wrong = query.aggregations.filter(({ type }) => !measured.aggregations.includes(type)).map(({ type }) => type);
  if (wrong.length > 0)
    throw invalid(
      `Found invalid aggregation_type(s): [${wrong.map(quoted).join(", ")}]. Supported aggregation types: [${measured.aggregations.toSorted().map(quoted).join(", ")}]`,
    );
  const unknown = query.dimensions.filter((name) => !measured.dimensions.includes(name));
  if (unknown.length > 0)
    throw invalid(
      `Found invalid dimension(s): [${unknown.map(quoted).join(", ")}]. Supported dimensions: [${measured.dimensions.toSorted().map(quoted).join(", ")}]`,
    );
  return measured;
}

const quoted = (text: string): string => `'${text}'`;

function aggregateSql({ type, percentile }: Aggregation, value: string, metric: string, binds: Binds): string {
  if (type === "COUNT") return metric === "session_count" ? "count(distinct measured)" : "count(measured)";
  if (type !== "PERCENTILE") return `${type.toLowerCase()}(measured)`;
  return `percentile_cont(${binds.add(percentile! / 100)}::float8) within group (order by measured)`;
}

function filterSql(filter: string, view: MetricView, binds: Binds): string {
  const [comparison, ...more] = parseFilter(filter, GRAMMAR);
  if (comparison === undefined || more.length > 0)
    throw invalid(`Invalid filter: '${filter}'. Expected one filter clause.`);
  const { entity, key, operator, value } = comparison;
  if (operator !== "=") throw invalid(`Invalid comparator: '${operator}', only '=' operator is supported`);
  if (entity !== "trace" && view !== `${entity.toUpperCase()}S`)
    throw invalid(`Filtering by ${entity} is only supported for ${entity.toUpperCase()}S view type, got ${view}`);
  const column = FILTERED[`${entity}.${key}`] ?? mapSql(comparison, binds);
  const sql = `${column} = ${binds.add(value)}::text`;
  if (key !== "metadata.mlflow.sourceRun") return sql;
  return `(${sql} or exists (select from trace_runs l where l.trace = t.id and l.run = ${binds.add(value)}))`;
}

/** `trace.tag.KEY` and `trace.metadata.KEY`, the key perhaps in backticks. */
function mapSql({ key }: Comparison, binds: Binds): string {
  const match = /^(tag|metadata)\.(?:`([^`]+)`|"([^"]+)"|(.+))$/.exec(key);
  if (match === null)
    throw invalid(
      `Invalid entity '${key}' specified for view type 'trace'. Valid entities are ['status', 'tag', 'metadata']`,
    );
  const name = match[2] ?? match[3] ?? match[4]!;
  return `(t.${match[1] === "tag" ? "tags" : "metadata"}->>${binds.add(name)}::text)`;
}
