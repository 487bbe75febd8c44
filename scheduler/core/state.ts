import type { ArtifactRef, Outcome, OutputRef } from "../../lib/core/dispatch.ts";
import type { AttemptKey, JobId, NodeId } from "../../lib/core/ids.ts";
import type { Json } from "../../lib/core/json.ts";
import {
  type Code,
  isMapped,
  type MapValues,
  type PipelineSpec,
  type Resources,
  type Scalar,
  type TaskSpec,
} from "../../lib/core/pipeline/spec.ts";
import type { JobState, NodeState, WaitsFor } from "./batch.ts";
import type { Group } from "./admission.ts";
import type { Ask } from "./ask.ts";
import type { Capacity, NodeSettings, StopOrder, TriggeredBy } from "./event.ts";
import type { DeviceRoom, DeviceUse } from "./device.ts";
import type { Hold } from "./hold.ts";
import type { RateLog } from "./rate.ts";
import type { Project } from "./share.ts";
import { newOutbox, type Outbox } from "./outbox.ts";
import type { Spans } from "./span.ts";
import { newReasonBook, type ReasonBook } from "./reason-book.ts";
import { newTimers, type Timers } from "./timer.ts";
import type { Queue } from "./queue.ts";
import { newRecentRequests, type RecentRequests } from "./typical.ts";

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

export interface Job {
  readonly id: JobId;
  readonly spec: PipelineSpec;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly code: Code | null;
  readonly priority: number;
  readonly trigger: string;
  readonly idempotencyKey: string | null;
  readonly submittedAtMs: number;
  readonly triggeredBy?: TriggeredBy;
  /** Order of arrival: the age by which jobs of one priority are served. */
  readonly sequence: number;
  readonly tasks: readonly JobTask[];
  state: JobState;
  startedAtMs: number | null;
  finishedAtMs: number | null;
  cancelRequested: boolean;
  reason: string;
  /** What keeps its first tasks from being ready. */
  waitsFor: WaitsFor;
  /** What kept it from starting, and until when, in that order. */
  waits: readonly { readonly for: Exclude<WaitsFor, "">; readonly untilMs: number }[];
  /** Of its concurrency group; null: it is in none. */
  group: Group | null;
  /** Tasks with an instance that has not ended. */
  tasksLeft: number;
  /** Services among them. */
  servicesLeft: number;
  /** Moving average of how long this job's attempts ran, by resource class; what prefilling goes by. */
  readonly meanRunMs: Map<string, number>;
}

/**
 * A task of a job with all its instances. While none has done anything the whole task is this one record; an
 * Instance exists from the moment one does something of its own: is assigned alone, starts, fails, is skipped or cancelled.
 */
export interface JobTask {
  readonly job: Job;
  readonly spec: TaskSpec;
  /** Place in job.tasks. */
  readonly number: number;
  /** Of a list that is known only at run time for one element, until it is. */
  count: number;
  /** Shared by all tasks that ask for the same. */
  readonly ask: Ask;
  needs: readonly JobTask[];
  dependents: readonly JobTask[];
  /** Tasks it needs that have not ended. */
  needsLeft: number;
  /** When it could run, its needs having ended as it wants; null: they have not. */
  readyAtMs: number | null;
  /** Instances [fresh, count) have never done anything. */
  fresh: number;
  instances: Map<number, Instance> | null;
  /** Instances that are not in `instances` though they are no longer fresh: on nodes … */
  ranges: Set<Range> | null;
  /** … and succeeded, with nothing to be said of any of them. */
  done: Spans | null;
  ended: number;
  succeeded: number;
  /** Set when its last instance ends, so after all that is before it has ended; null: not yet. */
  outcome: TaskOutcome | null;
  /** When that was. */
  endedAtMs: number | null;
  /** Of a list that was known only at run time. */
  values: MapValues | null;
  /** Those of its needs that its templates name, once looked at. */
  results: ReadonlyMap<string, Json> | null;
  /** Another task reads its result. */
  resultWanted: boolean;
  /** Of its results together, when they are wanted. */
  resultChars: number;
  /** A service each of whose instances has been ready: who needs it may start. */
  served: boolean;
}

/** `blocked`: it was skipped because something before it failed; `skipped`: because it was not wanted. */
export type TaskOutcome = "succeeded" | "failed" | "blocked" | "skipped" | "cancelled";

/** What is known of one instance of a service. */
export interface ServiceState {
  readonly ready: boolean;
  /** By the node's clock; never less than before. */
  readonly changedAtMs: number;
  /** When the attempt that runs said so, by its node's clock; absent or 0: it has said nothing. */
  readonly toldAtMs?: number;
  /** When it was ready for the first time, in whatever attempt; null: never yet. */
  readonly servedAtMs: number | null;
  /** By its restart policy. */
  readonly restarts: number;
  /** Those among them since it last ran steadily. */
  readonly streak: number;
  /** What the last probe said when it is not ready. */
  readonly message: string;
}

/** `atMs`: when it was stored, by the node's clock; absent: of an earlier version. */
export type Checkpoint = ArtifactRef & { readonly atMs?: number };

export interface Instance {
  readonly task: JobTask;
  readonly index: number;
  attempt: number;
  failures: number;
  losses: number;
  /** Losses that it may have caused (CRASH_REASONS). */
  crashes: number;
  /** Null: no service, or not begun. */
  service: ServiceState | null;
  state: InstanceState;
  /** Kept from the last attempt for its row. */
  lastNode: NodeId | null;
  lastGpus: readonly string[];
  lastChoice: number;
  assignedAtMs: number | null;
  startedAtMs: number | null;
  exitCode: number | null;
  reason: string;
  message: string;
  /** Left by the last attempt that left one. */
  checkpoint: Checkpoint | null;
  /** Of a gang's member, by round: what waits for the other members' (checkpoint.ts). */
  rounds: Map<number, Checkpoint> | null;
  /** What the result cache said about it; null: it was not asked. */
  cache: { readonly key: string | null; readonly why: string } | null;
}

/**
 *   ready     waits in its class                    → assigned, cancelled
 *   backoff   waits for time after an attempt       → ready, cancelled
 *   waiting   asks for an approval, and does not run     → ended
 *   active    an attempt is on a node               → ready, backoff, held, ended
 *   held      its attempt has ended, others of its gang have not  → ready, backoff, ended
 *   ended     for good
 */
export type InstanceState =
  | { readonly kind: "ready"; readonly sinceMs: number }
  | { readonly kind: "backoff"; readonly untilMs: number }
  | { readonly kind: "waiting"; readonly untilMs: number }
  | Active
  | {
      readonly kind: "held";
      readonly outcome: Outcome;
      readonly outputs: readonly OutputRef[];
      readonly result: Json;
      readonly atMs: number;
    }
  | {
      readonly kind: "ended";
      readonly as: "succeeded" | "failed" | "cancelled" | "skipped";
      readonly atMs: number;
      readonly outputs: readonly OutputRef[];
      /** What it wrote to $WEFT_RESULT; null: nothing, or nobody in the job reads it. */
      readonly result: Json;
    };

/** An attempt on a node: assigned until it is known to have started. */
export interface Active {
  readonly kind: "active";
  readonly node: Node;
  readonly key: AttemptKey;
  readonly gpuUuids: readonly string[];
  /** Which of the task's requests it was given, and that request (see Ask). */
  readonly choice: number;
  readonly asked: Resources;
  /** Where rank 0 of its gang is; empty: it is in no gang. */
  readonly masterAddress: string;
  started: boolean;
  /** Queued at the node beyond its capacity: it holds no reservation yet. */
  prefilled: boolean;
  /** Started before one that had room on our books and not at the node: the books are over until one of them ends. */
  overtook: boolean;
  /** What the node was told, and is told again until the attempt ends. */
  stop: StopOrder | null;
  /** Heartbeats in a row that did not name it. */
  silent: number;
}

/**
 * Instances [from, to) of a mapped task, of which a node was given the first attempt at one time and has told nothing yet
 * (see range.ts).
 */
export interface Range {
  readonly task: JobTask;
  readonly from: number;
  readonly to: number;
  readonly node: Node;
  readonly asked: Resources;
  readonly assignedAtMs: number;
  /** So many of them, the first ones, hold a reservation; the others queue at the node beyond its capacity. */
  reserved: number;
  /** Heartbeats in a row that did not name all of them. */
  silent: number;
}

/** What an attempt is when it is made: sent to its node, of which nothing was heard yet. */
export function newActive(
  given: Pick<Active, "node" | "key" | "gpuUuids" | "choice" | "asked"> & Partial<Active>,
): Active {
  return {
    kind: "active",
    masterAddress: "",
    started: false,
    prefilled: false,
    overtook: false,
    stop: null,
    silent: 0,
    ...given,
  };
}

export interface Node {
  readonly id: NodeId;
  name: string;
  labels: Readonly<Record<string, string>>;
  /** Where other nodes reach it. */
  address: string;
  capacity: Capacity;
  /** The largest it had while it held what it holds: a node may come back smaller with attempts running. */
  capacityBefore: Capacity;
  settings: NodeSettings;
  /** Set by an operator. */
  mode: "ready" | "cordoned" | "draining";
  /** The lease ran out and its attempts were given up. */
  lost: boolean;
  /** How often it was given up: what it was given in an earlier era has gone to others. */
  era: number;
  leaving: boolean;
  heardAtMs: number;
  leaseEndsMs: number;
  readonly attempts: Map<AttemptKey, Instance>;
  /** What the attempts that are not prefilled reserve. */
  readonly reserved: { cpuMillis: number; memoryBytes: number; diskBytes: number };
  readonly devices: Map<string, DeviceUse>;
  /** What is free of its usable devices, worked out when it is asked for; null: something changed since. */
  deviceRoom: DeviceRoom | null;
  readonly ranges: Set<Range>;
  /** In order of assignment. */
  readonly prefilled: Set<Instance>;
  /** For whom it is kept. */
  hold: Hold | null;
}

export interface State {
  readonly config: SchedulerConfig;
  readonly jobs: Map<JobId, Job>;
  readonly nodes: Map<NodeId, Node>;
  readonly queue: Queue;
  /** What live jobs ask for, by Ask.key. */
  readonly asks: Map<string, Ask>;
  readonly timers: Timers<Timer>;
  /** Keys of live jobs and of the last IDEMPOTENCY_KEYS_MAX that ended; older ones are in the store. */
  readonly idempotency: Map<string, JobId>;
  readonly projects: Map<string, Project>;
  readonly recent: RecentRequests;
  /** By Ask.key. */
  readonly holds: Map<string, Hold>;
  /** No round looks for nodes to hold before. */
  holdLookFromMs: number;
  /** No hold whose end nobody knows before. */
  endlessHoldFromMs: number;
  /** Jobs that exclude each other, by key. */
  readonly groups: Map<string, Group>;
  readonly groupsDue: Set<Group>;
  /** Starts under limits, by key. */
  readonly rates: Map<string, RateLog>;
  readonly ratesDue: Set<RateLog>;
  /** Tasks whose instances are looked up in the result cache before they run; `asked`: the answer is to come. */
  readonly lookups: Map<JobTask, { asked: boolean }>;
  /** Why classes waited, and until when. */
  readonly reasons: ReasonBook;
  /** Nodes with more room than at the last round of placement. */
  readonly freed: Set<Node>;
  /** Attempts on nodes that may be stopped for others. */
  readonly preemptible: Set<Instance>;
  /** Jobs of which only services are left, to be stopped. */
  readonly finishing: Set<Job>;
  sequence: number;
  /** Something changed that may let a waiting instance be placed. */
  placementDue: boolean;
  readonly out: Outbox;
}

export type Timer =
  | { readonly kind: "lease"; readonly node: Node }
  | { readonly kind: "backoff"; readonly instance: Instance; readonly attempt: number }
  | { readonly kind: "approval"; readonly instance: Instance }
  | { readonly kind: "rate"; readonly log: RateLog }
  | { readonly kind: "takeBack"; readonly instance: Instance; readonly attempt: number }
  | { readonly kind: "takeBackRange"; readonly range: Range }
  /** Something about the node that was only a matter of time. */
  | { readonly kind: "node"; readonly node: Node };

export function newState(config: SchedulerConfig): State {
  return {
    config,
    jobs: new Map(),
    nodes: new Map(),
    queue: new Map(),
    asks: new Map(),
    timers: newTimers(),
    idempotency: new Map(),
    projects: new Map(),
    recent: newRecentRequests(),
    holds: new Map(),
    holdLookFromMs: 0,
    endlessHoldFromMs: 0,
    groups: new Map(),
    groupsDue: new Set(),
    rates: new Map(),
    ratesDue: new Set(),
    lookups: new Map(),
    reasons: newReasonBook(),
    freed: new Set(),
    preemptible: new Set(),
    finishing: new Set(),
    sequence: 0,
    placementDue: false,
    out: newOutbox(),
  };
}

export function newInstance(task: JobTask, index: number, state: InstanceState): Instance {
  const instance: Instance = {
    task,
    index,
    attempt: 0,
    failures: 0,
    losses: 0,
    crashes: 0,
    service: null,
    state,
    lastNode: null,
    lastGpus: NO_GPUS,
    lastChoice: 0,
    assignedAtMs: null,
    startedAtMs: null,
    exitCode: null,
    reason: "",
    message: "",
    checkpoint: null,
    rounds: null,
    cache: null,
  };
  task.instances ??= new Map();
  task.instances.set(index, instance);
  return instance;
}

export const NO_GPUS: readonly string[] = Object.freeze([]);

export function nodeState(node: Node): NodeState {
  return node.lost ? "lost" : node.mode;
}

/** `train[3]`, or `best` for a task that is not mapped. */
export function instanceName(instance: { task: JobTask; index: number }): string {
  const { spec } = instance.task;
  return !isMapped(spec) && spec.nodes === 1 ? spec.name : `${spec.name}[${instance.index}]`;
}
