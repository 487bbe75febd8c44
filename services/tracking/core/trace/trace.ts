import { type Fields } from "../fields.ts";
import { LIMITS } from "../limits.ts";
import { invalid, invalidValue, missingValue } from "../mlflow-error.ts";
import { parseExperimentId } from "../name.ts";
import type { OtlpSpan } from "./otlp.ts";

export type TraceState = "STATE_UNSPECIFIED" | "OK" | "ERROR" | "IN_PROGRESS";

/** MLflow's TraceInfo, as far as the sender knows it. */
export interface TraceInfo {
  /** `tr-` and 32 hex digits; other clients may have others. */
  readonly id: string;
  readonly experimentId: string;
  readonly requestMs: number;
  readonly executionMs: number | null;
  readonly state: TraceState;
  readonly clientRequestId: string | null;
  readonly requestPreview: string | null;
  readonly responsePreview: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

const STATES: readonly string[] = ["STATE_UNSPECIFIED", "OK", "ERROR", "IN_PROGRESS"];
const TRACE_ID = /^[\w.:/-]{1,128}$/;
/** Of inputs and outputs, for lists of traces. */
const PREVIEW_CHARS = 1_000;

export function checkTraceId(id: string): string {
  if (!TRACE_ID.test(id)) throw invalidValue("trace_id", id);
  return id;
}

/** `trace.trace_info` of a request. `parseTime`: of RFC 3339, to epoch milliseconds, NaN for what is none. */
export function readTraceInfo(info: Fields, parseTime: (text: string) => number): TraceInfo {
  const location = info.object("trace_location")?.object("mlflow_experiment");
  if (location === undefined) throw missingValue(info.path("trace_location.mlflow_experiment"));
  const state = info.text("state") ?? "STATE_UNSPECIFIED";
  if (!STATES.includes(state)) throw invalidValue(info.path("state"), state);
  const duration = info.text("execution_duration");
  return {
    id: checkTraceId(info.requiredText("trace_id")),
    experimentId: parseExperimentId(location.requiredText("experiment_id")),
    requestMs: timeOf(info.text("request_time"), info.path("request_time"), parseTime),
    executionMs: duration === undefined ? null : durationOf(duration, info.path("execution_duration")),
    state: state as TraceState,
    clientRequestId: info.text("client_request_id") ?? null,
    requestPreview: info.text("request_preview") ?? null,
    responsePreview: info.text("response_preview") ?? null,
    metadata: readMap(info, "trace_metadata"),
    tags: readMap(info, "tags"),
  };
}

/** A map of texts. */
export function readMap(fields: Fields, name: string): Record<string, string> {
  const map = fields.object(name);
  const raw = (fields.raw(name) ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.keys(raw).map((key) => [
      key.slice(0, LIMITS.keyChars),
      (map!.text(key) ?? "").slice(0, LIMITS.tagValueChars),
    ]),
  );
}

function timeOf(text: string | undefined, path: string, parseTime: (text: string) => number): number {
  if (text === undefined) throw missingValue(path);
  const ms = parseTime(text);
  if (Number.isNaN(ms)) throw invalidValue(path, text, "it must be a time like 2026-01-31T12:00:00.000Z");
  return ms;
}

/** Protobuf's JSON of a duration: seconds and an `s`. */
function durationOf(text: string, path: string): number {
  if (!/^-?\d+(?:\.\d+)?s$/.test(text)) throw invalidValue(path, text, "it must be seconds like 1.5s");
  return Math.round(Number(text.slice(0, -1)) * 1000);
}

/** Which trace a span belongs to: the one that MLflow's client says, else the one of OpenTelemetry's id. */
export function traceIdOf({ traceId, attributes }: OtlpSpan): string {
  const said = unquoted(attributes.get("mlflow.traceRequestId"));
  return said !== undefined && TRACE_ID.test(said) ? said : `tr-${traceId}`;
}

/** What spans say of their traces, for those of which nobody else said anything. */
export function traceInfosOf(spans: readonly OtlpSpan[], experimentId: string): TraceInfo[] {
  const byTrace = new Map<string, OtlpSpan[]>();
  for (const span of spans) {
    const id = traceIdOf(span);
    const own = byTrace.get(id);
    if (own === undefined) byTrace.set(id, [span]);
    else own.push(span);
  }
  return [...byTrace].map(([id, own]) => {
    const root = own.find(({ parentId }) => parentId === null);
    const startNs = own.map((span) => span.startNs).reduce((a, b) => (a < b ? a : b));
    const preview = (name: string): string | null => {
      const value = root?.attributes.get(name);
      return value === undefined ? null : String(value).slice(0, PREVIEW_CHARS);
    };
    return {
      id,
      experimentId,
      requestMs: Number((root?.startNs ?? startNs) / 1_000_000n),
      executionMs: root === undefined ? null : Number((root.endNs - root.startNs) / 1_000_000n),
      state: root === undefined ? "IN_PROGRESS" : root.status === "ERROR" ? "ERROR" : "OK",
      clientRequestId: null,
      requestPreview: preview("mlflow.spanInputs"),
      responsePreview: preview("mlflow.spanOutputs"),
      metadata: { "mlflow.trace_schema.version": "3" },
      tags: root === undefined ? {} : { "mlflow.traceName": root.name },
    };
  });
}

/** MLflow's clients write attributes as JSON: a text has quotes. */
export function unquoted(value: string | number | boolean | undefined): string | undefined {
  if (typeof value !== "string") return value === undefined ? undefined : String(value);
  if (!value.startsWith('"')) return value;
  try {
    const inner: unknown = JSON.parse(value);
    return typeof inner === "string" ? inner : value;
  } catch {
    return value;
  }
}

export function noTrace(id: string): string {
  return `Trace with ID '${id}' not found.`;
}

/** How many of the oldest, or which: one of both, as MLflow has it. */
export function readDeletion(fields: Fields): {
  readonly experimentId: string;
  readonly maxMs: number | null;
  readonly maxCount: number | null;
  readonly ids: readonly string[] | null;
} {
  const ids = fields.texts("request_ids");
  const maxMs = fields.integer("max_timestamp_millis") ?? null;
  const maxCount = fields.integer("max_traces") ?? null;
  if ((maxMs === null) === (ids.length === 0))
    throw invalid("Either `max_timestamp_millis` or `request_ids` must be specified, but not both.");
  if (ids.length > 0 && maxCount !== null)
    throw invalid("`max_traces` can't be specified if `request_ids` is specified.");
  if (maxCount !== null && maxCount <= 0)
    throw invalid(`\`max_traces\` must be a positive integer, received ${maxCount}.`);
  return {
    experimentId: parseExperimentId(fields.requiredText("experiment_id")),
    maxMs,
    maxCount,
    ids: ids.length === 0 ? null : ids,
  };
}
