import type { Fields } from "./core/fields.ts";
import { LIMITS } from "./core/limits.ts";
import { absent, invalid, invalidValue, missingValue } from "./core/mlflow-error.ts";
import { parseExperimentId } from "./core/name.ts";
import { checkTraceId, noTrace, type TraceInfo, type TraceState } from "./core/trace/trace.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import { readPage } from "./trace-api.ts";
import { getTraceInfos, searchTraces, upsertTraces } from "./trace-store.ts";

/** What newer clients call a trace's info, as far as older ones ask for it. */
interface NewInfo {
  readonly trace_id: string;
  readonly trace_location: { readonly mlflow_experiment: { readonly experiment_id: string } };
  readonly request_time: string;
  readonly execution_duration?: string;
  readonly state: TraceState;
  readonly trace_metadata?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
}

/**
 * Traces as MLflow 2's clients know them: a trace has a request's id, is started and ended, and its spans are a file among its
 * artifacts. The rows are those of newer clients.
 */
export function legacyTraceRoutes({ pool, now, newId }: TrackingParts): MlflowRoute[] {
  const infoOf = async (id: string): Promise<NewInfo> => {
    const [json] = await getTraceInfos(pool, [id]);
    if (json === undefined) throw absent(noTrace(id));
    return JSON.parse(json) as NewInfo;
  };
  const write = async (info: TraceInfo): Promise<object> => {
    await upsertTraces(pool, [info], true);
    return { trace_info: oldInfo(await infoOf(info.id)) };
  };
  return [
    {
      method: "POST",
      path: "/traces",
      answer: (fields) =>
        write({
          ...NOTHING_KNOWN,
          id: `tr-${newId()}`,
          experimentId: parseExperimentId(fields.requiredText("experiment_id")),
          requestMs: fields.integer("timestamp_ms") ?? now(),
          state: "IN_PROGRESS",
          metadata: { "mlflow.trace_schema.version": "2", ...pairs(fields, "request_metadata") },
          tags: pairs(fields, "tags"),
        }),
    },
    {
      method: "PATCH",
      path: "/traces/:trace_id",
      answer: async (fields) => {
        const id = checkTraceId(fields.requiredText("trace_id"));
        const held = await infoOf(id);
        const endMs = fields.integer("timestamp_ms");
        if (endMs === undefined) throw missingValue("timestamp_ms");
        const requestMs = Date.parse(held.request_time);
        const state = fields.text("status") ?? "OK";
        if (!/^(?:OK|ERROR|IN_PROGRESS)$/.test(state)) throw invalidValue("status", state);
        return write({
          ...NOTHING_KNOWN,
          id,
          experimentId: held.trace_location.mlflow_experiment.experiment_id,
          requestMs,
          executionMs: Math.max(endMs - requestMs, 0),
          state: state as TraceState,
          metadata: pairs(fields, "request_metadata"),
          tags: pairs(fields, "tags"),
        });
      },
    },
    {
      method: "GET",
      path: "/traces/:trace_id/info",
      answer: async (fields) => ({ trace_info: oldInfo(await infoOf(checkTraceId(fields.requiredText("trace_id")))) }),
    },
    {
      method: "GET",
      path: "/traces",
      answer: async (fields) => {
        const ids = fields.texts("experiment_ids");
        if (ids.length === 0) throw invalid("SearchTraces request must specify at least one experiment_id.");
        const page = await searchTraces(pool, { experimentIds: ids.map(parseExperimentId), ...readPage(fields) });
        const { traces = [], ...rest } = JSON.parse(page) as { readonly traces?: readonly NewInfo[] };
        return { ...(traces.length > 0 && { traces: traces.map(oldInfo) }), ...rest };
      },
    },
  ];
}

const NOTHING_KNOWN = {
  executionMs: null,
  clientRequestId: null,
  requestPreview: null,
  responsePreview: null,
} as const;

function oldInfo(info: NewInfo): object {
  const list = (map: Readonly<Record<string, string>> = {}): object[] =>
    Object.entries(map).map(([key, value]) => ({ key, value }));
  const { execution_duration: duration } = info;
  return {
    request_id: info.trace_id,
    experiment_id: info.trace_location.mlflow_experiment.experiment_id,
    timestamp_ms: Date.parse(info.request_time),
    ...(duration !== undefined && { execution_time_ms: Math.round(Number(duration.slice(0, -1)) * 1000) }),
    status: info.state === "STATE_UNSPECIFIED" ? "TRACE_STATUS_UNSPECIFIED" : info.state,
    request_metadata: list(info.trace_metadata),
    tags: list(info.tags),
  };
}

function pairs(fields: Fields, name: string): Record<string, string> {
  return Object.fromEntries(
    fields
      .objects(name)
      .map((pair) => [
        pair.requiredText("key").slice(0, LIMITS.keyChars),
        (pair.text("value") ?? "").slice(0, LIMITS.tagValueChars),
      ]),
  );
}
