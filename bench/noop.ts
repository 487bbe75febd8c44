import { pipeline, type PipelineBuilder } from "../sdk/index.ts";

/** A job of `count` tasks that depend on nothing, each with a name and a row of its own; `cpus` is what each asks for. */
export function plainNoops(count: number, cpus: number): PipelineBuilder<string, string> {
  let built: PipelineBuilder<string, string> = pipeline("bench-noop");
  for (let i = 0; i < count; i += 1) built = built.task(`n-${i}`, { run: ["true"], resources: { cpus } });
  return built;
}

/** The same as one mapped task. */
export function mappedNoops(count: number, cpus: number): PipelineBuilder<string, string> {
  const values = Array.from({ length: count }, (_, i) => i);
  return pipeline("bench-map").task("n", { run: ["true"], resources: { cpus }, map: { i: values } });
}
