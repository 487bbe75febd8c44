import type { AttemptKey, NodeId } from "../../lib/core/ids.ts";
import type { GpuDevice, GpuUsage } from "./gpu/device.ts";

/** What the node has to give; the fields of weft.v1.Capacity. */
export interface NodeCapacity {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly gpus: readonly GpuDevice[];
  readonly os: string;
  readonly arch: string;
  readonly cpuModel: string;
  readonly hostname: string;
}

/** Measured now; what could not be read is absent. */
export interface NodeUsage {
  readonly cpuFraction?: number;
  readonly memoryBytesUsed?: number;
  readonly diskBytesFree?: number;
  readonly gpus: readonly GpuUsage[];
  /** What keeps the node from working as it should, in sentences for people. */
  readonly problems: readonly string[];
}

export interface NodeState {
  readonly node: NodeId;
  readonly capacity: NodeCapacity;
  readonly usage: NodeUsage;
  readonly active: readonly { readonly key: AttemptKey; readonly phase: string }[];
  readonly leaving: boolean;
}

/** The fields of weft.v1.HeartbeatRequest. */
export interface Heartbeat {
  nodeId: string;
  sequence: number;
  capacity?: { gpus: GpuDevice[] } & Omit<NodeCapacity, "gpus">;
  usage: { gpus: (Omit<GpuUsage, "xids"> & { xids: number[] })[]; problems: string[] } & Omit<
    NodeUsage,
    "gpus" | "problems"
  >;
  active: { key: string; phase: string }[];
  leaving: boolean;
}

/** The messages of one stream: the capacity goes with the first and whenever it changed. */
export class HeartbeatWriter {
  #sequence = 0;
  #capacity = "";

  next(state: NodeState): Heartbeat {
    this.#sequence += 1;
    const capacity = JSON.stringify(state.capacity);
    const changed = capacity !== this.#capacity;
    this.#capacity = capacity;
    return {
      nodeId: state.node,
      sequence: this.#sequence,
      ...(changed ? { capacity: { ...state.capacity, gpus: [...state.capacity.gpus] } } : {}),
      usage: {
        ...state.usage,
        gpus: state.usage.gpus.map((gpu) => ({ ...gpu, xids: [...gpu.xids] })),
        problems: [...state.usage.problems],
      },
      active: state.active.map(({ key, phase }) => ({ key, phase })),
      leaving: state.leaving,
    };
  }
}
