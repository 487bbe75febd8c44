import type { Answer, NewJob, OutputRef } from "./event.ts";
import type { JobProgress, JobRow } from "./batch.ts";
import { instanceCount } from "../../lib/core/pipeline/spec.ts";
import type { JobId } from "../../lib/core/ids.ts";
import type { Json } from "../../lib/core/json.ts";
import { readsResultsOf } from "./expression.ts";
import { type Adopted, adopt } from "./adoption.ts";
import { admitJob } from "./admission.ts";
import { breakRangesOfJob } from "./range.ts";
import { rateLog, taskRateKey } from "./rate.ts";
import { countEnded, endFresh, followTask } from "./flow.ts";
import { askOf } from "./ask.ts";
import { unsatisfiable } from "./fit.ts";
import { orderStop } from "./stop.ts";
import type { Instance, Job, JobTask, State } from "./state.ts";

export function onJobSubmitted(state: State, job: NewJob, adopted: Adopted | undefined, nowMs: number): Answer {
  const earlier = job.idempotencyKey === null ? undefined : state.idempotency.get(job.idempotencyKey);
  const instances = job.spec.tasks.reduce((sum, task) => sum + instanceCount(task), 0);
  if (earlier !== undefined) return { kind: "accepted", job: earlier, existing: true, instances };
  const issues = unsatisfiable(state, job.spec);
  if (issues.length > 0) {
    return {
      kind: "refused",
      code: "failed_precondition",
      message: "no node of this cluster could ever run the job",
      issues,
    };
  }
  const made = addJob(
    state,
    { ...job, pipeline: job.spec.name, project: job.spec.project, submittedAtMs: nowMs },
    null,
  );
  state.out.jobsNew.add(made);
  if (adopted) adopt(state, made, adopted, nowMs);
  admitJob(state, made, (other, reason) => cancelJob(state, other, reason, nowMs), nowMs);
  return { kind: "accepted", job: made.id, existing: false, instances };
}

/** Builds the job's records and links its tasks; nothing is queued yet. */
export function addJob(state: State, row: JobRow, progress: JobProgress | null): Job {
  const tasks: JobTask[] = [];
  const job: Job = {
    id: row.id,
    spec: row.spec,
    params: row.params,
    code: row.code,
    priority: row.priority,
    trigger: row.trigger,
    idempotencyKey: row.idempotencyKey,
    submittedAtMs: row.submittedAtMs,
    ...(row.triggeredBy ? { triggeredBy: row.triggeredBy } : {}),
    sequence: (state.sequence += 1),
    tasks,
    state: progress?.state ?? "pending",
    startedAtMs: progress?.startedAtMs ?? null,
    finishedAtMs: progress?.finishedAtMs ?? null,
    cancelRequested: progress?.cancelRequested ?? false,
    reason: progress?.reason ?? "",
    waitsFor: progress?.waitsFor ?? "",
    waits: NONE,
    group: null,
    tasksLeft: row.spec.tasks.length,
    servicesLeft: row.spec.tasks.reduce((sum, { service }) => (service ? sum + 1 : sum), 0),
    meanRunMs: new Map(),
  };
  row.spec.tasks.forEach((spec, number) => tasks.push(newTask(state, job, number)));
  linkTasks(tasks);
  state.jobs.set(job.id, job);
  if (job.idempotencyKey !== null) state.idempotency.set(job.idempotencyKey, job.id);
  return job;
}

function newTask(state: State, job: Job, number: number): JobTask {
  const spec = job.spec.tasks[number]!;
  return {
    job,
    spec,
    number,
    count: instanceCount(spec),
    ask: askOf(state, job.priority, job.spec.project, spec),
    needs: NONE,
    dependents: NONE,
    needsLeft: spec.needs.length,
    readyAtMs: null,
    fresh: 0,
    instances: null,
    ranges: null,
    done: null,
    ended: 0,
    succeeded: 0,
    outcome: null,
    endedAtMs: null,
    values: null,
    results: null,
    resultWanted: false,
    resultChars: 0,
    served: false,
  };
}

/** Shared by all tasks that need nothing or are needed by nobody: in a job of 100,000 most are. */
const NONE: readonly never[] = Object.freeze([]);

function linkTasks(tasks: readonly JobTask[]): void {
  if (tasks.every((task) => task.needsLeft === 0)) return;
  const byName = new Map<string, JobTask>();
  for (const task of tasks) byName.set(task.spec.name, task);
  const dependents = new Map<JobTask, JobTask[]>();
  for (const task of tasks) {
    if (task.needsLeft === 0) continue;
    task.needs = task.spec.needs.map((name) => byName.get(name)!);
    for (const name of readsResultsOf(task.spec)) byName.get(name)!.resultWanted = true;
    for (const need of task.needs) {
      const known = dependents.get(need);
      if (known) known.push(task);
      else dependents.set(need, [task]);
    }
  }
  for (const [task, list] of dependents) task.dependents = list;
}

const NO_WORD = { reason: "", message: "" };

export function onJobCancelRequested(state: State, id: JobId, reason: string, nowMs: number): Answer {
  const job = state.jobs.get(id);
  // One that ended in this same round is still here.
  if (!job || job.finishedAtMs !== null) {
    return { kind: "refused", code: "not_found", message: `job ${id} is not running`, issues: [] };
  }
  cancelJob(state, job, reason === "" ? "cancelled" : `cancelled: ${reason}`, nowMs);
  return { kind: "done" };
}

function cancelJob(state: State, job: Job, reason: string, nowMs: number): void {
  if (job.cancelRequested) return;
  job.cancelRequested = true;
  job.waitsFor = "";
  job.reason = reason;
  state.out.jobs.add(job);
  breakRangesOfJob(state, job);
  for (const task of job.tasks) {
    state.lookups.delete(task);
    // What was let go and will not be placed gives its start back.
    if (task.spec.flow.rate) state.ratesDue.add(rateLog(state, taskRateKey(task)));
    for (const instance of task.instances?.values() ?? []) {
      if (instance.state.kind === "active") orderStop(state, instance, "cancelled");
      // One whose gang has not ended ends with it: as that does, and not each member by itself.
      else if (instance.state.kind === "held") continue;
      else if (instance.state.kind !== "ended") endInstance(state, instance, "cancelled", nowMs);
    }
    if (task.fresh === task.count) continue;
    endFresh(state, task, "cancelled", NO_WORD, nowMs);
    if (task.outcome !== null) followTask(state, task, nowMs);
  }
}

const NOTHING_MADE = { outputs: [], result: null };

/** Ends an instance for good, and lets its task, the tasks behind it and its job follow. */
export function endInstance(
  state: State,
  instance: Instance,
  as: "succeeded" | "failed" | "cancelled",
  nowMs: number,
  made: { readonly outputs: readonly OutputRef[]; readonly result: Json } = NOTHING_MADE,
): void {
  state.out.instances.add(instance);
  concludeInstance(state, instance, as, nowMs, made);
}

/** The same for who writes its row himself. */
export function concludeInstance(
  state: State,
  instance: Instance,
  as: "succeeded" | "failed" | "cancelled",
  nowMs: number,
  made: { readonly outputs: readonly OutputRef[]; readonly result: Json } = NOTHING_MADE,
): void {
  const { task } = instance;
  instance.state = { kind: "ended", as, atMs: nowMs, outputs: made.outputs, result: made.result };
  if (countEnded(state, instance, nowMs)) followTask(state, task, nowMs);
}
