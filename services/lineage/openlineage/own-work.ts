import type { AttemptKey } from "../../../lib/core/ids.ts";
import type { Code, InputSpec, Scalar } from "../../../lib/core/pipeline/spec.ts";

/** A job as the scheduler has it. Times: epoch milliseconds. */
export interface OwnJob {
  readonly id: string;
  readonly pipeline: string;
  readonly project: string;
  readonly code: Code | null;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly state: "pending" | "running" | "succeeded" | "failed" | "cancelled";
  readonly submittedAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly reason: string;
  /** The moment that it was planned for; null: it has none. */
  readonly nominalMs: number | null;
}

/** An attempt whose process has started, and that has not ended. */
export interface RunningAttempt {
  readonly id: AttemptKey;
  readonly startedAtMs: number;
  readonly node: string;
}

/** A pipeline as its newest job has it. */
export interface OwnPipeline {
  readonly pipeline: string;
  readonly project: string;
  readonly code: Code | null;
  /** Of that job. */
  readonly submittedAtMs: number;
  readonly tasks: readonly OwnTask[];
}

export interface OwnTask {
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Names. */
  readonly outputs: readonly string[];
}

/** What the scheduler's rows say about this cluster's own work; handed in where both are wired. */
export interface OwnWork {
  readonly jobs: (ids: readonly string[]) => Promise<readonly OwnJob[]>;
  /** Newest first. */
  readonly jobsOf: (pipeline: string, limit: number) => Promise<readonly OwnJob[]>;
  readonly running: (keys: readonly AttemptKey[]) => Promise<readonly RunningAttempt[]>;
  /** `task` null: of all. */
  readonly runningOf: (jobs: readonly string[], task: string | null) => Promise<readonly RunningAttempt[]>;
  readonly pipelines: () => Promise<readonly OwnPipeline[]>;
}
