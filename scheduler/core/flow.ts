import { toleratedOf } from "../../lib/core/pipeline/flow.ts";
import { enqueueTask } from "./queue.ts";
import { type Instance, type JobTask, newInstance, type State, type TaskOutcome } from "./state.ts";

/** Of a skipped instance: something before it failed, or it was not wanted. Kept in its row: the outcome is read from it again. */
export const BLOCKED = "dependency";
export const UNWANTED = "condition";

type Decision =
  | { readonly kind: "run" }
  | { readonly kind: "skip"; readonly reason: typeof BLOCKED | typeof UNWANTED; readonly message: string };

/**
 * Lets those behind a task that has ended follow. A task that is skipped has ended too: a loop and not a recursion, since a
 * chain of 100,000 may fail at its first.
 */
export function followTask(state: State, first: JobTask, nowMs: number): void {
  const ended = [first];
  for (let task = ended.pop(); task; task = ended.pop()) {
    for (const dependent of task.dependents) {
      dependent.needsLeft -= 1;
      if (dependent.needsLeft > 0 || dependent.outcome !== null || dependent.job.cancelRequested) continue;
      if (!begin(state, dependent, nowMs)) ended.push(dependent);
    }
  }
}

/** All that the task needs has ended: it becomes ready, or ends here and now (false). */
export function begin(state: State, task: JobTask, nowMs: number): boolean {
  const decision = decide(task);
  if (decision.kind === "run") {
    becomeReady(state, task, nowMs);
    return true;
  }
  endFresh(state, task, "skipped", decision, nowMs);
  return false;
}

function decide(task: JobTask): Decision {
  const { when } = task.spec.flow;
  if (when === "always") return { kind: "run" };
  const failed = task.needs.find(({ outcome }) => outcome === "failed" || outcome === "blocked");
  if (when === "failed") {
    if (failed) return { kind: "run" };
    return { kind: "skip", reason: UNWANTED, message: "runs when something before it fails, and nothing has" };
  }
  if (failed) return { kind: "skip", reason: BLOCKED, message: whatBlocks(failed) };
  const skipped = task.needs.find(({ outcome }) => outcome !== "succeeded");
  if (!skipped) return { kind: "run" };
  return { kind: "skip", reason: UNWANTED, message: `needs ${skipped.spec.name}, which was ${skipped.outcome}` };
}

function whatBlocks({ spec, outcome }: JobTask): string {
  return outcome === "failed"
    ? `needs ${spec.name}, which failed`
    : `needs ${spec.name}, which did not run: something before it failed`;
}

export function becomeReady(state: State, task: JobTask, nowMs: number): void {
  task.readyAtMs = nowMs;
  enqueueTask(state.queue, task);
  state.placementDue = true;
}

/** Ends every instance of the task that has never done anything; whether that ends the task is the caller's to follow. */
export function endFresh(
  state: State,
  task: JobTask,
  as: "cancelled" | "skipped",
  why: { readonly reason: string; readonly message: string },
  nowMs: number,
): void {
  while (task.fresh < task.count) {
    const instance = newInstance(task, task.fresh, { kind: "ended", as, atMs: nowMs, outputs: [] });
    instance.reason = why.reason;
    instance.message = why.message;
    task.fresh += 1;
    state.out.instances.add(instance);
    countEnded(state, instance, nowMs);
  }
}

/** True: the instance was the last of its task. */
export function countEnded(state: State, { task, state: held }: Instance, nowMs: number): boolean {
  task.ended += 1;
  if (held.kind === "ended" && held.as === "succeeded") task.succeeded += 1;
  if (task.ended < task.count) return false;
  task.outcome = outcomeOf(task);
  const { job } = task;
  job.tasksLeft -= 1;
  if (job.tasksLeft > 0) return true;
  const succeeded = job.tasks.every(({ outcome }) => outcome === "succeeded" || outcome === "skipped");
  if (succeeded) job.reason = "";
  job.state = succeeded ? "succeeded" : job.cancelRequested ? "cancelled" : "failed";
  job.finishedAtMs = nowMs;
  job.startedAtMs ??= nowMs;
  state.out.jobs.add(job);
  return true;
}

/** How a task has ended whose instances all have; follows from their rows alone, so that a new leader reads the same. */
export function outcomeOf(task: JobTask): TaskOutcome {
  if (task.succeeded === task.count) return "succeeded";
  let skipped: Instance | undefined;
  for (const instance of task.instances?.values() ?? []) {
    if (instance.state.kind !== "ended") continue;
    if (instance.state.as === "cancelled") return "cancelled";
    if (instance.state.as === "skipped") skipped = instance;
  }
  if (skipped) return skipped.reason === UNWANTED ? "skipped" : "blocked";
  return isWithinTolerance(task) ? "succeeded" : "failed";
}

/** Whether those that have ended badly so far are no more than the task may lose. */
export function isWithinTolerance(task: JobTask): boolean {
  return task.ended - task.succeeded <= toleratedOf(task.spec.flow.tolerate, task.count);
}
