import type { AssignedInput, Assignment, OutputRef } from "../../lib/core/dispatch.ts";
import { renderTask } from "../../lib/core/pipeline/render.ts";
import type { Instance, JobTask } from "./state.ts";

/** The message that starts the instance's current attempt; the same each time it is made. */
export function makeAssignment(instance: Instance, gpuUuids: readonly string[]): Assignment {
  const { task, index, attempt } = instance;
  const { job, spec } = task;
  const { run, env } = renderTask({ job: job.id, pipeline: job.spec, params: job.params, task: spec, index, attempt });
  return {
    ref: { job: job.id, task: spec.name, index, attempt },
    pipeline: job.spec.name,
    run,
    env,
    code: job.code?.digest ?? null,
    files: spec.files,
    inputs: inputsOf(task),
    outputs: Object.entries(spec.outputs).map(([name, path]) => ({ name, path })),
    resources: spec.resources,
    gpuUuids,
    timeoutMs: spec.timeoutMs,
    stopGraceMs: spec.stopGraceMs,
    priority: job.priority,
    environment: spec.environment,
  };
}

const NO_INPUTS: readonly AssignedInput[] = Object.freeze([]);

function inputsOf(task: JobTask): readonly AssignedInput[] {
  const wanted = Object.entries(task.spec.inputs);
  if (wanted.length === 0) return NO_INPUTS;
  const inputs: AssignedInput[] = [];
  for (const [name, { task: producerName, output }] of wanted) {
    const producer = task.needs.find((need) => need.spec.name === producerName);
    const mapped = (producer?.spec.map.length ?? 0) > 0;
    for (const made of producer?.instances?.values() ?? []) {
      if (made.state.kind !== "ended") continue;
      const found: OutputRef | undefined = made.state.outputs.find((candidate) => candidate.name === output);
      if (!found) continue;
      const { digest, kind, bytes, fileName } = found;
      inputs.push({ name, index: mapped ? made.index : null, digest, kind, bytes, fileName });
    }
  }
  return inputs;
}
