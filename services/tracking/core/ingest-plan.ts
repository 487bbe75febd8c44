import type { Batch, KeyValue } from "./batch.ts";
import type { Int64 } from "./fields.ts";
import { absent, invalid, type MlflowError } from "./mlflow-error.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import { addPoint, noPoints, order, orderValues, type Points } from "./points.ts";

/** What the database says of the runs that some batches name. */
export interface KnownRun {
  readonly number: number;
  readonly deleted: boolean;
  /** Of the params that are to be logged, those that are there. */
  readonly params: ReadonlyMap<string, string>;
}

export interface LatestRow {
  readonly run: number;
  readonly key: string;
  readonly value: number;
  readonly timestampMs: Int64;
  readonly step: Int64;
}

export interface ModelMetricRow extends LatestRow {
  readonly model: string;
  readonly datasetName: string;
  readonly datasetDigest: string;
}

export interface ValueRow extends KeyValue {
  readonly run: number;
}

/** The rows of one commit. All in order of run and key, so that commits of several servers lock in the same order. */
export interface IngestPlan {
  readonly chunks: readonly Piece[];
  readonly latest: readonly LatestRow[];
  readonly params: readonly ValueRow[];
  readonly tags: readonly ValueRow[];
  readonly modelMetrics: readonly ModelMetricRow[];
  /** One for each batch, in their order; null: it is in the rows. A refused batch has none of its parts in them. */
  readonly refusals: readonly (MlflowError | null)[];
}

/** Puts the batches of many requests together. */
export function planIngest(batches: readonly Batch[], runs: ReadonlyMap<string, KnownRun>): IngestPlan {
  const metrics = new Map<number, Map<string, Points>>();
  const latest = new Map<string, LatestRow>();
  const params = new Map<string, ValueRow>();
  const tags = new Map<string, ValueRow>();
  const modelMetrics = new Map<string, ModelMetricRow>();
  const refusals = batches.map((batch) => {
    const run = runs.get(batch.runId);
    if (run === undefined) return absent(`Run with id=${batch.runId} not found`);
    if (run.deleted) return notActive(batch.runId);
    const changed = changedParams(batch, run, params);
    if (changed !== null) return changed;
    for (const { key, value } of batch.params)
      if (!run.params.has(key)) params.set(`${run.number} ${key}`, { run: run.number, key, value });
    for (const { key, value } of batch.tags) tags.set(`${run.number} ${key}`, { run: run.number, key, value });
    addMetrics(batch, run.number, metrics);
    for (const row of modelRows(batch, run.number)) modelMetrics.set(modelMetricKey(row), row);
    return null;
  });
  const chunks: Piece[] = [];
  for (const [run, keys] of metrics)
    for (const [key, points] of keys) {
      chunks.push(...piecesOf(run, key, points));
      latest.set(`${run} ${key}`, latestOf(run, key, points));
    }
  return {
    chunks,
    latest: sorted(latest),
    params: sorted(params),
    tags: sorted(tags),
    modelMetrics: [...modelMetrics.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
    refusals,
  };
}

export function notActive(runId: string): MlflowError {
  return invalid(`The run ${runId} must be in the 'active' state. Current state is deleted.`);
}

function addMetrics(batch: Batch, run: number, metrics: Map<number, Map<string, Points>>): void {
  if (batch.metrics.length === 0) return;
  let keys = metrics.get(run);
  if (keys === undefined) metrics.set(run, (keys = new Map()));
  for (const { key, value, timestampMs, step } of batch.metrics) {
    let points = keys.get(key);
    if (points === undefined) keys.set(key, (points = noPoints()));
    addPoint(points, timestampMs, step, value);
  }
}

/** A param is written once: the same value again is no change, another one is refused. */
function changedParams(batch: Batch, run: KnownRun, planned: ReadonlyMap<string, ValueRow>): MlflowError | null {
  const held = ({ key }: KeyValue): string | undefined =>
    run.params.get(key) ?? planned.get(`${run.number} ${key}`)?.value;
  const changed = batch.params.filter((param) => (held(param) ?? param.value) !== param.value);
  const [first] = changed;
  if (first === undefined) return null;
  if (batch.single)
    return invalid(
      `Changing param values is not allowed. Param with key='${first.key}' was already logged with value='${held(first)}' for run ID='${batch.runId}'. Attempted logging new value '${first.value}'.`,
    );
  const all = changed.map(
    (param) => `{'key': '${param.key}', 'old_value': '${held(param)}', 'new_value': '${param.value}'}`,
  );
  return invalid(
    `Changing param values is not allowed. Params were already logged='[${all.join(", ")}]' for run ID='${batch.runId}'.`,
  );
}

/** The greatest by step, then time, then value. */
function latestOf(run: number, key: string, { timesMs, steps, values }: Points): LatestRow {
  let best = 0;
  for (let index = 1; index < values.length; index += 1) {
    const by =
      order(steps[index]!, steps[best]!) ||
      order(timesMs[index]!, timesMs[best]!) ||
      orderValues(values[index]!, values[best]!);
    if (by > 0) best = index;
  }
  return { run, key, value: values[best]!, timestampMs: timesMs[best]!, step: steps[best]! };
}

function modelRows({ metrics }: Batch, run: number): ModelMetricRow[] {
  return metrics.flatMap(({ model, ...point }) =>
    model === null
      ? []
      : [{ ...point, run, model: model.id, datasetName: model.datasetName, datasetDigest: model.datasetDigest }],
  );
}

function modelMetricKey({ model, key, timestampMs, step, run, datasetName }: ModelMetricRow): string {
  return JSON.stringify([model, key, String(timestampMs), String(step), run, datasetName]);
}

function sorted<T extends { readonly run: number; readonly key: string }>(rows: ReadonlyMap<string, T>): T[] {
  return [...rows.values()].sort((a, b) => a.run - b.run || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
