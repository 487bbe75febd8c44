import type { NodeId } from "../../lib/core/ids.ts";
import type { Json } from "../../lib/core/json.ts";
import { codeToProto } from "../../lib/core/pipeline/code.ts";
import { mapValues, type TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { Job as JobProto } from "../../proto/gen/weft/v1/Job.ts";
import type { ServiceStatus } from "../../proto/gen/weft/v1/ServiceStatus.ts";
import type { Task as TaskProto } from "../../proto/gen/weft/v1/Task.ts";
import { toProtoValues } from "../../proto/value.ts";
import type { JobProgress, ServiceState, TaskRow, TaskState } from "../core/index.ts";
import type { ListedJob } from "../job-reader.ts";
import {
  countInstances,
  endedTasks,
  knownInstances,
  type KnownMaps,
  restingState,
  type RowCounts,
  shapeOf,
} from "../shape.ts";
import { ENTRIES_PER_PAGE_MAX, type Page, pageOf } from "./job-page.ts";
import type { WholeJob } from "./parts.ts";

export type NodeNames = ReadonlyMap<NodeId, string>;

/** The job without its tasks. */
export function headToProto({ row, progress }: Pick<ListedJob, "row" | "progress">): JobProto {
  return {
    id: row.id,
    pipeline: row.pipeline,
    trigger: row.trigger,
    priority: row.priority,
    project: row.project,
    params: toProtoValues(row.params),
    code: codeToProto(row.code),
    submittedAtMs: row.submittedAtMs,
    triggeredBy: row.triggeredBy ?? null,
    ...progressToProto(progress),
  };
}

/** The part of a job that changes, as a JobEvent carries it. */
export function progressToProto(progress: JobProgress): JobProto {
  return {
    id: progress.id,
    state: progress.state,
    startedAtMs: progress.startedAtMs ?? 0,
    finishedAtMs: progress.finishedAtMs ?? 0,
    reason: progress.reason,
    cancelRequested: progress.cancelRequested,
    waitsFor: progress.waitsFor ?? "",
  };
}

/** Every instance, in the order of the pipeline: from its row, or worked out for those that have none. */
export function* tasksToProto(job: WholeJob, names: NodeNames): Generator<TaskProto> {
  const rows = rowsByTask(job.tasks);
  const answered = endedTasks(shapeOf(job.row.spec, job.maps), countRows(rows));
  for (const spec of job.row.spec.tasks)
    if (hasServed(spec, rows.get(spec.name), knownInstances(spec, job.maps))) answered.add(spec.name);
  for (const spec of job.row.spec.tasks) {
    const own = rows.get(spec.name);
    const fresh = restingState(answered, job.progress, spec);
    for (let index = 0; index < knownInstances(spec, job.maps); index += 1) {
      const row = own?.get(index);
      yield row ? taskToProto(row, spec, names, job.maps) : freshToProto(spec, index, fresh, job.maps);
    }
  }
}

/** A service of which each instance has been ready: who needs it waits for it no more. */
function hasServed(spec: TaskSpec, rows: ReadonlyMap<number, TaskRow> | undefined, count: number): boolean {
  if (!spec.service || rows?.size !== count) return false;
  return [...rows.values()].every(({ service }) => service !== undefined && service.servedAtMs !== null);
}

/** Of a job with more instances than one message takes, those that have not run stand together. Errors: `invalid`, of the token. */
export function jobPage(job: WholeJob, names: NodeNames, pageToken: string): Page {
  const count = job.row.spec.tasks.reduce((sum, task) => sum + knownInstances(task, job.maps), 0);
  return pageOf(tasksToProto(job, names), job.row.spec, pageToken, count > ENTRIES_PER_PAGE_MAX);
}

export function taskToProto(row: TaskRow, spec: TaskSpec, names: NodeNames, maps: KnownMaps): TaskProto {
  return {
    ...freshToProto(spec, row.index, row.state, maps),
    attempt: row.attempt,
    node: row.node === null ? "" : (names.get(row.node) ?? row.node),
    startedAtMs: row.startedAtMs ?? 0,
    finishedAtMs: row.finishedAtMs ?? 0,
    ...(row.exitCode === null ? {} : { exitCode: row.exitCode }),
    reason: row.reason,
    message: row.message,
    outputs: row.outputs.map(({ name, digest, bytes, kind, fileName }) => ({ name, digest, bytes, kind, fileName })),
    result: resultText(row.result),
    cache: row.cache?.why ?? "",
    failures: row.failures,
    losses: row.losses,
    crashes: row.crashes,
    ...(spec.service ? { service: serviceToProto(row.service, spec) } : {}),
  };
}

function serviceToProto(status: ServiceState | undefined, spec: TaskSpec): ServiceStatus {
  const { ready = false, changedAtMs = 0, restarts = 0, message = "" } = status ?? {};
  return { ready, changedAtMs, restarts, message, port: spec.service?.port ?? 0 };
}

/** An instance that has done nothing yet. `needs` is the same for all instances of a task and given with the first. */
export function freshToProto(spec: TaskSpec, index: number, state: TaskState, maps: KnownMaps): TaskProto {
  return {
    name: spec.name,
    index,
    state,
    needs: index === 0 ? [...spec.needs] : [],
    map: toProtoValues(mapValues(spec, index, maps.get(spec.name)?.values)),
  };
}

export function countStates(job: WholeJob): Record<string, number> {
  return { ...countInstances(shapeOf(job.row.spec, job.maps), countRows(rowsByTask(job.tasks)), job.progress) };
}

/** Larger ones can be fetched: they are the output "result". A message holds thousands of tasks. */
const RESULT_SHOWN_CHARS_MAX = 4_096;

function resultText(result: Json): string {
  if (result === null) return "";
  const text = JSON.stringify(result);
  return text.length <= RESULT_SHOWN_CHARS_MAX ? text : "";
}

export function rowsByTask(rows: readonly TaskRow[]): Map<string, Map<number, TaskRow>> {
  const byTask = new Map<string, Map<number, TaskRow>>();
  for (const row of rows) {
    const own = byTask.get(row.task) ?? new Map<number, TaskRow>();
    own.set(row.index, row);
    byTask.set(row.task, own);
  }
  return byTask;
}

function countRows(rows: ReadonlyMap<string, ReadonlyMap<number, TaskRow>>): RowCounts {
  const counts = new Map<string, Partial<Record<TaskState, number>>>();
  for (const [task, own] of rows) {
    const byState: Partial<Record<TaskState, number>> = {};
    for (const { state } of own.values()) byState[state] = (byState[state] ?? 0) + 1;
    counts.set(task, byState);
  }
  return counts;
}
