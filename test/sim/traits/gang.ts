import type { PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import type { Chance } from "../chance.ts";
import { eachTask, isPlain } from "./task.ts";

/** Tasks of two members, which any two machines of a healed world can hold (see World). */
export function withGangs(spec: PipelineSpec, chance: Chance): PipelineSpec {
  return eachTask(spec, (task) => (chance.happens(0.5) && isPlain(task) ? { ...task, nodes: 2 } : task));
}
