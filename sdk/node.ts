import type { Node__Output } from "../proto/gen/weft/v1/Node.ts";
import type { QueueClass__Output } from "../proto/gen/weft/v1/QueueClass.ts";
import type { Resources__Output } from "../proto/gen/weft/v1/Resources.ts";

export interface Resources {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly gpus: number;
}

export interface Gpu {
  readonly uuid: string;
  readonly index: number;
  readonly vendor: string;
  readonly model: string;
  /** Null: the driver does not say. */
  readonly memoryBytes: number | null;
  readonly healthy: boolean;
  readonly healthMessage: string;
  readonly reserved: boolean;
  /** Why an operator, or its agent, keeps it from tasks; empty: nobody does. */
  readonly quarantined: string;
  /** Null: not measured. */
  readonly utilizationFraction: number | null;
  readonly memoryBytesUsed: number | null;
  readonly temperatureCelsius: number | null;
  readonly powerWatts: number | null;
}

export interface Node {
  readonly id: string;
  readonly name: string;
  readonly state: "ready" | "cordoned" | "draining" | "lost";
  readonly capacity: Resources;
  /** What the attempts that are there have reserved. */
  readonly reserved: Resources;
  readonly gpus: readonly Gpu[];
  readonly labels: Readonly<Record<string, string>>;
  readonly lastHeartbeatAt: Date | null;
  readonly attempts: number;
  readonly usage: {
    /** Of all CPUs, 0 to 1. */
    readonly cpuFraction: number | null;
    readonly memoryBytesUsed: number | null;
    readonly diskBytesFree: number | null;
  };
  /** What keeps it from working, for people: a full disk, too few open files. Empty: nothing. */
  readonly problems: readonly string[];
  readonly os: string;
  readonly arch: string;
  readonly cpuModel: string;
  readonly hostname: string;
  readonly agentVersion: string;
  readonly address: string;
  /** "key" or "key=value". */
  readonly taints: readonly string[];
  /** Empty: none. */
  readonly pool: string;
  readonly maintenance: readonly { readonly from: Date; readonly to: Date; readonly reason: string }[];
  /** A drain waits until then for what runs; null: it does not, or there is none. */
  readonly drainAt: Date | null;
  /** Kept for work that has waited for long. */
  readonly held: boolean;
}

/** Ready instances that ask for the same thing wait as one class. */
export interface QueueClass {
  readonly priority: number;
  readonly project: string;
  /** Members of a gang. */
  readonly nodes: number;
  readonly resources: Resources;
  readonly waiting: number;
  /** Instances with an attempt on a node. */
  readonly running: number;
  /** Null: nothing waits; then `head` and `reason` are empty. */
  readonly oldestReadyAt: Date | null;
  /** The oldest instance: job.task.index */
  readonly head: string;
  readonly reason: string;
}

export interface Explanation {
  readonly state: string;
  readonly since: Date | null;
  /** What came before, in order. */
  readonly history: readonly {
    readonly from: Date;
    readonly to: Date;
    readonly state: string;
    readonly kind: string;
    readonly message: string;
    readonly nodesFailing: Readonly<Record<string, number>>;
  }[];
  /** Why it waited for a machine is known since then. */
  readonly historySince: Date | null;
  readonly reasons: readonly {
    readonly kind: string;
    readonly message: string;
    /** How many nodes failed which predicate. */
    readonly nodesFailing: Readonly<Record<string, number>>;
  }[];
}

export function resourcesOf(resources: Resources__Output | null): Resources {
  return {
    cpus: resources?.cpus ?? 0,
    memoryBytes: resources?.memoryBytes ?? 0,
    diskBytes: resources?.diskBytes ?? 0,
    gpus: resources?.gpus ?? 0,
  };
}

export function nodeOf(node: Node__Output): Node {
  const { capacity, usage } = node;
  const reserved = new Set(node.gpusReserved);
  return {
    id: node.id,
    name: node.name,
    state: node.state as Node["state"],
    capacity: {
      cpus: capacity?.cpus ?? 0,
      memoryBytes: capacity?.memoryBytes ?? 0,
      diskBytes: capacity?.diskBytes ?? 0,
      gpus: capacity?.gpus.length ?? 0,
    },
    reserved: resourcesOf(node.reserved),
    gpus: (capacity?.gpus ?? []).map((gpu): Gpu => {
      const measured = usage?.gpus.find(({ uuid }) => uuid === gpu.uuid);
      return {
        uuid: gpu.uuid,
        index: gpu.index,
        vendor: gpu.vendor,
        model: gpu.model,
        memoryBytes: gpu.memoryBytes === 0 ? null : gpu.memoryBytes,
        healthy: gpu.healthy,
        healthMessage: gpu.healthMessage,
        reserved: reserved.has(gpu.uuid),
        quarantined: node.quarantined[gpu.uuid] ?? "",
        utilizationFraction: measured?.utilizationFraction ?? null,
        memoryBytesUsed: measured?.memoryBytesUsed ?? null,
        temperatureCelsius: measured?.temperatureCelsius ?? null,
        powerWatts: measured?.powerWatts ?? null,
      };
    }),
    labels: node.labels,
    lastHeartbeatAt: node.lastHeartbeatMs === 0 ? null : new Date(node.lastHeartbeatMs),
    attempts: node.attempts,
    usage: {
      cpuFraction: usage?.cpuFraction ?? null,
      memoryBytesUsed: usage?.memoryBytesUsed ?? null,
      diskBytesFree: usage?.diskBytesFree ?? null,
    },
    problems: usage?.problems ?? [],
    os: capacity?.os ?? "",
    arch: capacity?.arch ?? "",
    cpuModel: capacity?.cpuModel ?? "",
    hostname: capacity?.hostname ?? "",
    agentVersion: node.agentVersion,
    address: node.address,
    taints: node.taints,
    pool: node.pool,
    maintenance: node.maintenance.map(({ fromMs, toMs, reason }) => ({
      from: new Date(fromMs),
      to: new Date(toMs),
      reason,
    })),
    drainAt: node.drainAtMs === 0 ? null : new Date(node.drainAtMs),
    held: node.held,
  };
}

/** Something other than the lack of machines that keeps work from starting. */
export interface Gate {
  readonly kind: "concurrency" | "rate" | "approval";
  /** Of the group or the limit; of an approval job.task. */
  readonly key: string;
  readonly waiting: number;
  /** What comes next: a job, or job.task. */
  readonly head: string;
  readonly reason: string;
}

export function queueClassOf(entry: QueueClass__Output): QueueClass {
  return {
    priority: entry.priority,
    project: entry.project,
    nodes: entry.nodes,
    resources: resourcesOf(entry.resources),
    waiting: entry.waiting,
    running: entry.running,
    oldestReadyAt: entry.oldestReadyAtMs === 0 ? null : new Date(entry.oldestReadyAtMs),
    head: entry.head,
    reason: entry.reason,
  };
}
