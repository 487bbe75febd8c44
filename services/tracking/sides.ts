import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import { type AttemptKey, parseAttemptKey } from "../../lib/core/ids.ts";
import { parseTaskRunId } from "../../lib/task-run.ts";
import { executionsOf, type ExecutionRow, lastExecutions, parseExecutionName } from "../lineage/index.ts";
import { findRunHeads, type RunHead, runHeadsOfAttempts } from "./side-store.ts";

/** Of one side: what a job of more has can be compared task by task. */
export const MEMBERS_MAX = 1_000;
/** Of several runs of one name: enough to see what to type next. */
const SHOWN = 5;

/** An attempt with its run, a run without an attempt, or an attempt of which nothing was tracked. */
export interface Member {
  /** `fit` or `fit[3]`; the name of a run that is no task's. */
  readonly of: string;
  readonly execution: ExecutionRow | null;
  readonly run: RunHead | null;
}

/** What a difference is of. */
export interface Side {
  /** As it was asked for. */
  readonly asked: string;
  readonly members: readonly Member[];
}

/** Ids of the jobs that begin with this; two at most. Injected: jobs are the scheduler's. */
export type FindJobs = (beginning: string) => Promise<readonly string[]>;

/** A run by its id or name; a job, a task of it, an instance or an attempt. Errors: `not_found`, `invalid`, `too_large`. */
export async function findSide(pool: Pool, findJobs: FindJobs, asked: string): Promise<Side> {
  const text = asked.replace(/^(?:run:|runs:\/)/, "");
  const runs = await findRunHeads(pool, text, SHOWN + 1);
  if (runs.length > 1) {
    const ids = runs.slice(0, SHOWN).map(({ id }) => id);
    throw new WeftError(
      "invalid",
      `several runs are named "${asked}"; give the id of one: ${ids.join(", ")}${runs.length > SHOWN ? ", …" : ""}`,
    );
  }
  const [run] = runs;
  if (run?.attempt === null) return { asked, members: [{ of: run.name, execution: null, run }] };
  // The run of a task that tracked nothing is not there, and its attempt is.
  const ofTask = run === undefined ? parseTaskRunId(text) : undefined;
  const named = ofTask ?? parseExecutionName(run?.attempt ?? text);
  if (named === undefined) throw nothing(asked);
  const { job } = named;
  const jobs = /^[0-9a-z]{1,11}$/.test(job) ? await findJobs(job) : [];
  const keys = await lastExecutions(pool, { ...named, job: jobs.length === 1 ? jobs[0]! : job }, MEMBERS_MAX + 1);
  if (keys.length > MEMBERS_MAX)
    throw new WeftError(
      "too_large",
      `"${asked}" has more than ${MEMBERS_MAX} instances; compare a part of it: JOB.TASK, or JOB.TASK.INDEX`,
    );
  // A task that still runs has a run already.
  if (keys.length === 0 && run !== undefined) return { asked, members: [memberOf(run.attempt!, null, run)] };
  if (keys.length === 0) throw nothing(asked);
  const [executions, heads] = await Promise.all([executionsOf(pool, keys), runHeadsOfAttempts(pool, keys)]);
  const ended = new Map(executions.map((row) => [row.id, row]));
  const ran = new Map(heads.map((head) => [head.attempt, head]));
  return { asked, members: keys.map((key) => memberOf(key, ended.get(key) ?? null, ran.get(key) ?? null)) };
}

function memberOf(key: AttemptKey, execution: ExecutionRow | null, run: RunHead | null): Member {
  const { task, index } = parseAttemptKey(key)!;
  return { of: index === 0 ? task : `${task}[${index}]`, execution, run };
}

function nothing(asked: string): WeftError {
  return new WeftError(
    "not_found",
    `nothing that has ended is called "${asked}"; give the id or name of a tracked run, a job, JOB.TASK, JOB.TASK.INDEX or an attempt`,
  );
}
