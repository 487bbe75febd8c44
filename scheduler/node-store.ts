import type { ClientBase, Pool } from "pg";
import { jsonRows } from "../lib/json-rows.ts";
import { type NodeRow, type NodeSettings, PLAIN_SETTINGS } from "./core/index.ts";

export async function upsertNodes(client: ClientBase, rows: readonly NodeRow[]): Promise<void> {
  await client.query({
    name: "upsert-nodes",
    text: `
      insert into nodes (id, name, state, labels, capacity, settings, address, era)
      select id, name, state, labels, capacity, settings, address, era
      from json_to_recordset($1::json)
        as row(id text, name text, state text, labels jsonb, capacity jsonb, settings jsonb, address text,
               era integer)
      on conflict (id) do update set
        name = excluded.name, state = excluded.state, labels = excluded.labels, capacity = excluded.capacity,
        settings = excluded.settings, address = excluded.address, era = excluded.era`,
    values: [jsonRows(rows)],
  });
}

type NodeRecord = Omit<NodeRow, "settings"> & { readonly settings: Partial<NodeSettings> };

export async function loadNodes(pool: Pool): Promise<NodeRow[]> {
  const { rows } = await pool.query<NodeRecord>(
    `select id, name, state, labels, capacity, settings, address, era from nodes order by name, id`,
  );
  return rows.map((row) => ({ ...row, settings: { ...PLAIN_SETTINGS, ...row.settings } }));
}
