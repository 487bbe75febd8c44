import type { PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import { asks, mapOver } from "../../support/build.ts";
import { FAILS, LASTS } from "../variable.ts";
import type { Chance } from "../chance.ts";
import { eachTask } from "./task.ts";

/** One job in some has a task of hundreds of short instances, as go to nodes many at a time and ahead of room. */
export function withLargeMap(spec: PipelineSpec, chance: Chance): PipelineSpec {
  if (!chance.happens(0.12)) return spec;
  const count = Math.round(chance.scaled(50, 600));
  const chosen = chance.whole(0, spec.tasks.length - 1);
  return eachTask(spec, (task, number) =>
    number === chosen
      ? {
          ...task,
          map: mapOver(count),
          resources: asks(chance.pick([0.1, 0.25, 1])),
          env: { [FAILS]: chance.pick(["0", "0", "0.05"]), [LASTS]: chance.pick(["5", "50", "50", "200"]) },
          flow: { ...task.flow, tolerate: { count: 0, share: chance.pick([0, 0.2]) } },
        }
      : task,
  );
}
