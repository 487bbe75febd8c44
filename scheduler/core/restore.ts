import { attemptKey } from "../../lib/core/ids.ts";
import type { JobProgress, JobRow, NodeRow, TaskRow } from "./batch.ts";
import { hasRoom, reserve } from "./reservation.ts";
import { becomeReady, outcomeOf } from "./flow.ts";
import { addJob } from "./job.ts";
import { newNode, renewLease } from "./node.ts";
import { enqueueInstance } from "./queue.ts";
import {
  type Active,
  type Instance,
  type InstanceState,
  type Job,
  type JobTask,
  newInstance,
  newState,
  type SchedulerConfig,
  type State,
} from "./state.ts";
import { addTimer } from "./timer.ts";

/** What a new leader reads from the store. Jobs in the order they were submitted. */
export interface Restored {
  readonly jobs: readonly { readonly row: JobRow; readonly progress: JobProgress }[];
  readonly tasks: readonly TaskRow[];
  readonly nodes: readonly NodeRow[];
}

/** State of non-terminal jobs as the store has it; every node gets a full lease from now to report what it runs. */
export function restore(config: SchedulerConfig, rows: Restored, nowMs: number): State {
  const state = newState(config);
  for (const row of rows.nodes) restoreNode(state, row, nowMs);
  const jobs = rows.jobs.map(({ row, progress }) => addJob(state, row, progress));
  const tasks = new Map(jobs.flatMap((job) => job.tasks.map((task) => [`${job.id}.${task.spec.name}`, task])));
  // Those that are known to run first: they hold what they hold; what queues at the node gets the rest.
  const running = rows.tasks.filter((row) => row.state === "running");
  for (const row of [...running, ...rows.tasks.filter((row) => row.state !== "running")]) {
    const task = tasks.get(`${row.job}.${row.task}`);
    if (!task)
      throw new Error(`the store has a row for task ${row.task} of job ${row.job}, whose pipeline has no such task`);
    restoreInstance(state, task, row, nowMs);
  }
  for (const job of jobs) restoreJob(state, job, nowMs);
  state.placementDue = true;
  return state;
}

function restoreNode(state: State, row: NodeRow, nowMs: number): void {
  const node = newNode(row);
  state.nodes.set(node.id, node);
  if (row.state === "lost") node.lost = true;
  else {
    node.mode = row.state;
    renewLease(state, node, nowMs);
  }
}

function restoreInstance(state: State, task: JobTask, row: TaskRow, nowMs: number): void {
  const instance = newInstance(task, row.index, { kind: "ready", sinceMs: nowMs });
  task.fresh = Math.max(task.fresh, row.index + 1);
  instance.attempt = row.attempt;
  instance.failures = row.failures;
  instance.losses = row.losses;
  instance.crashes = row.crashes;
  instance.lastNode = row.node;
  instance.lastGpus = row.gpuUuids;
  instance.assignedAtMs = row.assignedAtMs;
  instance.startedAtMs = row.startedAtMs;
  instance.exitCode = row.exitCode;
  instance.reason = row.reason;
  instance.message = row.message;
  instance.state = restoredState(state, instance, row, nowMs);
  if (instance.state.kind === "active") reserve(instance, instance.state);
  if (instance.state.kind === "ended") {
    task.ended += 1;
    if (row.state === "succeeded") task.succeeded += 1;
  }
}

function restoredState(state: State, instance: Instance, row: TaskRow, nowMs: number): InstanceState {
  switch (row.state) {
    case "pending":
    case "ready":
      return row.notBeforeMs !== null && row.notBeforeMs > nowMs
        ? { kind: "backoff", untilMs: row.notBeforeMs }
        : { kind: "ready", sinceMs: nowMs };
    case "assigned":
    case "running":
      return restoredAttempt(state, instance, row);
    default:
      return { kind: "ended", as: row.state, atMs: row.finishedAtMs ?? nowMs, outputs: row.outputs };
  }
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
  const prefilled = !started && row.gpuUuids.length === 0 && !hasRoom(node, spec.resources);
  return { kind: "active", node, key, gpuUuids: row.gpuUuids, started, prefilled, stop: null, silent: 0 };
}

function restoreJob(state: State, job: Job, nowMs: number): void {
  for (const task of job.tasks) if (task.ended === task.count) task.outcome = outcomeOf(task);
  job.tasksLeft = job.tasks.filter((task) => task.outcome === null).length;
  for (const task of job.tasks) {
    task.needsLeft = task.needs.filter((need) => need.outcome === null).length;
    for (const instance of task.instances?.values() ?? []) {
      if (instance.state.kind === "ready") enqueueInstance(state.queue, instance);
      if (instance.state.kind === "backoff") {
        addTimer(state.timers, instance.state.untilMs, { kind: "backoff", instance, attempt: instance.attempt });
      }
      if (instance.state.kind === "active" && job.cancelRequested) {
        instance.state.stop = { key: instance.state.key, graceMs: task.spec.stopGraceMs, reason: "cancelled" };
      }
    }
    if (task.needsLeft === 0 && task.fresh < task.count) becomeReady(state, task, nowMs);
    else if (task.needsLeft === 0) task.readyAtMs = nowMs;
  }
}
