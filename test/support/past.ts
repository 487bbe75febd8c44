import type { Pool } from "pg";
import type { Digest } from "../../lib/core/ids.ts";
import { digestBytes } from "../../lib/digest.ts";

/** A task that has run: inputs and outputs by name, each by the text that is digested. */
export interface PastTask {
  readonly name: string;
  readonly index?: number;
  readonly environment?: object;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly node?: string;
}

/** Writes the rows of a job that has succeeded, as the server would have. */
export async function insertJob(
  pool: Pool,
  job: string,
  past: {
    readonly code?: Digest;
    readonly params?: Readonly<Record<string, unknown>>;
    readonly tasks: readonly PastTask[];
    /** Of the tasks in the pipeline, beside what `tasks` say. */
    readonly spec?: Readonly<Record<string, object>>;
  },
): Promise<void> {
  const names = [...new Set(past.tasks.map(({ name }) => name))];
  const tasks = names.map((name) => {
    const environment = past.tasks.find((task) => task.name === name)?.environment;
    const run = { kind: "script", script: "run" };
    return { name, run, ...(environment === undefined ? {} : { environment }), ...past.spec?.[name] };
  });
  const params = JSON.stringify(past.params ?? {});
  await pool.query(
    `insert into jobs (id, pipeline, spec, shape, params, code, priority, trigger, submitted_at_ms, finished_at_ms, state, cancel_requested, reason)
     values ($1, 'p', $2, '[]', $3, $4, 0, 'manual', 0, 1, 'succeeded', false, '')`,
    [
      job,
      JSON.stringify({ name: "p", params: {}, tasks, project: "default", priority: 0 }),
      params,
      past.code === undefined ? null : JSON.stringify({ digest: past.code, commit: null, dirty: false }),
    ],
  );
  for (const { name, index = 0, inputs = {}, outputs = {}, node = "node-1" } of past.tasks) {
    const id = `${job}.${name}.${index}.1`;
    await pool.query(
      `insert into executions (id, job_id, task, index, attempt, state, node_id, node, gpu_uuids, code_digest, code_dirty, command, params, map,
         started_at_ms, finished_at_ms, exit_code, reason, message, cpu_ms, peak_memory_bytes, usage_source, stdout_bytes, stderr_bytes)
       values ($1, $2, $3, $4, 1, 'succeeded', $5, $5, '{}', $6, false, 'run', $7, '{}', 0, 1, 0, '', '', 0, 0, 'none', 0, 0)`,
      [id, job, name, index, node, past.code ?? null, params],
    );
    for (const [direction, texts] of Object.entries({ input: inputs, output: outputs }))
      for (const [edge, text] of Object.entries(texts))
        await pool.query("insert into edges values ($1, $2, $3, $4)", [id, direction, edge, digestBytes(text)]);
  }
}

/** Writes the rows of a tracked run that has finished. */
export async function insertRun(
  pool: Pool,
  id: string,
  run: {
    readonly name?: string;
    readonly attempt?: string;
    readonly params?: Readonly<Record<string, string>>;
    readonly metrics?: Readonly<Record<string, number>>;
    readonly tags?: Readonly<Record<string, string>>;
  },
): Promise<void> {
  const name = run.name ?? id;
  const { rows } = await pool.query<{ number: string }>(
    `insert into runs (id, experiment, name, user_id, status, start_ms, end_ms, artifact_uri, attempt)
     values ($1, 0, $2, '', 'FINISHED', 0, 1, 'mlflow-artifacts:/0/' || $1 || '/artifacts', $3) returning number`,
    [id, name, run.attempt ?? null],
  );
  const number = rows[0]!.number;
  const insert = async (table: string, values: Readonly<Record<string, unknown>>, more = "") => {
    for (const [key, value] of Object.entries(values))
      await pool.query(`insert into ${table} values ($1, $2, $3${more})`, [number, key, value]);
  };
  await insert("run_params", run.params ?? {});
  await insert("run_tags", { "mlflow.runName": name, ...run.tags });
  await insert("run_metrics", run.metrics ?? {}, ", 0, 0");
}
