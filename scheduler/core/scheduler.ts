import type { Answer, Event } from "./event.ts";
import type { Batch, JobProgress, JobRow, NodeRow, TaskRow } from "./batch.ts";

export interface SchedulerConfig {
  /** How long a heartbeat keeps a node's right to run, in milliseconds. */
  readonly leaseMs: number;
  /** Waited after the lease before its attempts run again: no two clocks run equally fast. */
  readonly skewMs: number;
  /** Assigned but not named in this many consecutive heartbeats: ask the node (see HeartbeatResponse.query). */
  readonly silentHeartbeatsMax: number;
  /** For backoff jitter: uniform in [0, 1). */
  readonly random: () => number;
}

/** What a new leader reads from the store. */
export interface Restored {
  readonly jobs: readonly { readonly row: JobRow; readonly progress: JobProgress }[];
  readonly tasks: readonly TaskRow[];
  readonly nodes: readonly NodeRow[];
}

export interface State {
  readonly config: SchedulerConfig;
}

export declare function newState(config: SchedulerConfig): State;
/** State of non-terminal jobs as the store has it; every node gets a full lease from now to report what it runs. */
export declare function restore(config: SchedulerConfig, rows: Restored, nowMs: number): State;
export declare function step(state: State, event: Event, nowMs: number): Answer;
export declare function place(state: State, nowMs: number): void;
export declare function drain(state: State): Batch;
export declare function check(state: State): string[];
/** When `clockTicked` is due next; null: nothing waits for time. */
export declare function nextTimerMs(state: State): number | null;
