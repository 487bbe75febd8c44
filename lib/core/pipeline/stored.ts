import { PLAIN_FLOW } from "./flow.ts";
import { firstsAlike } from "./likeness.ts";
import type { PipelineSpec, TaskSpec } from "./spec.ts";

/**
 * A task in the rows of jobs, where what is as in PLAIN is left out: of 100,000 tasks most say nothing about most things,
 * and whole they would be 60 MB to write, send and parse at each submit.
 */
export type StoredTask = Pick<TaskSpec, "name" | "run"> & Partial<TaskSpec>;
export type StoredSpec = Omit<PipelineSpec, "tasks"> & { readonly tasks: readonly StoredTask[] };

/** What rows mean by leaving something out. It must never change, whatever becomes the default of new pipelines. */
const PLAIN: Omit<TaskSpec, "name" | "run"> = {
  needs: [],
  inputs: {},
  outputs: {},
  resources: { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
  map: [],
  retries: { limit: 0, backoffMs: 1_000, backoffMsMax: 300_000, exitCodes: [], reasons: [], crashes: 5 },
  timeoutMs: 0,
  env: {},
  files: [],
  environment: { kind: "none" },
  stopGraceMs: 10_000,
  flow: PLAIN_FLOW,
  alternatives: [],
  placement: null,
  nodes: 1,
  preemptible: false,
  checkpoint: false,
};

export function toStored(spec: PipelineSpec): StoredSpec {
  const firsts = firstsAlike(spec);
  const known = new Map<TaskSpec, StoredTask>();
  const tasks = spec.tasks.map((task, i): StoredTask => {
    const like = known.get(firsts[i]!);
    if (like) return { ...like, name: task.name, ...(task.needs.length > 0 ? { needs: task.needs } : {}) };
    const { needs, ...rest } = storedTask(task);
    known.set(firsts[i]!, rest);
    return needs ? { ...rest, needs } : rest;
  });
  return { ...spec, tasks };
}

/** Also of a row that an earlier version wrote, whole as it was then. */
export function fromStored(spec: StoredSpec): PipelineSpec {
  return {
    ...spec,
    tasks: spec.tasks.map((task) => ({
      ...PLAIN,
      ...task,
      retries: { ...PLAIN.retries, ...task.retries },
      flow: task.flow ? { ...PLAIN_FLOW, ...task.flow } : PLAIN_FLOW,
    })),
  };
}

function storedTask(task: TaskSpec): StoredTask {
  const stored: Record<string, unknown> = {};
  for (const key in task) {
    const value = task[key as keyof TaskSpec];
    if (!isSame(value, PLAIN[key as keyof typeof PLAIN])) stored[key] = value;
  }
  return stored as StoredTask;
}

/** Of plain JSON values. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  let keys = 0;
  for (const key in a) {
    keys += 1;
    if (!isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false;
  }
  for (const _ in b) keys -= 1;
  return keys === 0;
}
