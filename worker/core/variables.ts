import type { Assignment } from "../../lib/core/dispatch.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import { variableName } from "../../lib/core/pipeline/template.ts";

export interface Places {
  /** Absolute paths. */
  readonly workspace: string;
  readonly tmp: string;
  readonly result: string;
  readonly checkpoint: string;
  readonly tensorboard: string;
}

/** What an environment adds (see docs/pipelines.md). */
export interface Entrance {
  /** First on PATH, also when the task has set its own. */
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/** An AMD card's uuid is `GPU-` and 16 hex digits; NVIDIA's are longer, or begin with `MIG-`. */
const AMD_UUID = /^GPU-[0-9a-f]{16}$/i;

/**
 * All that the process sees (the table is in docs/architecture.md). The task's own variables go over those of the
 * machine, and what only Weft knows over both: it is what marks the process, and what keeps it to its devices.
 */
export function variables(
  assignment: Assignment,
  base: Readonly<Record<string, string>>,
  places: Places,
  environment: Entrance = { path: [], variables: {} },
): Record<string, string> {
  const { ref } = assignment;
  const path = [...environment.path, assignment.env["PATH"] ?? base["PATH"]].filter(Boolean).join(":");
  return {
    ...base,
    PWD: places.workspace,
    TMPDIR: places.tmp,
    ...environment.variables,
    ...assignment.env,
    ...(path === "" ? {} : { PATH: path }),
    WEFT_JOB_ID: ref.job,
    WEFT_TASK: ref.task,
    WEFT_INDEX: String(ref.index),
    WEFT_ATTEMPT: String(ref.attempt),
    WEFT_PIPELINE: assignment.pipeline,
    WEFT_ATTEMPT_KEY: attemptKey(ref),
    WEFT_RESULT: places.result,
    WEFT_TENSORBOARD: places.tensorboard,
    ...(assignment.checkpoint && { WEFT_CHECKPOINT: places.checkpoint }),
    ...inputPaths(assignment, places.workspace),
    ...outputPaths(assignment, places.workspace),
    ...devices(assignment.gpuUuids),
    ...deviceShare(assignment),
    ...rendezvous(assignment),
  };
}

function inputPaths({ inputs, sources = [] }: Assignment, workspace: string): Record<string, string> {
  const outside = sources.map(({ name, fileName }) => ({ name, fileName, index: null }));
  return Object.fromEntries(
    [...inputs, ...outside].map(({ name, index, fileName }) => [
      `WEFT_INPUT_${variableName(name)}`,
      index === null ? `${workspace}/inputs/${name}/${fileName}` : `${workspace}/inputs/${name}`,
    ]),
  );
}

function outputPaths({ outputs }: Assignment, workspace: string): Record<string, string> {
  return Object.fromEntries(
    outputs.map(({ name, path }) => [`WEFT_OUTPUT_${variableName(name)}`, `${workspace}/${path.replace(/\/$/, "")}`]),
  );
}

/** Empty hides every device. HIP reads CUDA_VISIBLE_DEVICES too and takes no uuid there, so it is not set for AMD cards. */
function devices(uuids: readonly string[]): Record<string, string> {
  const list = uuids.join(",");
  const order = { CUDA_DEVICE_ORDER: "PCI_BUS_ID" };
  if (uuids.length > 0 && uuids.every((uuid) => AMD_UUID.test(uuid))) return { ROCR_VISIBLE_DEVICES: list, ...order };
  return { CUDA_VISIBLE_DEVICES: list, ROCR_VISIBLE_DEVICES: "", ...order };
}

/** What the attempt may use of each of its devices. Nobody holds it to that. */
function deviceShare({ gpuUuids, gpuMemoryBytes, resources }: Assignment): Record<string, string> {
  if (gpuUuids.length === 0) return {};
  const share = Math.min(resources.gpuMillis, 1000) / 1000;
  return {
    WEFT_GPU_SHARE: String(share),
    ...(gpuMemoryBytes > 0 && { WEFT_GPU_MEMORY_BYTES: String(gpuMemoryBytes) }),
  };
}

/**
 * What torch.distributed's env:// reads, for one process a member; and, for `torchrun`, which starts one for each
 * device, the defaults of its options (PET_…: torch.distributed.run, "Environment variables").
 */
function rendezvous({ gang, gpuUuids }: Assignment): Record<string, string> {
  if (!gang) return {};
  const { rank, size, masterAddress, masterPort } = gang;
  return {
    MASTER_ADDR: masterAddress,
    MASTER_PORT: String(masterPort),
    RANK: String(rank),
    LOCAL_RANK: "0",
    WORLD_SIZE: String(size),
    NODE_RANK: String(rank),
    PET_MASTER_ADDR: masterAddress,
    PET_MASTER_PORT: String(masterPort),
    PET_NNODES: String(size),
    PET_NODE_RANK: String(rank),
    PET_NPROC_PER_NODE: String(Math.max(gpuUuids.length, 1)),
  };
}
