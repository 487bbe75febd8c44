import type { Assignment, OutputRef } from "../../lib/core/dispatch.ts";
import type { EndedAttempt, EndedRange } from "../../lib/core/execution.ts";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import type { Json } from "../../lib/core/json.ts";
import type { Code, MapValues, PipelineSpec, Scalar } from "../../lib/core/pipeline/spec.ts";
import type { CacheRow, Lookup } from "./cache.ts";
import type { RateRow } from "./rate.ts";
import type { ProjectSettings } from "./share.ts";
import type { Checkpoint, ServiceState } from "./state.ts";
import type { Capacity, NodeSettings, StopOrder, TriggeredBy } from "./event.ts";

export type JobState = "pending" | "running" | "succeeded" | "failed" | "cancelled";
/** A job's place in its concurrency group, or its turn under a rate limit; empty: nothing. */
export type WaitsFor = "" | "concurrency" | "rate";
export type TaskState =
  | "pending"
  | "ready"
  | "assigned"
  | "running"
  | "waiting"
  | "ending"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "skipped";
export type NodeState = "ready" | "cordoned" | "draining" | "lost";

export const TERMINAL_TASK_STATES: ReadonlySet<TaskState> = new Set(["succeeded", "failed", "cancelled", "skipped"]);

export interface JobRow {
  readonly id: JobId;
  readonly pipeline: string;
  readonly spec: PipelineSpec;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly code: Code | null;
  readonly priority: number;
  readonly project: string;
  readonly trigger: string;
  readonly idempotencyKey: string | null;
  readonly submittedAtMs: number;
  readonly triggeredBy?: TriggeredBy;
}

/** The part of a job that changes. */
export interface JobProgress {
  readonly id: JobId;
  readonly state: JobState;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly cancelRequested: boolean;
  readonly reason: string;
  /** What keeps it from starting; absent: nothing. */
  readonly waitsFor?: Exclude<WaitsFor, "">;
}

/**
 * One task instance. A row exists from the moment the instance first does something of its own (is assigned, is
 * skipped, …); an instance without a row is pending or ready, which follows from its job's spec and the other rows.
 */
export interface TaskRow {
  readonly job: JobId;
  readonly task: string;
  readonly index: number;
  readonly state: TaskState;
  readonly attempt: number;
  /** Node of the current or last attempt. */
  readonly node: NodeId | null;
  readonly gpuUuids: readonly string[];
  /** Which request that attempt was given: 0 for the task's resources, then its alternatives. */
  readonly choice: number;
  readonly assignedAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly exitCode: number | null;
  readonly reason: string;
  readonly message: string;
  readonly outputs: readonly OutputRef[];
  /** What it wrote to $WEFT_RESULT. */
  readonly result: Json;
  readonly cache: { readonly key: string | null; readonly why: string } | null;
  readonly checkpoint: Checkpoint | null;
  /** Attempts that failed by the task's own doing, and those the platform lost. */
  readonly failures: number;
  readonly losses: number;
  readonly crashes: number;
  /** Absent: no service, or not begun. */
  readonly service?: ServiceState | undefined;
  /** Backoff: not to be assigned before. Approval: given up then. Null: none. */
  readonly notBeforeMs: number | null;
}

/**
 * What the rows of neighbouring instances, or of tasks of one job, have in common, who are in their first attempt and of which
 * nothing else is to be said.
 */
export interface RangeRow {
  readonly job: JobId;
  readonly task: string;
  /** Element i is the task of the i-th, and all have the same index; absent: the i-th has the index `index + i`. */
  readonly tasks?: readonly string[];
  /** Of the first. */
  readonly index: number;
  readonly count: number;
  readonly node: NodeId;
  readonly assignedAtMs: number;
  /** Null: they are assigned; else they have succeeded, and each had started then. */
  readonly startedAtMs: readonly number[] | null;
  readonly finishedAtMs: number | null;
}

/** The rows that a range stands for. */
export function rangeTasks({ count, startedAtMs, tasks, ...range }: RangeRow): TaskRow[] {
  return Array.from({ length: count }, (_, i) => ({
    ...NOTHING_OF_ITS_OWN,
    ...range,
    ...(tasks ? { task: tasks[i]! } : { index: range.index + i }),
    state: startedAtMs ? "succeeded" : "assigned",
    startedAtMs: startedAtMs?.[i] ?? null,
    exitCode: startedAtMs ? 0 : null,
  }));
}

const NOTHING_OF_ITS_OWN = {
  attempt: 1,
  gpuUuids: [],
  choice: 0,
  reason: "",
  message: "",
  outputs: [],
  result: null,
  cache: null,
  checkpoint: null,
  failures: 0,
  losses: 0,
  crashes: 0,
  notBeforeMs: null,
};

/** The instances of a task whose list became known: `count` of them, with `as.length` values each, one after the other. */
export interface MapRow {
  readonly job: JobId;
  readonly task: string;
  readonly count: number;
  readonly values: MapValues;
}

export interface NodeRow {
  readonly id: NodeId;
  readonly name: string;
  readonly state: NodeState;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Capacity;
  readonly settings: NodeSettings;
  readonly address: string;
  readonly era: number;
}

/** A job that others are told of: triggers that wait for its end, and whom its pipeline notifies. */
export interface JobNews {
  readonly row: JobRow;
  readonly progress: JobProgress;
}

/** All that one round of the loop decided: the rows to commit in one transaction, and what may leave only after. */
export interface Batch {
  readonly jobsNew: readonly JobRow[];
  readonly jobs: readonly JobProgress[];
  /** Jobs that have ended, and those with `notify` whose state may have changed. */
  readonly news: readonly JobNews[];
  /** At most one row an instance: as it stands at the end of the round. */
  readonly tasks: readonly TaskRow[];
  /** Rows of instances that are alike, before what any of them has in `tasks`. */
  readonly ranges: readonly RangeRow[];
  readonly maps: readonly MapRow[];
  readonly ended: readonly EndedAttempt[];
  readonly endedRanges: readonly EndedRange[];
  readonly nodes: readonly NodeRow[];
  readonly projects: readonly ProjectSettings[];
  readonly rates: readonly RateRow[];
  /** Results that may be taken for others from now on. */
  readonly cached: readonly CacheRow[];
  /** To be asked of the result cache; each is answered by one `cacheAnswered`. */
  readonly lookups: readonly Lookup[];
  readonly assign: readonly { readonly node: NodeId; readonly assignment: Assignment }[];
  /** To be written to the node's heartbeat stream at once; the next heartbeat's answer repeats them. */
  readonly stop: readonly { readonly node: NodeId; readonly order: StopOrder }[];
}

export function isEmpty(batch: Batch): boolean {
  return (
    batch.jobsNew.length +
      batch.jobs.length +
      batch.tasks.length +
      batch.ranges.length +
      batch.maps.length +
      batch.rates.length +
      batch.cached.length +
      batch.ended.length +
      batch.nodes.length +
      batch.projects.length ===
    0
  );
}
