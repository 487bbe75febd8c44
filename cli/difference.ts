import type { Json } from "../lib/core/json.ts";
import type { Job } from "../sdk/index.ts";
import { isWithin } from "../lib/core/tolerance.ts";

/** Where a job that was run again came out otherwise. Null: there is none on that side. */
export interface Difference {
  readonly task: string;
  readonly index: number;
  readonly kind: "state" | "result" | "output" | "metric";
  /** Of the output or the metric; "state" and "result" are the task's own. */
  readonly name: string;
  readonly before: string | number | null;
  readonly now: string | number | null;
  /** It is within what was said to be near enough. */
  readonly tolerated: boolean;
}

/** A metric of an instance, on both sides; `same` ones too. NaN and the infinities are text. */
export interface ComparedMetric extends Pick<Difference, "task" | "index" | "name" | "before" | "now"> {}

/** How far a number may be off, as a share of what it was; undefined: not at all. */
export type ToleranceOf = (task: string, metric: string | null) => number | undefined;

/**
 * Of two jobs of one pipeline, instance by instance: states, digests of outputs, results and metrics. Numbers may be within their tolerance; then
 * outputs may have other bytes where the task has metrics, and all of them are near enough.
 */
export function differences(
  before: Job,
  now: Job,
  metrics: readonly ComparedMetric[] = [],
  toleranceOf: ToleranceOf = () => undefined,
): Difference[] {
  const [old, fresh] = [facts(before), facts(now)];
  const ofMetrics = metrics.flatMap((metric) => metricDifference(metric, toleranceOf(metric.task, metric.name)));
  const nearby = vouched(metrics, ofMetrics, toleranceOf);
  const ofFacts = [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((key) => old.get(key) !== fresh.get(key))
    .map((key): Difference => {
      const [task, index, kind, name] = JSON.parse(key) as [string, number, Difference["kind"], string];
      const [was, is] = [old.get(key) ?? null, fresh.get(key) ?? null];
      const tolerated =
        was !== null &&
        is !== null &&
        ((kind === "result" && isNear(JSON.parse(was), JSON.parse(is), toleranceOf(task, null))) ||
          (kind === "output" && nearby.has(`${task}.${index}`)));
      return { task, index, kind, name, before: was, now: is, tolerated };
    });
  return [...ofFacts, ...ofMetrics];
}

/** An output may be called "state" or "result", too. */
function facts(job: Job): Map<string, string> {
  const found = new Map<string, string>();
  const note = (task: string, index: number, of: Difference["kind"], name: string, fact: string) =>
    found.set(JSON.stringify([task, index, of, name]), fact);
  for (const { name: task, index, state, outputs, result } of job.tasks) {
    note(task, index, "state", "state", state);
    if (result !== undefined) note(task, index, "result", "result", JSON.stringify(result));
    for (const { name, digest } of outputs) note(task, index, "output", name, digest);
  }
  // Of a large job that was read at once what has not run is here; of one that was followed it is with the others.
  for (const { name: task, first, count, state } of job.resting)
    for (let index = first; index < first + count; index += 1) note(task, index, "state", "state", state);
  return found;
}

function metricDifference({ task, index, name, before, now }: ComparedMetric, tolerance: number | undefined) {
  if (before === now) return [];
  const tolerated = isNear(before, now, tolerance);
  return [{ task, index, kind: "metric", name, before, now, tolerated } satisfies Difference];
}

/** Instances whose metrics, at least one, are all as they were or near enough, and were asked to be. */
function vouched(
  metrics: readonly ComparedMetric[],
  found: readonly Difference[],
  toleranceOf: ToleranceOf,
): ReadonlySet<string> {
  const known = metrics.filter(({ task, name }) => toleranceOf(task, name) !== undefined);
  const far = new Set(found.filter(({ tolerated }) => !tolerated).map(({ task, index }) => `${task}.${index}`));
  return new Set(known.map(({ task, index }) => `${task}.${index}`).filter((key) => !far.has(key)));
}

/** Of JSON: the same, but for numbers within the tolerance. */
function isNear(a: Json, b: Json, tolerance: number | undefined): boolean {
  if (tolerance === undefined) return false;
  if (typeof a === "number" && typeof b === "number") return isWithin(a, b, tolerance);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [was, is] = [Object.entries(a), new Map(Object.entries(b))];
  return (
    was.length === is.size &&
    was.every(([key, value]) => is.has(key) && isNear(value as Json, is.get(key) as Json, tolerance))
  );
}
