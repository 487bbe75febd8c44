import type { JobId } from "../../lib/core/ids.ts";
import { topologicalOrder } from "../../lib/core/pipeline/graph.ts";
import { instanceCount } from "../../lib/core/pipeline/spec.ts";
import { type MapRow, type TaskRow, TERMINAL_TASK_STATES } from "./batch.ts";
import { countEnded } from "./flow.ts";
import { outcomeOf } from "./outcome.ts";
import { type Instance, type Job, type JobTask, newInstance, type State } from "./state.ts";

/** What an earlier job of the same pipeline, parameters and code has left, for a new one to take over. */
export interface Adopted {
  readonly of: JobId;
  readonly tasks: readonly TaskRow[];
  readonly maps: readonly MapRow[];
}

/** Of an instance that another job ran. */
export const TAKEN_OVER = "taken-over";

/**
 * Takes over what need not run again: tasks that ended as they should, behind nothing that runs again; of a task that did not,
 * the instances that succeeded. The job is not let start by this.
 */
export function adopt(state: State, job: Job, from: Adopted, nowMs: number): void {
  const rows = grouped(from.tasks, (row) => row.task);
  const maps = new Map(from.maps.map((row) => [row.task, row]));
  const byName = new Map(job.tasks.map((task) => [task.spec.name, task]));
  const done = new Set<JobTask>();
  for (const { name } of topologicalOrder(job.spec.tasks)) {
    const task = byName.get(name)!;
    // A service serves anew, and what it has served is done all the same.
    if (task.spec.service || !task.needs.every((need) => done.has(need) || need.spec.service)) continue;
    if (takeTask(state, task, rows.get(name) ?? [], maps.get(name), from.of, nowMs)) done.add(task);
  }
}

/** True: all of it. */
function takeTask(
  state: State,
  task: JobTask,
  rows: readonly TaskRow[],
  map: MapRow | undefined,
  of: JobId,
  nowMs: number,
): boolean {
  if (map) {
    task.count = map.count;
    task.values = map.values;
  }
  for (const row of rows) if (TERMINAL_TASK_STATES.has(row.state)) takeInstance(task, row, of);
  const whole = task.instances?.size === task.count && isGood(task);
  if (!whole) keepSucceeded(task);
  const taken = [...(task.instances?.values() ?? [])];
  if (taken.length === 0) {
    task.count = instanceCount(task.spec);
    task.values = null;
    return false;
  }
  if (task.values) state.out.maps.add(task);
  for (let index = 0; index < task.count; index += 1) {
    if (!task.instances!.has(index)) newInstance(task, index, { kind: "ready", sinceMs: nowMs });
  }
  task.fresh = task.count;
  for (const instance of task.instances!.values()) state.out.instances.add(instance);
  for (const instance of taken) countEnded(state, instance, nowMs);
  if (task.outcome !== null) for (const dependent of task.dependents) dependent.needsLeft -= 1;
  return whole;
}

function takeInstance(task: JobTask, row: TaskRow, of: JobId): void {
  const { index, outputs, result } = row;
  const as = row.state as "succeeded" | "failed" | "cancelled" | "skipped";
  const instance = newInstance(task, index, { kind: "ended", as, atMs: row.finishedAtMs ?? 0, outputs, result });
  instance.reason = as === "succeeded" ? TAKEN_OVER : row.reason;
  instance.message =
    as === "succeeded" ? `taken over from job ${of}${row.message === "" ? "" : `: ${row.message}`}` : row.message;
}

/** It ended as it should: no instance need run again. */
function isGood(task: JobTask): boolean {
  const counts = { ended: task.ended, succeeded: task.succeeded };
  task.ended = task.count;
  task.succeeded = [...task.instances!.values()].filter(hasSucceeded).length;
  const outcome = outcomeOf(task);
  Object.assign(task, counts);
  return outcome === "succeeded" || outcome === "skipped";
}

function keepSucceeded(task: JobTask): void {
  const { nodes } = task.spec;
  const succeeded = [...(task.instances?.values() ?? [])].filter(hasSucceeded);
  // A gang runs whole or not at all.
  const gangs = grouped(succeeded, ({ index }) => Math.floor(index / nodes));
  const whole = [...gangs.values()].filter((members) => members.length === nodes).flat();
  task.instances = whole.length === 0 ? null : new Map(whole.map((instance) => [instance.index, instance]));
}

function grouped<K, T>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function hasSucceeded({ state }: Instance): boolean {
  return state.kind === "ended" && state.as === "succeeded";
}
