import type { PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import { asks, retriesOf, task } from "../../support/build.ts";
import { LASTS } from "../variable.ts";
import type { Chance } from "../chance.ts";
import { eachTask } from "./task.ts";

export const SERVICE = "service";

/** A service that some of the tasks need. It ends by itself now and then, and comes up again as its policy says. */
export function withServices(spec: PipelineSpec, chance: Chance): PipelineSpec {
  const service = task(SERVICE, {
    resources: asks(chance.pick([0.25, 0.5])),
    stopGraceMs: 1_000,
    retries: retriesOf({ backoffMs: 1, backoffMsMax: 1, crashes: 20 }),
    preemptible: chance.happens(0.2),
    timeoutMs: chance.happens(0.1) ? 20_000 : 0,
    env: { [LASTS]: String(chance.pick([2_000, 20_000, 100_000])) },
    service: {
      port: 9000,
      readiness: null,
      liveness: null,
      restart: chance.pick(["always", "onFailure", "onFailure", "never"] as const),
      backoffMs: 200,
      backoffMsMax: 2_000,
    },
  });
  const served = eachTask(spec, (one) =>
    one.flow.when === "succeeded" && !one.flow.approve && chance.happens(0.5)
      ? { ...one, needs: [...one.needs, SERVICE] }
      : one,
  );
  return { ...served, tasks: [...served.tasks, service] };
}
