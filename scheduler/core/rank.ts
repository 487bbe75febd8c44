import type { Resources } from "../../lib/core/pipeline/spec.ts";
import { capacityMisfit, deviceCount, type DeviceRoom, deviceRoom } from "./device.ts";
import type { Typical } from "./typical.ts";
import type { Node } from "./state.ts";

/** What a placement costs is counted in whole devices (or in nodes, where there are none). */
const WEIGHTS = {
  /** A device that the next typical request could not use any more. */
  fragment: 1,
  /** A device whose share of the node's CPUs and memory others have taken. */
  stranded: 0.3,
  /** Between nodes that are alike in that: the node's devices, CPUs and memory that stay free, as shares of the node. */
  free: 0.1,
  /** Of that, CPUs and memory beside devices. */
  freeBesideDevices: 0.1,
  /** A request without devices on a node that has some: any other comes first. */
  deviceNode: 100,
} as const;

/**
 * What it costs to place the request on the node, which has room for it: lower is better. The gradient of expected
 * fragments (Weng et al., "Beware of Fragmentation", USENIX ATC 2023) over what is typically asked for, and what is
 * stranded for want of CPUs and memory; between equals, best fit.
 */
export function cost(node: Node, asked: Resources, typical: readonly Typical[]): number {
  const { capacity, reserved } = node;
  const before = {
    cpuMillis: capacity.cpuMillis - reserved.cpuMillis,
    memoryBytes: capacity.memoryBytes - reserved.memoryBytes,
    ...deviceRoom(node),
  };
  const after = without(before, asked);
  const cpus = after.cpuMillis / capacity.cpuMillis;
  const memory = after.memoryBytes / Math.max(capacity.memoryBytes, 1);
  const devices = capacity.gpus.length;
  if (devices === 0) return WEIGHTS.free * (cpus + memory);
  const free = WEIGHTS.free * (after.millis / (1000 * devices) + WEIGHTS.freeBesideDevices * (cpus + memory));
  const fragments = (fragmentsOf(node, after, typical) - fragmentsOf(node, before, typical)) / 1000;
  const stranded = strandedOf(node, after) - strandedOf(node, before);
  const away = asked.gpuMillis === 0 ? WEIGHTS.deviceNode : 0;
  return WEIGHTS.fragment * fragments + WEIGHTS.stranded * stranded + free + away;
}

/** What is free of a node. */
interface Free extends DeviceRoom {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

function without(free: Free, asked: Resources): Free {
  const { gpuMillis } = asked;
  const left = {
    cpuMillis: free.cpuMillis - asked.cpuMillis,
    memoryBytes: free.memoryBytes - asked.memoryBytes,
    millis: free.millis - gpuMillis,
  };
  if (gpuMillis === 0) return { ...free, ...left };
  if (gpuMillis >= 1000) return { ...left, whole: free.whole - deviceCount(asked), shares: free.shares };
  let fullest = -1;
  free.shares.forEach((share, i) => {
    if (share >= gpuMillis && (fullest < 0 || share < free.shares[fullest]!)) fullest = i;
  });
  if (fullest < 0) return { ...left, whole: free.whole - 1, shares: [...free.shares, 1000 - gpuMillis] };
  return { ...left, whole: free.whole, shares: free.shares.with(fullest, free.shares[fullest]! - gpuMillis) };
}

/** Thousandths of devices that are free and that the next typical request could not use, expected. */
function fragmentsOf(node: Node, free: Free, typical: readonly Typical[]): number {
  if (free.millis === 0) return 0;
  let expected = 0;
  for (const { asked, weight } of typical) expected += weight * unusable(node, free, asked);
  return expected;
}

function unusable(node: Node, free: Free, asked: Resources): number {
  const { millis, whole, shares } = free;
  if (asked.cpuMillis > free.cpuMillis || asked.memoryBytes > free.memoryBytes) return millis;
  if (asked.gpu !== null && capacityMisfit(node.capacity.gpus, asked) !== null) return millis;
  if (asked.gpuMillis >= 1000) return whole * 1000 < asked.gpuMillis ? millis : millis - whole * 1000;
  let tooFull = 0;
  for (const share of shares) if (share < asked.gpuMillis) tooFull += share;
  return tooFull;
}

/** Devices whose share of CPUs or of memory is not free though they are. */
function strandedOf({ capacity }: Node, free: Free): number {
  const devices = capacity.gpus.length;
  const cpus = free.cpuMillis / capacity.cpuMillis;
  const memory = free.memoryBytes / Math.max(capacity.memoryBytes, 1);
  return Math.max(0, free.millis / 1000 - devices * Math.min(cpus, memory));
}
