import { fit, type Host } from "../books.ts";
import { type Free, fragmentMillis, typicalOf } from "../fragmentation.ts";
import type { Shape, Workload } from "../workload.ts";

/** How a policy chooses among machines that have room: the lowest score, then the first in the list. */
export interface Rank {
  readonly score: (host: Host, shape: Shape, devices: readonly number[]) => number;
  /** Devices of the host, where the rank has a say in it; else those of `fit`. */
  readonly devices?: (host: Host, shape: Shape) => readonly number[] | undefined;
}

/** The first machine of the list. */
export const firstFit: Rank = { score: (host) => host.index };

/** The machine with the least left over: the sum of the shares of CPUs, memory and GPUs that would stay free. */
export const bestFit: Rank = {
  score: (host, shape) =>
    (host.cpuMillis - shape.cpuMillis) / host.machine.cpuMillis +
    (host.memoryBytes - shape.memoryBytes) / host.machine.memoryBytes +
    (host.machine.gpus === 0 ? 0 : (host.gpuMillis - shape.gpuMillis) / (1000 * host.machine.gpus)),
};

/**
 * Alignment: the machine whose free resources point the way the request does, as the dot product of both in shares of the
 * machine (Grandl et al., "Multi-resource packing for cluster schedulers" (Tetris), SIGCOMM 2014).
 */
export const dotProduct: Rank = {
  score: (host, shape) =>
    -(
      (host.cpuMillis * shape.cpuMillis) / host.machine.cpuMillis ** 2 +
      (host.memoryBytes * shape.memoryBytes) / host.machine.memoryBytes ** 2 +
      (host.machine.gpus === 0 ? 0 : (host.gpuMillis * shape.gpuMillis) / (1000 * host.machine.gpus) ** 2)
    ),
};

interface Judged {
  version: number;
  devices: readonly number[] | undefined;
  score: number;
}

/**
 * Fragmentation gradient descent: the machine, and on it the device, where the expected fragments grow least (Weng et al.,
 * "Beware of Fragmentation", USENIX ATC 2023). Ties go to the machine with the least GPU free.
 */
export function fragmentationGradient(workload: Workload): Rank {
  const typical = typicalOf(workload);
  const known = new Map<Shape, Judged[]>();
  const judge = (host: Host, shape: Shape): Judged => {
    let judged = known.get(shape);
    if (!judged) known.set(shape, (judged = []));
    const before = judged[host.index];
    if (before?.version === host.version) return before;
    const now = fragmentMillis(host, host, typical);
    const best: Judged = { version: host.version, devices: undefined, score: Infinity };
    for (const devices of optionsOf(host, shape)) {
      const score = fragmentMillis(host, without(host, shape, devices), typical) - now;
      if (score < best.score) [best.score, best.devices] = [score, devices];
    }
    return (judged[host.index] = best);
  };
  return {
    devices: (host, shape) => judge(host, shape).devices,
    score: (host, shape) => judge(host, shape).score + host.gpuMillis / 1e6,
  };
}

/** The choices of devices that differ: for a share one device of each level of use. */
function optionsOf(host: Host, shape: Shape): (readonly number[])[] {
  const first = fit(host, shape);
  if (!first) return [];
  if (shape.gpuMillis === 0 || shape.gpuMillis >= 1000) return [first];
  const levels = new Set<number>();
  const options: number[][] = [];
  host.devices.forEach((free, device) => {
    if (free < shape.gpuMillis || levels.has(free)) return;
    levels.add(free);
    options.push([device]);
  });
  return options;
}

function without(host: Host, shape: Shape, devices: readonly number[]): Free {
  const left = host.devices.slice();
  for (const device of devices) left[device]! -= Math.min(shape.gpuMillis, 1000);
  return {
    cpuMillis: host.cpuMillis - shape.cpuMillis,
    memoryBytes: host.memoryBytes - shape.memoryBytes,
    devices: left,
  };
}
