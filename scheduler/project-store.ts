import type { ClientBase, Pool } from "pg";
import { jsonRows } from "../lib/json-rows.ts";
import type { ProjectSettings } from "./core/index.ts";

export async function upsertProjects(client: ClientBase, rows: readonly ProjectSettings[]): Promise<void> {
  await client.query({
    name: "upsert-projects",
    text: `
      insert into projects (name, weight, quota)
      select name, weight, quota from json_to_recordset($1::json) as row(name text, weight float8, quota jsonb)
      on conflict (name) do update set weight = excluded.weight, quota = excluded.quota`,
    values: [jsonRows(rows)],
  });
}

export async function loadProjects(pool: Pool): Promise<ProjectSettings[]> {
  const { rows } = await pool.query<ProjectSettings>(`select name, weight, quota from projects order by name`);
  return rows;
}
