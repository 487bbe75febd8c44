import type { ClientBase } from "pg";
import { jsonRows } from "../../../lib/json-rows.ts";

/** What one row tells of. */
export interface News {
  /** Attempts and jobs that have started. */
  readonly started: readonly string[];
  /** Attempts that have ended: [key of the first, how many instances from it on]. */
  readonly ended: readonly (readonly [string, number])[];
  /** Jobs that have ended. */
  readonly jobs: readonly string[];
}

export interface OutboxRow extends News {
  readonly id: number;
  /** Tries before. */
  readonly attempts: number;
}

/** One statement. Part of the transaction that makes it true. */
export async function insertNews(client: ClientBase, rows: readonly News[], nowMs: number): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "openlineage-news",
    text: `insert into openlineage_outbox (news, at_ms, attempts, next_ms)
           select news, $2, 0, 0 from json_array_elements($1::json) as news`,
    values: [jsonRows(rows), nowMs],
  });
}

/** Any number that no other program of ours locks: whoever sends holds it, so that events go out in order and once. */
const SENDER_LOCK = 5_270_520;

/** False: another server sends at the moment. Ends with the connection, however that ends. */
export async function lockOutbox(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ mine: boolean }>("select pg_try_advisory_lock($1) as mine", [SENDER_LOCK]);
  return rows[0]?.mine === true;
}

export async function unlockOutbox(client: ClientBase): Promise<void> {
  await client.query("select pg_advisory_unlock($1)", [SENDER_LOCK]);
}

/** The oldest that is due. */
export async function nextNews(client: ClientBase, nowMs: number): Promise<OutboxRow | undefined> {
  const { rows } = await client.query<{ row: News & Omit<OutboxRow, keyof News> }>({
    name: "openlineage-next",
    text: `select json_build_object('id', id, 'attempts', attempts, 'started', news -> 'started', 'ended', news -> 'ended',
                    'jobs', news -> 'jobs') as row
             from openlineage_outbox where next_ms <= $1 order by id limit 1`,
    values: [nowMs],
  });
  return rows[0]?.row;
}

export async function deleteNews(client: ClientBase, id: number): Promise<void> {
  await client.query({
    name: "openlineage-told",
    text: "delete from openlineage_outbox where id = $1",
    values: [id],
  });
}

export async function postponeNews(client: ClientBase, id: number, nextMs: number): Promise<void> {
  await client.query("update openlineage_outbox set attempts = attempts + 1, next_ms = $2 where id = $1", [id, nextMs]);
}

/** Gives how many there were. */
export async function deleteOldNews(client: ClientBase, beforeMs: number): Promise<number> {
  const { rowCount } = await client.query("delete from openlineage_outbox where at_ms < $1", [beforeMs]);
  return rowCount ?? 0;
}
