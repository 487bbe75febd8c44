import type { Assignment, EndedRangeReport, EndedReport } from "./dispatch.ts";
import type { AttemptRef, Digest, NodeId } from "./ids.ts";
import type { Code, Environment, Run, Scalar } from "./pipeline/spec.ts";

/**
 * One attempt that has ended, with all that lineage keeps about it. The scheduler makes it and hands it, inside the
 * transaction that ends the attempt, to whoever records executions.
 */
export interface EndedAttempt {
  readonly assignment: Assignment;
  readonly state: "succeeded" | "failed" | "cancelled" | "lost";
  readonly node: { readonly id: NodeId; readonly name: string };
  readonly code: Code | null;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly map: Readonly<Record<string, Scalar>>;
  readonly report: EndedReport;
}

/** Attempts of neighbouring instances of one task that have succeeded alike; what each has to itself is in lists, in order. */
export interface EndedRange extends Pick<EndedAttempt, "node" | "code" | "params"> {
  readonly inputs: Assignment["inputs"];
  /** One when all ran the same. */
  readonly runs: readonly Run[];
  readonly maps: readonly Readonly<Record<string, Scalar>>[];
  readonly report: EndedRangeReport;
}

/** How an attempt went that has ended. Times: epoch milliseconds. */
export interface PastAttempt extends Pick<EndedAttempt, "state"> {
  readonly attempt: number;
  /** Null: no process was started. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly node: string;
  readonly reason: string;
  readonly message: string;
}

/** What others may ask about an attempt, from when it is handed out. */
export interface AttemptFacts {
  readonly ref: AttemptRef;
  readonly pipeline: string;
  readonly project: string;
  readonly code: Code | null;
  readonly params: Readonly<Record<string, Scalar>>;
  /** Name; null: not said yet. */
  readonly node: string | null;
  readonly gpus: readonly GpuFacts[];
  /** Of the task; null: its pipeline is so large that it is not looked for. */
  readonly environment: Environment | null;
  /** Null: its process has not started, as far as is known. */
  readonly startedAtMs: number | null;
}

/** A device of an attempt; texts are empty where the node no longer says. */
export interface GpuFacts {
  readonly uuid: string;
  readonly model: string;
  readonly driver: string;
}

/** Where the whole log of an attempt lies. */
export interface LogArchive {
  readonly stdout: Digest | null;
  readonly stderr: Digest | null;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}
