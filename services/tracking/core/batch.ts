import type { Fields, Int64 } from "./fields.ts";
import { LIMITS } from "./limits.ts";
import { invalid, invalidValue, missingValue } from "./mlflow-error.ts";
import { checkKey, checkLength, checkName, checkRunId, cut } from "./name.ts";

export interface MetricPoint {
  readonly key: string;
  readonly value: number;
  /** Epoch milliseconds. */
  readonly timestampMs: Int64;
  readonly step: Int64;
  /** Of a logged model; null: of the run alone. */
  readonly model: { readonly id: string; readonly datasetName: string; readonly datasetDigest: string } | null;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** What one request logs to a run, checked. */
export interface Batch {
  readonly runId: string;
  readonly metrics: readonly MetricPoint[];
  readonly params: readonly KeyValue[];
  /** Each key once: the last value that was given. */
  readonly tags: readonly KeyValue[];
  /** Logged one by one or in a batch: MLflow words the refusal of a changed param differently. */
  readonly single: boolean;
}

/** Names that passed, so that the points of one metric are not checked one by one. Bounded: names are the user's. */
const KNOWN_NAMES_MAX = 10_000;
const knownNames = new Set<string>();

export function readBatch(fields: Fields): Batch {
  const runId = checkRunId(fields.requiredText("run_id"));
  const metrics = readMetrics(fields);
  const params = fields.objects("params").map(readParam);
  const tags = fields.objects("tags").map(readTag);
  checkCount("metrics", metrics.length, LIMITS.batchMetrics);
  checkCount("params", params.length, LIMITS.batchParams);
  checkCount("tags", tags.length, LIMITS.batchTags);
  checkCount("metrics, params, and tags", metrics.length + params.length + tags.length, LIMITS.batchEntities);
  const keys = new Set<string>();
  const twice = params.filter(({ key }) => keys.size === keys.add(key).size).map(({ key }) => key);
  if (twice.length > 0)
    throw invalid(
      `Duplicate parameter keys have been submitted: ['${twice.join("', '")}']. Please ensure the request contains only one param value per param key.`,
    );
  return { runId, metrics, params, tags: lastOfEach(tags), single: false };
}

export function readMetric(fields: Fields): Batch {
  return {
    runId: checkRunId(fields.runId()),
    metrics: [pointOf(fields, fields.requiredText("key"), true)],
    params: [],
    tags: [],
    single: true,
  };
}

export function readOneParam(fields: Fields): Batch {
  const runId = checkRunId(fields.runId());
  fields.requiredText("key");
  return { runId, metrics: [], params: [readParam(fields)], tags: [], single: true };
}

export function readOneTag(fields: Fields): Batch {
  const runId = checkRunId(fields.runId());
  fields.requiredText("key");
  return { runId, metrics: [], params: [], tags: [readTag(fields)], single: true };
}

export function readTag(fields: Fields): KeyValue {
  const key = checkKey(fields.text("key"), fields.path("key"), fields.path("key"));
  return { key, value: cut(fields.text("value") ?? "", LIMITS.tagValueChars) };
}

export function lastOfEach(tags: readonly KeyValue[]): KeyValue[] {
  return tags.length < 2 ? [...tags] : [...new Map(tags.map((tag) => [tag.key, tag])).values()];
}

function readParam(fields: Fields): KeyValue {
  const key = fields.text("key");
  if (key === undefined) throw invalidValue(fields.path("key"), "", "A key name must be provided.");
  return {
    key: checkKey(key, fields.path("key"), "Param key"),
    value: cut(fields.text("value") ?? "", LIMITS.paramValueChars),
  };
}

function readMetrics(fields: Fields): MetricPoint[] {
  const raw = fields.raw("metrics");
  if (Array.isArray(raw)) {
    const points = raw.map(plainPoint);
    if (points.every((point) => point !== undefined)) return points;
  }
  return fields.objects("metrics").map((metric) => pointOf(metric, metric.text("key"), false));
}

/** A metric as nearly all are; undefined: look closer. */
function plainPoint(raw: unknown): MetricPoint | undefined {
  if (typeof raw !== "object" || raw === null) return undefined;
  const { key, value, timestamp, step = 0, model_id: model } = raw as Record<string, unknown>;
  if (typeof key !== "string" || typeof value !== "number" || (model ?? "") !== "") return undefined;
  if (!Number.isSafeInteger(timestamp) || !Number.isSafeInteger(step) || (timestamp as number) < 0) return undefined;
  if (!knownNames.has(key)) return undefined;
  return { key, value, timestampMs: timestamp as number, step: step as number, model: null };
}

function pointOf(fields: Fields, key: string | undefined, single: boolean): MetricPoint {
  const name = checkMetricName(key, fields.path(single ? "key" : "name"), single);
  const value = doubleOf(fields, single);
  const timestampMs = fields.int64("timestamp");
  if (timestampMs === undefined) throw missingValue(fields.path("timestamp"));
  if (timestampMs < 0)
    throw invalidValue(
      fields.path("timestamp"),
      timestampMs,
      `metric '${name}' (value=${value}). Timestamp must be a nonnegative long (64-bit integer) `,
    );
  const id = fields.text("model_id") ?? "";
  const model =
    id === ""
      ? null
      : { id, datasetName: fields.text("dataset_name") ?? "", datasetDigest: fields.text("dataset_digest") ?? "" };
  return { key: name, value, timestampMs, step: fields.int64("step") ?? 0, model };
}

function checkMetricName(key: string | undefined, path: string, single: boolean): string {
  if (key === undefined) {
    if (single) throw missingValue(path);
    throw invalidValue(path, null, "Metric name cannot be None. A key name must be provided.");
  }
  if (knownNames.has(key)) return key;
  checkName(key, path);
  checkLength("Metric name", key, LIMITS.keyChars);
  if (knownNames.size >= KNOWN_NAMES_MAX) knownNames.clear();
  knownNames.add(key);
  return key;
}

function doubleOf(fields: Fields, single: boolean): number {
  const value = fields.double("value");
  // Protobuf reads an absent double as zero; only the request that names one metric demands it.
  if (value === undefined && single) throw missingValue(fields.path("value"));
  return value ?? 0;
}

function checkCount(entities: string, count: number, max: number): void {
  if (count <= max) return;
  throw invalid(
    `A batch logging request can contain at most ${max} ${entities}. Got ${count} ${entities}. Please split up ${entities} across multiple requests and try again.`,
  );
}
