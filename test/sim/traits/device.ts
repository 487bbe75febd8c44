import type { GpuRequest, PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import { asks, GIB } from "../../support/build.ts";
import type { Chance } from "../chance.ts";
import { eachTask } from "./task.ts";

const ANY: GpuRequest = { memoryBytes: 0, models: [], computeCapability: "", driver: "", mig: "" };

/** Parts of devices and of their memory, devices of a kind, and what will do instead. */
export function withDevices(spec: PipelineSpec, chance: Chance): PipelineSpec {
  return eachTask(spec, (task) => {
    if (!chance.happens(0.6)) return task;
    const cpus = chance.pick([0.25, 0.5, 1]);
    const gpuMillis = chance.pick([100, 300, 500, 500, 700, 1000, 2000]);
    const gpu = chance.happens(0.5)
      ? { ...ANY, memoryBytes: chance.pick([0, 10, 40, 60]) * GIB, models: chance.happens(0.5) ? ["h100"] : [] }
      : null;
    const resources = asks(cpus, { gpuMillis, gpu });
    const alternatives = chance.happens(0.3) ? [asks(cpus * 2, { gpuMillis: chance.pick([0, 500, 1000]) })] : [];
    return { ...task, resources, alternatives };
  });
}
