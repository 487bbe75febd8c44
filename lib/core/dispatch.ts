import type { AttemptKey, AttemptRef, Digest, NodeId } from "./ids.ts";
import type { Json } from "./json.ts";
import type { ServiceSpec } from "./pipeline/service.ts";
import type { Environment, Resources, Run } from "./pipeline/spec.ts";

/**
 * What travels over NATS between the scheduler and the nodes, as JSON.
 *
 *   WEFT_ASSIGN  work queue  weft.assign.<node>               AssignMessage   scheduler → agent
 *   WEFT_REPORT  work queue  weft.report.<node>               ReportMessage   agent → scheduler
 *   WEFT_EVENT   limits      weft.event.<subject>             what users publish for triggers  anybody → scheduler
 *   WEFT_LOG     limits      weft.log.<job>.<task>.<i>.<a>    log bytes, see LOG_HEADERS
 */
export const STREAMS = { assign: "WEFT_ASSIGN", report: "WEFT_REPORT", log: "WEFT_LOG", event: "WEFT_EVENT" } as const;
export const REPORT_CONSUMER = "scheduler";
export const EVENT_CONSUMER = "triggers";

export const assignSubject = (node: NodeId): string => `weft.assign.${node}`;
export const assignConsumer = (node: NodeId): string => `node-${node}`;
export const reportSubject = (node: NodeId): string => `weft.report.${node}`;
export const LOG_SUBJECT_PREFIX = "weft.log";
export const logSubject = (key: AttemptKey): string => `${LOG_SUBJECT_PREFIX}.${key}`;

/**
 * Headers of a log message; its payload is the raw bytes. `Nats-Msg-Id` is `<key>.<stream>.<offset>.<length>`: after an
 * agent was killed the same offset may begin a longer message, so readers cut off what they have.
 */
export const LOG_HEADERS = { stream: "Weft-Stream", offset: "Weft-Offset", atMs: "Weft-At" } as const;
/** Payload of one log message, in bytes: far under NATS' 1 MiB limit, few enough messages for 200 MB. */
export const LOG_CHUNK_BYTES_MAX = 128 * 1024;

export type StreamName = "stdout" | "stderr";

/** An output or input as content: a file, or a folder as a tree manifest (see lib/core/tree.ts). */
export interface ArtifactRef {
  readonly digest: Digest;
  readonly kind: "file" | "tree";
  /** Of the file, or the sum over the tree's files. */
  readonly bytes: number;
}

export interface AssignedInput extends ArtifactRef {
  readonly name: string;
  /** Instance of a mapped producer, laid out at inputs/<name>/<index>/<fileName>; null: inputs/<name>/<fileName>. */
  readonly index: number | null;
  readonly fileName: string;
  /** What it is in the lineage graph besides its bytes (dataset:NAME@VERSION, URI#VERSION); absent: an output of a task. */
  readonly node?: string;
}

/** An input that the node reads from outside before the task starts; laid out at inputs/<name>/<fileName>. */
export interface AssignedSource {
  readonly name: string;
  /** http, https, s3 or file (see lib/core/pipeline/outside.ts). */
  readonly uri: string;
  readonly fileName: string;
  /** What its bytes must be; null: whatever is there. */
  readonly digest: Digest | null;
  /** Whether its bytes are put into the artifact store. */
  readonly keep: boolean;
}

/** What a node has read from outside for an attempt. */
export interface SourceRead extends ArtifactRef {
  readonly name: string;
  readonly uri: string;
  /** As its server names it (an S3 version, an ETag, a time); the digest where it names none. */
  readonly version: string;
  readonly fileName: string;
  /** Its bytes are in the artifact store. */
  readonly kept: boolean;
}

/** Everything a node needs to make one attempt. `run` and `env` are rendered: no `{{ … }}` is left. */
export interface Assignment {
  readonly ref: AttemptRef;
  /** Of the node, when it was given there (see Era in agent/core/era.ts); absent: of a scheduler that does not count. */
  readonly era?: number;
  readonly pipeline: string;
  /** Absent: the default one. */
  readonly project?: string;
  readonly run: Run;
  /** WEFT_PARAM_…, WEFT_MAP_… and the task's own; the worker adds what only it knows (paths, devices). */
  readonly env: Readonly<Record<string, string>>;
  /** Tree manifest of the submitted folder. */
  readonly code: Digest | null;
  readonly files: readonly string[];
  readonly inputs: readonly AssignedInput[];
  /** Absent: none. */
  readonly sources?: readonly AssignedSource[];
  /** `path` as written in the spec; a folder ends with "/". */
  readonly outputs: readonly { readonly name: string; readonly path: string }[];
  readonly resources: Resources;
  /** Chosen by the scheduler; empty for CPU tasks. */
  readonly gpuUuids: readonly string[];
  /** The attempt's part of each device's memory, in bytes; 0: the driver does not say. Nobody enforces it. */
  readonly gpuMemoryBytes: number;
  /** Null: it runs alone. */
  readonly gang: GangPlace | null;
  /** Null: it keeps none. `from`: what the attempt before it left in $WEFT_CHECKPOINT; null: there was none. */
  readonly checkpoint: CheckpointOrder | null;
  /** 0: none. */
  readonly timeoutMs: number;
  readonly stopGraceMs: number;
  readonly priority: number;
  readonly environment: Environment;
  /** Absent: it runs to its end. */
  readonly service?: ServiceSpec;
  /** Outputs that are there are stored however it ends; absent: only when it succeeds. */
  readonly keepOutputs?: true;
  /** The instances behind this one are given to the node, too; absent: this one alone (see expandAssignment). */
  readonly alike?: Alike;
}

/**
 * What differs between neighbouring instances of one task, or between tasks of one job, that a node is given at once, all with the
 * same attempt.
 */
export interface Alike {
  /** Instances, the first counted. */
  readonly count: number;
  /** Element i is the task of the i-th, and all have the index of `ref`; absent: the i-th has the index `ref.index + i` of the same task. */
  readonly tasks?: readonly string[];
  /** Variables that differ: element i is of instance `ref.index + i`. */
  readonly env: Readonly<Record<string, readonly string[]>>;
  /** What each runs; null: all run the same. */
  readonly runs: readonly Run[] | null;
}

/** What an attempt has left in $WEFT_CHECKPOINT. */
export interface CheckpointRef extends ArtifactRef {
  /** The number in its file ROUND, which the members of a gang go by; absent: it has none. */
  readonly round?: number;
}

export interface CheckpointOrder {
  readonly from: ArtifactRef | null;
  /** Also while it runs, at this interval; absent: only at its end. */
  readonly everyMs?: number;
}

/** A member's place in its gang, and where the members meet. */
export interface GangPlace {
  readonly rank: number;
  readonly size: number;
  /** Of the node of rank 0, as that node gave it. */
  readonly masterAddress: string;
  readonly masterPort: number;
}

export interface AssignMessage {
  readonly term: number;
  readonly assignments: readonly Assignment[];
}

/**
 * Why an attempt did not succeed. The first group is the task's own doing and spends a retry; the second is the
 * platform's, is counted apart and runs again without spending one (up to `retries.crashes` of CRASH_REASONS).
 */
export const FAILURE_REASONS = [
  "exit", // exit code other than 0
  "signal", // killed by a signal that Weft did not send
  "timeout",
  "out-of-memory",
  "missing-output",
  "command-not-found",
  "environment-failed",
  "unhealthy", // its liveness probe failed
  "input-missing", // the store says it does not have the digest, or the bytes are wrong
] as const;
export const LOSS_REASONS = [
  "node-lost", // lease ran out
  "lease-lost", // the node stopped it because it could not renew
  "node-stopped", // the agent was shut down in order
  "node-changed", // the node has less than the attempt was given there
  "gpu-busy", // its device was not empty
  "runner-lost", // the exit status is gone
  "drained",
  "preempted", // made room for work of higher priority, or of a project short of its share
  "unknown", // the node says it never heard of it
  "disk-full",
  "store-unreachable", // code, inputs or outputs could not travel
] as const;
/**
 * Losses that the task may have brought about: what takes its machine down with it would visit every machine, for ever. And those by a node that
 * has less than it says: its word and its deeds may never agree. The others are ordered by people or by the scheduler, or are messages that went astray.
 */
export const CRASH_REASONS: ReadonlySet<LossReason> = new Set([
  "node-lost",
  "lease-lost",
  "runner-lost",
  "disk-full",
  "store-unreachable",
  "node-changed",
]);
export const STOP_REASONS = [
  "cancelled",
  "fenced",
  "gang",
  "finished", // a service that nobody needs any more
] as const;

export type FailureReason = (typeof FAILURE_REASONS)[number];
export type LossReason = (typeof LOSS_REASONS)[number];
export type StopReason = (typeof STOP_REASONS)[number];

export type Outcome =
  | { readonly kind: "succeeded" }
  | { readonly kind: "failed"; readonly reason: FailureReason }
  | { readonly kind: "lost"; readonly reason: LossReason }
  | { readonly kind: "stopped"; readonly reason: StopReason };

export interface Usage {
  /** User and system time of the whole process tree, in milliseconds. */
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
  /** cgroup: exact. sampled: high-water marks read from /proc, so a peak between two reads can be missed. */
  readonly source: "cgroup" | "sampled" | "none";
}

export interface OutputRef extends ArtifactRef {
  readonly name: string;
  /** Last part of the output's path, without "/". */
  readonly fileName: string;
}

export interface StartedReport {
  readonly kind: "started";
  readonly key: AttemptKey;
  readonly atMs: number;
}

export interface EndedReport {
  readonly kind: "ended";
  readonly key: AttemptKey;
  readonly outcome: Outcome;
  /** A sentence for people: what happened, with the value and the limit. Empty when it succeeded. */
  readonly message: string;
  /** Null: no process was started. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly usage: Usage;
  readonly outputs: readonly OutputRef[];
  /** JSON that a succeeded task wrote to $WEFT_RESULT; absent: nothing, or no small JSON (see readResult). */
  readonly result?: Json | undefined;
  /** What was read from outside for it; absent: nothing. */
  readonly reads?: readonly SourceRead[];
  /** What it left in $WEFT_CHECKPOINT; absent: nothing, or it succeeded. */
  readonly checkpoint?: CheckpointRef;
  /** Digest of the environment that was used, null for the bare machine. */
  readonly environmentDigest: Digest | null;
  readonly logBytes: { readonly stdout: number; readonly stderr: number };
}

/**
 * Attempts of neighbouring instances, or of tasks of one job, that ended alike: exit code 0, and nothing left to tell but
 * times and usage (no output, result, checkpoint or log). Element i of each list is of the instance i behind that of `key`,
 * or of the i-th of `tasks`.
 */
export interface EndedRangeReport {
  readonly kind: "endedRange";
  readonly key: AttemptKey;
  /** Absent: all are of the task of `key`. Else all have the index and the attempt of `key`, which is of the first of them. */
  readonly tasks?: readonly string[];
  readonly startedAtMs: readonly number[];
  readonly endedAtMs: readonly number[];
  readonly cpuMs: readonly number[];
  readonly peakMemoryBytes: readonly number[];
  readonly usageSource: Usage["source"];
  readonly environmentDigest: Digest | null;
}

/** A service is ready, or is not any more; or has not become so in the time of its probe's failures, which `message` tells. */
export interface ReadyReport {
  readonly kind: "ready";
  readonly key: AttemptKey;
  readonly atMs: number;
  readonly ready: boolean;
  /** What the last probe said; empty when it is ready. */
  readonly message: string;
}

/** The checkpoint of an attempt that runs is in the artifact store: the next attempt goes on from there if this one is never heard again. */
export interface CheckpointReport {
  readonly kind: "checkpoint";
  readonly key: AttemptKey;
  readonly atMs: number;
  readonly checkpoint: CheckpointRef;
}

/** The whole log is in the artifact store. Null: that stream is empty. */
export interface ArchivedReport {
  readonly kind: "archived";
  readonly key: AttemptKey;
  readonly stdout: Digest | null;
  readonly stderr: Digest | null;
}

/** Answer to a query about an attempt that this node has no record of. */
export interface UnknownReport {
  readonly kind: "unknown";
  readonly key: AttemptKey;
}

export type Report = StartedReport | ReadyReport | CheckpointReport | EndedReport | ArchivedReport | UnknownReport;

export interface ReportMessage {
  readonly node: NodeId;
  readonly reports: readonly (Report | EndedRangeReport)[];
}
