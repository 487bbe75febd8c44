import type { GpuRequest as GpuRequestProto } from "../../../proto/gen/weft/v1/GpuRequest.ts";
import type { GpuRequest__Output } from "../../../proto/gen/weft/v1/GpuRequest.ts";
import type { Placement as PlacementProto } from "../../../proto/gen/weft/v1/Placement.ts";
import type { Placement__Output } from "../../../proto/gen/weft/v1/Placement.ts";
import type { Resources as ResourcesProto } from "../../../proto/gen/weft/v1/Resources.ts";
import type { Resources__Output } from "../../../proto/gen/weft/v1/Resources.ts";
import type { GpuRequest, Placement, Resources } from "./spec.ts";

/** What is used where the author said nothing. */
export const CPUS_DEFAULT = 1;

/** A request as people write it; sizes in bytes. */
export interface ResourcesDraft {
  readonly cpus?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly diskBytes?: number | undefined;
  readonly gpus?: number | undefined;
  readonly gpu?: Partial<GpuRequest> | undefined;
}

export function completeResources(draft: ResourcesDraft | undefined): Resources {
  return {
    cpuMillis: Math.round((draft?.cpus ?? CPUS_DEFAULT) * 1000),
    memoryBytes: draft?.memoryBytes ?? 0,
    diskBytes: draft?.diskBytes ?? 0,
    gpuMillis: Math.round((draft?.gpus ?? 0) * 1000),
    gpu: completeGpu(draft?.gpu),
  };
}

const ANY_GPU: GpuRequest = { memoryBytes: 0, models: [], computeCapability: "", driver: "", mig: "" };

function completeGpu(draft: Partial<GpuRequest> | undefined): GpuRequest | null {
  const gpu = { ...ANY_GPU, ...draft };
  const asksNothing = gpu.memoryBytes === 0 && gpu.models.length === 0;
  return asksNothing && gpu.computeCapability === "" && gpu.driver === "" && gpu.mig === "" ? null : gpu;
}

/** In the message 0 CPUs mean "not said". */
export function resourcesDraft(message: Resources__Output | null): ResourcesDraft {
  const cpus = message?.cpus ?? 0;
  return {
    cpus: cpus === 0 ? undefined : cpus,
    memoryBytes: message?.memoryBytes ?? 0,
    diskBytes: message?.diskBytes ?? 0,
    gpus: message?.gpus ?? 0,
    gpu: message?.gpu ? gpuDraft(message.gpu) : undefined,
  };
}

function gpuDraft({ memoryBytes, models, computeCapability, driver, mig }: GpuRequest__Output): GpuRequest {
  return { memoryBytes, models, computeCapability, driver, mig };
}

export function resourcesToProto(resources: Resources): ResourcesProto {
  return {
    cpus: resources.cpuMillis / 1000,
    memoryBytes: resources.memoryBytes,
    diskBytes: resources.diskBytes,
    gpus: resources.gpuMillis / 1000,
    gpu: resources.gpu && gpuToProto(resources.gpu),
  };
}

function gpuToProto(gpu: GpuRequest): GpuRequestProto {
  return { ...gpu, models: [...gpu.models] };
}

export function placementOf(message: Placement__Output | null): Placement | null {
  if (!message) return null;
  const { labels, tolerations, pool } = message;
  if (labels.length === 0 && tolerations.length === 0 && pool === "") return null;
  return { labels: labels.map(({ key, values, refused }) => ({ key, values, refused })), tolerations, pool };
}

export function placementToProto(placement: Placement): PlacementProto {
  return {
    labels: placement.labels.map(({ key, values, refused }) => ({ key, values: [...values], refused })),
    tolerations: [...placement.tolerations],
    pool: placement.pool,
  };
}
