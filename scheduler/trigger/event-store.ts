import type { ClientBase, Pool } from "pg";
import type { JobId } from "../../lib/core/ids.ts";
import type { Scalar } from "../../lib/core/pipeline/spec.ts";
import { jsonRows } from "../../lib/json-rows.ts";
import type { TriggerEvent } from "./core/decide.ts";

export type EventState = "pending" | "accepted" | "fired" | "dropped" | "refused";

export interface EventRow {
  readonly trigger: string;
  /** PIPELINE.NAME */
  readonly name: string;
  readonly event: string;
  readonly kind: string;
  readonly atMs: number;
  readonly depth: number;
  readonly state: EventState;
  readonly version: number | null;
  readonly job: JobId | null;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly reason: string;
}

/** What was decided about an event. */
export interface Settled {
  readonly event: string;
  readonly content: string;
  readonly state: EventState;
  readonly version: number | null;
  readonly job: JobId | null;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly reason: string;
}

/** What became of an event that was accepted. */
export interface FiringEnd {
  readonly trigger: string;
  readonly event: string;
  readonly state: "fired" | "refused";
  readonly job: JobId | null;
  readonly reason: string;
}

/** An event that was brought before is left as it is. Gives those that are new. */
export async function insertEvents(
  client: ClientBase | Pool,
  events: readonly (TriggerEvent & { readonly trigger: string; readonly name: string; readonly dropped?: string })[],
): Promise<string[]> {
  if (events.length === 0) return [];
  const rows = events.map(({ dropped, force, ...event }) => ({
    ...event,
    force: force ? 1 : 0,
    state: dropped === undefined ? "pending" : "dropped",
    reason: dropped ?? "",
  }));
  const inserted = await client.query<{ event: string }>({
    name: "insert-trigger-events",
    text: `
      insert into trigger_events (trigger, event, name, kind, at_ms, content, context, params, force, depth, state, reason)
      select trigger, event, name, kind, "atMs", content, context, params, force, depth, state, reason
      from json_to_recordset($1::json) as row(
        trigger text, event text, name text, kind text, "atMs" float8, content text, context json, params json, force integer,
        depth integer, state text, reason text)
      on conflict (trigger, event) do nothing
      returning event`,
    values: [jsonRows(rows)],
  });
  return inserted.rows.map((row) => row.event);
}

/** In the order in which they came. */
export async function pendingEvents(client: ClientBase, trigger: string, limit: number): Promise<TriggerEvent[]> {
  const { rows } = await client.query<Omit<TriggerEvent, "force"> & { force: number }>({
    name: "pending-trigger-events",
    text: `select event, kind, at_ms as "atMs", content, context, params, force, depth
           from trigger_events where trigger = $1 and state = 'pending' order by seq limit $2`,
    values: [trigger, limit],
  });
  return rows.map((row) => ({ ...row, force: row.force === 1 }));
}

export async function triggersWithPending(pool: Pool, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ trigger: string }>({
    name: "triggers-with-pending",
    text: `select trigger from (select trigger, min(seq) as first from trigger_events where state = 'pending' group by trigger) as open
           order by first limit $1`,
    values: [limit],
  });
  return rows.map((row) => row.trigger);
}

/** An accepted event of the content, other than itself, less than the window away. */
export async function findDuplicate(
  client: ClientBase,
  of: { readonly trigger: string; readonly event: string; readonly content: string; readonly atMs: number },
  windowMs: number,
): Promise<string | null> {
  const { rows } = await client.query<{ event: string }>({
    name: "duplicate-trigger-event",
    text: `select event from trigger_events
           where trigger = $1 and content = $2 and at_ms > $3::float8 - $4::float8 and at_ms < $3::float8 + $4::float8
             and event <> $5 and state in ('accepted', 'fired')
           order by seq limit 1`,
    values: [of.trigger, of.content, of.atMs, windowMs, of.event],
  });
  return rows[0]?.event ?? null;
}

/** Only what is pending; the values for templates are of no more use. */
export async function settleEvent(client: ClientBase, trigger: string, settled: Settled): Promise<void> {
  const { event, content, state, version, job, params, reason } = settled;
  await client.query({
    name: "settle-trigger-event",
    text: `update trigger_events
           set content = $3, state = $4, version = $5, job = $6, params = $7::json, reason = $8, context = null
           where trigger = $1 and event = $2 and state = 'pending'`,
    values: [trigger, event, content, state, version, job, JSON.stringify(params), reason],
  });
}

const ROW = `trigger, name, event, kind, at_ms as "atMs", depth, state, version, job, params, reason`;

/** Oldest first. */
export async function acceptedEvents(pool: Pool, limit: number): Promise<EventRow[]> {
  const { rows } = await pool.query<EventRow>({
    name: "accepted-trigger-events",
    text: `select ${ROW} from trigger_events where state = 'accepted' order by seq limit $1`,
    values: [limit],
  });
  return rows;
}

/** What became of those that were accepted. */
export async function finishEvents(pool: Pool, ends: readonly FiringEnd[]): Promise<void> {
  await pool.query({
    name: "finish-trigger-events",
    text: `update trigger_events as e set state = row.state, job = row.job, reason = row.reason
           from json_to_recordset($1::json) as row(trigger text, event text, state text, job text, reason text)
           where e.trigger = row.trigger and e.event = row.event and e.state = 'accepted'`,
    values: [jsonRows(ends)],
  });
}

export async function readEvent(
  client: ClientBase | Pool,
  trigger: string,
  event: string,
): Promise<EventRow | undefined> {
  const { rows } = await client.query<EventRow>(`select ${ROW} from trigger_events where trigger = $1 and event = $2`, [
    trigger,
    event,
  ]);
  return rows[0];
}

/** Newest first. */
export async function latestEvents(pool: Pool, trigger: string, limit: number): Promise<EventRow[]> {
  const { rows } = await pool.query<EventRow>(
    `select ${ROW} from trigger_events where trigger = $1 order by seq desc limit $2`,
    [trigger, limit],
  );
  return rows;
}

/** Of a trigger that is removed nobody decides any more. */
export async function dropPending(client: ClientBase, trigger: string, reason: string): Promise<void> {
  await client.query(
    `update trigger_events set state = 'dropped', reason = $2, context = null where trigger = $1 and state = 'pending'`,
    [trigger, reason],
  );
}

/** Those that are done and came before `beforeMs`; gives how many. Jobs keep their keys: what is forgotten here still fires once. */
export async function pruneEvents(pool: Pool, beforeMs: number, limit: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from trigger_events where (trigger, event) in (
       select trigger, event from trigger_events where state in ('fired', 'dropped', 'refused') and at_ms < $1 limit $2)`,
    [beforeMs, limit],
  );
  return rowCount ?? 0;
}
