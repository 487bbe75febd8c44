import { WeftError } from "../lib/core/error.ts";
import { parseAttemptKey } from "../lib/core/ids.ts";
import type { Job } from "../sdk/index.ts";
import type { Change, JobPins, RunDifference } from "../services/tracking/index.ts";
import type { Api } from "./api.ts";
import { type ComparedMetric, type Difference, differences, type ToleranceOf } from "./difference.ts";
import { parseInstance } from "./instance.ts";

/** How a job that was run again compares with the one before. */
export interface RerunReport {
  /** All is as it was, or within the tolerance. */
  readonly equal: boolean;
  /** All is as it was. */
  readonly exact: boolean;
  readonly differences: readonly Difference[];
  /** Why metrics were not compared; null: they were. */
  readonly metricsNotCompared: string | null;
  /** In sentences: what of the job nothing pins. */
  readonly notPinned: readonly string[];
}

export async function reportRerun(
  api: Api,
  pins: JobPins,
  before: Job,
  now: Job,
  toleranceOf: ToleranceOf,
): Promise<RerunReport> {
  const metrics = await comparedMetrics(api, before.id, now.id);
  const found = differences(before, now, "why" in metrics ? [] : metrics.found, toleranceOf);
  return {
    equal: found.every(({ tolerated }) => tolerated),
    exact: found.length === 0,
    differences: found,
    metricsNotCompared: "why" in metrics ? metrics.why : null,
    notPinned: pins.notPinned,
  };
}

async function comparedMetrics(
  api: Api,
  a: string,
  b: string,
): Promise<{ readonly found: ComparedMetric[] } | { readonly why: string }> {
  const query = new URLSearchParams({ a, b, all: "true" });
  try {
    const difference = await api.get<RunDifference>("compare the metrics", `/v1/runs/diff?${query.toString()}`);
    const [alone] = difference.a.attempts;
    const metrics = difference.sections.find(({ name }) => name === "metrics")?.changes ?? [];
    return { found: metrics.map((change) => ({ ...instanceOf(change, alone), ...metricOf(change) })) };
  } catch (error) {
    // A job of which nothing ran, or of more instances than are compared.
    if (error instanceof WeftError && (error.code === "not_found" || error.code === "too_large"))
      return { why: error.message };
    throw error;
  }
}

function instanceOf({ of }: Change, alone: string | undefined): { readonly task: string; readonly index: number } {
  const named = of === "" && alone !== undefined ? parseAttemptKey(alone) : undefined;
  if (named !== undefined) return { task: named.task, index: named.index };
  const { task, index = 0 } = parseInstance(of);
  return { task, index };
}

function metricOf({ name, a, b }: Change): Pick<ComparedMetric, "name" | "before" | "now"> {
  return { name, before: a as ComparedMetric["before"], now: b as ComparedMetric["now"] };
}

export function reportText({ exact, equal, differences: found, metricsNotCompared }: RerunReport, of: string): string {
  const verdict = exact ? `equal to ${of}` : equal ? `equal to ${of} within the tolerance` : `differs from ${of}`;
  const lines = found.map(({ task, index, kind, name, before, now, tolerated }) => {
    const what = kind === "metric" ? `metric ${name}` : name;
    return `  ${task}[${index}] ${what}: ${before} was, ${now} is${tolerated ? " (tolerated)" : ""}`;
  });
  if (metricsNotCompared !== null) lines.push(`  metrics were not compared: ${metricsNotCompared}`);
  return [verdict, ...lines].map((line) => `${line}\n`).join("");
}
