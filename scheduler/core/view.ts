import type { JobId, NodeId } from "../../lib/core/ids.ts";
import type { Resources } from "../../lib/core/pipeline/spec.ts";
import type { Capacity } from "./event.ts";
import type { NodeState, TaskState } from "./batch.ts";
import type { State } from "./scheduler.ts";

export interface Explanation {
  readonly state: TaskState;
  readonly sinceMs: number;
  readonly reasons: readonly { readonly kind: string; readonly message: string; readonly nodesFailing: Readonly<Record<string, number>> }[];
}

export interface NodeView {
  readonly id: NodeId;
  readonly name: string;
  readonly state: NodeState;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Capacity;
  readonly reserved: Resources;
  readonly gpusReserved: readonly string[];
  readonly heardAtMs: number;
  readonly attempts: number;
}

export interface QueueClassView {
  readonly priority: number;
  readonly resources: Resources;
  readonly waiting: number;
  readonly oldestReadyAtMs: number;
  /** job.task.index */
  readonly head: string;
  readonly reason: string;
}

/** Undefined: no such job (among those not ended) or task. */
export declare function explain(state: State, job: JobId, task: string, index: number, nowMs: number): Explanation | undefined;
export declare function listNodes(state: State): NodeView[];
export declare function listQueue(state: State, nowMs: number): QueueClassView[];
