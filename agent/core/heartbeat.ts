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
  /** Of this process. */
  readonly incarnation: string;
  readonly capacity: NodeCapacity;
  readonly usage: NodeUsage;
  readonly active: readonly { readonly key: AttemptKey; readonly phase: string }[];
  readonly leaving: boolean;
}

/** The fields of weft.v1.HeartbeatRequest. */
export interface Heartbeat {
  nodeId: string;
  /** In the first message of a stream. */
  incarnation?: string;
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
      ...(this.#sequence === 1 ? { incarnation: state.incarnation } : {}),
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

/** Beats remembered while they wait for their answer; a server that far behind is silent. */
const UNANSWERED_MAX = 64;

/** The beats of one stream that wait for their answers. */
export class Unanswered {
  readonly #sentAtMs = new Map<number, number>();

  /** Another beat would only queue up. */
  get full(): boolean {
    return this.#sentAtMs.size >= UNANSWERED_MAX;
  }

  sent(sequence: number, nowMs: number): void {
    this.#sentAtMs.set(sequence, nowMs);
  }

  /** When the answered beat was sent, from where its lease counts; undefined: the answer is to none that waits. */
  answered(sequence: number): number | undefined {
    const sent = this.#sentAtMs.get(sequence);
    // Answers come in order: what was sent before will not be answered any more.
    for (const earlier of this.#sentAtMs.keys()) if (earlier <= sequence) this.#sentAtMs.delete(earlier);
    return sent;
  }
}
