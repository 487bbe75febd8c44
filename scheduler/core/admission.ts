import { renderKey } from "../../lib/core/pipeline/admission.ts";
import { begin, followTask } from "./flow.ts";
import { admitRate, waitForRate } from "./rate.ts";
import type { Job, JobTask, State } from "./state.ts";

/** Jobs that exclude each other. */
export interface Group {
  readonly key: string;
  readonly running: Set<Job>;
  /** In order of arrival. */
  waiting: Job[];
}

export function groupKey({ spec, params }: Job): string {
  const group = renderKey(spec.concurrency!.group, params);
  return `${spec.project}/${group === "" ? spec.name : group}`;
}

function groupOf(state: State, key: string): Group {
  let group = state.groups.get(key);
  if (!group) state.groups.set(key, (group = { key, running: new Set(), waiting: [] }));
  return group;
}

/** Lets a new job start, or puts it where it waits; `cancel` ends a job and says why. */
export function admitJob(state: State, job: Job, cancel: (job: Job, reason: string) => void, nowMs: number): void {
  const { concurrency } = job.spec;
  if (!concurrency) return passRate(state, job, nowMs);
  const group = groupOf(state, groupKey(job));
  const others = [...group.running, ...group.waiting].filter(({ finishedAtMs }) => finishedAtMs === null);
  const name = `concurrency group "${group.key}"`;
  if (concurrency.policy === "skip" && others.length >= concurrency.limit) {
    return cancel(
      job,
      `skipped: ${name} has ${others.length} of ${concurrency.limit}, job ${others[0]!.id} among them`,
    );
  }
  if (concurrency.policy === "cancel-running") {
    for (const other of others) cancel(other, `replaced by job ${job.id} of ${name}`);
  }
  job.waitsFor = "concurrency";
  job.group = group;
  group.waiting.push(job);
  state.groupsDue.add(group);
}

/** As it was before the server was killed. */
export function restoreAdmission(state: State, job: Job): void {
  const { concurrency } = job.spec;
  if (concurrency) {
    const group = groupOf(state, groupKey(job));
    job.group = group;
    if (job.waitsFor === "concurrency") group.waiting.push(job);
    else group.running.add(job);
    state.groupsDue.add(group);
  }
  if (job.waitsFor === "rate") waitForRate(state, { kind: "job", job });
}

function passRate(state: State, job: Job, nowMs: number): void {
  if (!job.spec.rate) return startJob(state, job, nowMs);
  noteWait(job, nowMs);
  job.waitsFor = "rate";
  state.out.jobs.add(job);
  waitForRate(state, { kind: "job", job });
}

/** What it waited for is over. */
function noteWait(job: Job, nowMs: number): void {
  if (job.waitsFor !== "") job.waits = [...job.waits, { for: job.waitsFor, untilMs: nowMs }];
}

function startJob(state: State, job: Job, nowMs: number): void {
  if (job.waitsFor !== "") state.out.jobs.add(job);
  noteWait(job, nowMs);
  job.waitsFor = "";
  for (const task of job.tasks) {
    if (task.needsLeft === 0 && task.outcome === null && task.readyAtMs === null) startTask(state, task, nowMs);
  }
}

/** Of a job that starts; what ends at once lets those behind it follow. */
function startTask(state: State, task: JobTask, nowMs: number): void {
  if (!begin(state, task, nowMs)) followTask(state, task, nowMs);
}

/** Lets go all that may start by now. A loop: what starts may end at once, and let others start. */
export function admitDue(state: State, nowMs: number): void {
  while (state.groupsDue.size + state.ratesDue.size > 0) {
    for (const group of state.groupsDue) {
      state.groupsDue.delete(group);
      admitGroup(state, group, nowMs);
    }
    for (const log of state.ratesDue) {
      state.ratesDue.delete(log);
      admitRate(state, log, (job) => startJob(state, job, nowMs), nowMs);
    }
  }
}

function admitGroup(state: State, group: Group, nowMs: number): void {
  for (const job of group.running) if (job.finishedAtMs !== null) group.running.delete(job);
  group.waiting = group.waiting.filter(({ finishedAtMs }) => finishedAtMs === null);
  while (group.waiting.length > 0 && group.running.size < group.waiting[0]!.spec.concurrency!.limit) {
    const job = group.waiting.shift()!;
    group.running.add(job);
    passRate(state, job, nowMs);
  }
  if (group.running.size + group.waiting.length === 0) state.groups.delete(group.key);
}

/** Why the job is not let go, for people. */
export function whyConcurrency(state: State, job: Job): string {
  const group = state.groups.get(groupKey(job))!;
  const before = group.waiting.indexOf(job);
  const running = [...group.running].slice(0, 3).map(({ id }) => id);
  const more = group.running.size > running.length ? ` and ${group.running.size - running.length} more` : "";
  const line = before > 0 ? `; ${before} wait before it` : "";
  return `the job waits for concurrency group "${group.key}", which job ${running.join(", ")}${more} hold${running.length === 1 ? "s" : ""}${line}`;
}
