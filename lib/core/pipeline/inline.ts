import type { Issue } from "../error.ts";
import { type CelName, compileCel, isFault } from "./cel.ts";
import { PLAIN_FLOW } from "./flow.ts";
import { hint } from "./nearest.ts";
import { bindParams } from "./params.ts";
import type { PipelineSpec, Run, Scalar, TaskSpec } from "./spec.ts";

/** What a parameter of an inlined pipeline is: a value, or one of the parameters of the pipeline that it stands in. */
export type Binding = { readonly value: Scalar } | { readonly param: string };

/** A pipeline that stands in the place of a task of another. */
export interface SubPipeline {
  readonly spec: PipelineSpec;
  readonly params: Readonly<Record<string, Binding>>;
}

/** New names of what an inlined pipeline calls its own. */
interface Names {
  readonly task: (name: string) => string;
  readonly param: (name: string) => string;
  /** All parameters, by the names they have inside. */
  readonly own: readonly string[];
}

/**
 * Puts the tasks of other pipelines before those that stand for them. Task `fit` of the pipeline at `train` becomes `train-fit`; its
 * parameter `depth` becomes the parameter `train-depth`, unless it is bound to one that is there. The names that its scripts use
 * ($WEFT_PARAM_DEPTH, {{ params.depth }}) mean the same as before.
 */
export function inlinePipelines(
  spec: PipelineSpec,
  subs: ReadonlyMap<string, SubPipeline>,
  issues: Issue[],
): PipelineSpec {
  if (subs.size === 0) return spec;
  const params: Record<string, Scalar> = { ...spec.params };
  const tasks = spec.tasks.flatMap((task): TaskSpec[] => {
    const sub = subs.get(task.name);
    if (!sub) return [task];
    const names = namesOf(task.name, sub, params, spec, issues);
    const inlined = sub.spec.tasks.map((inner) => place(inner, task, names));
    return [...inlined, joining(task, inlined)];
  });
  return { ...spec, params: sorted(params), tasks };
}

/** What is left of the task that stands for the pipeline: it ends when all of that has, and as that has. */
function joining(holder: TaskSpec, inlined: readonly TaskSpec[]): TaskSpec {
  return {
    ...holder,
    needs: inlined.map(({ name }) => name),
    flow: { ...PLAIN_FLOW, when: "always", join: true },
  };
}

function sorted(params: Readonly<Record<string, Scalar>>): Record<string, Scalar> {
  return Object.fromEntries(Object.entries(params).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Adds what parameters it has to those of the pipeline, and says what all its names become. */
function namesOf(
  prefix: string,
  sub: SubPipeline,
  params: Record<string, Scalar>,
  outer: PipelineSpec,
  issues: Issue[],
): Names {
  const path = ["tasks", prefix, "params"];
  const renamed = new Map<string, string>();
  for (const [name, value] of Object.entries(sub.spec.params)) {
    const binding = sub.params[name];
    if (binding && "param" in binding) {
      if (!Object.hasOwn(outer.params, binding.param)) {
        const message = `there is no parameter "${binding.param}"${hint(binding.param, Object.keys(outer.params))}`;
        issues.push({ path: [...path, name], message });
      }
      renamed.set(name, binding.param);
      continue;
    }
    const own = `${prefix}-${name}`;
    if (Object.hasOwn(params, own)) issues.push({ path, message: `parameter "${own}" is there already; rename one` });
    params[own] = binding ? binding.value : value;
    renamed.set(name, own);
  }
  const values = Object.entries(sub.params).map(([name, given]): [string, Scalar] => [
    name,
    "value" in given ? given.value : (sub.spec.params[name] ?? null),
  ]);
  const bound = bindParams(sub.spec, Object.fromEntries(values));
  if (!bound.ok)
    for (const issue of bound.issues) issues.push({ path: ["tasks", prefix, ...issue.path], message: issue.message });
  return { task: (name) => `${prefix}-${name}`, param: (name) => renamed.get(name) ?? name, own: [...renamed.keys()] };
}

/** One of its tasks, as a task of the pipeline that it stands in. */
function place(inner: TaskSpec, holder: TaskSpec, names: Names): TaskSpec {
  const isRoot = inner.needs.length === 0;
  // What would run whatever came before it must not run when the whole is not to.
  const guarded = isRoot || (inner.flow.when !== "succeeded" && !inner.flow.join);
  const own = renameCel(inner.flow.if, names);
  const conditions = [...(guarded ? [holder.flow.if, isRoot ? "" : began(holder)] : []), own].filter(
    (cel) => cel !== "",
  );
  const { mapFrom, rate, cache } = inner.flow;
  return {
    ...inner,
    name: names.task(inner.name),
    run: renameRun(inner.run, names),
    env: Object.fromEntries(Object.entries(inner.env).map(([name, text]) => [name, renameText(text, names)])),
    needs: [...new Set([...inner.needs.map(names.task), ...(guarded ? holder.needs : [])])],
    inputs: Object.fromEntries(
      Object.entries(inner.inputs).map(([name, { task, output }]) => [name, { task: names.task(task), output }]),
    ),
    ...(inner.sources
      ? {
          sources: Object.fromEntries(
            Object.entries(inner.sources).map(([name, source]) => [
              name,
              { ...source, from: renameText(source.from, names) },
            ]),
          ),
        }
      : {}),
    flow: {
      ...inner.flow,
      when: isRoot ? holder.flow.when : inner.flow.when,
      if: conditions.length > 1 ? conditions.map((cel) => `(${cel})`).join(" && ") : (conditions[0] ?? ""),
      mapFrom: mapFrom && { ...mapFrom, from: renameCel(mapFrom.from, names) },
      rate: rate && { ...rate, key: renameText(rate.key, names) },
      cache: cache && { ...cache, params: cache.params && cache.params.map(names.param) },
      aliases: inner.flow.join ? null : aliasesOf(inner, names),
    },
  };
}

/** That the tasks in front of the whole have ended as it wants. */
function began({ needs, flow }: TaskSpec): string {
  if (flow.when === "always") return "";
  const states = needs.map((name) => `tasks[${JSON.stringify(name)}].state == "${flow.when}"`);
  return states.join(flow.when === "failed" ? " || " : " && ");
}

/** Which parameter each variable has that the task knows by a name of its own. */
function aliasesOf(inner: TaskSpec, names: Names): TaskSpec["flow"]["aliases"] {
  const known = inner.flow.aliases ?? Object.fromEntries(names.own.map((name) => [name, name]));
  return Object.fromEntries(Object.entries(known).map(([name, param]) => [name, names.param(param)]));
}

function renameRun(run: Run, names: Names): Run {
  if (run.kind === "script") return { kind: "script", script: renameText(run.script, names) };
  return { kind: "command", argv: run.argv.map((arg) => renameText(arg, names)) };
}

/** In `{{ … }}`. */
function renameText(text: string, names: Names): string {
  if (!text.includes("{{")) return text;
  return text
    .replaceAll(
      /(\{\{\s*params\s*\.\s*)([A-Za-z][A-Za-z0-9_-]*)(?=\s*\}\})/g,
      (_, head: string, name: string) => head + names.param(name),
    )
    .replaceAll(
      /(\{\{\s*tasks\s*\.\s*)([A-Za-z][A-Za-z0-9_-]*)(?=\.result)/g,
      (_, head: string, name: string) => head + names.task(name),
    );
}

function renameCel(expression: string, names: Names): string {
  if (expression === "") return "";
  const program = compileCel(expression);
  // It was checked before.
  if (isFault(program)) return expression;
  const places = program.names.toSorted((a, b) => b.start - a.start);
  return places.reduce((text, at) => text.slice(0, at.start) + renamed(at, names) + text.slice(at.end), expression);
}

function renamed({ root, name, optional }: CelName, names: Names): string {
  const now = root === "tasks" ? names.task(name) : names.param(name);
  return `${root}[${optional ? "?" : ""}${JSON.stringify(now)}]`;
}
