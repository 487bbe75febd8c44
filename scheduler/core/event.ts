import type {
  CheckpointReport,
  EndedReport,
  ReadyReport,
  OutputRef,
  EndedRangeReport,
} from "../../lib/core/dispatch.ts";
import type { ErrorCode, Issue } from "../../lib/core/error.ts";
import type { Adopted } from "./adoption.ts";
import type { CacheAnswer } from "./cache.ts";
import type { Word } from "./word.ts";
import type { AttemptKey, JobId, NodeId } from "../../lib/core/ids.ts";
import type { ProjectSettings } from "./share.ts";
import type { Code, PipelineSpec, Scalar } from "../../lib/core/pipeline/spec.ts";

export interface GpuCapacity {
  readonly uuid: string;
  readonly model: string;
  /** Bytes; 0: the driver does not say. */
  readonly memoryBytes: number;
  readonly healthy: boolean;
  /** Why it is not, or what to know of it; absent: nothing. */
  readonly healthMessage?: string;
  /** As "9.0"; empty: the driver does not say. */
  readonly computeCapability: string;
  /** Version of the driver. */
  readonly driver: string;
  /** Profile of a MIG slice, as "1g.10gb"; empty: a whole card. */
  readonly mig: string;
}

/** What an operator has said of a node; it outlasts the node's restarts. */
export interface NodeSettings {
  /** Empty: any task may run there that names no pool. */
  readonly pool: string;
  /** "key" or "key=value": only tasks that tolerate each run there. */
  readonly taints: readonly string[];
  /** Times at which the node will be taken away: nothing starts that could not end before. */
  readonly maintenance: readonly MaintenanceWindow[];
  /** Devices that are given to nobody, and why. */
  readonly quarantined: Readonly<Record<string, string>>;
  /** A drain waits so long for what runs; epoch milliseconds. Null: what runs was stopped at once. */
  readonly drainAtMs: number | null;
}

export interface MaintenanceWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

export interface Capacity {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly gpus: readonly GpuCapacity[];
}

/** The firing that a job comes from. */
export interface TriggeredBy {
  /** PIPELINE.NAME */
  readonly trigger: string;
  readonly kind: string;
  /** Which tick, message, delivery or job. */
  readonly event: string;
  readonly atMs: number;
  /** Of the stored pipeline. */
  readonly version: number;
  /** How many jobs in a row each started the next, this one counted. */
  readonly depth: number;
}

export interface NewJob {
  readonly id: JobId;
  readonly spec: PipelineSpec;
  /** Those of the pipeline with the caller's laid over them. */
  readonly params: Readonly<Record<string, Scalar>>;
  readonly code: Code | null;
  readonly priority: number;
  readonly trigger: string;
  readonly idempotencyKey: string | null;
  /** Absent: somebody submitted it. */
  readonly triggeredBy?: TriggeredBy;
}

/** What happened. `step` takes one at a time; each gets one Answer. */
export type Event =
  /** `adopted`: absent for one that begins from nothing. */
  | { readonly kind: "jobSubmitted"; readonly job: NewJob; readonly adopted?: Adopted }
  | { readonly kind: "jobCancelRequested"; readonly job: JobId; readonly reason: string }
  | {
      readonly kind: "nodeJoined";
      readonly node: NodeId;
      readonly name: string;
      readonly labels: Readonly<Record<string, string>>;
      /** Where other nodes reach it. */
      readonly address: string;
      readonly capacity: Capacity;
    }
  | {
      readonly kind: "nodeHeard";
      readonly node: NodeId;
      /** Null: as before. */
      readonly capacity: Capacity | null;
      /** Every attempt that the node holds and that has not ended. */
      readonly active: readonly AttemptKey[];
      readonly leaving: boolean;
    }
  | { readonly kind: "nodeCordoned" | "nodeUncordoned" | "nodeDrained"; readonly node: NodeId; readonly reason: string }
  | { readonly kind: "nodeSettingsChanged"; readonly node: NodeId; readonly change: Partial<NodeSettings> }
  | { readonly kind: "projectChanged"; readonly settings: ProjectSettings }
  | { readonly kind: "cacheAnswered"; readonly answers: readonly CacheAnswer[] }
  | ({ readonly kind: "approvalGiven" } & Word)
  | { readonly kind: "attemptStarted"; readonly node: NodeId; readonly key: AttemptKey; readonly atMs: number }
  | { readonly kind: "attemptReady"; readonly node: NodeId; readonly report: ReadyReport }
  | { readonly kind: "attemptCheckpointed"; readonly node: NodeId; readonly report: CheckpointReport }
  | { readonly kind: "attemptEnded"; readonly node: NodeId; readonly report: EndedReport }
  | { readonly kind: "rangeEnded"; readonly node: NodeId; readonly report: EndedRangeReport }
  | { readonly kind: "attemptUnknown"; readonly node: NodeId; readonly key: AttemptKey }
  /** The wall clock was set: what is now so much later (or, below 0, earlier) than it would have been. */
  | { readonly kind: "clockStepped"; readonly byMs: number }
  /** A timer of `nextTimerMs` is due. */
  | { readonly kind: "clockTicked" };

export interface StopOrder {
  readonly key: AttemptKey;
  readonly graceMs: number;
  readonly reason: "cancelled" | "fenced" | "drained" | "preempted" | "gang" | "finished";
}

export type Answer =
  | { readonly kind: "done" }
  | { readonly kind: "accepted"; readonly job: JobId; readonly existing: boolean; readonly instances: number }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly message: string; readonly issues: readonly Issue[] }
  /**
   * A report about an attempt that is not the current one of its instance on that node: nothing changed. `count`: so many
   * of a range; absent: one.
   */
  | { readonly kind: "stale"; readonly count?: number }
  | {
      readonly kind: "heard";
      readonly stop: readonly StopOrder[];
      readonly query: readonly AttemptKey[];
      readonly rejoin: boolean;
    };

export type { OutputRef };
