import type { PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import { flow, retriesOf, task } from "../../support/build.ts";
import type { Chance } from "../chance.ts";
import { eachTask } from "./task.ts";

/** People who may be asked. */
export const APPROVERS = ["ann", "bob", "cid"] as const;
export const APPROVAL = "approval";

/** A task asks somebody, and some of the others wait for the word. */
export function withApprovals(spec: PipelineSpec, chance: Chance): PipelineSpec {
  const after = spec.tasks.filter(() => chance.happens(0.3)).slice(0, 1);
  const behind = new Set(after.map(({ name }) => name));
  const ask = task(APPROVAL, {
    run: { kind: "command", argv: [] },
    needs: [...behind],
    retries: retriesOf({ backoffMs: 1, backoffMsMax: 1 }),
    resources: { cpuMillis: 1, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
    flow: flow({
      approve: {
        by: chance.happens(0.5) ? [chance.pick(APPROVERS)] : [],
        timeoutMs: Math.round(chance.scaled(1_000, 90_000)),
        message: "",
      },
      when: behind.size > 0 && chance.happens(0.3) ? "always" : "succeeded",
    }),
  });
  const first = spec.tasks.findIndex(({ name }) => behind.has(name));
  const waiting = eachTask(spec, (one, number) =>
    number > first && !one.service && chance.happens(0.5) ? { ...one, needs: [...one.needs, APPROVAL] } : one,
  );
  return { ...waiting, tasks: [...waiting.tasks, ask] };
}
