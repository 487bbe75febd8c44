import type { ClientBase, Pool } from "pg";
import type { NotifyTarget } from "../../lib/core/pipeline/notify.ts";
import type { Json } from "../../lib/core/pipeline/placeholder.ts";
import { jsonRows } from "../../lib/json-rows.ts";
import type { NewNotification } from "./core/render.ts";

export interface NotificationRow {
  readonly id: string;
  readonly job: string;
  readonly pipeline: string;
  readonly event: string;
  readonly target: NotifyTarget;
  readonly subject: string;
  readonly text: string;
  readonly body: Json;
  readonly state: "pending" | "sent" | "dead";
  readonly attempts: number;
  readonly nextAtMs: number;
  readonly createdAtMs: number;
  readonly doneAtMs: number | null;
  readonly error: string;
}

const COLUMNS = `id, job, pipeline, event, target, subject, text, body, state, attempts, next_at_ms as "nextAtMs",
  created_at_ms as "createdAtMs", done_at_ms as "doneAtMs", error`;

/** Part of the transaction that changes the jobs. Repeating it changes nothing. */
export async function insertNotifications(client: ClientBase, rows: readonly NewNotification[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "insert-notifications",
    text: `
      insert into notifications (id, job, pipeline, event, target, subject, text, body, state, attempts, next_at_ms, created_at_ms, error)
      select id, job, pipeline, event, target, subject, text, body, 'pending', 0, 0, "atMs", ''
      from json_to_recordset($1::json) as row(
        id text, job text, pipeline text, event text, target jsonb, subject text, text text, body jsonb, "atMs" float8)
      on conflict (id) do nothing`,
    values: [jsonRows(rows)],
  });
}

/**
 * Takes what is due for a try, each for one leader: what an earlier one had begun is taken at once, as nobody else will end it. A try counts
 * when it begins, so that one that kills the server does not come for ever.
 */
export async function claimNotifications(
  pool: Pool,
  { term, nowMs, limit }: { readonly term: number; readonly nowMs: number; readonly limit: number },
): Promise<NotificationRow[]> {
  const { rows } = await pool.query<NotificationRow>({
    name: "claim-notifications",
    text: `
      update notifications set claimed_term = $1, attempts = attempts + 1
      where id in (
        select id from notifications
        where state = 'pending' and next_at_ms <= $2 and (claimed_term is null or claimed_term <> $1)
        order by next_at_ms, created_at_ms limit $3 for update skip locked)
      returning ${COLUMNS}`,
    values: [term, nowMs, limit],
  });
  return rows;
}

export async function settleNotification(
  pool: Pool,
  id: string,
  end: {
    readonly state: NotificationRow["state"];
    readonly nextAtMs: number;
    readonly doneAtMs: number | null;
    readonly error: string;
    readonly target: NotifyTarget;
  },
): Promise<void> {
  await pool.query({
    name: "settle-notification",
    text: `update notifications
           set state = $2, next_at_ms = $3, done_at_ms = $4, error = $5, target = $6::jsonb, claimed_term = null
           where id = $1 and state = 'pending'`,
    values: [id, end.state, end.nextAtMs, end.doneAtMs, end.error, JSON.stringify(end.target)],
  });
}

/** Newest first. Empty texts: any. */
export async function listNotifications(
  pool: Pool,
  { state, job, limit }: { readonly state: string; readonly job: string; readonly limit: number },
): Promise<NotificationRow[]> {
  const { rows } = await pool.query<NotificationRow>(
    `select ${COLUMNS} from notifications
     where ($1 = '' or state = $1) and ($2 = '' or job = $2)
     order by created_at_ms desc nulls last, id desc nulls last limit $3`,
    [state, job, limit],
  );
  return rows;
}

/** Undefined: there is no dead one of this id. */
export async function reviveNotification(pool: Pool, id: string): Promise<NotificationRow | undefined> {
  const { rows } = await pool.query<NotificationRow>(
    `update notifications set state = 'pending', attempts = 0, next_at_ms = 0, done_at_ms = null, claimed_term = null
     where id = $1 and state = 'dead' returning ${COLUMNS}`,
    [id],
  );
  return rows[0];
}

/** When the next try is due; null: nothing waits. */
export async function nextNotificationMs(pool: Pool): Promise<number | null> {
  const { rows } = await pool.query<{ next: number | null }>({
    name: "next-notification",
    text: `select min(next_at_ms) as next from notifications where state = 'pending' and claimed_term is null`,
  });
  return rows[0]?.next ?? null;
}

export async function pruneNotifications(
  pool: Pool,
  {
    sentBeforeMs,
    deadBeforeMs,
    limit,
  }: { readonly sentBeforeMs: number; readonly deadBeforeMs: number; readonly limit: number },
): Promise<void> {
  await pool.query(
    `delete from notifications where id in (
       select id from notifications where (state = 'sent' and done_at_ms < $1) or (state = 'dead' and done_at_ms < $2) limit $3)`,
    [sentBeforeMs, deadBeforeMs, limit],
  );
}
