import type { ClientBase, Pool } from "pg";
import { jsonRows } from "../lib/json-rows.ts";
import type { RateRow } from "./core/index.ts";

export async function upsertRates(client: ClientBase, rows: readonly RateRow[]): Promise<void> {
  await client.query({
    name: "upsert-rates",
    text: `insert into rates (key, starts, per_ms)
           select key, starts, "perMs" from json_to_recordset($1::json) as row(key text, starts json, "perMs" float8)
           on conflict (key) do update set starts = excluded.starts, per_ms = excluded.per_ms`,
    values: [jsonRows(rows)],
  });
}

/** What still counts; the rest is removed. */
export async function loadRates(pool: Pool, nowMs: number): Promise<RateRow[]> {
  await pool.query(`delete from rates where (starts ->> -1)::float8 + per_ms < $1`, [nowMs]);
  const { rows } = await pool.query<RateRow>(`select key, starts, per_ms as "perMs" from rates`);
  return rows;
}
