import type { Capacity as CapacityProto, Capacity__Output } from "../../proto/gen/weft/v1/Capacity.ts";
import type { Node as NodeProto } from "../../proto/gen/weft/v1/Node.ts";
import type { StopAttempt } from "../../proto/gen/weft/v1/StopAttempt.ts";
import type { Usage__Output } from "../../proto/gen/weft/v1/Usage.ts";
import { resourcesToProto } from "../../lib/core/pipeline/resources.ts";
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
    gpus: capacity.gpus.map((gpu) => ({
      uuid: gpu.uuid,
      model: gpu.model,
      memoryBytes: gpu.memoryBytes,
      healthy: gpu.healthy,
      ...(gpu.healthMessage === "" ? {} : { healthMessage: gpu.healthMessage }),
      computeCapability: gpu.computeCapability,
      driver: gpu.driver,
      mig: gpu.migProfile,
    })),
  };
}

export function capacityToProto(capacity: Capacity): CapacityProto {
  return {
    cpus: capacity.cpuMillis / 1000,
    memoryBytes: capacity.memoryBytes,
    diskBytes: capacity.diskBytes,
    gpus: capacity.gpus.map(({ mig, ...gpu }, index) => ({ ...gpu, index, migProfile: mig })),
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
    taints: [...view.settings.taints],
    pool: view.settings.pool,
    maintenance: [...view.settings.maintenance],
    quarantined: { ...view.settings.quarantined },
    drainAtMs: view.settings.drainAtMs ?? 0,
    held: view.heldFor !== "",
    address: view.address,
  };
}

export function stopToProto(order: StopOrder): StopAttempt {
  return { key: order.key, graceMs: order.graceMs, reason: order.reason };
}
