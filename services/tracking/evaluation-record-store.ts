import { createHash } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import { inTransaction } from "../../lib/db.ts";
import { noSet } from "./evaluation-set-store.ts";

/** Fields of `inputs`, `outputs` and `expectations` with their types, in MLflow's words; $1: the records. The first one that has a field says its type. */
const FIELDS = `
  select section, f.key, place, case jsonb_typeof(f.value)
           when 'number' then case when f.value::text ~ '[.]' then 'float' else 'integer' end
           else jsonb_typeof(f.value) end as type
    from jsonb_array_elements($1::jsonb) with ordinality r(record, place), unnest(array['inputs', 'outputs', 'expectations']) section,
         jsonb_each(case when jsonb_typeof(record->section) = 'object' then record->section else '{}' end) f`;

/**
 * Adds records, JSON that was checked; one whose inputs are there already is changed: outputs are replaced, expectations and tags
 * added to. Repeating it adds nothing. Throws RESOURCE_DOES_NOT_EXIST.
 */
export async function upsertRecords(
  pool: Pool,
  set: string,
  records: string,
  nowMs: number,
): Promise<{ readonly inserted: number; readonly updated: number }> {
  return inTransaction(pool, async (client) => {
    // Writers of one set come one after the other: its schema is put together from all of them.
    const held = await client.query<{ name: string }>("select name from evaluation_sets where id = $1 for update", [
      set,
    ]);
    if (held.rows[0] === undefined) throw noSet(set);
    const { inserted, given } = await writeRecords(client, set, records, nowMs);
    await describe(client, set, { name: held.rows[0].name, records, nowMs });
    return { inserted, updated: given - inserted };
  });
}

async function writeRecords(
  client: PoolClient,
  set: string,
  records: string,
  nowMs: number,
): Promise<{ readonly inserted: number; readonly given: number }> {
  const { rows } = await client.query<{ inserted: number; given: number }>(
    `with given as materialized (
       select record, place, sha256(convert_to(coalesce(record->'inputs', '{}')::text, 'UTF8')) as hash
         from jsonb_array_elements($1::jsonb) with ordinality as r(record, place)),
     -- The same inputs more than once: as if they had come one after the other.
     folded as (
       select hash, min(place) as place,
              (array_agg(coalesce(record->'inputs', '{}') order by place))[1] as inputs,
              (array_agg(record->'outputs' order by place desc) filter (where record ? 'outputs'))[1] as outputs,
              (array_agg(nullif(record->'source', 'null') order by place))[1] as source
         from given group by hash),
     maps as (
       select g.hash, section, jsonb_object_agg(f.key, f.value order by g.place) as map
         from given g, unnest(array['expectations', 'tags']) section,
              jsonb_each(case when jsonb_typeof(g.record->section) = 'object' then g.record->section else '{}' end) f
        group by 1, 2),
     rows as (
       select f.*, e.map as expectations, coalesce(t.map, '{}') as tags, t.map->>'mlflow.user' as who from folded f
         left join maps e on e.hash = f.hash and e.section = 'expectations'
         left join maps t on t.hash = f.hash and t.section = 'tags'),
     written as (
       insert into evaluation_records as r (set, inputs_hash, id, inputs, outputs, expectations, tags, source, created_ms,
                                            updated_ms, created_by, updated_by)
       select $2, hash, 'dr-' || replace(gen_random_uuid()::text, '-', ''), inputs, outputs, expectations, tags, source, $3, $3,
              who, who
         from rows order by place
       on conflict (set, inputs_hash) do update set
         outputs = coalesce(excluded.outputs, r.outputs),
         expectations = case when excluded.expectations is null then r.expectations
                             else coalesce(r.expectations, '{}') || excluded.expectations end,
         tags = r.tags || excluded.tags, updated_ms = excluded.updated_ms,
         updated_by = coalesce(excluded.updated_by, r.updated_by)
       returning xmax = 0 as new)
     select (count(*) filter (where new))::int as inserted, (select count(*) from given)::int as given from written`,
    [records, set, nowMs],
  );
  return rows[0]!;
}

/** What the set says of its records: how many, their fields, who changed them. */
async function describe(
  client: PoolClient,
  set: string,
  { name, records, nowMs }: { readonly name: string; readonly records: string; readonly nowMs: number },
): Promise<void> {
  await client.query(
    `with fields as (${FIELDS}),
     found as (
       select section, jsonb_object_agg(key, type order by place desc) as types from fields group by section),
     other as (
       select jsonb_typeof(record->'outputs') as type from jsonb_array_elements($1::jsonb) r(record)
        where jsonb_typeof(record->'outputs') not in ('object', 'null') limit 1),
     types as (
       select section, coalesce((select types from found where found.section = s.section), '{}') as found,
              coalesce((select schema->s.section from evaluation_sets where id = $2), '{}') as held
         from unnest(array['inputs', 'outputs', 'expectations']) s(section)),
     merged as (
       select jsonb_object_agg(section, case
                -- Outputs that are no object have one type, all of them.
                when jsonb_typeof(held) <> 'object' then held
                when section = 'outputs' and held = '{}' and found = '{}' and exists (select from other)
                  then to_jsonb((select type from other))
                else found || held end) as schema
         from types)
     update evaluation_sets s set updated_ms = $3, digest = $4,
            updated_by = (select record->'tags'->>'mlflow.user' from jsonb_array_elements($1::jsonb) with ordinality r(record, place)
                           where record->'tags'->>'mlflow.user' is not null order by place desc limit 1),
            schema = case when $1::jsonb = '[]' then s.schema
                          else (select merged.schema || '{"version": "1.0"}' from merged) end,
            records = (select count(*) from evaluation_records r where r.set = s.id)
      where s.id = $2`,
    [records, set, nowMs, createHash("sha256").update(`${name}:${nowMs}`).digest("hex").slice(0, 8)],
  );
}

const RECORD_JSON = `json_strip_nulls(json_build_object(
  'dataset_record_id', r.id, 'dataset_id', r.set, 'source_id', coalesce(r.source->'source_data'->>'trace_id',
     r.source->'source_data'->>'source_id'), 'source_type', upper(r.source->>'source_type'),
  'created_time', r.created_ms, 'last_update_time', r.updated_ms, 'created_by', r.created_by, 'last_updated_by', r.updated_by))::jsonb
  || jsonb_build_object('inputs', r.inputs, 'tags', r.tags)
  || case when r.outputs is null then '{"outputs": {}}' when r.outputs = 'null' then '{}'
          else jsonb_build_object('outputs', r.outputs) end
  || case when r.expectations is null then '{}' else jsonb_build_object('expectations', r.expectations) end
  || case when r.source is null then '{}' else jsonb_build_object('source', r.source) end`;

/** A page of records in the order they came, each as JSON with its place; one more than the limit where there is a next page. */
export async function listRecords(
  pool: Pool,
  set: string,
  page: { readonly after: string; readonly limit: number },
): Promise<{ readonly json: string; readonly place: string }[]> {
  const { rows } = await pool.query<{ json: string; place: string }>(
    `select (${RECORD_JSON})::text as json, r.number::text as place from evaluation_records r
      where r.set = $1 and r.number > $2 order by r.number limit $3`,
    [set, page.after, page.limit + 1],
  );
  if (rows.length > 0) return rows;
  const { rowCount } = await pool.query("select from evaluation_sets where id = $1", [set]);
  if (rowCount === 0) throw noSet(set);
  return rows;
}

/** How many of them there were. Throws RESOURCE_DOES_NOT_EXIST for the set. */
export async function deleteRecords(pool: Pool, set: string, ids: readonly string[], nowMs: number): Promise<number> {
  return inTransaction(pool, async (client) => {
    const held = await client.query<{ name: string }>("select name from evaluation_sets where id = $1 for update", [
      set,
    ]);
    if (held.rows[0] === undefined) throw noSet(set);
    const { rowCount } = await client.query("delete from evaluation_records where set = $1 and id = any($2::text[])", [
      set,
      ids,
    ]);
    if (rowCount) await describe(client, set, { name: held.rows[0].name, records: "[]", nowMs });
    return rowCount ?? 0;
  });
}
