import type { Pool } from "pg";
import type { AttemptFacts, GpuFacts } from "../lib/core/execution.ts";
import { attemptKey, type AttemptRef, type JobId } from "../lib/core/ids.ts";
import type { Code, Environment, Scalar } from "../lib/core/pipeline/spec.ts";
import { jsonRows } from "../lib/json-rows.ts";
import type { GpuCapacity } from "./core/event.ts";

/** Of a pipeline in its row, in bytes: what a task's environment is, is not worth parsing more for each run. */
const PARSED_BYTES_MAX = 100_000;

interface Found {
  readonly place: number;
  readonly pipeline: string;
  readonly project: string;
  readonly code: Code | null;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly node: string | null;
  readonly gpuUuids: readonly string[] | null;
  /** Of the node. */
  readonly devices: readonly GpuCapacity[] | null;
  readonly environment: Environment | null;
  readonly isLarge: boolean;
  readonly startedAtMs: number | null;
}

/** What is known of those of the attempts that were handed out, whether they run or have ended. */
export async function findAttempts(pool: Pool, refs: readonly AttemptRef[]): Promise<AttemptFacts[]> {
  const { rows } = await pool.query<Found>({
    name: "find-attempts",
    text: `select r.place, j.pipeline, j.project, j.code, j.params, coalesce(e.node, n.name) as node,
                  coalesce(to_jsonb(e.gpu_uuids), t.gpu_uuids) as "gpuUuids", n.capacity -> 'gpus' as devices,
                  coalesce(e.started_at_ms, t.started_at_ms) as "startedAtMs",
                  pg_column_size(j.spec) > ${PARSED_BYTES_MAX} as "isLarge",
                  case when pg_column_size(j.spec) <= ${PARSED_BYTES_MAX} then
                    (select x -> 'environment' from json_array_elements(j.spec -> 'tasks') x
                      where x ->> 'name' = r.task limit 1) end as environment
             from json_to_recordset($1::json) as r(place int, key text, job text, task text, index int, attempt int)
             join jobs j on j.id = r.job
             left join tasks t on t.job = r.job and t.task = r.task and t.index = r.index
             left join executions e on e.id = r.key
             left join nodes n on n.id = coalesce(e.node_id, t.node)
            where e.id is not null or t.attempt >= r.attempt`,
    values: [jsonRows(refs.map((ref, place) => ({ place, key: attemptKey(ref), ...ref })))],
  });
  return rows.map(({ place, gpuUuids, devices, environment, isLarge, ...facts }) => ({
    ...facts,
    ref: refs[place]!,
    gpus: (gpuUuids ?? []).map((uuid) => gpuFacts(uuid, devices ?? [])),
    environment: environment ?? (isLarge ? null : { kind: "none" }),
  }));
}

/** Pipelines of jobs that have not ended, each once. */
export async function livePipelines(pool: Pool): Promise<{ readonly project: string; readonly pipeline: string }[]> {
  const { rows } = await pool.query<{ project: string; pipeline: string }>({
    name: "live-pipelines",
    text: "select distinct project, pipeline from jobs where state in ('pending', 'running')",
  });
  return rows;
}

function gpuFacts(uuid: string, devices: readonly GpuCapacity[]): GpuFacts {
  const device = devices.find((one) => one.uuid === uuid);
  return { uuid, model: device?.model ?? "", driver: device?.driver ?? "" };
}

/** What was submitted with each of the jobs; without those that had nothing. */
export async function codeOfJobs(pool: Pool, jobs: readonly JobId[]): Promise<Map<JobId, Code>> {
  const { rows } = await pool.query<{ id: JobId; code: Code }>({
    name: "code-of-jobs",
    text: "select id, code from jobs where id = any($1) and code is not null",
    values: [jobs],
  });
  return new Map(rows.map(({ id, code }) => [id, code]));
}
