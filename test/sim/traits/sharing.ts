import type { PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import type { Chance } from "../chance.ts";
import { eachTask } from "./task.ts";

export const PROJECTS = ["default", "lab", "shop"] as const;

/** Jobs of several projects, with work that may be stopped for others and goes on from its checkpoint. */
export function withSharing(spec: PipelineSpec, chance: Chance): PipelineSpec {
  const tasks = eachTask(spec, (task) => {
    const preemptible = chance.happens(0.6);
    return { ...task, preemptible, checkpoint: chance.happens(0.4) && task.flow.cache === null };
  });
  return { ...tasks, project: chance.pick(PROJECTS) };
}
