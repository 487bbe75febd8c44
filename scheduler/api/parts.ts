import type { EndedAttempt } from "../../lib/core/execution.ts";
import type { AttemptKey, Digest, JobId, NodeId } from "../../lib/core/ids.ts";
import type { LineageResponse } from "../../proto/gen/weft/v1/LineageResponse.ts";
import type { Answer, Batch, Event, JobProgress, JobRow, JobState, State, TaskRow } from "../core/index.ts";

/** The running loop of a leader, as the API uses it. */
export interface Loop {
  /** Settles when the batch that holds the event is committed; rejects with WeftError `unavailable` when the reign ends before. */
  submit(event: Event): Promise<Answer>;
  /** Looks at the state between two steps; must not keep or change it. */
  read<T>(look: (state: State, nowMs: number) => T): T;
  /** Called with each batch once it is committed. Returns how to unsubscribe. */
  onBatch(listener: (batch: Batch) => void): () => void;
  /** Reports dropped because their attempt was not the current one, since this reign began. */
  readonly staleReports: number;
}

export type Role =
  | { readonly kind: "leader"; readonly term: number; readonly loop: Loop }
  /** `address`: where the leader takes gRPC, HOST:PORT; null: nobody leads that we know of. */
  | { readonly kind: "follower"; readonly term: number; readonly address: string | null };

/** Who leads. A new leader has a new Loop. */
export interface Leadership {
  role(): Role;
  onChange(listener: (role: Role) => void): () => void;
}

export interface JobHead {
  readonly row: Omit<JobRow, "spec">;
  readonly progress: JobProgress;
}

export interface StoredJob {
  readonly row: JobRow;
  readonly progress: JobProgress;
  readonly tasks: readonly TaskRow[];
}

export interface JobQuery {
  readonly states: readonly JobState[];
  /** Empty: any. */
  readonly pipeline: string;
  /** Only jobs with a smaller id: ids sort by time. Null: from the newest. */
  readonly before: JobId | null;
  readonly limit: number;
}

/** What the API reads from Postgres. */
export interface JobReader {
  /** Ids that begin with the prefix, at most `limit` of them. */
  findIds(prefix: string, limit: number): Promise<JobId[]>;
  getJob(id: JobId): Promise<StoredJob | undefined>;
  getProgress(id: JobId): Promise<JobProgress | undefined>;
  /** Newest first, with the instances that have a row counted by state. */
  listJobs(query: JobQuery): Promise<(JobHead & { readonly counts: Readonly<Record<string, number>> })[]>;
  findByIdempotencyKey(key: string): Promise<{ readonly id: JobId; readonly instances: number } | undefined>;
  nodeNames(): Promise<ReadonlyMap<NodeId, string>>;
}

/** What is known about the log of an attempt that has ended. */
export interface EndedLog {
  readonly key: AttemptKey;
  /** As the node counted them at the end; null: the attempt was lost, nobody counted. */
  readonly bytes: EndedAttempt["report"]["logBytes"] | null;
  /** Null: not archived yet. A stream's digest is null when it is empty. */
  readonly archive: { readonly stdout: Digest | null; readonly stderr: Digest | null } | null;
}

/** What other components keep about executions; injected, since the scheduler knows no services. */
export interface Records {
  lineage(job: JobId): Promise<LineageResponse>;
  endedLogs(job: JobId): Promise<readonly EndedLog[]>;
  /** The bytes of an artifact from `start` on. */
  openArtifact(digest: Digest, start: number): Promise<AsyncIterable<Uint8Array>>;
}
