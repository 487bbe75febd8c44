import type { ConfigureRequest } from "../proto/gen/weft/v1/ConfigureRequest.ts";
import type { NodeDemand__Output } from "../proto/gen/weft/v1/NodeDemand.ts";
import type { Project__Output } from "../proto/gen/weft/v1/Project.ts";
import { type Resources, resourcesOf } from "./node.ts";

/** What an operator says of a node. */
export interface NodeChange {
  /** "key" or "key=value"; only tasks that tolerate each run there. Replaces all it has. */
  readonly taints?: readonly string[];
  /** Empty: out of any pool. */
  readonly pool?: string;
  readonly addMaintenance?: readonly { readonly from: Date; readonly to: Date; readonly reason: string }[];
  readonly clearMaintenance?: boolean;
  /** Device uuid to why it is given to nobody. */
  readonly quarantine?: Readonly<Record<string, string>>;
  readonly release?: readonly string[];
}

/** Absent: no limit. */
export interface Quota {
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly gpus?: number;
}

export interface Project {
  readonly name: string;
  readonly weight: number;
  readonly quota: Quota;
  /** What its attempts hold now. */
  readonly usage: Resources;
  /** Instances that wait. */
  readonly waiting: number;
}

export interface ProjectChange {
  readonly weight?: number;
  readonly quota?: Quota;
}

/** Nodes of one pool with the same capacity. */
export interface NodeDemand {
  readonly pool: string;
  readonly capacity: Resources;
  /** GPU model of its devices; empty: none. */
  readonly gpuModel: string;
  readonly ready: number;
  readonly idle: number;
  readonly desired: number;
  /** Waiting instances that no kind of node could take; the same in each row. */
  readonly unplaceable: number;
}

export function configureRequest(node: string, change: NodeChange): ConfigureRequest {
  return {
    node,
    ...(change.taints && { taints: { taints: [...change.taints] } }),
    ...(change.pool !== undefined && { pool: change.pool }),
    addMaintenance: (change.addMaintenance ?? []).map(({ from, to, reason }) => ({
      fromMs: from.getTime(),
      toMs: to.getTime(),
      reason,
    })),
    clearMaintenance: change.clearMaintenance ?? false,
    quarantine: { ...change.quarantine },
    release: [...(change.release ?? [])],
  };
}

export function projectOf({ name, weight, quota, usage, waiting }: Project__Output): Project {
  return {
    name,
    weight,
    quota: {
      ...(quota?.cpus !== undefined && { cpus: quota.cpus }),
      ...(quota?.memoryBytes !== undefined && { memoryBytes: quota.memoryBytes }),
      ...(quota?.gpus !== undefined && { gpus: quota.gpus }),
    },
    usage: resourcesOf(usage),
    waiting,
  };
}

export function demandOf(kind: NodeDemand__Output): NodeDemand {
  const { pool, capacity, ready, idle, desired, unplaceable } = kind;
  return {
    pool,
    capacity: {
      cpus: capacity?.cpus ?? 0,
      memoryBytes: capacity?.memoryBytes ?? 0,
      diskBytes: capacity?.diskBytes ?? 0,
      gpus: capacity?.gpus.length ?? 0,
    },
    gpuModel: capacity?.gpus[0]?.model ?? "",
    ready,
    idle,
    desired,
    unplaceable,
  };
}
