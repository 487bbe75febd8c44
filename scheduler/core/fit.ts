import type { Issue } from "../../lib/core/error.ts";
import type { PipelineSpec, Resources } from "../../lib/core/pipeline/spec.ts";
import type { Capacity } from "./event.ts";
import { hasRoom } from "./reservation.ts";
import type { Node, State } from "./state.ts";

/** Why a node cannot take a request now; null: it can. The names are what `explain` counts. */
export type Misfit = "lost" | "leaving" | "cordoned" | "draining" | "cpus" | "memory" | "disk" | "gpus";

export function misfit(node: Node, asked: Resources): Misfit | null {
  if (node.lost) return "lost";
  if (node.leaving) return "leaving";
  if (node.mode !== "ready") return node.mode;
  const { capacity, reserved } = node;
  if (reserved.cpuMillis + asked.cpuMillis > capacity.cpuMillis) return "cpus";
  if (reserved.memoryBytes + asked.memoryBytes > capacity.memoryBytes) return "memory";
  if (reserved.diskBytes + asked.diskBytes > capacity.diskBytes) return "disk";
  if (asked.gpus > 0 && freeGpus(node).length < asked.gpus) return "gpus";
  return null;
}

/** Healthy devices that nobody holds, in the driver's order. */
export function freeGpus(node: Node): string[] {
  return node.capacity.gpus.filter((gpu) => gpu.healthy && !node.gpusReserved.has(gpu.uuid)).map((gpu) => gpu.uuid);
}

/** The node to take: best fit, and CPU work kept off GPU nodes. Undefined: none has room. */
export function bestNode(nodes: Iterable<Node>, asked: Resources): Node | undefined {
  let best: Node | undefined;
  let least = Infinity;
  for (const node of nodes) {
    if (misfit(node, asked) !== null) continue;
    const score = leftover(node, asked);
    if (score < least) [best, least] = [node, score];
  }
  return best;
}

/**
 * How much would be left free, as a share of the node, summed over CPU, memory and GPUs: the least leftover is the
 * best fit (against fragmentation). A task without GPUs adds 10 for a node that has some, so that any other comes first.
 */
function leftover(node: Node, asked: Resources): number {
  const { capacity, reserved } = node;
  const cpus = (capacity.cpuMillis - reserved.cpuMillis - asked.cpuMillis) / capacity.cpuMillis;
  const memory = (capacity.memoryBytes - reserved.memoryBytes - asked.memoryBytes) / Math.max(capacity.memoryBytes, 1);
  const gpus = capacity.gpus.length === 0 ? 0 : (freeGpus(node).length - asked.gpus) / capacity.gpus.length;
  return cpus + memory + gpus + (asked.gpus === 0 && capacity.gpus.length > 0 ? 10 : 0);
}

/** Whether the node could run the request if it were empty and in service. */
export function fitsCapacity(capacity: Capacity, asked: Resources): boolean {
  return (
    asked.cpuMillis <= capacity.cpuMillis &&
    asked.memoryBytes <= capacity.memoryBytes &&
    asked.diskBytes <= capacity.diskBytes &&
    asked.gpus <= capacity.gpus.length
  );
}

/** The requests that no node known here could ever satisfy. Without any node nothing can be said. */
export function unsatisfiable(state: State, spec: PipelineSpec): Issue[] {
  if (state.nodes.size === 0) return [];
  const nodes = [...state.nodes.values()];
  const verdicts = new Map<string, readonly { field: string; message: string }[]>();
  return spec.tasks.flatMap((task) => {
    const key = JSON.stringify(task.resources);
    let verdict = verdicts.get(key);
    if (!verdict) verdicts.set(key, (verdict = verdictOn(nodes, task.resources)));
    return verdict.map(({ field, message }) => ({ path: ["tasks", task.name, "resources", field], message }));
  });
}

function verdictOn(nodes: readonly Node[], asked: Resources): { field: string; message: string }[] {
  if (nodes.some((node) => fitsCapacity(node.capacity, asked))) return [];
  const fields = [
    { field: "cpus", wanted: asked.cpuMillis / 1000, unit: "CPUs", of: (c: Capacity) => c.cpuMillis / 1000 },
    { field: "memory", wanted: asked.memoryBytes, unit: "bytes of memory", of: (c: Capacity) => c.memoryBytes },
    { field: "disk", wanted: asked.diskBytes, unit: "bytes of disk", of: (c: Capacity) => c.diskBytes },
    { field: "gpus", wanted: asked.gpus, unit: "GPUs", of: (c: Capacity) => c.gpus.length },
  ];
  const beyond = fields.flatMap(({ field, wanted, unit, of }) => {
    const largest = nodes.reduce((a, b) => (of(b.capacity) > of(a.capacity) ? b : a));
    if (wanted <= of(largest.capacity)) return [];
    return [
      {
        field,
        message: `asks for ${wanted} ${unit}; the node with the most (${largest.name}) has ${of(largest.capacity)}`,
      },
    ];
  });
  if (beyond.length > 0) return beyond;
  return [
    { field: "cpus", message: "no single node has all that is asked for, though each part is found on some node" },
  ];
}

export { hasRoom };
