import { type Rate, renderKey } from "../../lib/core/pipeline/admission.ts";
import { formatDuration } from "../../proto/units.ts";
import { enqueueInstance } from "./queue.ts";
import { type Instance, type Job, type JobTask, newInstance, type State } from "./state.ts";
import { addTimer } from "./timer.ts";

/** What waits to be let start: a job, a task whose instances are let go one by one, or an instance that comes back. */
export type Starter =
  | { readonly kind: "job"; readonly job: Job }
  | { readonly kind: "task"; readonly task: JobTask }
  | { readonly kind: "instance"; readonly instance: Instance };

/** The starts under one key. */
export interface RateLog {
  readonly key: string;
  /** Of the last starts, in order; older ones than `perMs` are dropped. */
  starts: number[];
  /** The longest time that anybody asked about. */
  perMs: number;
  /** In order of arrival. */
  waiting: Starter[];
  /** Let go, and not placed yet: each has its start reserved. */
  readonly released: Set<Instance>;
  /** When it is looked at again; Infinity: no timer is set. */
  armedMs: number;
}

export interface RateRow {
  readonly key: string;
  readonly starts: readonly number[];
  readonly perMs: number;
}

export function jobRateKey({ spec, params }: Job): string {
  const key = renderKey(spec.rate!.key, params);
  return key === "" ? `${spec.project}/pipeline ${spec.name}` : `${spec.project}/${key}`;
}

export function taskRateKey({ job, spec }: JobTask): string {
  const key = renderKey(spec.flow.rate!.key, job.params);
  return key === "" ? `${job.spec.project}/task ${job.spec.name}.${spec.name}` : `${job.spec.project}/${key}`;
}

export function rateLog(state: State, key: string): RateLog {
  let log = state.rates.get(key);
  if (!log) state.rates.set(key, (log = newLog(key)));
  return log;
}

function newLog(key: string): RateLog {
  return { key, starts: [], perMs: 0, waiting: [], released: new Set(), armedMs: Infinity };
}

/** Puts it in line; it is let go at the end of the step if its turn has come. */
export function waitForRate(state: State, starter: Starter): void {
  const log = rateLog(state, starter.kind === "job" ? jobRateKey(starter.job) : taskRateKey(taskOf(starter)));
  log.waiting.push(starter);
  state.ratesDue.add(log);
}

function taskOf(starter: Starter & { kind: "task" | "instance" }): JobTask {
  return starter.kind === "task" ? starter.task : starter.instance.task;
}

function limitOf(starter: Starter): Rate {
  return starter.kind === "job" ? starter.job.spec.rate! : taskOf(starter).spec.flow.rate!;
}

function waits(starter: Starter): boolean {
  switch (starter.kind) {
    case "job":
      return starter.job.waitsFor === "rate" && starter.job.finishedAtMs === null;
    case "task":
      return starter.task.fresh < starter.task.count;
    case "instance":
      return starter.instance.state.kind === "ready";
  }
}

/** Lets go what may start now; `startJob` is told of jobs. */
export function admitRate(state: State, log: RateLog, startJob: (job: Job) => void, nowMs: number): void {
  for (const instance of log.released) if (instance.state.kind !== "ready") log.released.delete(instance);
  while (log.waiting.length > 0) {
    const starter = log.waiting[0]!;
    if (!waits(starter)) {
      log.waiting.shift();
      continue;
    }
    const dueMs = dueAtMs(log, limitOf(starter), nowMs);
    if (dueMs > nowMs) return arm(state, log, dueMs);
    release(state, log, starter, startJob, nowMs);
  }
}

/** When there is a start to be had; Infinity: when one that was let go has been placed. */
function dueAtMs(log: RateLog, { limit, perMs }: Rate, nowMs: number): number {
  const inWindow = log.starts.filter((atMs) => atMs > nowMs - perMs);
  const tooMany = inWindow.length + log.released.size - limit + 1;
  if (tooMany <= 0) return nowMs;
  const last = inWindow[tooMany - 1];
  return last === undefined ? Infinity : last + perMs;
}

function arm(state: State, log: RateLog, dueMs: number): void {
  if (dueMs >= log.armedMs) return;
  log.armedMs = dueMs;
  addTimer(state.timers, dueMs, { kind: "rate", log });
}

function release(state: State, log: RateLog, starter: Starter, startJob: (job: Job) => void, nowMs: number): void {
  if (starter.kind === "job") {
    log.waiting.shift();
    noteStart(state, log, starter.job.spec.rate!.perMs, nowMs);
    return startJob(starter.job);
  }
  const instance = starter.kind === "instance" ? starter.instance : nextFresh(starter.task);
  if (starter.kind === "instance" || starter.task.fresh === starter.task.count) log.waiting.shift();
  log.released.add(instance);
  // Its row says that it is no longer one of those that have done nothing.
  state.out.instances.add(instance);
  enqueueInstance(state.queue, instance);
  state.placementDue = true;
}

function nextFresh(task: JobTask): Instance {
  const instance = newInstance(task, task.fresh, { kind: "ready", sinceMs: task.readyAtMs! });
  task.fresh += 1;
  return instance;
}

function noteStart(state: State, log: RateLog, perMs: number, nowMs: number): void {
  log.perMs = Math.max(log.perMs, perMs);
  log.starts = [...log.starts.filter((atMs) => atMs > nowMs - log.perMs), nowMs];
  state.out.rates.add(log);
}

/** What was placed has started. */
export function noteStarts(state: State, nowMs: number): void {
  if (state.rates.size === 0) return;
  for (const instance of state.out.assigned) {
    const { rate } = instance.task.spec.flow;
    const log = rate && state.rates.get(taskRateKey(instance.task));
    if (!log?.released.delete(instance)) continue;
    noteStart(state, log, rate!.perMs, nowMs);
    state.ratesDue.add(log);
  }
}

/** Why the head of the line is not let go, for people. */
export function whyRate(state: State, starter: Starter, nowMs: number): string {
  const { limit, perMs } = limitOf(starter);
  const key = starter.kind === "job" ? jobRateKey(starter.job) : taskRateKey(taskOf(starter));
  const log = state.rates.get(key) ?? newLog(key);
  const dueMs = dueAtMs(log, { limit, perMs, key }, nowMs);
  const next = dueMs === Infinity ? "" : `; the next is let go in ${formatDuration(Math.max(0, dueMs - nowMs))}`;
  return `waits for rate limit "${key}": ${limit} starts in ${formatDuration(perMs)}${next}, ${log.waiting.length} in line`;
}
