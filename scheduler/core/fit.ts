import type { Issue } from "../../lib/core/error.ts";
import type { PipelineSpec, Resources } from "../../lib/core/pipeline/spec.ts";
import { type Ask, askOf, ENGINE_LABEL, NODE_LABEL, placementMisfit } from "./ask.ts";
import { capacityMisfit, chooseDevices, deviceMisfit, type DeviceMisfit, deviceRoom } from "./device.ts";
import type { Capacity, MaintenanceWindow } from "./event.ts";
import type { Node, State } from "./state.ts";

/** Why a node cannot take a request now. The names are what `explain` counts. */
export type Misfit =
  | "lost"
  | "leaving"
  | "cordoned"
  | "draining"
  | "pool"
  | "taints"
  | "labels"
  | "maintenance"
  | "cpus"
  | "memory"
  | "disk"
  | DeviceMisfit;

/** Whether the node is in service, and is one that the ask is willing to run on; null: it is. */
export function serviceMisfit(node: Node, ask: Ask, nowMs: number): Misfit | null {
  if (node.lost) return "lost";
  if (node.leaving) return "leaving";
  if (node.mode !== "ready") return node.mode;
  const placement = placementMisfit(node, ask.placement);
  if (placement !== null) return placement;
  return node.settings.maintenance.length > 0 && endsTooLate(node.settings.maintenance, ask.limitMs, nowMs)
    ? "maintenance"
    : null;
}

/** A task that does not say how long it may take starts on no node that is to be taken away. */
function endsTooLate(windows: readonly MaintenanceWindow[], limitMs: number, nowMs: number): boolean {
  return windows.some(({ fromMs, toMs }) => toMs > nowMs && (limitMs === 0 || nowMs + limitMs > fromMs));
}

/** False: the node has no room, as a first look shows; most nodes of a full cluster end here. */
export function mayHaveRoom(node: Node, asked: Resources): boolean {
  if (node.reserved.cpuMillis + asked.cpuMillis > node.capacity.cpuMillis) return false;
  return asked.gpuMillis === 0 || deviceRoom(node).millis >= asked.gpuMillis;
}

/** Why the node has no room for the request beside what it has; null: it has. */
export function roomMisfit(node: Node, asked: Resources): Misfit | null {
  const { capacity, reserved } = node;
  if (reserved.cpuMillis + asked.cpuMillis > capacity.cpuMillis) return "cpus";
  if (reserved.memoryBytes + asked.memoryBytes > capacity.memoryBytes) return "memory";
  if (reserved.diskBytes + asked.diskBytes > capacity.diskBytes) return "disk";
  if (asked.gpuMillis === 0 || chooseDevices(node, asked)) return null;
  return capacityMisfit(capacity.gpus, asked) ?? "gpus";
}

/** Why the node could not run the request if it were empty and in service; null: it could. */
export function emptyMisfit(capacity: Capacity, asked: Resources): Misfit | null {
  if (asked.cpuMillis > capacity.cpuMillis) return "cpus";
  if (asked.memoryBytes > capacity.memoryBytes) return "memory";
  if (asked.diskBytes > capacity.diskBytes) return "disk";
  return capacityMisfit(capacity.gpus, asked);
}

/** Whether the node, empty and in service, is one for the ask. */
export function couldRun(node: Node, ask: Ask): boolean {
  if (placementMisfit(node, ask.placement) !== null) return false;
  return ask.requests.some((asked) => emptyMisfit(node.capacity, asked) === null);
}

/** The requests that the nodes known here could never satisfy. Without any node nothing can be said. */
export function unsatisfiable(state: State, spec: PipelineSpec): Issue[] {
  if (state.nodes.size === 0) return [];
  const nodes = [...state.nodes.values()];
  const verdicts = new Map<Ask, readonly Verdict[]>();
  return spec.tasks.flatMap((task) => {
    // It never asks for a node.
    if (task.flow.approve || task.flow.join) return [];
    const ask = askOf(state, spec.priority, spec.project, task);
    let verdict = verdicts.get(ask);
    if (!verdict) verdicts.set(ask, (verdict = verdictOn(nodes, ask)));
    return verdict.map(({ path, message }) => ({ path: ["tasks", task.name, ...path], message }));
  });
}

interface Verdict {
  readonly path: readonly string[];
  readonly message: string;
}

function verdictOn(nodes: readonly Node[], ask: Ask): Verdict[] {
  let able = 0;
  // The first few decide; nearly always there are as many.
  for (const node of nodes) if (couldRun(node, ask) && (able += 1) >= ask.nodes) return [];
  if (able > 0) {
    const message = `asks for ${ask.nodes} nodes at once; ${able} of the cluster's ${nodes.length} could run it`;
    return [{ path: ["nodes"], message }];
  }
  const willing = nodes.filter((node) => placementMisfit(node, ask.placement) === null);
  if (willing.length === 0) {
    const inContainer = ask.placement?.labels.some(({ key }) => key === ENGINE_LABEL) ?? false;
    if (inContainer && nodes.every((node) => node.labels[ENGINE_LABEL] === undefined)) {
      const message = `runs in a container; none of the cluster's ${nodes.length} nodes has Docker or Podman that works`;
      return [{ path: ["environment", "image"], message }];
    }
    const rule = ask.placement?.labels.find(({ key, refused }) => key === NODE_LABEL && !refused);
    const named = nodes.filter(({ id, name }) => rule?.values.some((value) => value === id || value === name));
    const where =
      rule === undefined ? "" : ` and is ${named.map(({ name }) => name).join(", ") || rule.values.join(", ")}`;
    const message = `none of the cluster's ${nodes.length} nodes meets the placement (pool, labels, taints) of the task${where}`;
    return [{ path: ["placement"], message }];
  }
  // An alternative is wrong as well; what people meant is the first.
  return beyond(willing, ask.requests[0]!);
}

function beyond(nodes: readonly Node[], asked: Resources): Verdict[] {
  const fields = [
    { field: "cpus", wanted: asked.cpuMillis / 1000, unit: "CPUs", of: (c: Capacity) => c.cpuMillis / 1000 },
    { field: "memory", wanted: asked.memoryBytes, unit: "bytes of memory", of: (c: Capacity) => c.memoryBytes },
    { field: "disk", wanted: asked.diskBytes, unit: "bytes of disk", of: (c: Capacity) => c.diskBytes },
    { field: "gpus", wanted: Math.ceil(asked.gpuMillis / 1000), unit: "GPUs", of: (c: Capacity) => c.gpus.length },
  ];
  const verdicts = fields.flatMap(({ field, wanted, unit, of }) => {
    const largest = nodes.reduce((a, b) => (of(b.capacity) > of(a.capacity) ? b : a));
    if (wanted <= of(largest.capacity)) return [];
    const message = `asks for ${wanted} ${unit}; the node with the most (${largest.name}) has ${of(largest.capacity)}`;
    return [{ path: ["resources", field], message }];
  });
  if (verdicts.length > 0) return verdicts;
  const message = `no single node has all that is asked for, though each part is found on some node${devicesText(nodes, asked)}`;
  return [{ path: ["resources", asked.gpu ? "gpus" : "cpus"], message }];
}

/** Which devices there are, when the request is choosy and none is right. */
function devicesText(nodes: readonly Node[], asked: Resources): string {
  const gpus = nodes.flatMap(({ capacity }) => capacity.gpus);
  if (!asked.gpu || gpus.some((gpu) => deviceMisfit(gpu, asked) === null)) return "";
  const models = [...new Set(gpus.map((gpu) => gpu.model + (gpu.mig === "" ? "" : ` (MIG ${gpu.mig})`)))];
  return `; no device is what it asks for (${deviceMisfit(gpus[0]!, asked)}), there are: ${models.join(", ")}`;
}
