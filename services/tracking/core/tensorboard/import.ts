import type { KeyValue, MetricPoint } from "../batch.ts";
import { LIMITS } from "../limits.ts";
import { cut, normalPath } from "../name.ts";
import { type Content, type Entry, retagged } from "./event.ts";
import { keyOf } from "./key.ts";

/** A value that is not a number: kept as it came, for TensorBoard to show. */
export interface SummaryRow {
  readonly key: string;
  readonly step: number;
  readonly wallMs: number;
  readonly kind: Exclude<Content["kind"], "scalar" | "hparams">;
  /** The `Summary.Value` message, which holds `key` as its tag. */
  readonly value: Uint8Array;
}

/** What some records of an event file say of a run. */
export interface Imported {
  readonly metrics: readonly MetricPoint[];
  readonly params: readonly KeyValue[];
  readonly summaries: readonly SummaryRow[];
}

/** What a name in MLflow must not have; TensorBoard takes any. */
const FOREIGN = /[^/\p{L}\p{N}_.\- :]/gu;

/** `folder`: of the event file, relative to the run's, "" for that itself. */
export function importEntries(folder: string, entries: readonly Entry[]): Imported {
  const metrics: MetricPoint[] = [];
  const params = new Map<string, string>();
  const summaries: SummaryRow[] = [];
  for (const { tag, step, wallMs, content, bytes } of entries) {
    const key = nameOf(keyOf(folder, tag));
    if (content.kind === "scalar") metrics.push({ key, value: content.value, timestampMs: wallMs, step, model: null });
    else if (content.kind === "hparams")
      for (const [name, value] of content.params) params.set(nameOf(name), cut(value, LIMITS.paramValueChars));
    else summaries.push({ key, step, wallMs, kind: content.kind, value: key === tag ? bytes : retagged(bytes, key) });
  }
  return { metrics, params: [...params].map(([key, value]) => ({ key, value })), summaries };
}

/** The nearest name that MLflow's clients can ask for. */
function nameOf(tag: string): string {
  const plain = cut(tag.replace(FOREIGN, "_"), LIMITS.keyChars);
  const normal = normalPath(plain).replace(/^[/.]+/, "");
  return normal === "" ? "_" : normal;
}
