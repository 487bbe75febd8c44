import type { PipelineSpec, TaskSpec } from "../../../lib/core/pipeline/spec.ts";
import { RESULT } from "../variable.ts";
import type { Chance } from "../chance.ts";
import { eachTask } from "./task.ts";

/** What their processes write: a list of so many, no list at all, or nothing. */
const RESULTS = ["list:0", "list:1", "list:3", "list:5", "text", ""] as const;

/** Conditions and lists over the results of what was before, tasks for when something fails, failures that are tolerated. */
export function withFlow(spec: PipelineSpec, chance: Chance): PipelineSpec {
  const results = eachTask(spec, (task) => ({
    ...task,
    env: { ...task.env, [RESULT]: chance.pick(RESULTS) },
  }));
  return eachTask(results, (task) => {
    const [need] = task.needs;
    if (need === undefined || !chance.happens(0.6)) return task;
    return laid(task, need, chance);
  });
}

function laid(task: TaskSpec, need: string, chance: Chance): TaskSpec {
  const { flow } = task;
  switch (chance.whole(0, 4)) {
    case 0:
      return { ...task, flow: { ...flow, if: `size(tasks.${need}.succeeded) > ${chance.whole(0, 1)}` } };
    case 1:
      // Of a text, or of nothing, there is no size.
      return { ...task, flow: { ...flow, if: `size(tasks.${need}.result) > 0` } };
    case 2:
      return {
        ...task,
        map: [],
        flow: { ...flow, tolerate: { count: 0, share: 0 }, mapFrom: { from: `tasks.${need}.result`, as: ["item"] } },
      };
    case 3:
      return { ...task, flow: { ...flow, tolerate: { count: 0, share: 0.5 } } };
    default:
      return { ...task, flow: { ...flow, when: chance.pick(["always", "failed"] as const) } };
  }
}
