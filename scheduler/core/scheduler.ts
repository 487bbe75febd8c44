import { admitDue } from "./admission.ts";
import { makeAssignment, makeEndedRange, makeRangeAssignment } from "./assignment.ts";
import { backToQueue, onAttemptCheckpointed, onAttemptReady, onAttemptStarted, onAttemptUnknown } from "./attempt.ts";
import { bundleEffect, bundleRow, endedBundleRows, makeEndedBundle, onBundleEnded, takeBundles } from "./bundle.ts";
import type { Batch, JobProgress, JobRow, MapRow, NodeRow, TaskRow, RangeRow } from "./batch.ts";
import { onCacheAnswered, takeLookups } from "./cache.ts";
import type { Answer, Event } from "./event.ts";
import { RESULTS_CHARS_MAX } from "./expression.ts";
import { onJobCancelRequested, onJobSubmitted } from "./job.ts";
import { IDEMPOTENCY_KEYS_MAX } from "./limit.ts";
import {
  onClockStepped,
  onLeaseTimer,
  onNodeHeard,
  onNodeJoined,
  onNodeMode,
  onNodeSettings,
  onNodeTimer,
} from "./node.ts";
import { finishServices } from "./service.ts";
import { onProjectChanged } from "./share.ts";
import type { Outbox } from "./outbox.ts";
import { onTakeBackRangeTimer, onTakeBackTimer, place as placeReady } from "./place.ts";
import { onEnded, onRangeEnded } from "./range-end.ts";
import { noteReasons } from "./history.ts";
import { noteStarts } from "./rate.ts";
import { type Instance, type Job, type JobTask, type Node, nodeState, type Range, type State } from "./state.ts";
import { onApprovalGiven, onApprovalTimer } from "./word.ts";
import { firstDueMs, takeDue } from "./timer.ts";

export { newState, type SchedulerConfig, type State } from "./state.ts";
export { restore, type Restored } from "./restore.ts";
export { check } from "./check.ts";

/** Takes one fact in. What follows from it is in `state` and comes out at the next `drain`. */
export function step(state: State, event: Event, nowMs: number): Answer {
  const answer = take(state, event, nowMs);
  if (state.finishing.size > 0) finishServices(state, nowMs);
  admitDue(state, nowMs);
  return answer;
}

/** Gives ready instances to nodes. */
export function place(state: State, nowMs: number): void {
  placeReady(state, nowMs);
  noteStarts(state, nowMs);
  admitDue(state, nowMs);
  noteReasons(state, nowMs);
}

function take(state: State, event: Event, nowMs: number): Answer {
  switch (event.kind) {
    case "jobSubmitted":
      return onJobSubmitted(state, event.job, event.adopted, nowMs);
    case "jobCancelRequested":
      return onJobCancelRequested(state, event.job, event.reason, nowMs);
    case "nodeJoined":
      return onNodeJoined(state, event, nowMs);
    case "nodeHeard":
      return onNodeHeard(state, event, nowMs);
    case "nodeCordoned":
      return onNodeMode(state, event.node, "cordoned");
    case "nodeUncordoned":
      return onNodeMode(state, event.node, "ready");
    case "nodeDrained":
      return onNodeMode(state, event.node, "draining");
    case "nodeSettingsChanged":
      return onNodeSettings(state, event.node, event.change, nowMs);
    case "projectChanged":
      return onProjectChanged(state, event.settings);
    case "cacheAnswered":
      onCacheAnswered(state, event.answers, nowMs);
      return { kind: "done" };
    case "approvalGiven":
      return onApprovalGiven(state, event, nowMs);
    case "attemptStarted":
      return onAttemptStarted(state, event.node, event.key, event.atMs);
    case "attemptReady":
      return onAttemptReady(state, event.node, event.report, nowMs);
    case "attemptCheckpointed":
      return onAttemptCheckpointed(state, event.node, event.report);
    case "attemptEnded":
      return onEnded(state, event.node, event.report, nowMs);
    case "rangeEnded":
      if (event.report.tasks) return onBundleEnded(state, event.node, event.report, nowMs);
      return onRangeEnded(state, event.node, event.report, nowMs);
    case "attemptUnknown":
      return onAttemptUnknown(state, event.node, event.key, nowMs);
    case "clockStepped":
      onClockStepped(state, event.byMs);
      return { kind: "done" };
    case "clockTicked":
      onClockTicked(state, nowMs);
      return { kind: "done" };
  }
}

function onClockTicked(state: State, nowMs: number): void {
  for (let timer = takeDue(state.timers, nowMs); timer; timer = takeDue(state.timers, nowMs)) {
    switch (timer.kind) {
      case "lease":
        onLeaseTimer(state, timer.node, nowMs);
        break;
      case "backoff":
        if (timer.instance.state.kind === "backoff" && timer.instance.attempt === timer.attempt) {
          backToQueue(state, timer.instance, nowMs);
        }
        break;
      case "approval":
        onApprovalTimer(state, timer.instance, nowMs);
        break;
      case "rate":
        timer.log.armedMs = Infinity;
        state.ratesDue.add(timer.log);
        break;
      case "takeBack":
        onTakeBackTimer(state, timer.instance, timer.attempt, nowMs);
        break;
      case "takeBackRange":
        onTakeBackRangeTimer(state, timer.range, nowMs);
        break;
      case "node":
        onNodeTimer(state, timer.node, nowMs);
        break;
    }
  }
}

/** When `clockTicked` is due next; null: nothing waits for time. */
export function nextTimerMs(state: State): number | null {
  return firstDueMs(state.timers);
}

/** All that was decided since the last drain. Jobs that have ended leave the memory here. */
export function drain(state: State): Batch {
  const { out } = state;
  const bundles = takeBundles(out);
  const batch: Batch = {
    jobsNew: Array.from(out.jobsNew, jobRow),
    jobs: Array.from(new Set([...out.jobsNew, ...out.jobs]), jobProgress),
    news: Array.from(out.jobs)
      .filter(isNews)
      .map((job) => ({ row: jobRow(job), progress: jobProgress(job) })),
    tasks: Array.from(out.instances, taskRow),
    maps: Array.from(out.maps, mapRow),
    ranges: [
      ...out.rangesEnded.map(endedRangeRow),
      ...out.bundlesEnded.flatMap(endedBundleRows),
      ...Array.from(out.ranges, rangeRow),
      ...bundles.map(bundleRow),
    ],
    ended: out.ended.splice(0),
    endedRanges: [
      ...out.rangesEnded.map(({ range, report }) => makeEndedRange(range, report)),
      ...out.bundlesEnded.map(makeEndedBundle),
    ],
    nodes: Array.from(out.nodes, nodeRow),
    projects: Array.from(out.projects, ({ settings }) => settings),
    rates: Array.from(out.rates, ({ key, starts, perMs }) => ({ key, starts, perMs })),
    cached: out.cached.splice(0),
    lookups: takeLookups(state),
    assign: [
      ...[...out.assigned].flatMap(assignEffect),
      ...bundles.map(bundleEffect),
      ...Array.from(out.ranges, rangeEffect),
    ],
    stop: out.stops.splice(0),
  };
  for (const job of out.jobs) if (job.finishedAtMs !== null) forget(state, job);
  for (const instance of out.instances) dropResult(instance);
  clear(out);
  return batch;
}

function clear(out: Outbox): void {
  const sets = [out.jobsNew, out.jobs, out.instances, out.maps, out.nodes, out.projects, out.rates, out.assigned];
  for (const set of [...sets, out.ranges]) set.clear();
  out.rangesEnded.length = 0;
  out.bundlesEnded.length = 0;
}

function forget(state: State, job: Job): void {
  state.jobs.delete(job.id);
  if (state.idempotency.size <= IDEMPOTENCY_KEYS_MAX) return;
  for (const [key, id] of state.idempotency) {
    if (state.jobs.has(id)) continue;
    state.idempotency.delete(key);
    return;
  }
}

function assignEffect(instance: Instance): Batch["assign"] {
  const { state } = instance;
  if (state.kind !== "active") return [];
  return [{ node: state.node.id, assignment: makeAssignment(instance, state) }];
}

function rangeEffect(range: Range): Batch["assign"][number] {
  return { node: range.node.id, assignment: makeRangeAssignment(range) };
}

function rangeRow({ task, from, to, node, assignedAtMs }: Range): RangeRow {
  const nothingYet = { startedAtMs: null, finishedAtMs: null };
  return {
    job: task.job.id,
    task: task.spec.name,
    index: from,
    count: to - from,
    node: node.id,
    assignedAtMs,
    ...nothingYet,
  };
}

function endedRangeRow({ range, report, atMs }: Outbox["rangesEnded"][number]): RangeRow {
  return { ...rangeRow(range), startedAtMs: report.startedAtMs, finishedAtMs: atMs };
}

function jobRow(job: Job): JobRow {
  const { id, spec, params, code, priority, trigger, idempotencyKey, submittedAtMs } = job;
  return {
    id,
    pipeline: spec.name,
    spec,
    params,
    code,
    priority,
    project: spec.project,
    trigger,
    idempotencyKey,
    submittedAtMs,
    ...(job.triggeredBy ? { triggeredBy: job.triggeredBy } : {}),
  };
}

function isNews(job: Job): boolean {
  return job.finishedAtMs !== null || (job.spec.notify !== undefined && job.startedAtMs !== null);
}

function jobProgress(job: Job): JobProgress {
  const { id, state, startedAtMs, finishedAtMs, cancelRequested, reason, waitsFor } = job;
  const progress = { id, state, startedAtMs, finishedAtMs, cancelRequested, reason };
  return waitsFor === "" ? progress : { ...progress, waitsFor };
}

function taskRow(instance: Instance): TaskRow {
  const { state } = instance;
  return {
    job: instance.task.job.id,
    task: instance.task.spec.name,
    index: instance.index,
    state: rowState(state),
    attempt: instance.attempt,
    node: instance.lastNode,
    gpuUuids: instance.lastGpus,
    choice: instance.lastChoice,
    assignedAtMs: instance.assignedAtMs,
    startedAtMs: instance.startedAtMs,
    finishedAtMs: state.kind === "ended" || state.kind === "held" ? state.atMs : null,
    exitCode: instance.exitCode,
    reason: instance.reason,
    message: instance.message,
    outputs: state.kind === "ended" || state.kind === "held" ? state.outputs : [],
    result: state.kind === "ended" || state.kind === "held" ? state.result : null,
    checkpoint: instance.checkpoint,
    cache: instance.cache,
    failures: instance.failures,
    losses: instance.losses,
    crashes: instance.crashes,
    notBeforeMs: state.kind === "backoff" || state.kind === "waiting" ? state.untilMs : null,
    ...(instance.service ? { service: instance.service } : {}),
  };
}

function rowState(state: Instance["state"]): TaskRow["state"] {
  switch (state.kind) {
    case "active":
      return state.started ? "running" : "assigned";
    case "ended":
      return state.as;
    case "held":
      return "ending";
    case "waiting":
      return "waiting";
    case "ready":
    case "backoff":
      return "ready";
  }
}

function mapRow({ job, spec, count, values }: JobTask): MapRow {
  return { job: job.id, task: spec.name, count, values: values ?? [] };
}

/** What is in its row by now need not be kept when nobody in the job reads it, or when it is too much to be read. */
function dropResult(instance: Instance): void {
  const held = instance.state;
  if (held.kind !== "ended" || held.result === null) return;
  if (instance.task.resultWanted && instance.task.resultChars <= RESULTS_CHARS_MAX) return;
  instance.state = { ...held, result: null };
}

function nodeRow(node: Node): NodeRow {
  const { id, name, labels, address, capacity, settings, mode, era } = node;
  // An operator's word outlasts the loss of the node and the restart of the scheduler.
  return { id, name, state: mode === "ready" ? nodeState(node) : mode, labels, address, capacity, settings, era };
}
