import type { Json } from "../../lib/core/json.ts";
import { compileCel, evaluateCel, type CelValue, isFault } from "../../lib/core/pipeline/cel.ts";
import { templatesOf } from "../../lib/core/pipeline/render.ts";
import { isMapped, type TaskSpec } from "../../lib/core/pipeline/spec.ts";
import { EMPTY_MAP } from "./outcome.ts";
import { hasIndex } from "./span.ts";
import type { JobTask } from "./state.ts";

/** Of one task's results together, kept in memory for expressions, as JSON characters. More, and they cannot be used. */
export const RESULTS_CHARS_MAX = 32 * 1024 * 1024;

/** The tasks whose results the task reads, in its expressions and templates. */
export function readsResultsOf(spec: TaskSpec): readonly string[] {
  const { if: condition, mapFrom } = spec.flow;
  const names = [condition, mapFrom?.from ?? ""].flatMap(namesIn);
  if (!mentionsResults(spec)) return names;
  return [...names, ...referencesOf(spec).map(({ name }) => name)];
}

/** Looked at before the templates are read: of a job of 100,000 tasks nearly none says so. */
export function mentionsResults({ run, env }: TaskSpec): boolean {
  const texts = run.kind === "script" ? [run.script] : run.argv;
  const mentions = (text: string): boolean => text.includes("{{") && text.includes(".result");
  return texts.some(mentions) || Object.values(env).some(mentions);
}

export function referencesOf(spec: TaskSpec): { readonly name: string; readonly path: readonly string[] }[] {
  const templates = templatesOf(spec);
  return [...templates.run, ...templates.env.map(([, template]) => template)].flatMap((template) =>
    template.pieces.flatMap((piece) =>
      piece.kind === "value" && piece.reference.kind === "tasks" ? [piece.reference] : [],
    ),
  );
}

function namesIn(expression: string): string[] {
  if (expression === "") return [];
  const program = compileCel(expression);
  return isFault(program) ? [] : program.names.flatMap(({ root, name }) => (root === "tasks" ? [name] : []));
}

/** The value of one of the task's expressions, once all that it needs has ended. */
export function evaluate(task: JobTask, expression: string): CelValue {
  const tasks: Record<string, Json> = {};
  for (const name of new Set(namesIn(expression))) {
    const need = task.needs.find(({ spec }) => spec.name === name);
    if (!need) return { ok: false, message: `task ${name} is not among what ${task.spec.name} needs` };
    if (need.resultChars > RESULTS_CHARS_MAX) return { ok: false, message: tooLarge(need) };
    tasks[name] = viewOf(need);
  }
  return evaluateCel(expression, { params: task.job.params, tasks });
}

export function tooLarge(task: JobTask): string {
  return `the results of ${task.spec.name} have more than ${RESULTS_CHARS_MAX} characters of JSON together; pass large data as outputs`;
}

/** What expressions see of a task that has ended. */
function viewOf(task: JobTask): Json {
  const succeeded: number[] = [];
  const failed: number[] = [];
  for (let index = 0; index < task.count; index += 1) {
    const held = task.instances?.get(index)?.state;
    if (!held && hasIndex(task.done, index)) succeeded.push(index);
    if (held?.kind !== "ended") continue;
    if (held.as === "succeeded") succeeded.push(index);
    if (held.as === "failed") failed.push(index);
  }
  const isEmpty = task.instances?.get(0)?.reason === EMPTY_MAP;
  return {
    state: task.outcome === "blocked" ? "skipped" : task.outcome,
    count: isEmpty ? 0 : task.count,
    succeeded,
    failed,
    result: isEmpty ? [] : resultOf(task),
  };
}

/** Of a task that is mapped a list, in the order of its map, with null where none was written. Of a gang that of rank 0. */
export function resultOf(task: JobTask): Json {
  const of = (index: number): Json => {
    const held = task.instances?.get(index)?.state;
    return held?.kind === "ended" ? held.result : null;
  };
  const { nodes } = task.spec;
  if (!isMapped(task.spec)) return of(0);
  return Array.from({ length: task.count / nodes }, (_, element) => of(element * nodes));
}
