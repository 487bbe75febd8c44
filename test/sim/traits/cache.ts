import type { PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import type { Chance } from "../chance.ts";
import { FAILS, LASTS } from "../variable.ts";
import { asks, mapOver } from "../../support/build.ts";
import { eachTask, isPlain } from "./task.ts";

/** Tasks that are the same in many jobs, so that the result of one does for another. */
export function withCache(spec: PipelineSpec, chance: Chance): PipelineSpec {
  return eachTask(spec, (task) => {
    if (!chance.happens(0.5) || !isPlain(task)) return task;
    const { flow } = task;
    const cache = { ttlMs: chance.pick([0, 0, 20_000]), params: null };
    return {
      ...task,
      checkpoint: false,
      map: task.map.length > 0 ? mapOver(3) : [],
      resources: asks(1),
      alternatives: [],
      env: { [FAILS]: chance.pick(["0", "0.3"]), [LASTS]: "500" },
      flow: { ...flow, cache, tolerate: { count: 0, share: 0 } },
    };
  });
}
