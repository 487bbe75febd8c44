import type { ClientBase, Pool } from "pg";
import type { JobId } from "../lib/core/ids.ts";
import { jsonRows } from "../lib/json-rows.ts";
import type { MapRow } from "./core/index.ts";

/** A list is known once and for all: what is there stays. */
export async function insertMaps(client: ClientBase, rows: readonly MapRow[]): Promise<void> {
  await client.query({
    name: "insert-maps",
    text: `insert into task_maps (job, task, count, values)
           select job, task, count, values
             from json_to_recordset($1::json) as row(job text, task text, count integer, values json)
           on conflict (job, task) do nothing`,
    values: [jsonRows(rows)],
  });
}

/** The lists of all jobs that have not ended. */
export async function loadUnfinishedMaps(pool: Pool): Promise<MapRow[]> {
  const { rows } = await pool.query<MapRow>(
    `select task_maps.job, task_maps.task, task_maps.count, task_maps.values
       from task_maps join jobs on jobs.id = task_maps.job where jobs.state in ('pending', 'running')`,
  );
  return rows;
}

export async function readMaps(pool: Pool, job: JobId): Promise<MapRow[]> {
  const { rows } = await pool.query<MapRow>({
    name: "read-maps",
    text: `select job, task, count, values from task_maps where job = $1`,
    values: [job],
  });
  return rows;
}

/** Without the values, which can be megabytes. */
export async function countMaps(pool: Pool, jobs: readonly JobId[]): Promise<Omit<MapRow, "values">[]> {
  if (jobs.length === 0) return [];
  const { rows } = await pool.query<Omit<MapRow, "values">>({
    name: "count-maps",
    text: `select job, task, count from task_maps where job = any($1::text[])`,
    values: [jobs],
  });
  return rows;
}
