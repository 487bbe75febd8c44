import { pipeline, type PipelineBuilder } from "../sdk/index.ts";

/** A job of `count` tasks that depend on nothing, each with a name and a row of its own; `cpus` is what each asks for. */
export function plainNoops(count: number, cpus: number): PipelineBuilder<string, string> {
  let built: PipelineBuilder<string, string> = pipeline("bench-noop");
  for (let i = 0; i < count; i += 1) built = built.task(`n-${i}`, { run: ["true"], resources: { cpus } });
  return built;
}

/** What one mapped task may have (LIMITS.instancesPerTask). */
const INSTANCES_PER_TASK_MAX = 100_000;

/** The same as one mapped task, or as few as may be. */
export function mappedNoops(count: number, cpus: number): PipelineBuilder<string, string> {
  let built: PipelineBuilder<string, string> = pipeline("bench-map");
  for (let from = 0; from < count; from += INSTANCES_PER_TASK_MAX) {
    const values = Array.from({ length: Math.min(INSTANCES_PER_TASK_MAX, count - from) }, (_, i) => i);
    built = built.task(`n${from}`, { run: ["true"], resources: { cpus }, map: { i: values } });
  }
  return built;
}
