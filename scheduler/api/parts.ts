import type { WeftError } from "../../lib/core/error.ts";
import type { SourceRead } from "../../lib/core/dispatch.ts";
import type { EndedAttempt, PastAttempt } from "../../lib/core/execution.ts";
import type { AttemptKey, Digest, JobId, NodeId } from "../../lib/core/ids.ts";
import type { SourcePin } from "../../lib/core/pipeline/spec.ts";
import type { LineageResponse } from "../../proto/gen/weft/v1/LineageResponse.ts";
import type { Answer, Batch, Event, JobProgress, State, TaskRow } from "../core/index.ts";
import type { ListedJob, ListQuery } from "../job-reader.ts";
import type { StoredJob } from "../job-store.ts";
import type { KnownMaps } from "../shape.ts";

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

/** A job with the rows of its instances. */
export type WholeJob = StoredJob & { readonly tasks: readonly TaskRow[]; readonly maps: KnownMaps };

/** What the API reads from Postgres; any server may. */
export interface JobReader {
  /** Ids that begin with the prefix, at most `limit`; one that equals it comes first. */
  findIds(prefix: string, limit: number): Promise<JobId[]>;
  getJob(id: JobId): Promise<WholeJob | undefined>;
  getProgress(id: JobId): Promise<JobProgress | undefined>;
  listJobs(query: ListQuery): Promise<ListedJob[]>;
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

/**
 * Versions of data sets by what they were asked as (NAME, NAME@3, NAME@TAG); an error says what there is instead. Rejects when they cannot be
 * looked up.
 */
export type FindData = (texts: readonly string[]) => Promise<ReadonlyMap<string, SourcePin | WeftError>>;

export interface JobRead extends SourceRead {
  readonly task: string;
}

/** What other components keep about executions; injected, since the scheduler knows no services. */
export interface Records {
  /** In parts of a size that one message can carry. */
  lineage(job: JobId): Promise<Iterable<LineageResponse>>;
  endedLogs(job: JobId): Promise<readonly EndedLog[]>;
  /** Of those attempts the ones that have ended, in their order. */
  pastAttempts(keys: readonly AttemptKey[]): Promise<readonly PastAttempt[]>;
  /** What tasks of the job that succeeded in reading it have read from outside, each task, input and content once. */
  sourceReads(job: JobId): Promise<readonly JobRead[]>;
  readonly findData: FindData;
  /** The bytes of an artifact from `start` on. */
  openArtifact(digest: Digest, start: number): Promise<AsyncIterable<Uint8Array>>;
}
