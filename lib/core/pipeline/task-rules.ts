import type { Issue } from "../error.ts";
import { NAME } from "../ids.ts";
import { isSafePath } from "../tree.ts";
import { checkFlow } from "./flow-rules.ts";
import { formatDuration } from "../../../proto/units.ts";
import { checkEnvironment } from "./environment.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { checkSources } from "./outside.ts";
import { checkAsked } from "./resource-rules.ts";
import { templatesOf } from "./render.ts";
import { checkService } from "./service.ts";
import { instanceCount, mapNames, type PipelineSpec, type TaskSpec } from "./spec.ts";
import { checkReferences, variableName } from "./template.ts";
import { checkScalar, checkText } from "./value.ts";

export type Add = (path: readonly (string | number)[], message: string) => void;

const NAME_RULE = "a name is a letter, then letters, digits, - and _, 63 characters in all at most";

/** Variables that the worker sets; the task's own would be lost, or would break what the task was given. */
const WORKER_VARIABLES = new Set(["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"]);

/** All that can be said about one task by itself; what it needs of others is in rules.ts. */
export function checkTask(pipeline: PipelineSpec, task: TaskSpec, issues: Issue[]): void {
  const add: Add = (path, message) => issues.push({ path: ["tasks", task.name, ...path], message });
  checkName(task.name, "task", [], add);
  checkRun(task, add);
  checkOutputs(task, add);
  checkAsked(task, add);
  checkMap(task, add);
  checkTimes(task, add);
  checkCheckpoint(task, add);
  checkEnv(task, add);
  checkFiles(task, add);
  checkEnvironment(task.environment, (key, message) => add(["environment", key], message));
  checkVariables([...Object.keys(task.inputs), ...Object.keys(task.sources ?? {})], "input", ["inputs"], add);
  checkSources(pipeline, task, add);
  checkTemplates(pipeline, task, add);
  checkFlow(pipeline, task, add);
  checkService(task, add);
}

export function checkName(name: string, noun: string, path: readonly (string | number)[], add: Add): void {
  if (NAME.test(name)) return;
  const shown = name.length > 80 ? `${name.slice(0, 77)}…` : name;
  add(
    path,
    name === "" ? `a ${noun} has no name; ${NAME_RULE}` : `${noun} name "${shown}" is not allowed; ${NAME_RULE}`,
  );
}

/** Names become variables, upper case and with - as _: two of them must not become the same one. */
export function checkVariables(names: readonly string[], noun: string, path: readonly string[], add: Add): void {
  const taken = new Map<string, string>();
  for (const name of names) {
    checkName(name, noun, [...path, name], add);
    const variable = variableName(name);
    const other = taken.get(variable);
    if (other !== undefined) {
      add(
        [...path, name],
        `${noun}s "${other}" and "${name}" would both become the variable …_${variable}; rename one`,
      );
    }
    taken.set(variable, name);
  }
}

function checkRun(task: TaskSpec, add: Add): void {
  const { run } = task;
  if (task.flow.approve || task.flow.join) return;
  if (run.kind === "script") {
    if (run.script.trim() === "")
      return add(["run"], `task "${task.name}" has nothing to run; give a script or an argument list`);
    const wrong = checkText(run.script, LIMITS.scriptBytes);
    if (wrong) add(["run"], `the script of task "${task.name}" ${wrong}`);
    return;
  }
  if (run.argv.length === 0)
    return add(["run"], `task "${task.name}" has nothing to run; give a script or an argument list`);
  if (run.argv[0]!.trim() === "") add(["run", 0], `the program that task "${task.name}" runs has an empty name`);
  const wrong = checkText(run.argv.join(" "), LIMITS.commandBytes);
  if (wrong) add(["run"], `the command of task "${task.name}" ${wrong}`);
}

function checkOutputs(task: TaskSpec, add: Add): void {
  const entries = Object.entries(task.outputs);
  if (entries.length > LIMITS.outputsPerTask)
    add(["outputs"], `has ${entries.length} outputs; at most ${LIMITS.outputsPerTask} are allowed`);
  checkVariables(
    entries.map(([name]) => name),
    "output",
    ["outputs"],
    add,
  );
  const taken = new Map<string, string>();
  for (const [name, path] of entries) {
    const bare = path.replace(/\/$/, "");
    const right = `write a path below the task's folder, like "out/table.parquet", or "model/" for a folder`;
    const text = checkText(path, LIMITS.pathBytes);
    if (text) add(["outputs", name], `the path of output "${name}" ${text}`);
    else if (path.includes("{{"))
      add(
        ["outputs", name],
        `the path of output "${name}" holds {{ … }}, which is put in only in run and env; ${right}`,
      );
    else if (!isSafePath(bare)) {
      const why = path.startsWith("/")
        ? "is absolute"
        : path.split("/").includes("..")
          ? `leads out of the task's folder`
          : "is not a plain path";
      add(["outputs", name], `the path "${path}" of output "${name}" ${why}; ${right}`);
    } else if (bare === "inputs" || bare.startsWith("inputs/")) {
      add(
        ["outputs", name],
        `the path "${path}" of output "${name}" is in inputs/, where inputs are laid out; choose another folder`,
      );
    }
    const other = taken.get(bare);
    if (other !== undefined)
      add(["outputs", name], `outputs "${other}" and "${name}" have the same path "${bare}"; give each its own`);
    taken.set(bare, name);
  }
}

function checkMap(task: TaskSpec, add: Add): void {
  if (task.map.length > LIMITS.mapDimensions)
    add(["map"], `has ${task.map.length} dimensions; at most ${LIMITS.mapDimensions} are allowed`);
  checkVariables(mapNames(task), "map dimension", ["map"], add);
  for (const { name, values } of task.map) {
    if (values.length === 0)
      add(["map", name], `map dimension "${name}" has no values, so the task would never run; give at least one`);
    values.forEach((value, i) => {
      const wrong = checkScalar(value);
      if (wrong) add(["map", name, i], `value ${i + 1} of map dimension "${name}" ${wrong}`);
    });
  }
  const count = instanceCount(task);
  if (count > LIMITS.instancesPerTask) {
    const product = task.map.map(({ values }) => values.length).join(" × ");
    add(["map"], `makes ${product} = ${count} instances; at most ${LIMITS.instancesPerTask} are allowed`);
  }
}

function checkCheckpoint({ name, checkpoint, checkpointEveryMs: everyMs }: TaskSpec, add: Add): void {
  if (everyMs === undefined) return;
  if (!checkpoint)
    add(["checkpoint"], `task "${name}" keeps no checkpoint, and says how often one is stored; say that it keeps one`);
  if (!(everyMs >= LIMITS.checkpointMsMin && everyMs <= LIMITS.timeoutMs)) {
    const right = `${formatDuration(LIMITS.checkpointMsMin)} to ${formatDuration(LIMITS.timeoutMs)} would be right`;
    add(["checkpoint", "every"], `a checkpoint every ${everyMs}ms; ${right}`);
  }
}

function checkTimes(task: TaskSpec, add: Add): void {
  const { limit, backoffMs, backoffMsMax, exitCodes, crashes } = task.retries;
  const within = (value: number, min: number, max: number): boolean =>
    Number.isFinite(value) && value >= min && value <= max;
  if (!(Number.isInteger(limit) && within(limit, 0, LIMITS.retries))) {
    add(["retries", "limit"], `${limit} retries; a whole number from 0 to ${LIMITS.retries} would be right`);
  }
  if (!(Number.isInteger(crashes) && within(crashes, 0, LIMITS.retries))) {
    add(["retries", "crashes"], `${crashes} crashes; a whole number from 0 to ${LIMITS.retries} would be right`);
  }
  if (!within(backoffMs, 1, LIMITS.backoffMs)) {
    add(
      ["retries", "backoff"],
      `a backoff of ${backoffMs}ms; 1ms to ${formatDuration(LIMITS.backoffMs)} would be right`,
    );
  }
  if (!within(backoffMsMax, Math.max(1, backoffMs), LIMITS.backoffMs)) {
    add(
      ["retries", "maxBackoff"],
      `a longest backoff of ${backoffMsMax}ms; at least the backoff (${backoffMs}ms) and at most ${formatDuration(LIMITS.backoffMs)} would be right`,
    );
  }
  exitCodes.forEach((code, i) => {
    if (!(Number.isInteger(code) && within(code, 1, 255)))
      add(["retries", "exitCodes", i], `exit code ${code} does not mean failure; 1 to 255 would be right`);
  });
  if (!within(task.timeoutMs, 0, LIMITS.timeoutMs)) {
    add(["timeout"], `a timeout of ${task.timeoutMs}ms; up to ${formatDuration(LIMITS.timeoutMs)} would be right`);
  }
  if (!within(task.stopGraceMs, 1, LIMITS.stopGraceMs)) {
    add(
      ["stopGrace"],
      `a stop grace of ${task.stopGraceMs}ms; 1ms to ${formatDuration(LIMITS.stopGraceMs)} would be right`,
    );
  }
}

function checkEnv(task: TaskSpec, add: Add): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(task.env)) {
    bytes += utf8Bytes(name) + utf8Bytes(value) + 2;
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(name)) {
      add(
        ["env", name],
        `"${name}" is not a variable's name; letters, digits and _ would be right, not beginning with a digit`,
      );
    } else if (name.startsWith("WEFT_") || WORKER_VARIABLES.has(name)) {
      add(["env", name], `variable ${name} is set by Weft; choose another name`);
    }
    const wrong = checkText(value, LIMITS.envBytes);
    if (wrong) add(["env", name], `variable ${name} ${wrong}`);
  }
  if (bytes > LIMITS.envBytes)
    add(["env"], `the variables have ${bytes} bytes; at most ${LIMITS.envBytes} are allowed`);
}

function checkFiles(task: TaskSpec, add: Add): void {
  if (task.files.length > LIMITS.filesPerTask)
    add(["files"], `has ${task.files.length} patterns; at most ${LIMITS.filesPerTask} are allowed`);
  task.files.forEach((glob, i) => {
    const wrong = checkText(glob, LIMITS.pathBytes);
    if (wrong) add(["files", i], `the pattern ${wrong}`);
    else if (glob === "") add(["files", i], `a pattern is empty; write one like "src/**" or "train.py"`);
    else if (glob.startsWith("/") || glob.split("/").includes("..")) {
      add(
        ["files", i],
        `the pattern "${glob}" leads out of the pipeline's folder; write it relative to the folder, like "src/**"`,
      );
    }
  });
}

function checkTemplates(pipeline: PipelineSpec, task: TaskSpec, add: Add): void {
  const templates = templatesOf(task);
  const scope = {
    params: Object.keys(pipeline.params),
    map: mapNames(task),
    inputs: [...Object.keys(task.inputs), ...Object.keys(task.sources ?? {})],
    outputs: Object.keys(task.outputs),
    tasks: task.needs,
  };
  const script = task.run.kind === "script";
  templates.run.forEach((template, i) => {
    for (const message of [...template.problems, ...checkReferences(template, scope)])
      add(script ? ["run"] : ["run", i], message);
  });
  for (const [name, template] of templates.env) {
    for (const message of [...template.problems, ...checkReferences(template, scope)]) add(["env", name], message);
  }
}
