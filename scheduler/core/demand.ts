import type { Resources } from "../../lib/core/pipeline/spec.ts";
import { emptyMisfit } from "./fit.ts";
import type { Capacity } from "./event.ts";
import { type Ask, placementMisfit } from "./ask.ts";
import { countWaiting } from "./queue.ts";
import type { Node, State } from "./state.ts";

/** Nodes of one pool with the same capacity, and how many of them what runs and waits would fill. */
export interface NodeDemand {
  readonly pool: string;
  readonly capacity: Capacity;
  readonly ready: number;
  readonly idle: number;
  readonly desired: number;
  /** Waiting instances that no kind of node here could take; the same in each row. */
  readonly unplaceable: number;
}

interface Kind {
  readonly like: Node;
  ready: number;
  idle: number;
  /** Nodes that the waiting instances would fill, in parts of a node. */
  wanted: number;
}

/**
 * For whoever starts and stops machines. Each waiting class goes to the kind of which it fills the smallest part; an
 * instance counts as the largest fraction of a node that it asks for, as if parts could be put together freely.
 */
export function demand(state: State): NodeDemand[] {
  const kinds = new Map<string, Kind>();
  for (const node of state.nodes.values()) {
    if (node.lost) continue;
    const key = kindOf(node);
    const kind = kinds.get(key) ?? { like: node, ready: 0, idle: 0, wanted: 0 };
    kinds.set(key, kind);
    if (node.mode !== "ready" || node.leaving) continue;
    kind.ready += 1;
    if (node.attempts.size + node.ranges.size === 0) kind.idle += 1;
  }
  let unplaceable = 0;
  for (const queueClass of state.queue.values()) {
    const waiting = countWaiting(queueClass);
    if (waiting > 0 && !addDemand([...kinds.values()], queueClass.ask, waiting)) unplaceable += waiting;
  }
  return Array.from(kinds.values(), ({ like, ready, idle, wanted }) => ({
    pool: like.settings.pool,
    capacity: like.capacity,
    ready,
    idle,
    desired: ready - idle + Math.ceil(wanted - 1e-9),
    unplaceable,
  }));
}

function addDemand(kinds: readonly Kind[], ask: Ask, waiting: number): boolean {
  let best: { readonly kind: Kind; readonly part: number } | undefined;
  for (const kind of kinds) {
    if (placementMisfit(kind.like, ask.placement) !== null) continue;
    for (const asked of ask.requests) {
      if (emptyMisfit(kind.like.capacity, asked) !== null) continue;
      const part = partOf(kind.like.capacity, asked);
      if (!best || part < best.part) best = { kind, part };
    }
  }
  if (best) best.kind.wanted += best.part * waiting;
  return best !== undefined;
}

function partOf({ cpuMillis, memoryBytes, gpus }: Capacity, asked: Resources): number {
  return Math.max(
    asked.cpuMillis / cpuMillis,
    asked.memoryBytes / Math.max(memoryBytes, 1),
    asked.gpuMillis === 0 ? 0 : asked.gpuMillis / (1000 * gpus.length),
  );
}

function kindOf({ settings, capacity }: Node): string {
  const { cpuMillis, memoryBytes, gpus } = capacity;
  return `${settings.pool}/${cpuMillis}/${memoryBytes}/${gpus.map(({ model }) => model).join(",")}`;
}
