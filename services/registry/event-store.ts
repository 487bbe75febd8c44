import type { ClientBase, Pool } from "pg";
import { storableJson } from "../../lib/json-rows.ts";
import { type Change, eventName } from "./core/event.ts";
import type { Actor } from "./parts.ts";

export interface EventRow {
  readonly id: number;
  readonly event: string;
  readonly model: string;
  readonly body: {
    readonly data: Readonly<Record<string, unknown>>;
    readonly more: Readonly<Record<string, unknown>>;
    readonly by: Actor;
  };
  readonly atMs: number;
}

/**
 * Writes down what changed, and for whom: for NATS, and one delivery for each webhook that asked for it. Part of the transaction
 * that makes the change, so that nothing is told that did not happen, and nothing that happened is not told.
 */
export async function recordChange(client: ClientBase, change: Change, by: Actor, nowMs: number): Promise<void> {
  const body = { data: change.data, more: change.more, by };
  await client.query(
    `with event as (
       insert into registry_events (event, model, body, at_ms) values ($1, $2, $3, $4) returning id)
     insert into webhook_deliveries (id, webhook, event, state, attempts, next_ms, error)
     select gen_random_uuid()::text, w.id, event.id, 'pending', 0, 0, '' from event, webhooks w
     where w.status = 'ACTIVE' and $1 = any(w.events)`,
    [eventName(change), change.model, storableJson(body), nowMs],
  );
}

/** Any number that no other program of ours locks: who publishes holds it, so that events go out in the order of their ids. */
const PUBLISHER_LOCK = 5_270_519;

/** The oldest that were not published, oldest first; empty also when another server publishes at the moment. Until the transaction ends. */
export async function claimEvents(client: ClientBase, limit: number): Promise<EventRow[]> {
  const { rows: locked } = await client.query<{ mine: boolean }>(`select pg_try_advisory_xact_lock($1) as mine`, [
    PUBLISHER_LOCK,
  ]);
  if (locked[0]?.mine !== true) return [];
  const { rows } = await client.query<{ row: EventRow }>(
    `select json_build_object('id', id, 'event', event, 'model', model, 'body', body, 'atMs', at_ms) as row
     from registry_events where published_ms is null order by id limit $1`,
    [limit],
  );
  return rows.map(({ row }) => row);
}

export async function markPublished(client: ClientBase, ids: readonly number[], nowMs: number): Promise<void> {
  await client.query("update registry_events set published_ms = $2 where id = any($1)", [ids, nowMs]);
}

export interface DeliveryRow {
  readonly id: string;
  readonly attempts: number;
  readonly url: string;
  readonly secret: string | null;
  readonly event: string;
  readonly data: unknown;
  readonly atMs: number;
}

/**
 * Takes what is due for a try, for `leaseMs`: a server that dies meanwhile leaves it to the next. A try counts when it begins. What
 * was for a webhook that is gone or disabled is not sent.
 */
export async function claimDeliveries(
  pool: Pool,
  { nowMs, leaseMs, limit }: { readonly nowMs: number; readonly leaseMs: number; readonly limit: number },
): Promise<DeliveryRow[]> {
  const { rows } = await pool.query<{ row: DeliveryRow }>(
    `with due as (
       select d.id from webhook_deliveries d where d.state = 'pending' and d.next_ms <= $1
       order by d.next_ms, d.event limit $3 for update skip locked),
     dropped as (
       update webhook_deliveries d set state = 'dead', done_ms = $1, error = 'the webhook was deleted or disabled'
       where d.id in (select id from due)
         and not exists (select from webhooks w where w.id = d.webhook and w.status = 'ACTIVE')),
     taken as (
       update webhook_deliveries d set attempts = d.attempts + 1, next_ms = $1 + $2
       where d.id in (select id from due) and exists (select from webhooks w where w.id = d.webhook and w.status = 'ACTIVE')
       returning d.id, d.attempts, d.webhook, d.event)
     select json_build_object('id', t.id, 'attempts', t.attempts, 'url', w.url, 'secret', w.secret, 'event', e.event,
       'data', e.body -> 'data', 'atMs', e.at_ms) as row
     from taken t join webhooks w on w.id = t.webhook join registry_events e on e.id = t.event order by e.id`,
    [nowMs, leaseMs, limit],
  );
  return rows.map(({ row }) => row);
}

export async function settleDelivery(
  pool: Pool,
  id: string,
  end: {
    readonly state: "pending" | "sent" | "dead";
    readonly nextMs: number;
    readonly doneMs: number | null;
    readonly error: string;
  },
): Promise<void> {
  await pool.query(
    "update webhook_deliveries set state = $2, next_ms = $3, done_ms = $4, error = $5 where id = $1 and state = 'pending'",
    [id, end.state, end.nextMs, end.doneMs, end.error],
  );
}

/** When there is something to do next; 0: now; null: nothing waits. */
export async function nextDueMs(pool: Pool): Promise<number | null> {
  const { rows } = await pool.query<{ next: number | null }>(
    `select case when exists (select from registry_events where published_ms is null) then 0
       else (select min(next_ms) from webhook_deliveries where state = 'pending') end as next`,
  );
  return rows[0]?.next ?? null;
}

export async function pruneEvents(
  pool: Pool,
  { beforeMs, limit }: { readonly beforeMs: number; readonly limit: number },
): Promise<void> {
  await pool.query(
    `with old as (
       select e.id from registry_events e
       where e.at_ms < $1 and e.published_ms is not null
         and not exists (select from webhook_deliveries d where d.event = e.id and d.state = 'pending')
       order by e.at_ms limit $2),
     deliveries as (delete from webhook_deliveries where event in (select id from old))
     delete from registry_events where id in (select id from old)`,
    [beforeMs, limit],
  );
}
