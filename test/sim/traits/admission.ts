import { POLICIES } from "../../../lib/core/pipeline/admission.ts";
import { instanceCount, type PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import type { Chance } from "../chance.ts";
import { eachTask, isPlain } from "./task.ts";

/** So many a rate lets start within a minute or two. */
const RATED_INSTANCES_MAX = 10;

/** Jobs that exclude each other, and starts that are so many in a time. One limit a key, so that it is plain what holds. */
export function withAdmission(spec: PipelineSpec, chance: Chance): PipelineSpec {
  const group = chance.pick(["", "", "one", "two"]);
  const limited = eachTask(spec, (task) =>
    chance.happens(0.3) && isPlain(task) && instanceCount(task) <= RATED_INSTANCES_MAX
      ? { ...task, flow: { ...task.flow, rate: { limit: 2, perMs: 3_000, key: "starts" } } }
      : task,
  );
  const isRated = chance.happens(0.3);
  return {
    ...limited,
    ...(group === "" ? {} : { concurrency: { group, policy: chance.pick(POLICIES), limit: group === "one" ? 1 : 2 } }),
    ...(isRated ? { rate: { limit: 2, perMs: 8_000, key: "jobs" } } : {}),
  };
}
