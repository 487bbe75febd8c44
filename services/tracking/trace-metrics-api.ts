import type { Fields } from "./core/fields.ts";
import { invalid, invalidValue, missingValue } from "./core/mlflow-error.ts";
import { parseExperimentId } from "./core/name.ts";
import {
  type Aggregation,
  AGGREGATIONS,
  aggregationName,
  METRIC_VIEWS,
  type MetricQuery,
  metricStatement,
  type MetricView,
} from "./core/trace/trace-metrics.ts";
import { readEnum } from "./page.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";

const ROWS = { min: 1, max: 1_000, fallback: 1_000 } as const;
/** Of one query: each is a pass over the rows. */
const AGGREGATIONS_MAX = 20;
const INTERVAL_SECONDS = { min: 1, max: 10 * 366 * 24 * 3_600, fallback: 1 } as const;
const BUCKET = "time_bucket";

/** Counts, latencies, tokens, costs and judgements over traces, as MLflow's `query_trace_metrics` asks for them. */
export function traceMetricRoutes({ pool }: TrackingParts): MlflowRoute[] {
  return [
    {
      method: "POST",
      path: "/traces/metrics",
      versions: ["3.0"],
      answer: async (fields) => {
        const query = readQuery(fields);
        const { sql, values } = metricStatement(query);
        const { rows } = await pool.query<{ bucket: string | null; dimensions: string[]; values: (number | null)[] }>(
          sql,
          values,
        );
        // Without groups there is one row, also where there is nothing to aggregate but to count.
        const points = rows.filter((row) => row.values.some((value) => value !== null));
        return points.length === 0 ? {} : { data_points: points.map((row) => pointOf(query, row)) };
      },
    },
  ];
}

function pointOf(
  query: MetricQuery,
  row: {
    readonly bucket: string | null;
    readonly dimensions: readonly string[];
    readonly values: readonly (number | null)[];
  },
): object {
  const named = query.dimensions.map((name, index) => [name, row.dimensions[index]!]);
  const measured = query.aggregations.map((one, index) => [aggregationName(one), row.values[index]]);
  return {
    metric_name: query.metric,
    dimensions: Object.fromEntries(row.bucket === null ? named : [[BUCKET, isoTime(Number(row.bucket))], ...named]),
    values: Object.fromEntries(measured.filter(([, value]) => value !== null)),
  };
}

/** Whole seconds, as Python writes them. */
function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.000Z$/, "+00:00");
}

function readQuery(fields: Fields): MetricQuery {
  const experimentIds = fields.texts("experiment_ids").map(parseExperimentId);
  if (experimentIds.length === 0) throw missingValue("experiment_ids");
  const view = readEnum(fields, "view_type", METRIC_VIEWS, 1) as MetricView | undefined;
  if (view === undefined) throw missingValue("view_type");
  const aggregations = fields.objects("aggregations").map(readAggregation);
  if (aggregations.length === 0) throw missingValue("aggregations");
  if (aggregations.length > AGGREGATIONS_MAX)
    throw invalid(`aggregations may have ${AGGREGATIONS_MAX} entries, not ${aggregations.length}`);
  return {
    experimentIds,
    view,
    metric: fields.requiredText("metric_name"),
    aggregations,
    dimensions: [...new Set(fields.texts("dimensions"))],
    filters: fields.texts("filters"),
    intervalSeconds: fields.has("time_interval_seconds")
      ? fields.within("time_interval_seconds", INTERVAL_SECONDS)
      : null,
    startMs: fields.integer("start_time_ms") ?? null,
    endMs: fields.integer("end_time_ms") ?? null,
    limit: fields.within("max_results", ROWS),
  };
}

function readAggregation(fields: Fields): Aggregation {
  const type = readEnum(fields, "aggregation_type", AGGREGATIONS, 1) as Aggregation["type"] | undefined;
  if (type === undefined) throw missingValue(fields.path("aggregation_type"));
  const percentile = fields.double("percentile_value") ?? null;
  if ((type === "PERCENTILE") !== (percentile !== null))
    throw invalid("percentile_value is needed for PERCENTILE aggregations, and allowed for no other");
  if (percentile !== null && !(percentile >= 0 && percentile <= 100))
    throw invalidValue(fields.path("percentile_value"), percentile, "it must be between 0 and 100");
  return { type, percentile };
}
