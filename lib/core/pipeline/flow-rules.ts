import { formatDuration } from "../../../proto/units.ts";
import { type CelProgram, compileCel, isFault } from "./cel.ts";
import { checkRate, type Rate } from "./admission.ts";
import type { Approve, ResultCache } from "./flow.ts";
import { LIMITS } from "./limits.ts";
import { hint } from "./nearest.ts";
import { instanceCount, isMapped, type PipelineSpec, type TaskSpec } from "./spec.ts";
import { checkText } from "./value.ts";

type Add = (path: readonly (string | number)[], message: string) => void;

/** What a task says about when it runs and how it counts. */
export function checkFlow(pipeline: PipelineSpec, task: TaskSpec, add: Add): void {
  const { when, if: condition, mapFrom } = task.flow;
  if (when !== "succeeded" && task.needs.length === 0) {
    add(["when"], `task "${task.name}" runs when ${when}, and needs no task that could end; name one in "needs"`);
  }
  checkTolerance(task, add);
  for (const [metric, share] of Object.entries(task.flow.metricTolerance ?? {}))
    if (!(share >= 0 && share < Infinity))
      add(
        ["metricTolerance", metric],
        `the metric may be off by ${share} of what it was; a share from 0 on would be right, like 0.01`,
      );
  for (const [name, param] of Object.entries(task.flow.aliases ?? {})) {
    if (!Object.hasOwn(pipeline.params, param)) add(["params", name], `there is no parameter "${param}"`);
  }
  if (task.flow.join) checkJoin(task, add);
  if (task.flow.cache) checkCache(pipeline, task, task.flow.cache, add);
  if (task.flow.rate) checkTaskRate(pipeline, task, task.flow.rate, add);
  if (task.flow.approve) checkApprove(task, task.flow.approve, add);
  if (condition !== "")
    checkExpression(pipeline, task, ["if"], condition, ["bool", "a condition is true or false"], add);
  if (!mapFrom) return;
  checkExpression(pipeline, task, ["map", "from"], mapFrom.from, ["list", "a map goes over a list"], add);
  if (task.map.length > 0) add(["map"], `task "${task.name}" has a map and a list to map over; give one of the two`);
  if (mapFrom.as.length === 0 || mapFrom.as.length > LIMITS.mapDimensions)
    add(
      ["map", "as"],
      `${mapFrom.as.length} names are given to an element; 1 to ${LIMITS.mapDimensions} would be right`,
    );
}

/** It can be read, gives what it should, and names what is there and has ended by then. */
function checkExpression(
  pipeline: PipelineSpec,
  task: TaskSpec,
  path: readonly string[],
  expression: string,
  [type, right]: readonly [string, string],
  add: Add,
): void {
  const program = compileCel(expression);
  if (isFault(program)) {
    const where = program.end > program.start ? `, at "${expression.slice(program.start, program.end)}"` : "";
    return add(path, `${path.join(".")}: ${program.message}${where} (character ${program.start + 1})`);
  }
  if (program.type !== "dyn" && program.type !== type && !program.type.startsWith(`${type}<`))
    add(path, `${path.join(".")} gives a value of type ${program.type}; ${right}`);
  for (const message of unknownNames(pipeline, task, program)) add(path, `${path.join(".")}: ${message}`);
}

function unknownNames(pipeline: PipelineSpec, task: TaskSpec, { names }: CelProgram): string[] {
  const wrong = names.flatMap(({ root, name, start }) => {
    const at = ` (character ${start + 1})`;
    if (root === "params") {
      if (Object.hasOwn(pipeline.params, name)) return [];
      return [`there is no parameter "${name}"${hint(name, Object.keys(pipeline.params))}${at}`];
    }
    if (task.needs.includes(name)) return [];
    return [`"${name}" is not among the "needs" of the task, so it may not have ended by then; add it there${at}`];
  });
  return [...new Set(wrong)];
}

/** What else it says would be ignored. */
function checkJoin(task: TaskSpec, add: Add): void {
  const runs = task.run.kind === "script" || task.run.argv.length > 0;
  const { flow } = task;
  const more = {
    run: runs,
    map: isMapped(task),
    inputs: isSaid(task.inputs) || task.sources !== undefined,
    outputs: isSaid(task.outputs),
    service: task.service !== undefined,
    nodes: task.nodes > 1,
    checkpoint: task.checkpoint,
    approve: flow.approve !== null,
    if: flow.if !== "",
    rate: flow.rate !== null,
    cache: flow.cache !== null,
    metricTolerance: flow.metricTolerance !== null,
  };
  for (const [key, said] of Object.entries(more)) {
    if (said) add([key], `task "${task.name}" stands for a pipeline, and runs nothing; take "${key}" away`);
  }
  if (flow.when !== "always") add(["when"], `task "${task.name}" stands for a pipeline, and waits for all of it`);
}

function checkCache(pipeline: PipelineSpec, task: TaskSpec, { ttlMs, params }: ResultCache, add: Add): void {
  const what = task.flow.approve
    ? "waits for an approval"
    : task.service
      ? "is a service"
      : task.nodes > 1
        ? "is a gang"
        : task.checkpoint
          ? "keeps a checkpoint"
          : undefined;
  if (what) add(["cache"], `task "${task.name}" ${what}, and cannot be taken from the cache; take "cache" away`);
  if (!(ttlMs >= 0 && ttlMs <= LIMITS.timeoutMs))
    add(["cache", "ttl"], `a time of ${ttlMs}ms; up to ${formatDuration(LIMITS.timeoutMs)} would be right`);
  params?.forEach((name, i) => {
    if (Object.hasOwn(pipeline.params, name)) return;
    add(["cache", "params", i], `there is no parameter "${name}"${hint(name, Object.keys(pipeline.params))}`);
  });
}

function checkTaskRate(pipeline: PipelineSpec, task: TaskSpec, rate: Rate, add: Add): void {
  checkRate(rate, Object.keys(pipeline.params), add);
  const what = task.flow.approve ? "waits for an approval" : task.nodes > 1 ? "is a gang" : undefined;
  if (what) add(["rate"], `task "${task.name}" ${what}, and cannot have a rate; take it away`);
}

/** Of names and words that are kept with a decision. */
const WORD_CHARS_MAX = 1_000;
const APPROVERS_MAX = 100;

function checkApprove(task: TaskSpec, { by, timeoutMs, message }: Approve, add: Add): void {
  const runs = task.run.kind === "script" || task.run.argv.length > 0;
  const more = {
    map: isMapped(task),
    inputs: isSaid(task.inputs) || task.sources !== undefined,
    outputs: isSaid(task.outputs),
    run: runs,
    metricTolerance: task.flow.metricTolerance !== null,
  };
  for (const [key, said] of Object.entries(more)) {
    if (said) add([key], `task "${task.name}" waits for an approval, and runs nothing; take "${key}" away`);
  }
  if (task.nodes > 1) add(["nodes"], `task "${task.name}" waits for an approval, and runs nothing; take "nodes" away`);
  if (by.length > APPROVERS_MAX) add(["approve", "by"], `${by.length} names; at most ${APPROVERS_MAX} are allowed`);
  by.forEach((name, i) => {
    const wrong = name === "" ? "is empty" : checkText(name, WORD_CHARS_MAX);
    if (wrong) add(["approve", "by", i], `a name ${wrong}`);
  });
  const wrong = checkText(message, WORD_CHARS_MAX);
  if (wrong) add(["approve", "message"], `what is asked ${wrong}`);
  if (!(timeoutMs >= 1 && timeoutMs <= LIMITS.timeoutMs))
    add(
      ["approve", "timeout"],
      `a time limit of ${timeoutMs}ms; 1ms to ${formatDuration(LIMITS.timeoutMs)} would be right`,
    );
}

const isSaid = (record: object): boolean => Object.keys(record).length > 0;

function checkTolerance(task: TaskSpec, add: Add): void {
  const { count, share } = task.flow.tolerate;
  if (count === 0 && share === 0) return;
  const fits = Number.isInteger(count) && count >= 0 && share >= 0 && share <= 1;
  if (!fits) {
    const said = share === 0 ? `${count} failures` : `${Math.round(share * 10_000) / 100}% of failures`;
    add(["tolerate"], `${said} cannot be tolerated; a whole number from 0, or 0% to 100% would be right`);
  } else if (count > 0 && share > 0) {
    add(["tolerate"], "a number and a share of failures are tolerated at once; give one of the two");
  } else if (task.map.length > 0 && count >= instanceCount(task)) {
    add(
      ["tolerate"],
      `${count} failures are tolerated of ${instanceCount(task)} instances, so the task could never fail; write 100% if that is meant`,
    );
  }
}
