import type { ClientBase, Pool } from "pg";
import { jsonRows } from "../lib/json-rows.ts";
import type { NodeRow } from "./core/index.ts";

export async function upsertNodes(client: ClientBase, rows: readonly NodeRow[]): Promise<void> {
  await client.query({
    name: "upsert-nodes",
    text: `
      insert into nodes (id, name, state, labels, capacity)
      select id, name, state, labels, capacity
      from json_to_recordset($1::json) as row(id text, name text, state text, labels jsonb, capacity jsonb)
      on conflict (id) do update set
        name = excluded.name, state = excluded.state, labels = excluded.labels, capacity = excluded.capacity`,
    values: [jsonRows(rows)],
  });
}

export async function loadNodes(pool: Pool): Promise<NodeRow[]> {
  const { rows } = await pool.query<NodeRow>(`select id, name, state, labels, capacity from nodes order by name, id`);
  return rows;
}
