import type { Pool } from "pg";
import { jsonRows } from "../lib/json-rows.ts";
import { type AttemptKey, parseAttemptKey } from "../lib/core/ids.ts";
import type { Code, InputSpec, Scalar } from "../lib/core/pipeline/spec.ts";
import type { JobState } from "./core/index.ts";

/** Of a pipeline's tasks that are shown as what reads and writes what; one of more is made by a program, and its graph is no picture. */
const TASKS_MAX = 1_000;
const PIPELINES_MAX = 10_000;

export interface WorkJob {
  readonly id: string;
  readonly pipeline: string;
  readonly project: string;
  readonly code: Code | null;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly state: JobState;
  readonly submittedAtMs: number;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly reason: string;
  /** The moment it was planned for, of a tick of a schedule and of a backfill; else null. */
  readonly nominalMs: number | null;
}

export interface WorkAttempt {
  readonly id: AttemptKey;
  readonly startedAtMs: number;
  readonly node: string;
}

export interface WorkPipeline {
  readonly pipeline: string;
  readonly project: string;
  readonly code: Code | null;
  readonly submittedAtMs: number;
  readonly tasks: readonly {
    readonly name: string;
    readonly inputs: Readonly<Record<string, InputSpec>>;
    readonly outputs: readonly string[];
  }[];
}

const JOB = `j.id, j.pipeline, j.project, j.code, j.params, j.state, j.submitted_at_ms as "submittedAtMs", j.started_at_ms as "startedAtMs",
  j.finished_at_ms as "finishedAtMs", j.reason,
  case when j.triggered_by ->> 'kind' = 'schedule' then (j.triggered_by ->> 'atMs')::float8 end as "tickMs",
  case when j.trigger like 'backfill %' then substring(j.idempotency_key from '^backfill:[^:]*:(.*)$') end as "backfilled"`;

type JobRecord = Omit<WorkJob, "nominalMs"> & { readonly tickMs: number | null; readonly backfilled: string | null };

function toJob({ tickMs, backfilled, ...job }: JobRecord): WorkJob {
  const dateMs = backfilled === null ? NaN : Date.parse(backfilled);
  return { ...job, nominalMs: tickMs ?? (Number.isNaN(dateMs) ? null : dateMs) };
}
const ATTEMPT = `concat_ws('.', t.job, t.task, t.index, t.attempt) as id, t.started_at_ms as "startedAtMs", coalesce(n.name, '') as node`;
/** Its process has started, and its end is not written yet. */
const RUNS = "t.state in ('running', 'ending') and t.started_at_ms is not null";

/** Jobs, and attempts that run, for those who tell others of them. */
export class WorkReader {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  readonly jobs = async (ids: readonly string[]): Promise<WorkJob[]> => {
    if (ids.length === 0) return [];
    const { rows } = await this.#pool.query<JobRecord>({
      name: "work-jobs",
      text: `select ${JOB} from jobs j where j.id = any($1)`,
      values: [ids],
    });
    return rows.map(toJob);
  };

  /** Newest first. */
  readonly jobsOf = async (pipeline: string, limit: number): Promise<WorkJob[]> => {
    const { rows } = await this.#pool.query<JobRecord>({
      name: "work-jobs-of",
      text: `select ${JOB} from jobs j where j.pipeline = $1 order by j.submitted_at_ms desc, j.id desc limit $2`,
      values: [pipeline, limit],
    });
    return rows.map(toJob);
  };

  readonly running = async (keys: readonly AttemptKey[]): Promise<WorkAttempt[]> => {
    if (keys.length === 0) return [];
    const { rows } = await this.#pool.query<WorkAttempt>({
      name: "work-running",
      text: `select ${ATTEMPT} from json_to_recordset($1::json) as r(job text, task text, index int, attempt int)
               join tasks t on t.job = r.job and t.task = r.task and t.index = r.index and t.attempt = r.attempt
               left join nodes n on n.id = t.node
              where ${RUNS}`,
      values: [jsonRows(keys.flatMap((key) => parseAttemptKey(key) ?? []))],
    });
    return rows;
  };

  /** `task` null: of all. */
  readonly runningOf = async (jobs: readonly string[], task: string | null): Promise<WorkAttempt[]> => {
    if (jobs.length === 0) return [];
    const { rows } = await this.#pool.query<WorkAttempt>({
      name: "work-running-of",
      text: `select ${ATTEMPT} from tasks t left join nodes n on n.id = t.node
              where t.job = any($1) and ($2::text is null or t.task = $2) and ${RUNS}`,
      values: [jobs, task],
    });
    return rows;
  };

  /** Each as its newest job has it; found pipeline by pipeline in an index, however many jobs there are. */
  readonly pipelines = async (): Promise<WorkPipeline[]> => {
    const { rows } = await this.#pool.query<WorkPipeline>({
      name: "work-pipelines",
      text: `
        with recursive name as (
          (select pipeline from jobs order by pipeline limit 1)
          union all
          select (select j.pipeline from jobs j where j.pipeline > name.pipeline order by j.pipeline limit 1)
            from name where name.pipeline is not null)
        select j.pipeline, j.project, j.code, j.submitted_at_ms as "submittedAtMs", coalesce(t.tasks, '[]') as tasks
          from (select pipeline from name where pipeline is not null limit ${PIPELINES_MAX}) as p,
               lateral (select * from jobs j where j.pipeline = p.pipeline order by j.submitted_at_ms desc, j.id desc limit 1) as j
          left join lateral (
            select json_agg(json_build_object('name', task ->> 'name', 'inputs', coalesce(task -> 'inputs', '{}'),
                     'outputs', array(select json_object_keys(coalesce(task -> 'outputs', '{}'))))) as tasks
              from (select task from json_array_elements(j.spec -> 'tasks') as task limit ${TASKS_MAX}) as listed) as t on true`,
    });
    return rows;
  };
}
