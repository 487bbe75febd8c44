import type { Pool } from "pg";
import type { JobId } from "../lib/core/ids.ts";
import type { Code, Environment, PipelineSpec, Scalar } from "../lib/core/pipeline/spec.ts";
import { fromStored, type StoredSpec } from "../lib/core/pipeline/stored.ts";

/** What a job was to do, without how far it came. */
export interface JobPlan {
  readonly id: JobId;
  readonly spec: PipelineSpec;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly code: Code | null;
}

/** Undefined: there is no such job. */
export async function findPlan(pool: Pool, id: JobId): Promise<JobPlan | undefined> {
  const { rows } = await pool.query<Omit<JobPlan, "spec"> & { spec: StoredSpec }>({
    name: "find-plan",
    text: "select id, spec, params, code from jobs where id = $1",
    values: [id],
  });
  return rows[0] && { ...rows[0], spec: fromStored(rows[0].spec) };
}

/** By `job.task`: what those tasks ask for; tasks that are not known are left out. */
export async function findEnvironments(
  pool: Pool,
  tasks: readonly { readonly job: string; readonly task: string }[],
): Promise<Map<string, Environment>> {
  if (tasks.length === 0) return new Map();
  const { rows } = await pool.query<{ key: string; environment: Environment | null }>({
    name: "find-environments",
    // In rows what is plain is left out (StoredTask): then it has none.
    text: `select j.id || '.' || (t ->> 'name') as key, t -> 'environment' as environment
             from jobs j, json_array_elements(j.spec -> 'tasks') as t
            where j.id = any($1) and j.id || '.' || (t ->> 'name') = any($2)`,
    values: [[...new Set(tasks.map(({ job }) => job))], [...new Set(tasks.map(({ job, task }) => `${job}.${task}`))]],
  });
  return new Map(rows.map(({ key, environment }) => [key, environment ?? { kind: "none" }]));
}
