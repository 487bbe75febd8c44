import type { PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import { asks, retriesOf, task } from "../../support/build.ts";
import { FAILS, LASTS } from "../variable.ts";
import type { Chance } from "../chance.ts";

/** Some jobs have many short tasks that differ in name only, as go to nodes in bundles, and one that waits for some of them. */
export function withAlike(spec: PipelineSpec, chance: Chance): PipelineSpec {
  if (!chance.happens(0.3)) return spec;
  const parts = {
    retries: retriesOf({ limit: 2, backoffMs: 100, backoffMsMax: 1_000 }),
    resources: asks(chance.pick([0.1, 0.25, 1])),
    env: { [FAILS]: chance.pick(["0", "0", "0.05"]), [LASTS]: chance.pick(["5", "50", "50", "200"]) },
  };
  const names = Array.from({ length: Math.round(chance.scaled(8, 120)) }, (_, i) => `alike${i}`);
  const needs = names.filter(() => chance.happens(0.2));
  return {
    ...spec,
    tasks: [...spec.tasks, ...names.map((name) => task(name, parts)), task("after-alike", { ...parts, needs })],
  };
}
