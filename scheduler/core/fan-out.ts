import type { Json } from "../../lib/core/json.ts";
import { LIMITS } from "../../lib/core/pipeline/limits.ts";
import { resultText } from "../../lib/core/pipeline/render.ts";
import { instanceCount, type MapValues, type Scalar } from "../../lib/core/pipeline/spec.ts";
import { checkScalar } from "../../lib/core/pipeline/value.ts";
import type { Job, JobTask } from "./state.ts";

export type FanOut =
  | { readonly ok: true; readonly values: MapValues; readonly count: number }
  | { readonly ok: false; readonly message: string };

/** The instances that a list, known only now, gives a task. */
export function fanOut(task: JobTask, list: Json): FanOut {
  const { as } = task.spec.flow.mapFrom!;
  if (!Array.isArray(list)) return refuse(`it gives ${kindOf(list)}; a list would be right`);
  const elements = list as readonly Json[];
  if (elements.length > LIMITS.instancesPerTask)
    return refuse(`it gives a list of ${elements.length}; at most ${LIMITS.instancesPerTask} instances are allowed`);
  const others = instancesOf(task.job) - task.count;
  const count = elements.length * task.spec.nodes;
  if (others + count > LIMITS.instancesPerJob)
    return refuse(
      `its list of ${elements.length} (${count} instances) and the ${others} other instances of the job are more than ${LIMITS.instancesPerJob}`,
    );
  const values: Scalar[] = [];
  for (const [index, element] of elements.entries()) {
    for (const name of as) {
      const value = as.length === 1 ? element : fieldOf(element, name);
      if (value === undefined)
        return refuse(
          `element ${index} is ${kindOf(element)} without a field "${name}" (they are given names by "as")`,
        );
      const scalar = typeof value === "object" && value !== null ? resultText(value) : (value as Scalar);
      const wrong = checkScalar(scalar);
      if (wrong) return refuse(`element ${index} ${wrong}`);
      values.push(scalar);
    }
  }
  return { ok: true, values, count };
}

const refuse = (message: string): FanOut => ({ ok: false, message });

function instancesOf(job: Job): number {
  return job.tasks.reduce((sum, { spec, count, values }) => sum + (values ? count : instanceCount(spec)), 0);
}

function fieldOf(element: Json, name: string): Json | undefined {
  if (typeof element !== "object" || element === null || Array.isArray(element)) return undefined;
  return Object.hasOwn(element, name) ? (element as Readonly<Record<string, Json>>)[name] : undefined;
}

function kindOf(value: Json): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "a map";
  const text = JSON.stringify(value);
  return text.length <= 60 ? `${text}` : `a text of ${text.length} characters`;
}
