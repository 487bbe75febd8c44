import type { JobId } from "../ids.ts";
import type { Json } from "../json.ts";
import { tasksByName } from "./graph.ts";
import { outsideFileName, readOutside } from "./outside.ts";
import {
  isMapped,
  mapNames,
  type MapValues,
  mapValues,
  type PipelineSpec,
  type Run,
  type Scalar,
  type SourceSpec,
  type TaskSpec,
} from "./spec.ts";
import { parseTemplate, renderTemplate, variableName, type Reference, type Template } from "./template.ts";
import { scalarText } from "./value.ts";

export interface RenderContext {
  readonly job: JobId;
  readonly pipeline: PipelineSpec;
  /** Those of the job: the pipeline's, with the submitter's laid over them. */
  readonly params: Readonly<Record<string, Scalar>>;
  readonly task: TaskSpec;
  readonly index: number;
  readonly attempt: number;
  /** Of a list that was known only at run time. */
  readonly mapValues?: MapValues | null;
  /** Of the tasks that it needs, by name. */
  readonly results?: ReadonlyMap<string, Json>;
}

export interface Rendered {
  readonly run: Run;
  /** WEFT_PARAM_…, WEFT_MAP_… and the task's own. */
  readonly env: Record<string, string>;
}

interface TaskTemplates {
  readonly run: readonly Template[];
  readonly env: readonly (readonly [string, Template])[];
}

const parsed = new WeakMap<TaskSpec, TaskTemplates>();
const paramEnvs = new WeakMap<Readonly<Record<string, Scalar>>, readonly (readonly [string, string])[]>();

/** Parsed once for the instances of a mapped task, which differ in values alone; any other is run once, and not kept. */
export function templatesOf(task: TaskSpec): TaskTemplates {
  if (!isMapped(task)) return parseTask(task);
  let templates = parsed.get(task);
  if (!templates) {
    templates = parseTask(task);
    parsed.set(task, templates);
  }
  return templates;
}

function parseTask({ run, env }: TaskSpec): TaskTemplates {
  return {
    run: run.kind === "script" ? [parseTemplate(run.script, true)] : run.argv.map((arg) => parseTemplate(arg, false)),
    env: Object.entries(env).map(([name, value]) => [name, parseTemplate(value, false)] as const),
  };
}

/** What one attempt runs, and with which variables: no `{{ … }}` is left. The pipeline must have been checked. */
export function renderTask(context: RenderContext): Rendered {
  const { task } = context;
  const map = mapValues(task, context.index, context.mapValues);
  const valueOf = (reference: Reference): string => resolve(reference, context, map);
  const templates = templatesOf(task);
  const run: Run =
    task.run.kind === "script"
      ? { kind: "script", script: renderTemplate(templates.run[0]!, true, valueOf) }
      : { kind: "command", argv: templates.run.map((template) => renderTemplate(template, false, valueOf)) };
  const env = Object.fromEntries([
    ...paramEnv(context.params),
    ...aliasEnv(task, context.params),
    ...Object.entries(map).map(([name, value]) => [`WEFT_MAP_${variableName(name)}`, scalarText(value)] as const),
    ...templates.env.map(([name, template]) => [name, renderTemplate(template, false, valueOf)] as const),
  ]);
  return { run, env };
}

function aliasEnv({ flow }: TaskSpec, params: RenderContext["params"]): (readonly [string, string])[] {
  if (!flow.aliases) return [];
  return Object.entries(flow.aliases).map(([name, param]) => [
    `WEFT_PARAM_${variableName(name)}`,
    scalarText(own(params, param)),
  ]);
}

/**
 * What differs between the instances from `context.index` on, `count` of them, as message parts have it: variables by name
 * (element i is of instance index + i), and what each runs, null when all run the same.
 */
export function renderAlike(
  context: RenderContext,
  count: number,
): { readonly env: Record<string, string[]>; readonly runs: Run[] | null } {
  const { task, index } = context;
  const templates = templatesOf(task);
  const own = new Map(templates.env.map(([name, template]) => [name, varies(template)]));
  const names = mapNames(task)
    .map((name) => `WEFT_MAP_${variableName(name)}`)
    .filter((name) => !own.has(name));
  const varying = [...names, ...[...own].flatMap(([name, does]) => (does ? [name] : []))];
  const env: Record<string, string[]> = Object.fromEntries(varying.map((name) => [name, []]));
  if (varying.length === names.length && !templates.run.some(varies)) {
    for (let i = 0; i < count; i += 1) {
      const map = mapValues(task, index + i, context.mapValues);
      for (const [name, value] of Object.entries(map)) env[`WEFT_MAP_${variableName(name)}`]?.push(scalarText(value));
    }
    return { env, runs: null };
  }
  const rendered = Array.from({ length: count }, (_, i) => renderTask({ ...context, index: index + i }));
  for (const name of varying) env[name] = rendered.map((one) => one.env[name]!);
  return { env, runs: templates.run.some(varies) ? rendered.map(({ run }) => run) : null };
}

/** What the instances from `context.index` on run, `count` of them; one when all run the same. */
export function renderRuns(context: RenderContext, count: number): Run[] {
  const differ = templatesOf(context.task).run.some(varies);
  return Array.from({ length: differ ? count : 1 }, (_, i) => renderTask({ ...context, index: context.index + i }).run);
}

function varies({ pieces }: Template): boolean {
  return pieces.some(({ kind, ...piece }) => {
    const of = "reference" in piece ? piece.reference.kind : kind;
    return of === "map" || of === "task.index";
  });
}

function paramEnv(params: Readonly<Record<string, Scalar>>): readonly (readonly [string, string])[] {
  let entries = paramEnvs.get(params);
  if (!entries) {
    entries = Object.entries(params).map(([name, value]) => [`WEFT_PARAM_${variableName(name)}`, scalarText(value)]);
    paramEnvs.set(params, entries);
  }
  return entries;
}

function resolve(reference: Reference, context: RenderContext, map: Readonly<Record<string, Scalar>>): string {
  switch (reference.kind) {
    case "params":
      return scalarText(own(context.params, reference.name));
    case "map":
      return scalarText(own(map, reference.name));
    case "inputs":
      return inputPath(context.pipeline, context.task, reference.name);
    case "outputs":
      return own(context.task.outputs, reference.name).replace(/\/$/, "");
    case "tasks": {
      const found = resultAt(context.results?.get(reference.name), reference.path);
      if (found === undefined) throw new Error(`task "${reference.name}" has no such result; it was not checked`);
      return resultText(found);
    }
    case "job.id":
      return context.job;
    case "task.index":
      return String(context.index);
    case "task.attempt":
      return String(context.attempt);
  }
}

/** What lies in a result at the path; undefined: nothing does. Elements of a list are named by their number. */
export function resultAt(result: Json | undefined, path: readonly string[]): Json | undefined {
  let at = result;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name) || name === "length") return undefined;
    at = (at as Readonly<Record<string, Json>>)[name];
  }
  return at;
}

/** How a task sees it: scalars as ever, the rest as JSON. */
export function resultText(value: Json): string {
  return typeof value === "object" ? JSON.stringify(value) : scalarText(value);
}

/** Names like "constructor" are allowed, so only own properties count. */
function own<T>(record: Readonly<Record<string, T>>, name: string): T {
  if (!Object.hasOwn(record, name)) throw new Error(`"${name}" is not known here; the pipeline was not checked`);
  return record[name] as T;
}

/** Where an input lies in the workspace: the file or folder, or the folder of one entry an instance of a mapped producer. */
export function inputPath(pipeline: PipelineSpec, task: TaskSpec, name: string): string {
  const source = task.sources && Object.hasOwn(task.sources, name) ? task.sources[name] : undefined;
  if (source) return `inputs/${name}/${sourceFileName(source, name)}`;
  const input = own(task.inputs, name);
  const producer = tasksByName(pipeline).get(input.task);
  if (!producer) throw new Error(`task "${input.task}" is not in the pipeline; it was not checked`);
  const folder = `inputs/${name}`;
  return isMapped(producer) ? folder : `${folder}/${fileNameOf(own(producer.outputs, input.output))}`;
}

/** What an input from outside is called below its folder. The job must have been accepted. */
export function sourceFileName(source: SourceSpec, name: string): string {
  if (source.pin) return source.pin.fileName;
  const read = readOutside(source.from);
  if (!read.ok) throw new Error(`input "${name}" ${read.message}; it was not checked`);
  return outsideFileName(read.outside, name);
}

/** Last part of an output's path, without "/": "out/model/" → "model". */
export function fileNameOf(outputPath: string): string {
  return outputPath.replace(/\/$/, "").split("/").at(-1)!;
}
