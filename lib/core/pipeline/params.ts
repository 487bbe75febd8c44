import type { Issue } from "../error.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { firstsAlike } from "./likeness.ts";
import { hint } from "./nearest.ts";
import { templatesOf } from "./render.ts";
import type { MapValues, PipelineSpec, Scalar, TaskSpec } from "./spec.ts";
import type { Reference, Template } from "./template.ts";
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
  // The pipeline was checked with its own.
  if (Object.keys(given).length === 0) return { ok: true, params };
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
  const paramBytes = paramSizes(params);
  const envBytes = paramEnvBytes(paramBytes);
  const firsts = firstsAlike(spec);
  for (const [i, task] of spec.tasks.entries()) {
    if (issues.length >= LIMITS.issues) break;
    // Its name is no part of it: but where the first is too large, all are.
    if (firsts[i] === task || issues.length > 0) checkTaskRendered(task, paramBytes, envBytes, issues);
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

/** The largest of the values, plain and quoted. */
function largest(values: readonly Scalar[]): Sizes {
  const most = { plain: 0, quoted: 0 };
  for (const value of values) {
    const { plain, quoted } = sizes(scalarText(value));
    most.plain = Math.max(most.plain, plain);
    most.quoted = Math.max(most.quoted, quoted);
  }
  return most;
}

/** What is known of a task only when it is about to start. */
interface Live {
  readonly map: ReadonlyMap<string, Sizes>;
  readonly result: (reference: Reference & { kind: "tasks" }) => string;
}

/** As checkRendered, for a task whose map or results are known by now; undefined: it fits. */
export function checkLive(
  task: TaskSpec,
  params: Readonly<Record<string, Scalar>>,
  values: MapValues | null,
  result: Live["result"],
): string | undefined {
  const as = task.flow.mapFrom?.as ?? [];
  const map = new Map(as.map((name, i) => [name, largest((values ?? []).filter((_, at) => at % as.length === i))]));
  const issues: Issue[] = [];
  checkTaskRendered(task, paramSizes(params), paramEnvBytes(paramSizes(params)), issues, { map, result });
  return issues[0]?.message;
}

function paramSizes(params: Readonly<Record<string, Scalar>>): ReadonlyMap<string, Sizes> {
  return new Map(Object.entries(params).map(([name, value]) => [name, sizes(scalarText(value))]));
}

function paramEnvBytes(params: ReadonlyMap<string, Sizes>): number {
  return [...params].reduce((sum, [name, { plain }]) => sum + plain + name.length + 13, 0);
}

function checkTaskRendered(
  task: TaskSpec,
  params: ReadonlyMap<string, Sizes>,
  paramEnv: number,
  issues: Issue[],
  live?: Live,
): void {
  const map = new Map<string, Sizes>();
  for (const { name, values } of task.map) map.set(name, largest(values));
  // Of a list that is known only at run time nothing can be said before.
  for (const name of task.flow.mapFrom?.as ?? []) map.set(name, live?.map.get(name) ?? { plain: 0, quoted: 0 });
  const sizeOf = (template: Template, kind: keyof Sizes): number =>
    template.pieces.reduce((sum, piece) => {
      if (piece.kind === "text") return sum + utf8Bytes(piece.text);
      const { reference } = piece;
      if (reference.kind === "params") return sum + (params.get(reference.name)?.[kind] ?? 0);
      if (reference.kind === "tasks") return sum + (live ? sizes(live.result(reference))[kind] : 0);
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
