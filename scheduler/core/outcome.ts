import { toleratedOf } from "../../lib/core/pipeline/flow.ts";
import type { Instance, JobTask, TaskOutcome } from "./state.ts";

/**
 * Why an instance ended without an attempt, as its row keeps it; a new leader reads the outcome of the task from it.
 *
 *   dependency  skipped: something before it failed
 *   condition   skipped: it was not wanted; failed: its condition has no value
 *   empty-map   skipped: there is no element to run for, which is as good as done
 *   map         failed: there is no list to map over
 *   result      failed: a template names a result that is not there
 *   pipeline    failed: a task of the pipeline that it stands for did
 *   rejected, approval-timeout
 */
export const BLOCKED = "dependency";
export const UNWANTED = "condition";
export const EMPTY_MAP = "empty-map";
export type UnstartedReason = typeof BLOCKED | typeof UNWANTED | typeof EMPTY_MAP | "map" | "result" | "pipeline";

/** How a task has ended whose instances all have; follows from their rows alone. */
export function outcomeOf(task: JobTask): TaskOutcome {
  if (task.succeeded === task.count) return "succeeded";
  let last: Instance | undefined;
  for (const instance of task.instances?.values() ?? []) {
    if (instance.state.kind !== "ended") continue;
    if (instance.state.as === "cancelled") return "cancelled";
    if (instance.state.as === "skipped" || failedUnstarted(instance)) last = instance;
  }
  if (last?.state.kind === "ended" && last.state.as === "skipped") {
    return last.reason === EMPTY_MAP ? "succeeded" : last.reason === UNWANTED ? "skipped" : "blocked";
  }
  return !last && isWithinTolerance(task) ? "succeeded" : "failed";
}

/** Whether those that have ended badly so far are no more than the task may lose. */
export function isWithinTolerance(task: JobTask): boolean {
  return task.ended - task.succeeded <= toleratedOf(task.spec.flow.tolerate, task.count);
}

const FAILED_UNSTARTED: ReadonlySet<string> = new Set([
  UNWANTED,
  "map",
  "result",
  "pipeline",
  "rejected",
  "approval-timeout",
]);

/** It failed before any attempt: no tolerance covers that. */
export function failedUnstarted({ state, reason }: Instance): boolean {
  return state.kind === "ended" && state.as === "failed" && FAILED_UNSTARTED.has(reason);
}
