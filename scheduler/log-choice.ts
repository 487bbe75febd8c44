import { LOG_SUBJECT_PREFIX, logSubject } from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import { attemptKey, type AttemptRef } from "../lib/core/ids.ts";
import { hint } from "../lib/core/pipeline/nearest.ts";
import type { WholeJob } from "./api/parts.ts";
import { knownInstances } from "./shape.ts";

export interface LogSelection {
  /** Null: all tasks. */
  readonly task: string | null;
  /** Null: all instances. */
  readonly index: number | null;
  /** Null: the current or last attempt and, when followed, all that come after it. */
  readonly attempt: number | null;
  readonly follow: boolean;
}

export interface LogChoice {
  /** Attempts that are there now and were asked for, in the order of the pipeline. */
  readonly current: readonly AttemptRef[];
  wants(ref: AttemptRef): boolean;
  /** What to subscribe to; `open` are the attempts that are not complete yet. */
  subjects(open: readonly AttemptRef[]): string[];
}

/** Above this many, a consumer with one filter for the whole job is cheaper than one with a filter an attempt. */
const SUBJECTS_MAX = 64;

/** Errors: `not_found` and `invalid`, when there is no such task, instance or attempt. */
export function chooseAttempts(job: WholeJob, selection: LogSelection): LogChoice {
  checkSelection(job, selection);
  const { task, index, attempt, follow } = selection;
  const latest = new Map(job.tasks.map((row) => [`${row.task}.${row.index}`, row.attempt]));
  const latestOf = (ref: AttemptRef): number => latest.get(`${ref.task}.${ref.index}`) ?? 0;
  const wants = (ref: AttemptRef): boolean => {
    if ((task !== null && ref.task !== task) || (index !== null && ref.index !== index)) return false;
    if (attempt !== null) return ref.attempt === attempt;
    return follow ? ref.attempt >= latestOf(ref) : ref.attempt === latestOf(ref);
  };
  const order = new Map(job.row.spec.tasks.map((spec, i) => [spec.name, i]));
  const current = job.tasks
    .map((row): AttemptRef => ({ job: row.job, task: row.task, index: row.index, attempt: attempt ?? row.attempt }))
    .filter((ref) => ref.attempt >= 1 && ref.attempt <= latestOf(ref) && wants(ref))
    .toSorted((a, b) => order.get(a.task)! - order.get(b.task)! || a.index - b.index);
  return { current, wants, subjects: (open) => subjectsOf(job, selection, open) };
}

function subjectsOf(job: WholeJob, { task, index, follow }: LogSelection, open: readonly AttemptRef[]): string[] {
  if (!follow && open.length <= SUBJECTS_MAX) return open.map((ref) => logSubject(attemptKey(ref)));
  const parts = [job.row.id, ...(task === null ? [] : [task]), ...(task === null || index === null ? [] : [index])];
  return [`${LOG_SUBJECT_PREFIX}.${parts.join(".")}.>`];
}

function checkSelection(job: WholeJob, { task, index, attempt, follow }: LogSelection): void {
  if (task === null) {
    if (index !== null) throw new WeftError("invalid", `index ${index} of which task? Name the task as well`);
    return;
  }
  const names = job.row.spec.tasks.map((spec) => spec.name);
  const spec = job.row.spec.tasks.find((candidate) => candidate.name === task);
  if (!spec) throw new WeftError("not_found", `job ${job.row.id} has no task "${task}"${hint(task, names)}`);
  const count = knownInstances(spec, job.maps);
  if (index !== null && index >= count) {
    throw new WeftError(
      "not_found",
      `${task} has ${count === 1 ? "one instance, 0" : `instances 0 to ${count - 1}`}; there is no ${index}`,
    );
  }
  if (attempt === null || follow) return;
  const rows = job.tasks.filter((row) => row.task === task && (index === null || row.index === index));
  const last = rows.reduce((most, row) => Math.max(most, row.attempt), 0);
  if (attempt > last) {
    const what = index === null ? task : `${task}[${index}]`;
    throw new WeftError(
      "not_found",
      `${what} has had ${last === 0 ? "no attempt yet" : `attempts 1 to ${last}`}; there is no ${attempt}`,
    );
  }
}
