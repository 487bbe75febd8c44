import { createHash } from "node:crypto";
import type { ClientBase, Pool } from "pg";
import { inTransaction } from "../../../lib/db.ts";
import { jsonRows, storableJson } from "../../../lib/json-rows.ts";
import type { LineageEvent } from "./core/event.ts";
import { type FacetRow, type Folded, foldEvents, type NamedRow, type RunRow, type UseRow } from "./core/fold.ts";

/**
 * Keeps events and what follows from them, in one transaction. The same in any order and however often the same ones come. All servers write rows
 * in the order of tables and keys below, so that two that write the same ones wait for each other and never in a circle.
 */
export async function keepEvents(pool: Pool, events: readonly LineageEvent[], nowMs: number): Promise<void> {
  if (events.length === 0) return;
  const rows = foldEvents(events);
  await inTransaction(pool, async (client) => {
    await insertEvents(client, events, nowMs);
    await upsertNamed(client, "openlineage_jobs", rows.jobs);
    await upsertRuns(client, rows.runs);
    await upsertNamed(client, "openlineage_datasets", rows.datasets);
    await upsertVersions(client, rows);
    await upsertUses(client, rows.uses);
    await upsertFacets(client, rows.facets);
    await writeLinks(client, rows, nowMs);
  });
}

async function insertEvents(client: ClientBase, events: readonly LineageEvent[], nowMs: number): Promise<void> {
  const rows = events.map(({ body, atMs, kind }) => ({ id: eventId(body), at_ms: atMs, kind, body }));
  await client.query({
    name: "openlineage-events",
    text: `insert into openlineage_events (id, at_ms, received_ms, kind, body)
           select distinct on (id) id, at_ms, $2, kind, body
             from json_to_recordset($1::json) as r(id text, at_ms float8, kind text, body json) order by id
           on conflict do nothing`,
    values: [jsonRows(rows), nowMs],
  });
}

/** The same for equal JSON, whatever the order of its keys. */
export function eventId(body: unknown): string {
  const sorted = JSON.stringify(body, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash("sha256").update(sorted).digest("hex");
}

async function upsertNamed(
  client: ClientBase,
  table: "openlineage_jobs" | "openlineage_datasets",
  rows: readonly NamedRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: `upsert-${table}`,
    text: `insert into ${table} as t (node, namespace, name, created_ms, updated_ms)
           select node, min(namespace), min(name), min("atMs"), max("atMs")
             from json_to_recordset($1::json) as r(node text, namespace text, name text, "atMs" float8)
            group by node order by node collate "C"
           on conflict (node) do update set created_ms = least(t.created_ms, excluded.created_ms),
                                            updated_ms = greatest(t.updated_ms, excluded.updated_ms)
            where t.created_ms > excluded.created_ms or t.updated_ms < excluded.updated_ms`,
    values: [jsonRows(rows)],
  });
}

async function upsertRuns(client: ClientBase, rows: readonly RunRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "openlineage-runs",
    text: `insert into openlineage_runs as r (id, namespace, name, state, state_turn, started_ms, ended_ms, nominal_start_ms, nominal_end_ms,
                                            parent, job_version, created_ms, updated_ms)
           select id, (${latest("namespace")})[1], (${latest("name")})[1], (${latest("state")})[1], max("stateTurn"), min("startedMs"),
                  (${latest('"endedMs"')})[1], max("nominalStartMs"), max("nominalEndMs"), max(parent), max("jobVersion"), min("atMs"), max("atMs")
             from json_to_recordset($1::json) as r(id text, namespace text, name text, state text, "stateTurn" float8, "startedMs" float8,
                  "endedMs" float8, "nominalStartMs" float8, "nominalEndMs" float8, parent text, "jobVersion" text, "atMs" float8)
            group by id order by id collate "C"
           on conflict (id) do update set
             namespace = case when excluded.state_turn > r.state_turn then excluded.namespace else r.namespace end,
             name = case when excluded.state_turn > r.state_turn then excluded.name else r.name end,
             state = case when excluded.state_turn > r.state_turn then excluded.state else r.state end,
             state_turn = greatest(r.state_turn, excluded.state_turn),
             started_ms = least(r.started_ms, excluded.started_ms),
             ended_ms = case when excluded.state_turn > r.state_turn then coalesce(excluded.ended_ms, r.ended_ms) else r.ended_ms end,
             nominal_start_ms = greatest(r.nominal_start_ms, excluded.nominal_start_ms),
             nominal_end_ms = greatest(r.nominal_end_ms, excluded.nominal_end_ms),
             parent = greatest(r.parent, excluded.parent),
             job_version = greatest(r.job_version, excluded.job_version),
             created_ms = least(r.created_ms, excluded.created_ms),
             updated_ms = greatest(r.updated_ms, excluded.updated_ms)`,
    values: [jsonRows(rows)],
  });
}

/** Of the row whose state counts. */
function latest(column: string): string {
  return `array_agg(${column} order by "stateTurn" desc, "atMs" desc)`;
}

async function upsertVersions(client: ClientBase, { versions }: Folded): Promise<void> {
  if (versions.length === 0) return;
  await client.query({
    name: "openlineage-versions",
    text: `insert into openlineage_versions as v (dataset, version, node, run, created_ms)
           select dataset, version, min(node), min(run), min("atMs")
             from json_to_recordset($1::json) as r(dataset text, version text, node text, run text, "atMs" float8)
            group by dataset, version order by dataset collate "C", version collate "C"
           on conflict (dataset, version) do update set run = least(v.run, excluded.run), created_ms = least(v.created_ms, excluded.created_ms)`,
    values: [jsonRows(versions)],
  });
}

async function upsertUses(client: ClientBase, rows: readonly UseRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "openlineage-uses",
    text: `insert into openlineage_uses as u (owner, direction, dataset, version, node, edge, at_ms)
           select owner, direction, dataset, version, min(node), bool_or(edge), max("atMs")
             from json_to_recordset($1::json)
                  as r(owner text, direction text, dataset text, version text, node text, edge bool, "atMs" float8)
            group by owner, direction, dataset, version
            order by owner collate "C", direction, dataset collate "C", version collate "C"
           on conflict (owner, direction, dataset, version) do update
              set edge = u.edge or excluded.edge, at_ms = greatest(u.at_ms, excluded.at_ms)
            where u.at_ms < excluded.at_ms or (excluded.edge and not u.edge)`,
    values: [jsonRows(rows)],
  });
}

/** Of two facets of one turn, which clients do not send, the same one stays whichever came first. */
async function upsertFacets(client: ClientBase, rows: readonly FacetRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    name: "openlineage-facets",
    text: `insert into openlineage_facets as f (owner, name, turn, body)
           select distinct on (owner collate "C", name collate "C") owner, name, turn, nullif(body::text, 'null')::json
             from json_to_recordset($1::json) as r(owner text, name text, turn float8, body json)
            order by owner collate "C", name collate "C", turn desc, body::text collate "C" desc
           on conflict (owner, name) do update set turn = excluded.turn, body = excluded.body
            where f.turn < excluded.turn
               or (f.turn = excluded.turn and f.body::text collate "C" < excluded.body::text collate "C")`,
    values: [storableJson(rows)],
  });
}

/**
 * Edges of the graph. A use that says no version says less than one of the same run that does, and gives way to it. What nobody is known to have
 * written as this version comes of the data set as such; what somebody did is part of it.
 */
async function writeLinks(client: ClientBase, { links, uses, versions }: Folded, nowMs: number): Promise<void> {
  const owners = [...new Set(uses.filter(({ edge }) => edge).map(({ owner }) => owner))];
  const touched = versions.filter(({ node, dataset }) => node !== dataset).map(({ node }) => node);
  if (owners.length > 0) await client.query({ name: "openlineage-less-said", text: LESS_SAID, values: [owners] });
  await client.query({
    name: "openlineage-links",
    text: `insert into links (source, target, kind, at_ms)
           select source, target, kind, $4 from (
             select source, target, kind from json_to_recordset($1::json) as r(source text, target text, kind text)
             union
             select case direction when 'input' then node else owner end, case direction when 'input' then owner else node end, direction
               from openlineage_uses where owner = any($2::text[]) and edge
             union
             select node, dataset, 'version' from openlineage_versions where node = any($3::text[]) and run is not null
             union
             select dataset, node, 'version' from openlineage_versions
              where node = any($3::text[]) and run is null and node not like 'sha256:%') as edge
            where source <> target
            order by target collate "C", source collate "C", kind
           on conflict do nothing`,
    values: [jsonRows(links), owners, touched, nowMs],
  });
  if (touched.length > 0)
    await client.query({
      name: "openlineage-written-versions",
      text: `delete from links l using openlineage_versions v
              where v.node = any($1::text[]) and v.run is not null and l.source = v.dataset and l.target = v.node and l.kind = 'version'`,
      values: [touched],
    });
}

const LESS_SAID = `
  with gone as (
    delete from openlineage_uses u
     where u.owner = any($1::text[]) and u.edge and u.version = ''
       and exists (select from openlineage_uses m
                    where m.owner = u.owner and m.direction = u.direction and m.dataset = u.dataset and m.version <> '')
    returning owner, direction, node)
  delete from links l using gone
   where l.kind = gone.direction and l.source = case gone.direction when 'input' then gone.node else gone.owner end
     and l.target = case gone.direction when 'input' then gone.owner else gone.node end`;
