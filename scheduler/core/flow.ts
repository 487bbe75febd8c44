import type { Json } from "../../lib/core/json.ts";
import { toleratedOf } from "../../lib/core/pipeline/flow.ts";
import { LIMITS } from "../../lib/core/pipeline/limits.ts";
import { checkLive } from "../../lib/core/pipeline/params.ts";
import { resultAt, resultText } from "../../lib/core/pipeline/render.ts";
import { isMapped } from "../../lib/core/pipeline/spec.ts";
import { askApproval } from "./approval.ts";
import { evaluate, mentionsResults, referencesOf, resultOf, RESULTS_CHARS_MAX, tooLarge } from "./expression.ts";
import { fanOut } from "./fan-out.ts";
import {
  BLOCKED,
  EMPTY_MAP,
  failedUnstarted,
  isWithinTolerance,
  outcomeOf,
  type UnstartedReason,
  UNWANTED,
} from "./outcome.ts";
import { waitForRate } from "./rate.ts";
import { enqueueInstance, enqueueTask } from "./queue.ts";
import { type Instance, instanceName, type JobTask, newInstance, type State } from "./state.ts";

type Decision =
  | { readonly kind: "run" }
  /** It has nothing to run, and all that it stands for went well. */
  | { readonly kind: "done" }
  | { readonly kind: "skip" | "fail"; readonly reason: UnstartedReason; readonly message: string };

/**
 * Lets those behind a task that has ended follow. A task that is skipped has ended too: a loop and not a recursion, since a
 * chain of 100,000 may fail at its first.
 */
export function followTask(state: State, first: JobTask, nowMs: number): void {
  const ended = [first];
  for (let task = ended.pop(); task; task = ended.pop()) {
    // Those behind it have followed when it was ready.
    if (task.served && task.outcome !== null) continue;
    for (const dependent of task.dependents) {
      dependent.needsLeft -= 1;
      if (dependent.needsLeft > 0 || dependent.outcome !== null || dependent.job.cancelRequested) continue;
      if (!begin(state, dependent, nowMs)) ended.push(dependent);
    }
  }
}

/** All that the task needs has ended: it becomes ready, or ends here and now (false). */
export function begin(state: State, task: JobTask, nowMs: number): boolean {
  // An earlier job had begun it, and some of its instances are taken over: what it decided stands.
  if (task.instances !== null) return beginRest(state, task, nowMs);
  const decision = decide(state, task);
  if (decision.kind === "run") {
    if (task.spec.flow.approve) askApproval(state, task, nowMs);
    else becomeReady(state, task, nowMs);
    return true;
  }
  if (decision.kind === "done") endFresh(state, task, "succeeded", { reason: "", message: "" }, nowMs);
  else endFresh(state, task, decision.kind === "skip" ? "skipped" : "failed", decision, nowMs);
  return false;
}

function beginRest(state: State, task: JobTask, nowMs: number): boolean {
  task.readyAtMs = nowMs;
  for (const instance of task.instances!.values()) {
    if (instance.state.kind !== "ready" || instance.index % task.spec.nodes > 0) continue;
    if (task.spec.flow.rate) waitForRate(state, { kind: "instance", instance });
    else enqueueInstance(state.queue, instance);
  }
  state.placementDue = true;
  return true;
}

/** What follows from the ends before it, from its condition and from its list. What is decided here is never decided again. */
function decide(state: State, task: JobTask): Decision {
  if (task.spec.flow.join) return decideJoin(task);
  const decision = decideByNeeds(task);
  if (decision.kind !== "run") return decision;
  const { if: condition, mapFrom } = task.spec.flow;
  if (condition !== "") {
    const found = evaluate(task, condition);
    if (!found.ok) return fail(UNWANTED, `its condition (${condition}) cannot be told: ${found.message}`);
    if (found.value === false) return skip(UNWANTED, `its condition is false: ${condition}`);
    if (found.value !== true)
      return fail(
        UNWANTED,
        `its condition (${condition}) gives ${resultText(found.value)}; true or false would be right`,
      );
  }
  if (mapFrom) {
    const list = evaluate(task, mapFrom.from);
    if (!list.ok) return fail("map", `what it maps over (${mapFrom.from}) cannot be told: ${list.message}`);
    const instances = fanOut(task, list.value);
    if (!instances.ok) return fail("map", `it cannot map over ${mapFrom.from}: ${instances.message}`);
    if (instances.count === 0) return skip(EMPTY_MAP, `${mapFrom.from} is empty: there is nothing to do`);
    task.count = instances.count;
    task.values = instances.values;
    state.out.maps.add(task);
  }
  return checkStart(task) ?? { kind: "run" };
}

const skip = (reason: UnstartedReason, message: string): Decision => ({ kind: "skip", reason, message });
const fail = (reason: UnstartedReason, message: string): Decision => ({ kind: "fail", reason, message });

function decideByNeeds(task: JobTask): Decision {
  const { when } = task.spec.flow;
  if (when === "always") return { kind: "run" };
  const failed = task.needs.find(({ outcome }) => outcome === "failed" || outcome === "blocked");
  if (when === "failed")
    return failed ? { kind: "run" } : skip(UNWANTED, "runs when something before it fails, and nothing has");
  if (failed) return skip(BLOCKED, whatBlocks(failed));
  const skipped = task.needs.find(({ outcome, served }) => outcome !== "succeeded" && !(served && outcome === null));
  return skipped ? skip(UNWANTED, `needs ${skipped.spec.name}, which was ${skipped.outcome}`) : { kind: "run" };
}

/** It ends as the pipeline that it stands for. */
function decideJoin({ needs }: JobTask): Decision {
  const failed = needs.find(({ outcome }) => outcome === "failed");
  if (failed) return fail("pipeline", `${failed.spec.name} of its pipeline failed`);
  const blocked = needs.find(({ outcome }) => outcome === "blocked");
  if (blocked) return skip(BLOCKED, whatBlocks(blocked));
  const all = needs.every(({ outcome }) => outcome === "skipped");
  return all ? skip(UNWANTED, "none of its pipeline's tasks was to run") : { kind: "done" };
}

/** What a submit could not see: results that templates name, and how much comes of lists that are known by now. */
function checkStart(task: JobTask): Decision | undefined {
  const { spec } = task;
  const inputs = Object.values(spec.inputs).map((input) => task.needs.find((need) => need.spec.name === input.task));
  const artifacts = inputs.reduce((sum, need) => sum + (need?.succeeded ?? 0), 0);
  if (artifacts > LIMITS.inputsPerInstance) {
    const message = `takes ${artifacts} artifacts; at most ${LIMITS.inputsPerInstance} are allowed (gather them in steps)`;
    return fail("map", message);
  }
  const references = mentionsResults(spec) ? referencesOf(spec) : [];
  for (const { name, path } of references) {
    const need = task.needs.find((candidate) => candidate.spec.name === name)!;
    const what = ["tasks", name, "result", ...path].join(".");
    if (need.resultChars > RESULTS_CHARS_MAX) return fail("result", tooLarge(need));
    if (resultAt(resultOf(need), path) === undefined) {
      const [first] = need.instances?.values() ?? [];
      return fail("result", `there is no ${what}${first && first.message !== "" ? ` (${first.message})` : ""}`);
    }
  }
  if (references.length === 0 && !task.values) return undefined;
  const results = resultsFor(task);
  const wrong = checkLive(spec, task.job.params, task.values, ({ name, path }) =>
    resultText(resultAt(results.get(name), path)!),
  );
  return wrong === undefined ? undefined : fail(task.values ? "map" : "result", wrong);
}

/** The results that the task's templates name. */
export function resultsFor(task: JobTask): ReadonlyMap<string, Json> {
  task.results ??= new Map(
    task.needs.filter(({ resultWanted }) => resultWanted).map((need) => [need.spec.name, resultOf(need)]),
  );
  return task.results;
}

function whatBlocks({ spec, outcome }: JobTask): string {
  return outcome === "failed"
    ? `needs ${spec.name}, which failed`
    : `needs ${spec.name}, which did not run: something before it failed`;
}

export function becomeReady(state: State, task: JobTask, nowMs: number): void {
  task.readyAtMs = nowMs;
  if (task.spec.flow.cache) return void state.lookups.set(task, { asked: false });
  if (task.spec.flow.rate) return waitForRate(state, { kind: "task", task });
  enqueueTask(state.queue, task);
  state.placementDue = true;
}

/** Ends every instance of the task that has never done anything; whether that ends the task is the caller's to follow. */
export function endFresh(
  state: State,
  task: JobTask,
  as: "succeeded" | "cancelled" | "skipped" | "failed",
  why: { readonly reason: string; readonly message: string },
  nowMs: number,
): void {
  while (task.fresh < task.count) {
    const instance = newInstance(task, task.fresh, {
      kind: "ended",
      as,
      atMs: nowMs,
      outputs: NO_OUTPUTS,
      result: null,
    });
    instance.reason = why.reason;
    instance.message = why.message;
    task.fresh += 1;
    state.out.instances.add(instance);
    countEnded(state, instance, nowMs);
  }
}

/** True: the instance was the last of its task. */
export function countEnded(state: State, instance: Instance, nowMs: number): boolean {
  const { task, state: held } = instance;
  task.ended += 1;
  if (held.kind === "ended" && held.as === "succeeded") {
    task.succeeded += 1;
    if (task.resultWanted && held.result !== null) keepResult(instance, held);
  }
  if (held.kind === "ended" && held.as === "failed") noteFailure(instance);
  return countTaskEnded(state, task, nowMs);
}

/** Called when some of its instances have been counted as ended; true: they were the last. */
export function countTaskEnded(state: State, task: JobTask, nowMs: number): boolean {
  if (task.ended < task.count) return false;
  task.outcome = outcomeOf(task);
  task.endedAtMs = nowMs;
  const { job } = task;
  job.tasksLeft -= 1;
  if (task.spec.service) job.servicesLeft -= 1;
  if (job.tasksLeft > 0) {
    if (job.tasksLeft === job.servicesLeft) state.finishing.add(job);
    return true;
  }
  const succeeded = job.tasks.every(({ outcome }) => outcome === "succeeded" || outcome === "skipped");
  if (succeeded && !job.cancelRequested) job.reason = "";
  // Whoever cancelled it was told that it is: that what ran came to its end meanwhile does not change it.
  job.state = job.cancelRequested ? "cancelled" : succeeded ? "succeeded" : "failed";
  job.finishedAtMs = nowMs;
  job.startedAtMs ??= nowMs;
  if (job.group) state.groupsDue.add(job.group);
  state.out.jobs.add(job);
  return true;
}

const NO_OUTPUTS: readonly never[] = Object.freeze([]);

/** Counts it, so that many large results of one task cannot fill the memory (see dropResult). */
export function keepResult({ task }: Instance, held: Instance["state"] & { kind: "ended" }): void {
  task.resultChars += JSON.stringify(held.result).length;
}

/** What the job will say it failed for: the first failure that is more than its task may have. */
function noteFailure(instance: Instance): void {
  const { task } = instance;
  const { job, spec, count } = task;
  const unstarted = failedUnstarted(instance);
  if (job.reason !== "" || (!unstarted && isWithinTolerance(task))) return;
  const name = unstarted && isMapped(spec) ? spec.name : instanceName(instance);
  const what = `${name}: ${instance.message || instance.reason}`;
  const tolerated = unstarted ? 0 : toleratedOf(spec.flow.tolerate, count);
  job.reason = tolerated === 0 ? what : `more than the ${tolerated} tolerated of ${count} instances failed; ${what}`;
}
