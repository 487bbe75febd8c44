import { createHash } from "node:crypto";
import type { AttemptRef, JobId } from "./core/ids.ts";

/**
 * The tracking run of an attempt has an id that says which one it is, so that the machine that runs it can name the run before
 * there is one, and the server can make it when it is first asked for. MLflow takes letters, digits, `_` and `-`.
 */
export function taskRunId({ job, task, index, attempt }: AttemptRef): string {
  return `${job}-${task}-${index}-${attempt}`;
}

/** Ids of jobs have twelve characters; ids that MLflow makes have no dash. */
const TASK_RUN = /^([0-9a-z]{12})-([A-Za-z][A-Za-z0-9_-]*)-(\d{1,9})-([1-9]\d{0,8})$/;

/** Undefined: it is no attempt's. */
export function parseTaskRunId(id: string): AttemptRef | undefined {
  const match = TASK_RUN.exec(id);
  if (match === null) return undefined;
  return { job: match[1] as JobId, task: match[2]!, index: Number(match[3]), attempt: Number(match[4]) };
}

const known = new Map<string, string>();
/** Pipelines of one agent; what is forgotten is computed again. */
const KNOWN_MAX = 1_000;

/**
 * The experiment of a pipeline: 18 digits made from its project and name, so that nobody has to be asked for it. MLflow's own
 * stores count from 1, and so do we for those that users make: the two never meet.
 */
export function pipelineExperimentId(project: string, pipeline: string): string {
  const name = `${project}/${pipeline}`;
  const before = known.get(name);
  if (before !== undefined) return before;
  const bits = createHash("sha256").update(name).digest().readBigUInt64BE();
  const id = String(10n ** 17n + (bits % (9n * 10n ** 17n)));
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(name, id);
  return id;
}

/** As users see it: the pipeline, with its project where that is not the default one. */
export function pipelineExperimentName(project: string, pipeline: string): string {
  return project === "default" ? pipeline : `${project}/${pipeline}`;
}

/** What an attempt's process sends with its requests, as a bearer token: whose they are. It proves nothing. */
export const ATTEMPT_TOKEN_PREFIX = "weft-attempt.";
