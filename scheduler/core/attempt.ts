import {
  type CheckpointReport,
  CRASH_REASONS,
  type EndedReport,
  type LossReason,
  type Outcome,
  type ReadyReport,
} from "../../lib/core/dispatch.ts";
import type { AttemptKey, AttemptRef, NodeId } from "../../lib/core/ids.ts";
import { parseAttemptKey } from "../../lib/core/ids.ts";
import { untoldEnd } from "../../lib/core/report.ts";
import { makeAssignment } from "./assignment.ts";
import type { Answer } from "./event.ts";
import { backoff } from "./backoff.ts";
import { keepCheckpoint } from "./checkpoint.ts";
import { failGang, onMemberEnded, succeedGang } from "./gang.ts";
import { concludeInstance, endInstance } from "./job.ts";
import { LOSS_BACKOFF_MS, LOSS_BACKOFF_MS_MAX, LOSSES_AT_ONCE_MAX } from "./limit.ts";
import { enqueueInstance } from "./queue.ts";
import { breakRange, rangeOf } from "./range.ts";
import { waitForRate } from "./rate.ts";
import { release, reserveStarted, takeOff } from "./reservation.ts";
import { afterService, onReadiness } from "./service.ts";
import type { Active, Instance, Job, JobTask, State } from "./state.ts";
import { mapValues } from "../../lib/core/pipeline/spec.ts";
import { addTimer } from "./timer.ts";

const STALE: Answer = { kind: "stale" };
const DONE: Answer = { kind: "done" };

/** The instance whose current attempt this is, if it is on that node; undefined makes a report stale. */
function currentAttempt(
  state: State,
  node: NodeId,
  key: AttemptKey,
): { instance: Instance; active: Active } | undefined {
  const ref = parseAttemptKey(key);
  return ref && attemptOn(state, node, key, ref);
}

/** The same for who has taken the key apart already. */
export function attemptOn(
  state: State,
  node: NodeId,
  key: AttemptKey,
  ref: AttemptRef,
): { instance: Instance; active: Active } | undefined {
  leaveRange(state, node, ref);
  const held = state.nodes.get(node)?.attempts.get(key);
  if (!held || held.state.kind !== "active" || held.state.key !== key) return undefined;
  return { instance: held, active: held.state };
}

/** What is told of one attempt of a range sets it apart. */
function leaveRange(state: State, id: NodeId, ref: AttemptRef): void {
  const node = state.nodes.get(id);
  const range = node && node.ranges.size > 0 ? rangeOf(node, ref) : undefined;
  if (range) breakRange(state, range);
}

export function onAttemptStarted(state: State, node: NodeId, key: AttemptKey, atMs: number): Answer {
  const found = currentAttempt(state, node, key);
  if (!found || found.active.started) return STALE;
  const { instance, active } = found;
  active.started = true;
  active.silent = 0;
  instance.startedAtMs = atMs;
  reserveStarted(state, instance, active);
  state.out.instances.add(instance);
  startJob(state, instance.task.job, atMs);
  return DONE;
}

export function onAttemptReady(state: State, node: NodeId, report: ReadyReport, nowMs: number): Answer {
  const found = currentAttempt(state, node, report.key);
  if (!found) return STALE;
  // The word of its start may be behind this one.
  if (!found.active.started) onAttemptStarted(state, node, report.key, report.atMs);
  return onReadiness(state, found.instance, report, nowMs) ? DONE : STALE;
}

/** What it has done by now is safe, whatever becomes of its machine. */
export function onAttemptCheckpointed(state: State, node: NodeId, report: CheckpointReport): Answer {
  const found = currentAttempt(state, node, report.key);
  if (!found) return STALE;
  keepCheckpoint(state, found.instance, report.checkpoint, report.atMs);
  return DONE;
}

export function startJob(state: State, job: Job, atMs: number): void {
  if (job.startedAtMs !== null) return;
  job.startedAtMs = atMs;
  state.out.jobs.add(job);
}

export function onAttemptEnded(state: State, node: NodeId, report: EndedReport, nowMs: number): Answer {
  const found = currentAttempt(state, node, report.key);
  if (!found) return STALE;
  if (report.startedAtMs !== null) {
    found.instance.startedAtMs = report.startedAtMs;
    startJob(state, found.instance.task.job, report.startedAtMs);
    if (report.outcome.kind === "succeeded") learnRunTime(found.instance.task, report.endedAtMs - report.startedAtMs);
  }
  endAttempt(state, found.instance, found.active, report, nowMs);
  return DONE;
}

/**
 * It succeeded, and nothing is to be said of it but when: whoever calls writes that down (see bundle.ts), and makes room at its node when
 * all that ended with it are off the books.
 */
export function endPlainly(
  state: State,
  instance: Instance,
  active: Active,
  startedAtMs: number,
  endedAtMs: number,
  nowMs: number,
): void {
  const { task } = instance;
  instance.startedAtMs = startedAtMs;
  startJob(state, task.job, startedAtMs);
  learnRunTime(task, endedAtMs - startedAtMs);
  takeOff(state, instance, active);
  instance.exitCode = 0;
  instance.reason = "";
  instance.message = "";
  concludeInstance(state, instance, "succeeded", nowMs);
}

/** Weight of the newest sample: a job whose tasks grow longer is noticed within a few. */
const RUN_TIME_WEIGHT = 0.2;

export function learnRunTime({ job, ask }: JobTask, ranMs: number): void {
  const known = job.meanRunMs.get(ask.key);
  job.meanRunMs.set(ask.key, known === undefined ? ranMs : known + RUN_TIME_WEIGHT * (ranMs - known));
}

/**
 * The node has no record of the attempt: the message was lost on the way, or the node's disk was. The node will not run it
 * any more, should the message still come, and the same message would be taken for a duplicate: so another attempt follows.
 */
export function onAttemptUnknown(state: State, node: NodeId, key: AttemptKey, nowMs: number): Answer {
  const found = currentAttempt(state, node, key);
  if (!found) return STALE;
  loseAttempt(state, found.instance, found.active, "unknown", "the node has no record of the attempt", nowMs);
  return DONE;
}

/** Ends an attempt that nobody will report on. */
export function loseAttempt(
  state: State,
  instance: Instance,
  active: Active,
  reason: "node-lost" | "unknown",
  message: string,
  nowMs: number,
): void {
  const report = untoldEnd(active.key, { kind: "lost", reason }, message, nowMs);
  endAttempt(state, instance, active, { ...report, startedAtMs: instance.startedAtMs }, nowMs);
}

function endAttempt(state: State, instance: Instance, active: Active, report: EndedReport, nowMs: number): void {
  const { task } = instance;
  const outcome = report.outcome;
  const assignment = makeAssignment(instance, active);
  release(state, instance, active);
  instance.exitCode = report.exitCode;
  instance.reason = outcome.kind === "succeeded" ? "" : outcome.reason;
  instance.message = report.message;
  if (report.checkpoint) keepCheckpoint(state, instance, report.checkpoint, report.endedAtMs);
  state.out.instances.add(instance);
  state.out.ended.push({
    assignment,
    state: outcome.kind === "stopped" ? "cancelled" : outcome.kind,
    node: { id: active.node.id, name: active.node.name },
    code: task.job.code,
    params: task.job.params,
    map: mapValues(task.spec, instance.index, task.values),
    report,
  });
  settle(state, instance, report, nowMs);
}

/** What becomes of the instance after its attempt. */
function settle(state: State, instance: Instance, report: EndedReport, nowMs: number): void {
  const { outcome } = report;
  const { task } = instance;
  if (task.spec.nodes > 1) return settleGang(state, instance, report, nowMs);
  const isService = task.spec.service !== undefined;
  const made = { outputs: report.outputs, result: report.result ?? null };
  if (outcome.kind === "succeeded" && !isService) {
    keepForCache(state, instance, report);
    return endInstance(state, instance, "succeeded", nowMs, made);
  }
  if (task.job.cancelRequested) return endInstance(state, instance, "cancelled", nowMs, made);
  const next =
    (isService ? afterService(state, instance, report) : null) ?? afterLoss(state, instance, outcome, report.exitCode);
  if (typeof next === "string") return endInstance(state, instance, next, nowMs, made);
  waitToRetry(state, instance, next, nowMs);
}

/** A gang's members succeed, fail and run again together. */
function settleGang(state: State, instance: Instance, report: EndedReport, nowMs: number): void {
  const end = onMemberEnded(state, instance, report, nowMs);
  if (!end) return;
  const { members, cause } = end;
  if (!cause) return succeedGang(state, members, nowMs);
  if (instance.task.job.cancelRequested) {
    for (const member of members) if (member.state.kind !== "ended") endInstance(state, member, "cancelled", nowMs);
    return;
  }
  const next = afterLoss(state, cause.instance, cause.held.outcome, cause.instance.exitCode);
  for (const member of members) {
    member.failures = cause.instance.failures;
    member.losses = cause.instance.losses;
    member.crashes = cause.instance.crashes;
  }
  if (next === "failed") return failGang(state, end, nowMs);
  for (const member of members) {
    member.state = { kind: "ready", sinceMs: nowMs };
    state.out.instances.add(member);
  }
  waitToRetry(state, members[0]!, next, nowMs);
}

/** How long the instance waits for its next attempt, in milliseconds, after one that did not succeed. */
function afterLoss(state: State, instance: Instance, outcome: Outcome, exitCode: number | null): number | "failed" {
  switch (outcome.kind) {
    case "failed":
      instance.failures += 1;
      return mayRetry(instance, outcome, exitCode) ? retryWaitMs(state, instance) : "failed";
    case "lost":
      // It was nobody's fault, and whoever stopped it may do so as often as there is need.
      if (outcome.reason === "preempted") return 0;
      instance.losses += 1;
      if (CRASH_REASONS.has(outcome.reason)) instance.crashes += 1;
      if (instance.crashes <= instance.task.spec.retries.crashes) return lossWaitMs(state, instance, outcome);
      instance.message = `given up after ${instance.crashes} losses of the machine or its services that it may have caused; the last: ${instance.message || outcome.reason}`;
      return "failed";
    default:
      return 0;
  }
}

function mayRetry(instance: Instance, { reason }: Outcome & { kind: "failed" }, exitCode: number | null): boolean {
  const { limit, exitCodes, reasons } = instance.task.spec.retries;
  if (instance.failures > limit) return false;
  if (exitCodes.length === 0 && reasons.length === 0) return true;
  return reasons.includes(reason) || (exitCode !== null && exitCodes.includes(exitCode));
}

function retryWaitMs(state: State, instance: Instance): number {
  const { backoffMs, backoffMsMax } = instance.task.spec.retries;
  return backoff(backoffMs, backoffMsMax, instance.failures, state.config.random);
}

/** The next attempt would likely meet the same. */
const LOCAL_LOSSES: ReadonlySet<LossReason> = new Set([
  "disk-full",
  "store-unreachable",
  "runner-lost",
  "node-changed",
  "gpu-busy",
]);

function lossWaitMs(state: State, instance: Instance, outcome: Outcome & { kind: "lost" }): number {
  return LOCAL_LOSSES.has(outcome.reason) || (outcome.reason === "unknown" && instance.losses > LOSSES_AT_ONCE_MAX)
    ? backoff(LOSS_BACKOFF_MS, LOSS_BACKOFF_MS_MAX, instance.losses, state.config.random)
    : 0;
}

function waitToRetry(state: State, instance: Instance, waitMs: number, nowMs: number): void {
  if (waitMs <= 0) return backToQueue(state, instance, nowMs);
  const atMs = nowMs + waitMs;
  instance.state = { kind: "backoff", untilMs: atMs };
  addTimer(state.timers, atMs, { kind: "backoff", instance, attempt: instance.attempt });
}

export function backToQueue(state: State, instance: Instance, nowMs: number): void {
  instance.state = { kind: "ready", sinceMs: nowMs };
  state.out.instances.add(instance);
  if (instance.task.spec.flow.rate) return waitForRate(state, { kind: "instance", instance });
  enqueueInstance(state.queue, instance);
  state.placementDue = true;
}

/** So that later work of the same kind need not be done. */
function keepForCache(state: State, { cache }: Instance, { key, outputs, result, endedAtMs }: EndedReport): void {
  if (!cache || cache.key === null) return;
  state.out.cached.push({ key: cache.key, execution: key, outputs, result: result ?? null, madeAtMs: endedAtMs });
}
