import type { Issue } from "../error.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { hint } from "./nearest.ts";
import { templatesOf } from "./render.ts";
import type { PipelineSpec, Scalar, TaskSpec } from "./spec.ts";
import type { Template } from "./template.ts";
import { checkScalar, scalarText } from "./value.ts";

export type Bound =
  | { readonly ok: true; readonly params: Readonly<Record<string, Scalar>> }
  | { readonly ok: false; readonly issues: Issue[] };

/**
 * The parameters of one job: the pipeline's, with those given laid over them. Only declared parameters can be given, and what
 * they make of scripts and variables must stay within the limits, because nobody is there to be told once a task starts.
 */
export function bindParams(spec: PipelineSpec, given: Readonly<Record<string, Scalar>>): Bound {
  const issues: Issue[] = [];
  for (const [name, value] of Object.entries(given)) {
    const path = ["params", name];
    if (!Object.hasOwn(spec.params, name)) {
      const known = Object.keys(spec.params);
      const none = known.length === 0 ? "; it declares none" : hint(name, known);
      issues.push({ path, message: `pipeline "${spec.name}" has no parameter "${name}"${none}` });
      continue;
    }
    const wrong = checkScalar(value) ?? wrongType(spec.params[name] as Scalar, value);
    if (wrong !== undefined) issues.push({ path, message: `parameter "${name}" ${wrong}` });
  }
  if (issues.length > 0) return { ok: false, issues: issues.slice(0, LIMITS.issues) };
  const params = { ...spec.params, ...given };
  const large = checkRendered(spec, params);
  return large.length > 0 ? { ok: false, issues: large } : { ok: true, params };
}

/** The default says what a parameter is: a number is not replaced by a word. Null says nothing. */
function wrongType(declared: Scalar, value: Scalar): string | undefined {
  if (declared === null || value === null || typeof declared === typeof value || typeof declared === "string")
    return undefined;
  return `is ${JSON.stringify(value)}; its default is ${JSON.stringify(declared)}, so a ${typeof declared} would be right`;
}

/** `{{ … }}` can make a script longer than a process may be given: the longest that each instance could get. */
export function checkRendered(spec: PipelineSpec, params: Readonly<Record<string, Scalar>>): Issue[] {
  const issues: Issue[] = [];
  const paramBytes = new Map(Object.entries(params).map(([name, value]) => [name, sizes(scalarText(value))]));
  const envBytes = [...paramBytes].reduce((sum, [name, { plain }]) => sum + plain + name.length + 13, 0);
  for (const task of spec.tasks) {
    if (issues.length >= LIMITS.issues) break;
    checkTaskRendered(task, paramBytes, envBytes, issues);
  }
  return issues;
}

/** inputs/NAME/FILE, quoted: a name has 63 bytes and a file system gives 255 to a file's name. */
const INPUT_PATH_BYTES_MAX = 7 + 63 + 1 + 255 + 4;

interface Sizes {
  readonly plain: number;
  readonly quoted: number;
}

function sizes(text: string): Sizes {
  const plain = utf8Bytes(text);
  return { plain, quoted: plain + 4 + 3 * (text.split("'").length - 1) };
}

function checkTaskRendered(
  task: TaskSpec,
  params: ReadonlyMap<string, Sizes>,
  paramEnv: number,
  issues: Issue[],
): void {
  const map = new Map(
    task.map.map(({ name, values }) => {
      const each = values.map((value) => sizes(scalarText(value)));
      return [name, { plain: Math.max(...each.map((s) => s.plain)), quoted: Math.max(...each.map((s) => s.quoted)) }];
    }),
  );
  const sizeOf = (template: Template, kind: keyof Sizes): number =>
    template.pieces.reduce((sum, piece) => {
      if (piece.kind === "text") return sum + utf8Bytes(piece.text);
      const { reference } = piece;
      if (reference.kind === "params") return sum + (params.get(reference.name)?.[kind] ?? 0);
      if (reference.kind === "map") return sum + (map.get(reference.name)?.[kind] ?? 0);
      if (reference.kind === "outputs") return sum + 4 + utf8Bytes(task.outputs[reference.name] ?? "");
      return sum + (reference.kind === "inputs" ? INPUT_PATH_BYTES_MAX : 20);
    }, 0);
  const templates = templatesOf(task);
  const script = task.run.kind === "script";
  const run = templates.run.reduce((sum, template) => sum + sizeOf(template, script ? "quoted" : "plain") + 1, 0);
  const runMax = script ? LIMITS.scriptRenderedBytes : LIMITS.commandBytes;
  const report = (key: string, what: string, bytes: number, max: number): void => {
    const message = `${what} of task "${task.name}" can have ${bytes} bytes once the values are put in; at most ${max} are allowed (pass large values in files)`;
    issues.push({ path: ["tasks", task.name, key], message });
  };
  if (run > runMax) report("run", script ? "the script" : "the command", run, runMax);
  const env =
    paramEnv +
    [...map].reduce((sum, [name, { plain }]) => sum + plain + name.length + 11, 0) +
    templates.env.reduce((sum, [name, template]) => sum + name.length + 2 + sizeOf(template, "plain"), 0);
  if (env > LIMITS.envBytes) report("env", "the variables (its own, parameters and map values)", env, LIMITS.envBytes);
}
