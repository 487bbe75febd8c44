import type { ClientBase, Pool } from "pg";
import { jsonRows } from "../lib/json-rows.ts";
import type { CacheKey, CacheParts } from "./cache-key.ts";
import type { CacheRow } from "./core/index.ts";

/** Keys whose result never came are forgotten after this, in milliseconds: the longest that people wait for a job. */
const UNUSED_MS = 30 * 86_400_000;

export interface LaneRow {
  readonly lane: string;
  readonly key: string;
  readonly parts: CacheParts;
  readonly execution: string;
}

/** Results by key. */
export async function findCached(pool: Pool, keys: readonly string[]): Promise<CacheRow[]> {
  const { rows } = await pool.query<CacheRow>({
    name: "find-cached",
    text: `select key, execution, outputs, result, made_at_ms as "madeAtMs"
             from result_cache where key = any($1::text[]) and execution is not null`,
    values: [keys],
  });
  return rows;
}

/** The newest result of each lane. */
export async function findLanes(pool: Pool, lanes: readonly string[]): Promise<LaneRow[]> {
  const { rows } = await pool.query<LaneRow>({
    name: "find-cache-lanes",
    text: `select distinct on (lane) lane, key, parts, execution
             from result_cache where lane = any($1::text[]) and execution is not null
            order by lane, made_at_ms desc`,
    values: [lanes],
  });
  return rows;
}

/** Keys whose results are to come. */
export async function expectResults(pool: Pool, keys: readonly CacheKey[], nowMs: number): Promise<void> {
  const rows = keys.map(({ key, lane, parts }) => ({ key, lane, parts, made_at_ms: nowMs }));
  await pool.query({
    name: "expect-results",
    text: `insert into result_cache (key, lane, parts, made_at_ms)
           select distinct on (key) key, lane, parts, made_at_ms
             from json_to_recordset($1::json) as row(key text, lane text, parts json, made_at_ms float8)
           on conflict (key) do nothing`,
    values: [jsonRows(rows)],
  });
}

/** Results that were expected, part of the transaction that ends their attempts. The newest stays. */
export async function keepResults(client: ClientBase, rows: readonly CacheRow[]): Promise<void> {
  await client.query({
    name: "keep-results",
    text: `update result_cache c
              set execution = row.execution, outputs = row.outputs, result = nullif(row.result::text, 'null')::json,
                  made_at_ms = row."madeAtMs"
             from json_to_recordset($1::json) as row(key text, execution text, outputs json, result json, "madeAtMs" float8)
            where c.key = row.key and (c.execution is null or c.made_at_ms < row."madeAtMs")`,
    values: [jsonRows(rows)],
  });
}

export async function forgetUnused(pool: Pool, nowMs: number): Promise<void> {
  await pool.query(`delete from result_cache where execution is null and made_at_ms < $1`, [nowMs - UNUSED_MS]);
}
