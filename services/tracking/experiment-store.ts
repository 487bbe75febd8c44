import type { Pool, PoolClient } from "pg";
import { inTransaction } from "../../lib/db.ts";
import { jsonRows } from "../../lib/json-rows.ts";
import { type ExperimentSearch, experimentSearchStatement } from "./core/experiment-search.ts";
import { absent, invalid, MlflowError } from "./core/mlflow-error.ts";
import { pageJson } from "./page.ts";
import { ARTIFACT_ROOT } from "./parts.ts";

/** The experiment of runs that name none. */
const DEFAULT_EXPERIMENT = "0";

export interface ExperimentRow {
  readonly id: string;
  readonly deleted: boolean;
  readonly artifactLocation: string;
  /** MLflow's Experiment, as JSON. */
  readonly json: string;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** SQL of MLflow's Experiment for a row `e`. */
const EXPERIMENT_JSON = `json_strip_nulls(json_build_object(
    'experiment_id', e.id::text, 'name', e.name, 'artifact_location', e.artifact_location,
    'lifecycle_stage', case when e.deleted then 'deleted' else 'active' end,
    'last_update_time', e.updated_ms, 'creation_time', e.created_ms,
    'tags', (select json_agg(json_build_object('key', t.key, 'value', t.value) order by t.key)
               from experiment_tags t where t.experiment = e.id)))::text`;

const SELECT = `select e.id::text, e.deleted, e.artifact_location as "artifactLocation", ${EXPERIMENT_JSON} as json from experiments e`;

/** The experiment that runs get which name none is always there. */
export async function ensureDefaultExperiment(pool: Pool, nowMs: number): Promise<void> {
  await pool.query(
    `insert into experiments (id, name, artifact_location, created_ms, updated_ms)
     values (0, 'Default', $1, $2, $2) on conflict do nothing`,
    [`${ARTIFACT_ROOT}/${DEFAULT_EXPERIMENT}`, nowMs],
  );
}

export async function createExperiment(
  pool: Pool,
  given: { readonly name: string; readonly artifactLocation: string; readonly tags: readonly Tag[] },
  nowMs: number,
): Promise<string> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `insert into experiments (name, artifact_location, created_ms, updated_ms)
       values ($1, $2, $3, $3) on conflict (name) do nothing returning id::text`,
      [given.name, given.artifactLocation, nowMs],
    );
    const id = rows[0]?.id;
    if (id === undefined) throw new MlflowError("RESOURCE_ALREADY_EXISTS", alreadyExists(given.name));
    if (given.artifactLocation === "")
      await client.query("update experiments set artifact_location = $2 where id = $1", [id, `${ARTIFACT_ROOT}/${id}`]);
    await setExperimentTags(client, id, given.tags);
    return id;
  });
}

function alreadyExists(name: string): string {
  return `Experiment(name=${name}) already exists. Choose another name; if it was deleted, restore it`;
}

/** Undefined: there is none. Deleted ones are found too. */
export async function findExperiment(
  client: Pool | PoolClient,
  by: { readonly id: string } | { readonly name: string },
): Promise<ExperimentRow | undefined> {
  const { rows } =
    "id" in by
      ? await client.query<ExperimentRow>(`${SELECT} where e.id = $1`, [by.id])
      : await client.query<ExperimentRow>(`${SELECT} where e.name = $1`, [by.name]);
  return rows[0];
}

/** Throws RESOURCE_DOES_NOT_EXIST. */
export async function getExperiment(client: Pool | PoolClient, id: string): Promise<ExperimentRow> {
  const found = await findExperiment(client, { id });
  if (found === undefined) throw noExperiment(id);
  return found;
}

function noExperiment(id: string): MlflowError {
  return absent(`No Experiment with id=${id} exists`);
}

export function checkExperimentActive({ id, deleted }: { readonly id: string; readonly deleted: boolean }): void {
  if (deleted) throw invalid(`The experiment ${id} must be in the 'active' state. Current state is deleted.`);
}

/** Deletes or restores the experiment and its runs. */
export async function setExperimentDeleted(pool: Pool, id: string, deleted: boolean, nowMs: number): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      "update experiments set deleted = $2, updated_ms = $3 where id = $1 and deleted <> $2",
      [id, deleted, nowMs],
    );
    if (rowCount === 0) throw noExperiment(id);
    await client.query(
      "update runs set deleted = $2, deleted_ms = case when $2 then $3::bigint end where experiment = $1",
      [id, deleted, nowMs],
    );
  });
}

export async function renameExperiment(pool: Pool, id: string, name: string, nowMs: number): Promise<void> {
  const { deleted } = await getExperiment(pool, id);
  if (deleted) throw new MlflowError("INVALID_STATE", "Cannot rename a non-active experiment.");
  const { rowCount } = await pool.query(
    `update experiments set name = $2, updated_ms = $3
      where id = $1 and not exists (select from experiments where name = $2 and id <> $1)`,
    [id, name, nowMs],
  );
  if (rowCount === 0) throw new MlflowError("RESOURCE_ALREADY_EXISTS", alreadyExists(name));
}

/** Each key once. */
export async function setExperimentTags(client: Pool | PoolClient, id: string, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return;
  await client.query(
    `insert into experiment_tags (experiment, key, value)
     select $1, key, value from json_to_recordset($2::json) as t(key text, value text) order by key
     on conflict (experiment, key) do update set value = excluded.value`,
    [id, jsonRows(tags)],
  );
}

export async function deleteExperimentTag(pool: Pool, id: string, key: string): Promise<void> {
  const { rowCount } = await pool.query("delete from experiment_tags where experiment = $1 and key = $2", [id, key]);
  if (rowCount === 0) throw absent(`No tag with name: ${key} in experiment with id ${id}`);
}

/** A page of MLflow's SearchExperiments.Response as JSON. */
export async function searchExperiments(pool: Pool, search: ExperimentSearch): Promise<string> {
  const { sql, values, shape } = experimentSearchStatement(search);
  const { rows } = await pool.query<{ keys: (string | null)[]; json: string }>(
    `with page as materialized (${sql})
     select page.keys, ${EXPERIMENT_JSON} as json from page join experiments e on e.id = page.id order by page.place`,
    values,
  );
  return pageJson("experiments", rows, search.limit, shape);
}
