import { FAILURE_REASONS, LOSS_REASONS, type Outcome, STOP_REASONS } from "../../lib/core/dispatch.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import type { JobProgress, JobRow, MapRow, NodeRow, TaskRow } from "./batch.ts";
import { hasRoom, reserve } from "./reservation.ts";
import { admitDue, restoreAdmission } from "./admission.ts";
import { armApproval } from "./approval.ts";
import { becomeReady, keepResult } from "./flow.ts";
import { addJob } from "./job.ts";
import { gangOf, isLeader } from "./gang.ts";
import { armSettings, newNode, renewLease } from "./node.ts";
import { LOSS_BACKOFF_MS_MAX } from "./limit.ts";
import { outcomeOf } from "./outcome.ts";
import { enqueueInstance } from "./queue.ts";
import { rateLog, type RateRow, waitForRate } from "./rate.ts";
import {
  type Active,
  type Instance,
  type InstanceState,
  type Job,
  type JobTask,
  newActive,
  newInstance,
  newState,
  type Node,
  type SchedulerConfig,
  type State,
} from "./state.ts";
import { type ProjectSettings, projectOf } from "./share.ts";
import { finishServices, haveServed, isFinishing } from "./service.ts";
import { orderStop } from "./stop.ts";
import { addTimer } from "./timer.ts";

/** What a new leader reads from the store. Jobs in the order they were submitted. */
export interface Restored {
  readonly jobs: readonly { readonly row: JobRow; readonly progress: JobProgress }[];
  readonly tasks: readonly TaskRow[];
  readonly maps: readonly MapRow[];
  readonly nodes: readonly NodeRow[];
  readonly projects: readonly ProjectSettings[];
  readonly rates: readonly RateRow[];
}

/** State of non-terminal jobs as the store has it; every node gets a full lease from now to report what it runs. */
export function restore(config: SchedulerConfig, rows: Restored, nowMs: number): State {
  const state = newState(config);
  for (const settings of rows.projects) projectOf(state, settings.name).settings = settings;
  for (const row of rows.nodes) restoreNode(state, row, nowMs);
  const jobs = rows.jobs.map(({ row, progress }) => addJob(state, row, progress));
  const tasks = new Map(jobs.flatMap((job) => job.tasks.map((task) => [`${job.id}.${task.spec.name}`, task])));
  for (const row of rows.maps) {
    const task = taskOf(tasks, row);
    task.count = row.count;
    task.values = row.values;
  }
  // In their own order, whatever is known of them: it is that of inputs and results.
  const held = rows.tasks.map((row) => ({ row, task: taskOf(tasks, row) }));
  for (const { row, task } of held) {
    newInstance(task, row.index, { kind: "ready", sinceMs: nowMs });
    task.fresh = Math.max(task.fresh, row.index + 1);
  }
  // What certainly holds its place first; what may only queue at its node gets the rest.
  for (const { row, task } of held.toSorted((a, b) => certainty(a) - certainty(b))) {
    restoreInstance(state, task, row, nowMs);
  }
  for (const node of state.nodes.values()) restoreCapacityBefore(node);
  for (const row of rows.rates) {
    const log = rateLog(state, row.key);
    // Another clock wrote it, which may have been ahead.
    log.starts = row.starts.map((atMs) => Math.min(atMs, nowMs));
    log.perMs = row.perMs;
  }
  for (const job of jobs) {
    restoreJob(state, job, nowMs);
    restoreAdmission(state, job);
  }
  finishServices(state, nowMs);
  admitDue(state, nowMs);
  state.placementDue = true;
  return state;
}

/** Those that run, then those that never queue at a node (devices and gangs), then the others. */
function certainty({ row, task }: { readonly row: TaskRow; readonly task: JobTask }): number {
  if (row.state === "running") return 0;
  return row.state === "assigned" && row.gpuUuids.length === 0 && task.spec.nodes === 1 ? 2 : 1;
}

function taskOf(tasks: ReadonlyMap<string, JobTask>, row: { readonly job: string; readonly task: string }): JobTask {
  const task = tasks.get(`${row.job}.${row.task}`);
  if (task) return task;
  throw new Error(`the store has a row for task ${row.task} of job ${row.job}, whose pipeline has no such task`);
}

function restoreNode(state: State, row: NodeRow, nowMs: number): void {
  const node = newNode(row);
  state.nodes.set(node.id, node);
  armSettings(state, node, nowMs);
  if (row.state === "lost") node.lost = true;
  else {
    node.mode = row.state;
    renewLease(state, node, nowMs);
  }
}

/** It may have come back smaller than what it was given before. */
function restoreCapacityBefore(node: Node): void {
  const { capacity, reserved } = node;
  node.capacityBefore = {
    cpuMillis: Math.max(capacity.cpuMillis, reserved.cpuMillis),
    memoryBytes: Math.max(capacity.memoryBytes, reserved.memoryBytes),
    diskBytes: Math.max(capacity.diskBytes, reserved.diskBytes),
    gpus: capacity.gpus,
  };
}

function restoreInstance(state: State, task: JobTask, row: TaskRow, nowMs: number): void {
  const instance = task.instances!.get(row.index)!;
  instance.attempt = row.attempt;
  instance.failures = row.failures;
  instance.losses = row.losses;
  instance.crashes = row.crashes;
  instance.cache = row.cache;
  instance.service = row.service ?? null;
  instance.lastNode = row.node;
  instance.lastGpus = row.gpuUuids;
  instance.lastChoice = row.choice;
  instance.assignedAtMs = row.assignedAtMs;
  instance.startedAtMs = row.startedAtMs;
  instance.exitCode = row.exitCode;
  instance.reason = row.reason;
  instance.message = row.message;
  instance.checkpoint = row.checkpoint;
  instance.state = restoredState(state, instance, row, nowMs);
  if (instance.state.kind === "active") reserve(state, instance, instance.state);
  if (instance.state.kind === "ended") {
    task.ended += 1;
    if (row.state === "succeeded") {
      task.succeeded += 1;
      if (instance.state.result !== null) keepResult(instance, instance.state);
    }
  }
}

function restoredState(state: State, instance: Instance, row: TaskRow, nowMs: number): InstanceState {
  switch (row.state) {
    case "pending":
    case "ready":
      return row.notBeforeMs !== null && row.notBeforeMs > nowMs
        ? { kind: "backoff", untilMs: Math.min(row.notBeforeMs, nowMs + longestWaitMs(instance.task)) }
        : { kind: "ready", sinceMs: nowMs };
    case "assigned":
    case "running":
      return restoredAttempt(state, instance, row);
    case "waiting":
      return {
        kind: "waiting",
        untilMs: Math.min(row.notBeforeMs ?? nowMs, nowMs + instance.task.spec.flow.approve!.timeoutMs),
      };
    case "ending":
      return {
        kind: "held",
        outcome: heldOutcome(row.reason),
        outputs: row.outputs,
        result: row.result,
        atMs: row.finishedAtMs ?? nowMs,
      };
    default:
      return {
        kind: "ended",
        as: row.state,
        atMs: row.finishedAtMs ?? nowMs,
        outputs: row.outputs,
        result: instance.task.resultWanted ? row.result : null,
      };
  }
}

/** Another clock wrote until when; by none would it have been longer. */
function longestWaitMs({ spec }: JobTask): number {
  return Math.max(spec.retries.backoffMsMax, spec.service?.backoffMsMax ?? 0, LOSS_BACKOFF_MS_MAX);
}

function restoredAttempt(state: State, instance: Instance, row: TaskRow): Active {
  const node = row.node === null ? undefined : state.nodes.get(row.node);
  const { job, spec } = instance.task;
  if (!node)
    throw new Error(
      `${job.id}.${spec.name}.${row.index} is ${row.state} on node ${row.node}, which the store does not have`,
    );
  const key = attemptKey({ job: job.id, task: spec.name, index: row.index, attempt: row.attempt });
  const started = row.state === "running";
  const { choice, gpuUuids } = row;
  const asked = instance.task.ask.requests[choice]!;
  const prefilled = !started && gpuUuids.length === 0 && spec.nodes === 1 && !hasRoom(node, asked);
  const masterAddress = spec.nodes === 1 ? "" : node.address;
  const overtook = !prefilled && !hasRoom(node, asked);
  return newActive({ node, key, gpuUuids, choice, asked, masterAddress, started, prefilled, overtook });
}

/** A row of a member that has ended says why, and nothing when it succeeded. */
function heldOutcome(reason: string): Outcome {
  if (reason === "") return { kind: "succeeded" };
  const failure = FAILURE_REASONS.find((one) => one === reason);
  if (failure !== undefined) return { kind: "failed", reason: failure };
  const loss = LOSS_REASONS.find((one) => one === reason);
  if (loss !== undefined) return { kind: "lost", reason: loss };
  return { kind: "stopped", reason: STOP_REASONS.find((one) => one === reason) ?? "fenced" };
}

/** Members know where rank 0 is; and what one's end has brought on, it brings on again. */
function restoreGangs(state: State, task: JobTask): void {
  for (const instance of task.instances?.values() ?? []) {
    if (!isLeader(instance)) continue;
    const members = gangOf(instance);
    const address = state.nodes.get(instance.lastNode!)?.address ?? "";
    const broken = members.some(({ state: of }) => of.kind === "held" && of.outcome.kind !== "succeeded");
    for (const member of members) {
      if (member.state.kind !== "active") continue;
      member.state = { ...member.state, masterAddress: address };
      if (broken) orderStop(state, member, "gang");
    }
  }
}

/** Null: it was not kept, since its instances ended together. */
function lastEndMs({ instances }: JobTask): number | null {
  let last: number | null = null;
  for (const { state } of instances?.values() ?? []) if (state.kind === "ended") last = Math.max(last ?? 0, state.atMs);
  return last;
}

/** As it was before; a job that waited for its turn is taken for one that did not. */
function readySinceMs({ job, needs }: JobTask, nowMs: number): number {
  const lastMs = needs.reduce((last, { endedAtMs }) => Math.max(last, endedAtMs ?? 0), job.submittedAtMs);
  return Math.min(lastMs, nowMs);
}

function restoreReady(state: State, instance: Instance): void {
  if (instance.task.spec.flow.rate) waitForRate(state, { kind: "instance", instance });
  else enqueueInstance(state.queue, instance);
}

function restoreJob(state: State, job: Job, nowMs: number): void {
  for (const task of job.tasks) {
    if (task.ended !== task.count) continue;
    task.outcome = outcomeOf(task);
    task.endedAtMs = lastEndMs(task);
  }
  for (const task of job.tasks) task.served = haveServed(task);
  const left = job.tasks.filter((task) => task.outcome === null);
  job.tasksLeft = left.length;
  job.servicesLeft = left.filter(({ spec }) => spec.service).length;
  if (isFinishing(job)) state.finishing.add(job);
  for (const task of job.tasks) {
    task.needsLeft = task.needs.filter((need) => need.outcome === null && !need.served).length;
    for (const instance of task.instances?.values() ?? []) {
      if (instance.state.kind === "ready" && isLeader(instance) && job.waitsFor === "") restoreReady(state, instance);
      armApproval(state, instance);
      if (instance.state.kind === "backoff") {
        addTimer(state.timers, instance.state.untilMs, { kind: "backoff", instance, attempt: instance.attempt });
      }
      if (instance.state.kind === "active" && job.cancelRequested) {
        instance.state.stop = { key: instance.state.key, graceMs: task.spec.stopGraceMs, reason: "cancelled" };
      }
    }
    if (task.spec.nodes > 1) restoreGangs(state, task);
    if (job.waitsFor !== "") continue;
    if (task.needsLeft > 0) continue;
    if (task.fresh < task.count) becomeReady(state, task, readySinceMs(task, nowMs));
    else task.readyAtMs = readySinceMs(task, nowMs);
  }
}
