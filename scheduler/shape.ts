import { instanceCount, type MapValues, type PipelineSpec, type TaskSpec } from "../lib/core/pipeline/spec.ts";
import { type JobProgress, type TaskState, TERMINAL_TASK_STATES } from "./core/index.ts";

/** What of a task is needed to know the state of its instances that have no row. */
export interface TaskShape {
  readonly name: string;
  readonly needs: readonly string[];
  readonly instances: number;
}

const NO_MAPS: KnownMaps = new Map();

export function shapeOf(spec: PipelineSpec, maps: KnownMaps = NO_MAPS): TaskShape[] {
  return spec.tasks.map((task) => ({ name: task.name, needs: task.needs, instances: knownInstances(task, maps) }));
}

/** By task, for those that map over a list known only at run time, once it is known. */
export type KnownMaps = ReadonlyMap<string, { readonly count: number; readonly values: MapValues }>;

export function knownInstances(spec: TaskSpec, maps: KnownMaps): number {
  return maps.get(spec.name)?.count ?? instanceCount(spec);
}

/** Rows of one job by task and state. */
export type RowCounts = ReadonlyMap<string, Readonly<Partial<Record<TaskState, number>>>>;

/** Of a job, how far it is and whether it waits to be let start. */
type Held = Pick<JobProgress, "state" | "waitsFor">;

/**
 * The state of a task's instances that have no row: `ready` when all it needs has ended (had they not to run then, they would
 * have rows that say so), else `pending`; once the job has ended they never ran, and are `cancelled` or `skipped`.
 */
export function restingState(ended: ReadonlySet<string>, job: Held, task: Pick<TaskShape, "needs">): TaskState {
  if (job.state === "cancelled") return "cancelled";
  if (job.state === "failed" || job.state === "succeeded") return "skipped";
  if (job.waitsFor) return "pending";
  return task.needs.every((need) => ended.has(need)) ? "ready" : "pending";
}

/** Names of the tasks whose instances have all ended. */
export function endedTasks(shape: readonly TaskShape[], rows: RowCounts): Set<string> {
  const ended = (name: string): number => {
    const byState = Object.entries(rows.get(name) ?? {}) as [TaskState, number][];
    return byState.reduce((sum, [state, count]) => (TERMINAL_TASK_STATES.has(state) ? sum + count : sum), 0);
  };
  const whole = shape.filter(({ name, instances }) => ended(name) === instances);
  return new Set(whole.map(({ name }) => name));
}

/** Every instance of the job by state, with and without a row. */
export function countInstances(shape: readonly TaskShape[], rows: RowCounts, job: Held): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (state: TaskState, count: number): void => {
    if (count > 0) counts[state] = (counts[state] ?? 0) + count;
  };
  const ended = endedTasks(shape, rows);
  for (const task of shape) {
    const byState = Object.entries(rows.get(task.name) ?? {}) as [TaskState, number][];
    for (const [state, count] of byState) add(state, count);
    const withRow = byState.reduce((sum, [, count]) => sum + count, 0);
    add(restingState(ended, job, task), task.instances - withRow);
  }
  return counts;
}
