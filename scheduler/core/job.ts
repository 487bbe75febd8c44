import type { Answer, NewJob, OutputRef } from "./event.ts";
import type { JobProgress, JobRow } from "./batch.ts";
import { instanceCount } from "../../lib/core/pipeline/spec.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { enqueueTask } from "./queue.ts";
import { unsatisfiable } from "./fit.ts";
import { orderStop } from "./stop.ts";
import { type Instance, type Job, type JobTask, type State, instanceName, newInstance, queueKeyOf } from "./state.ts";

export function onJobSubmitted(state: State, job: NewJob, nowMs: number): Answer {
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
  const made = addJob(state, { ...job, pipeline: job.spec.name, submittedAtMs: nowMs }, null);
  for (const task of made.tasks) if (task.needsLeft === 0) becomeReady(state, task, nowMs);
  state.out.jobsNew.add(made);
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
    sequence: (state.sequence += 1),
    tasks,
    state: progress?.state ?? "pending",
    startedAtMs: progress?.startedAtMs ?? null,
    finishedAtMs: progress?.finishedAtMs ?? null,
    cancelRequested: progress?.cancelRequested ?? false,
    reason: progress?.reason ?? "",
    tasksLeft: row.spec.tasks.length,
    meanRunMs: new Map(),
  };
  row.spec.tasks.forEach((spec, number) => tasks.push(newTask(job, number)));
  linkTasks(tasks);
  state.jobs.set(job.id, job);
  if (job.idempotencyKey !== null) state.idempotency.set(job.idempotencyKey, job.id);
  return job;
}

function newTask(job: Job, number: number): JobTask {
  const spec = job.spec.tasks[number]!;
  return {
    job,
    spec,
    number,
    count: instanceCount(spec),
    queueKey: queueKeyOf(job.priority, spec.resources),
    needs: NONE,
    dependents: NONE,
    needsLeft: spec.needs.length,
    readyAtMs: null,
    fresh: 0,
    instances: null,
    ended: 0,
    succeeded: 0,
  };
}

/** Shared by all tasks that need nothing or are needed by nobody: in a job of 100,000 most are. */
const NONE: readonly JobTask[] = Object.freeze([]);

function linkTasks(tasks: readonly JobTask[]): void {
  if (tasks.every((task) => task.needsLeft === 0)) return;
  const byName = new Map(tasks.map((task) => [task.spec.name, task]));
  const dependents = new Map<JobTask, JobTask[]>();
  for (const task of tasks) {
    if (task.needsLeft === 0) continue;
    task.needs = task.spec.needs.map((name) => byName.get(name)!);
    for (const need of task.needs) {
      const known = dependents.get(need);
      if (known) known.push(task);
      else dependents.set(need, [task]);
    }
  }
  for (const [task, list] of dependents) task.dependents = list;
}

export function becomeReady(state: State, task: JobTask, nowMs: number): void {
  task.readyAtMs = nowMs;
  enqueueTask(state.queue, task);
  state.placementDue = true;
}

export function onJobCancelRequested(state: State, id: JobId, reason: string, nowMs: number): Answer {
  const job = state.jobs.get(id);
  if (!job) {
    return { kind: "refused", code: "not_found", message: `job ${id} is not running`, issues: [] };
  }
  if (job.cancelRequested) return { kind: "done" };
  job.cancelRequested = true;
  job.reason = reason === "" ? "cancelled" : `cancelled: ${reason}`;
  state.out.jobs.add(job);
  for (const task of job.tasks) {
    for (const instance of task.instances?.values() ?? []) {
      if (instance.state.kind === "active") orderStop(state, instance, "cancelled");
      else if (instance.state.kind !== "ended") endInstance(state, instance, "cancelled", nowMs);
    }
    endFresh(state, task, "cancelled", nowMs);
  }
  return { kind: "done" };
}

/** Ends every instance of the task that has never done anything. */
function endFresh(state: State, task: JobTask, as: "cancelled" | "skipped", nowMs: number): void {
  while (task.fresh < task.count) {
    const instance = newInstance(task, task.fresh, { kind: "ended", as, atMs: nowMs, outputs: [] });
    task.fresh += 1;
    state.out.instances.add(instance);
    countEnded(state, instance, nowMs);
  }
}

/** Ends an instance for good, and lets its task, the tasks behind it and its job follow. */
export function endInstance(
  state: State,
  instance: Instance,
  as: "succeeded" | "failed" | "cancelled",
  nowMs: number,
  outputs: readonly OutputRef[] = [],
): void {
  const { task } = instance;
  instance.state = { kind: "ended", as, atMs: nowMs, outputs };
  state.out.instances.add(instance);
  if (as === "failed" && task.job.reason === "") {
    task.job.reason = `${instanceName(instance)}: ${instance.message || instance.reason}`;
  }
  if (as !== "succeeded" && !task.job.cancelRequested) skipDependents(state, task, nowMs);
  countEnded(state, instance, nowMs);
  if (task.succeeded === task.count) {
    for (const dependent of task.dependents) {
      dependent.needsLeft -= 1;
      if (dependent.needsLeft === 0 && dependent.fresh < dependent.count) becomeReady(state, dependent, nowMs);
    }
  }
}

/** A loop and not a recursion: a chain of 100,000 tasks may fail at its first. */
function skipDependents(state: State, task: JobTask, nowMs: number): void {
  const behind = [...task.dependents];
  for (let next = behind.pop(); next; next = behind.pop()) {
    if (next.fresh === next.count) continue;
    endFresh(state, next, "skipped", nowMs);
    behind.push(...next.dependents);
  }
}

function countEnded(state: State, instance: Instance, nowMs: number): void {
  const { task } = instance;
  task.ended += 1;
  if (instance.state.kind === "ended" && instance.state.as === "succeeded") task.succeeded += 1;
  if (task.ended < task.count) return;
  task.job.tasksLeft -= 1;
  if (task.job.tasksLeft === 0) endJob(state, task.job, nowMs);
}

function endJob(state: State, job: Job, nowMs: number): void {
  const succeeded = job.tasks.every((task) => task.succeeded === task.count);
  if (succeeded) job.reason = "";
  job.state = succeeded ? "succeeded" : job.cancelRequested ? "cancelled" : "failed";
  job.finishedAtMs = nowMs;
  job.startedAtMs ??= nowMs;
  state.out.jobs.add(job);
}
