import type { Issue } from "../error.ts";
import { checkConcurrency, checkRate } from "./admission.ts";
import { findCycle, tasksByName } from "./graph.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { PLAIN_FLOW } from "./flow.ts";
import { firstsAlike } from "./likeness.ts";
import { hint } from "./nearest.ts";
import { checkNotify } from "./notify.ts";
import { checkRendered } from "./params.ts";
import { checkServiceEdges } from "./service.ts";
import { instanceCount, type PipelineSpec, type TaskSpec } from "./spec.ts";
import { checkName, checkTask, checkVariables } from "./task-rules.ts";
import { checkTriggers } from "./trigger-rules.ts";
import { checkScalar, scalarText } from "./value.ts";

/** Everything that is wrong with a pipeline, each with its path; empty: it can be accepted. At most LIMITS.issues. */
export function checkPipeline(spec: PipelineSpec): Issue[] {
  const issues: Issue[] = [];
  const add = (path: readonly (string | number)[], message: string): number => issues.push({ path, message });
  if (spec.tasks.length === 0) add(["tasks"], "the pipeline has no tasks; give at least one");
  if (spec.tasks.length > LIMITS.tasks) {
    // Nothing else is looked at: it would take as long as the pipeline is wrong.
    return [
      {
        path: ["tasks"],
        message: `the pipeline has ${spec.tasks.length} tasks; at most ${LIMITS.tasks} are allowed (a map makes many instances of one task)`,
      },
    ];
  }
  checkName(spec.name, "pipeline", ["pipeline"], add);
  checkName(spec.project, "project", ["project"], add);
  if (!(Number.isInteger(spec.priority) && Math.abs(spec.priority) <= LIMITS.priority))
    add(["priority"], `priority is ${spec.priority}; -${LIMITS.priority} to ${LIMITS.priority} would be right`);
  checkParams(spec, add);
  if (spec.concurrency) checkConcurrency(spec.concurrency, Object.keys(spec.params), add);
  if (spec.rate) checkRate(spec.rate, Object.keys(spec.params), add);
  const seen = new Set<string>();
  const firsts = firstsAlike(spec);
  const isGood = new Set<TaskSpec>();
  for (const [i, task] of spec.tasks.entries()) {
    if (issues.length >= LIMITS.issues) break;
    if (seen.has(task.name)) add(["tasks", task.name], `task "${task.name}" is defined twice; rename one`);
    seen.add(task.name);
    const before = issues.length;
    if (isGood.has(firsts[i]!)) checkName(task.name, "task", ["tasks", task.name], add);
    else checkTask(spec, task, issues);
    // What its templates and expressions name must be among its own needs.
    if (firsts[i] === task && issues.length === before && isApartFromNeeds(task)) isGood.add(task);
    checkEdges(spec, task, issues);
  }
  const cycle = findCycle(spec.tasks);
  if (cycle) {
    const message =
      cycle.length === 2
        ? `task "${cycle[0]}" needs itself`
        : `the tasks need each other in a circle: ${cycle.join(" → ")}`;
    add(["tasks", cycle[0]!, "needs"], `${message}; take one of the needs away`);
  }
  checkTotals(spec, add);
  checkTriggers(spec, issues);
  checkNotify(spec, issues);
  if (issues.length === 0) issues.push(...checkRendered(spec, spec.params));
  return issues.slice(0, LIMITS.issues);
}

/** Nothing of it but its edges depends on what it needs. */
function isApartFromNeeds(task: TaskSpec): boolean {
  const { run, env, flow } = task;
  const texts = run.kind === "script" ? [run.script] : run.argv;
  return flow === PLAIN_FLOW && ![...texts, ...Object.values(env)].some((text) => text.includes("{{"));
}

function checkParams(spec: PipelineSpec, add: (path: readonly (string | number)[], message: string) => number): void {
  const names = Object.keys(spec.params);
  if (names.length > LIMITS.params)
    add(["params"], `has ${names.length} parameters; at most ${LIMITS.params} are allowed`);
  checkVariables(names, "parameter", ["params"], add);
  for (const [name, value] of Object.entries(spec.params)) {
    const wrong = checkScalar(value);
    if (wrong) add(["params", name], `parameter "${name}" ${wrong}`);
  }
}

/** What the task needs of others: do they exist, and do they make what it takes? */
function checkEdges(spec: PipelineSpec, task: TaskSpec, issues: Issue[]): void {
  const tasks = tasksByName(spec);
  const add = (path: readonly (string | number)[], message: string): number =>
    issues.push({ path: ["tasks", task.name, ...path], message });
  const others = (): string[] => spec.tasks.map(({ name }) => name).filter((name) => name !== task.name);
  if (task.needs.length > LIMITS.needsPerTask)
    add(["needs"], `needs ${task.needs.length} tasks; at most ${LIMITS.needsPerTask} are allowed`);
  const isOfInput = (need: string): boolean => Object.values(task.inputs).some((input) => input.task === need);
  for (let i = 0; i < task.needs.length; i += 1) {
    if (issues.length >= LIMITS.issues) return;
    const need = task.needs[i]!;
    if (!tasks.has(need) && !isOfInput(need))
      add(["needs", i], `task "${task.name}" needs "${need}", which does not exist${hint(need, others())}`);
  }
  checkServiceEdges(task, tasks, add);
  let artifacts = Object.keys(task.sources ?? {}).length;
  for (const [name, input] of Object.entries(task.inputs)) {
    if (issues.length >= LIMITS.issues) return;
    const producer = tasks.get(input.task);
    if (!producer) {
      add(
        ["inputs", name],
        `input "${name}" comes from task "${input.task}", which does not exist${hint(input.task, others())}`,
      );
      continue;
    }
    artifacts += instanceCount(producer);
    if (Object.hasOwn(producer.outputs, input.output)) continue;
    const outputs = Object.keys(producer.outputs);
    const known = outputs.length === 0 ? "; it declares no outputs" : hint(input.output, outputs);
    add(["inputs", name], `task "${input.task}" has no output "${input.output}"${known}`);
  }
  if (artifacts > LIMITS.inputsPerInstance) {
    add(
      ["inputs"],
      `task "${task.name}" takes ${artifacts} artifacts from mapped tasks; at most ${LIMITS.inputsPerInstance} are allowed (gather them in steps)`,
    );
  }
}

function checkTotals(spec: PipelineSpec, add: (path: readonly (string | number)[], message: string) => number): void {
  const instances = spec.tasks.reduce((sum, task) => sum + instanceCount(task), 0);
  if (instances > LIMITS.instancesPerJob)
    add(["tasks"], `the pipeline has ${instances} task instances; at most ${LIMITS.instancesPerJob} are allowed`);
  const bytes = specBytes(spec);
  if (bytes > LIMITS.specBytes)
    add(
      ["tasks"],
      `the pipeline has about ${bytes} bytes; at most ${LIMITS.specBytes} are allowed (keep data in files)`,
    );
}

/** About the size of the message: the texts, and a little for each field. */
function specBytes(spec: PipelineSpec): number {
  const firsts = firstsAlike(spec);
  const known = new Map<TaskSpec, number>();
  return spec.tasks.reduce((sum, task, i) => {
    const needs = task.needs.reduce((n, need) => n + utf8Bytes(need) + 3, 0);
    let rest = known.get(firsts[i]!);
    if (rest === undefined) known.set(firsts[i]!, (rest = restBytes(task)));
    return sum + task.name.length + needs + rest;
  }, 0);
}

/** All of a task but its name and needs. */
function restBytes(task: TaskSpec): number {
  const records = (record: Readonly<Record<string, string>>): number =>
    Object.entries(record).reduce((sum, [key, value]) => sum + utf8Bytes(key) + utf8Bytes(value) + 6, 0);
  const run =
    task.run.kind === "script"
      ? utf8Bytes(task.run.script)
      : task.run.argv.reduce((n, arg) => n + utf8Bytes(arg) + 3, 0);
  const inputs = Object.entries(task.inputs).reduce(
    (n, [name, input]) => n + name.length + input.task.length + input.output.length + 12,
    0,
  );
  const sources = Object.entries(task.sources ?? {}).reduce(
    (n, [name, { from }]) => n + name.length + utf8Bytes(from) + 90,
    0,
  );
  const map = task.map.reduce(
    (n, dimension) => n + dimension.values.reduce<number>((m, value) => m + utf8Bytes(scalarText(value)) + 5, 0),
    0,
  );
  const files = task.files.reduce((n, glob) => n + utf8Bytes(glob) + 3, 0);
  return (
    80 +
    utf8Bytes(task.flow.if) +
    utf8Bytes(task.flow.mapFrom?.from ?? "") +
    run +
    inputs +
    sources +
    map +
    files +
    records(task.outputs) +
    records(task.env)
  );
}
