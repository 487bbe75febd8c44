import type { Capacity as CapacityProto, Capacity__Output } from "../../proto/gen/weft/v1/Capacity.ts";
import type { Node as NodeProto } from "../../proto/gen/weft/v1/Node.ts";
import type { Resources as ResourcesProto } from "../../proto/gen/weft/v1/Resources.ts";
import type { StopAttempt } from "../../proto/gen/weft/v1/StopAttempt.ts";
import type { Usage__Output } from "../../proto/gen/weft/v1/Usage.ts";
import type { Resources } from "../../lib/core/pipeline/spec.ts";
import type { Capacity, NodeView, StopOrder } from "../core/index.ts";

/** What a node said of itself beyond what the scheduler needs; kept in memory until it says something newer. */
export interface NodeReport {
  readonly capacity: Capacity__Output | null;
  readonly usage: Usage__Output | null;
  readonly agentVersion: string;
}

export function capacityFromProto(capacity: Capacity__Output): Capacity {
  return {
    cpuMillis: Math.floor(capacity.cpus * 1000),
    memoryBytes: capacity.memoryBytes,
    diskBytes: capacity.diskBytes,
    gpus: capacity.gpus.map(({ uuid, model, memoryBytes, healthy }) => ({ uuid, model, memoryBytes, healthy })),
  };
}

export function capacityToProto(capacity: Capacity): CapacityProto {
  return {
    cpus: capacity.cpuMillis / 1000,
    memoryBytes: capacity.memoryBytes,
    diskBytes: capacity.diskBytes,
    gpus: capacity.gpus.map((gpu, index) => ({ ...gpu, index })),
  };
}

export function resourcesToProto(resources: Resources): ResourcesProto {
  return {
    cpus: resources.cpuMillis / 1000,
    memoryBytes: resources.memoryBytes,
    diskBytes: resources.diskBytes,
    gpus: resources.gpus,
  };
}

export function nodeToProto(view: NodeView, report: NodeReport | undefined): NodeProto {
  return {
    id: view.id,
    name: view.name,
    state: view.state,
    capacity: report?.capacity ?? capacityToProto(view.capacity),
    reserved: resourcesToProto(view.reserved),
    gpusReserved: [...view.gpusReserved],
    labels: { ...view.labels },
    lastHeartbeatMs: view.heardAtMs,
    attempts: view.attempts,
    usage: report?.usage ?? null,
    agentVersion: report?.agentVersion ?? "",
  };
}

export function stopToProto(order: StopOrder): StopAttempt {
  return { key: order.key, graceMs: order.graceMs, reason: order.reason };
}
