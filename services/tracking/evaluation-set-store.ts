import { createHash } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import { inTransaction } from "../../lib/db.ts";
import { storableJson } from "../../lib/json-rows.ts";
import { type EvaluationSetSearch, evaluationSetStatement } from "./core/evaluation-set.ts";
import { absent } from "./core/mlflow-error.ts";
import { pageJson } from "./page.ts";

const USER_TAG = "mlflow.user";

/** MLflow's Dataset (of mlflow.genai.datasets) of the row `s`. Maps are JSON in text, as its client wants them. */
const SET_JSON = `json_strip_nulls(json_build_object(
  'dataset_id', s.id, 'name', s.name, 'digest', s.digest, 'tags', s.tags::text, 'schema', s.schema::text,
  'profile', case when s.records > 0 then json_build_object('num_records', s.records)::text end,
  'created_time', s.created_ms, 'last_update_time', s.updated_ms, 'created_by', s.created_by, 'last_updated_by', s.updated_by,
  'experiment_ids', (select json_agg(x.experiment::text order by x.experiment)
                       from evaluation_set_experiments x where x.set = s.id)))::text`;

/** Throws RESOURCE_DOES_NOT_EXIST for an experiment that is not there. */
export async function createEvaluationSet(
  pool: Pool,
  given: {
    readonly id: string;
    readonly name: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly experimentIds: readonly string[];
  },
  nowMs: number,
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(
      `insert into evaluation_sets (id, name, digest, created_ms, updated_ms, created_by, updated_by, tags, records)
       values ($1, $2, $3, $4, $4, $5, $5, $6, 0)`,
      [
        given.id,
        given.name,
        digestOf(given.name, nowMs),
        nowMs,
        given.tags[USER_TAG] ?? null,
        storableJson(given.tags),
      ],
    );
    await addExperiments(client, given.id, given.experimentIds);
  });
}

/** Of its name and its last change, as MLflow makes it. */
function digestOf(name: string, updatedMs: number): string {
  return createHash("sha256").update(`${name}:${updatedMs}`).digest("hex").slice(0, 8);
}

/** Throws RESOURCE_DOES_NOT_EXIST. */
export async function getEvaluationSet(pool: Pool, id: string): Promise<string> {
  const { rows } = await pool.query<{ json: string }>(
    `select ${SET_JSON} as json from evaluation_sets s where s.id = $1`,
    [id],
  );
  if (rows[0] === undefined) throw noSet(id);
  return rows[0].json;
}

export async function searchEvaluationSets(pool: Pool, search: EvaluationSetSearch): Promise<string> {
  const { sql, values, shape } = evaluationSetStatement(search);
  const { rows } = await pool.query<{ keys: (string | null)[]; json: string }>(
    `with page as materialized (${sql})
     select page.keys, ${SET_JSON} as json from page join evaluation_sets s on s.id = page.id order by page.place`,
    values,
  );
  return pageJson("datasets", rows, search.limit, shape);
}

/** One that is not there is gone. */
export async function deleteEvaluationSet(pool: Pool, id: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    // First the set, which waits for who is adding to it: a later statement sees what they added.
    await client.query("delete from evaluation_sets where id = $1", [id]);
    await client.query("delete from evaluation_set_experiments where set = $1", [id]);
    await client.query("delete from evaluation_records where set = $1", [id]);
  });
}

/** Throws RESOURCE_DOES_NOT_EXIST. */
export async function setEvaluationSetTags(
  pool: Pool,
  id: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  const { rowCount } = await pool.query("update evaluation_sets set tags = tags || $2::jsonb where id = $1", [
    id,
    storableJson(tags),
  ]);
  if (rowCount === 0) throw noSet(id);
}

/** A tag that is not there is gone. */
export async function deleteEvaluationSetTag(pool: Pool, id: string, key: string): Promise<void> {
  await pool.query("update evaluation_sets set tags = tags - $2::text where id = $1", [id, key]);
}

export async function experimentsOfSet(pool: Pool, id: string): Promise<string[]> {
  const { rows } = await pool.query<{ experiment: string }>(
    "select experiment::text from evaluation_set_experiments where set = $1 order by evaluation_set_experiments.experiment",
    [id],
  );
  return rows.map(({ experiment }) => experiment);
}

/** Throws RESOURCE_DOES_NOT_EXIST for a set or an experiment that is not there. */
export async function joinExperiments(pool: Pool, id: string, ids: readonly string[], nowMs: number): Promise<void> {
  await inTransaction(pool, async (client) => {
    await touch(client, id, nowMs);
    await addExperiments(client, id, ids);
  });
}

export async function leaveExperiments(pool: Pool, id: string, ids: readonly string[], nowMs: number): Promise<void> {
  await inTransaction(pool, async (client) => {
    await touch(client, id, nowMs);
    await client.query("delete from evaluation_set_experiments where set = $1 and experiment = any($2::bigint[])", [
      id,
      ids,
    ]);
  });
}

async function touch(client: PoolClient, id: string, nowMs: number): Promise<void> {
  const { rowCount } = await client.query("update evaluation_sets set updated_ms = $2 where id = $1", [id, nowMs]);
  if (rowCount === 0) throw noSet(id);
}

async function addExperiments(client: PoolClient, id: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { rows } = await client.query<{ id: string }>(
    `with there as (select id from experiments where id = any($2::bigint[])),
          added as (insert into evaluation_set_experiments (set, experiment) select $1, id from there order by id
                    on conflict do nothing)
     select id::text from there`,
    [id, ids],
  );
  const there = new Set(rows.map((row) => row.id));
  const missing = ids.find((one) => !there.has(one));
  if (missing !== undefined) throw absent(`No Experiment with id=${missing} exists`);
}

export function noSet(id: string): Error {
  return absent(`Evaluation dataset with id '${id}' not found`);
}
