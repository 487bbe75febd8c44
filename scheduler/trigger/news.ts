import type { ClientBase } from "pg";
import type { Json } from "../../lib/core/pipeline/placeholder.ts";
import { isoTime } from "../../lib/core/wall-clock.ts";
import { jsonRows } from "../../lib/json-rows.ts";

/** Something that has versions has a new one, or a tag or alias of it points at another. */
export interface News {
  /** As triggers name it: dataset:NAME, dataset:NAME@TAG, model:NAME, model:NAME@ALIAS. */
  readonly from: string;
  /** Without the tag or alias. */
  readonly watched: string;
  /** Names it for ever: the same event fires once. */
  readonly event: string;
  /** The version that it is now; what a trigger saw last does not fire it again. */
  readonly content: string;
  readonly atMs: number;
  /** For templates. */
  readonly values: { readonly [key: string]: Json };
}

/**
 * Tells the triggers that wait for it: rows of the transaction in which it happens, so that what is committed fires, and fires once. Repeating it
 * changes nothing. One statement.
 */
export async function recordNews(client: ClientBase, news: readonly News[]): Promise<void> {
  if (news.length === 0) return;
  const rows = news.map((one) => ({ ...one, at: isoTime(one.atMs) }));
  await client.query({
    name: "trigger-news-events",
    text: `
      insert into trigger_events (trigger, event, name, kind, at_ms, content, context, params, force, depth, state, reason)
      select t.id, n.event, t.pipeline || '.' || t.name, 'data', n."atMs", n.content,
             jsonb_build_object('event', jsonb_build_object('id', n.event, 'kind', 'data', 'at', n.at),
               'trigger', jsonb_build_object('name', t.pipeline || '.' || t.name)) || n.values,
             '{}'::json, 0, 1, 'pending', ''
        from json_to_recordset($1::json) as n(
               "from" text, watched text, event text, content text, "atMs" float8, at text, values jsonb)
        join triggers t on t.watches = n.watched
       where t.state = 'active' and t.source ->> 'kind' = 'data' and t.source ->> 'from' = n."from"
      on conflict (trigger, event) do nothing`,
    values: [jsonRows(rows)],
  });
}
