import { formatSize } from "../../../proto/units.ts";
import { LIMITS } from "./limits.ts";
import type { GpuRequest, Placement, Resources, TaskSpec } from "./spec.ts";
import type { Add } from "./task-rules.ts";

const VERSION = /^\d+(\.\d+)*$/;
/** As NVIDIA names them: 1g.10gb, 3g.40gb, 1g.10gb+me. */
const MIG_PROFILE = /^\d+g\.\d+gb(\+me(\.all)?)?$/;

/** Resources, alternatives, gang size and placement of a task. */
export function checkAsked(task: TaskSpec, add: Add): void {
  checkResources(task.resources, ["resources"], add);
  if (task.alternatives.length > LIMITS.alternatives)
    add(["alternatives"], `has ${task.alternatives.length} alternatives; at most ${LIMITS.alternatives} are allowed`);
  task.alternatives.forEach((asked, i) => checkResources(asked, ["alternatives", i], add));
  if (!(Number.isInteger(task.nodes) && task.nodes >= 1 && task.nodes <= LIMITS.nodes))
    add(["nodes"], `${task.nodes} nodes are asked for; a whole number from 1 to ${LIMITS.nodes} would be right`);
  if (task.placement) checkPlacement(task.placement, add);
}

function checkResources(asked: Resources, path: readonly (string | number)[], add: Add): void {
  const { cpuMillis, memoryBytes, diskBytes } = asked;
  const cpus = cpuMillis / 1000;
  if (!(cpuMillis >= 1 && cpus <= LIMITS.cpus)) {
    add([...path, "cpus"], `${cpus} CPUs are asked for; 0.001 to ${LIMITS.cpus} would be right`);
  }
  for (const [key, bytes, max] of [
    ["memory", memoryBytes, LIMITS.memoryBytes],
    ["disk", diskBytes, LIMITS.diskBytes],
  ] as const) {
    if (!(Number.isFinite(bytes) && bytes >= 0 && bytes <= max)) {
      add([...path, key], `${bytes} bytes of ${key} are asked for; 0 to ${formatSize(max)} would be right`);
    }
  }
  if (memoryBytes > 0 && memoryBytes < 1024 ** 2) {
    add(
      [...path, "memory"],
      `${memoryBytes} bytes of memory are too few for any process; did you leave out the unit, like ${memoryBytes}MiB?`,
    );
  }
  checkGpus(asked, path, add);
}

function checkGpus({ gpuMillis, gpu }: Resources, path: readonly (string | number)[], add: Add): void {
  const gpus = gpuMillis / 1000;
  const right = `a whole number from 0 to ${LIMITS.gpus}, or a share of one device from 0.001 to 1, would be right`;
  if (!(Number.isInteger(gpuMillis) && gpuMillis >= 0 && gpus <= LIMITS.gpus)) {
    add([...path, "gpus"], `${gpus} GPUs are asked for; ${right}`);
  } else if (gpuMillis > 1000 && gpuMillis % 1000 !== 0) {
    add([...path, "gpus"], `${gpus} GPUs are asked for; a share is always on one device: ${right}`);
  }
  if (!gpu) return;
  if (gpuMillis === 0) {
    return add([...path, "gpus"], `says what its GPUs must be and asks for none; add "gpus: 1"`);
  }
  checkGpu(gpu, gpuMillis, path, add);
}

function checkGpu(gpu: GpuRequest, gpuMillis: number, path: readonly (string | number)[], add: Add): void {
  if (!(Number.isFinite(gpu.memoryBytes) && gpu.memoryBytes >= 0 && gpu.memoryBytes <= LIMITS.memoryBytes))
    add(
      [...path, "gpuMemory"],
      `${gpu.memoryBytes} bytes are asked for; 0 to ${formatSize(LIMITS.memoryBytes)} would be right`,
    );
  if (gpu.models.length > LIMITS.gpuModels || gpu.models.some((model) => model.trim() === ""))
    add([...path, "gpuModel"], `at most ${LIMITS.gpuModels} models are allowed, and none may be empty`);
  for (const [key, version] of [
    ["computeCapability", gpu.computeCapability],
    ["gpuDriver", gpu.driver],
  ] as const) {
    if (version !== "" && !VERSION.test(version))
      add([...path, key], `"${version}" is no version; numbers with dots would be right, like "8.0"`);
  }
  if (gpu.mig !== "" && !MIG_PROFILE.test(gpu.mig))
    add([...path, "mig"], `"${gpu.mig}" is no MIG profile; one like "1g.10gb" would be right`);
  if (gpu.mig !== "" && gpuMillis % 1000 !== 0)
    add([...path, "mig"], "a MIG slice is asked for whole: give a whole number of gpus");
}

function checkPlacement(placement: Placement, add: Add): void {
  const { labels, tolerations, pool } = placement;
  if (labels.length > LIMITS.labelRules)
    add(["placement", "labels"], `has ${labels.length} rules; at most ${LIMITS.labelRules} are allowed`);
  for (const { key, values } of labels) {
    if (key === "" || key.length > LIMITS.labelChars)
      add(["placement", "labels", key], `a label's key has 1 to ${LIMITS.labelChars} characters`);
    if (values.length > LIMITS.labelValues || values.some((value) => value.length > LIMITS.labelChars))
      add(["placement", "labels", key], `at most ${LIMITS.labelValues} values of ${LIMITS.labelChars} characters each`);
  }
  if (tolerations.length > LIMITS.labelRules || tolerations.some((taint) => taint === "" || taint.startsWith("=")))
    add(["placement", "tolerations"], `at most ${LIMITS.labelRules}, each the key of a taint, or key=value`);
  if (pool.length > LIMITS.labelChars)
    add(["placement", "pool"], `a pool's name has at most ${LIMITS.labelChars} characters`);
}
