import type { PipelineSpec, TaskSpec } from "../../../lib/core/pipeline/spec.ts";

/** A task on which nothing is laid that would forbid more. */
export function isPlain({ nodes, flow, service }: TaskSpec): boolean {
  return nodes === 1 && !service && flow.approve === null && flow.cache === null && flow.rate === null;
}

/** Each task changed as told. */
export function eachTask(spec: PipelineSpec, change: (task: TaskSpec, number: number) => TaskSpec): PipelineSpec {
  return { ...spec, tasks: spec.tasks.map(change) };
}
