import type { Pool, PoolClient } from "pg";
import { jsonRows } from "../../lib/json-rows.ts";
import type { KeyValue } from "./core/batch.ts";
import { absent } from "./core/mlflow-error.ts";
import { type ModelSearch, modelSearchStatement } from "./core/model-search.ts";
import { pageJson } from "./page.ts";

export interface NewModel {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly modelType: string;
  readonly sourceRunId: string | null;
  readonly params: readonly KeyValue[];
  readonly tags: readonly KeyValue[];
}

export interface ModelRow {
  readonly id: string;
  readonly experimentId: string;
  readonly artifactUri: string;
  readonly sourceRunId: string | null;
  readonly name: string;
}

const KEY_VALUES = (table: string): string =>
  `(select json_agg(json_build_object('key', x.key, 'value', x.value) order by x.key) from ${table} x where x.model = m.id)`;

/** SQL of MLflow's LoggedModel for a row `m`. */
const MODEL_JSON = `json_strip_nulls(json_build_object(
    'info', json_build_object('model_id', m.id, 'experiment_id', m.experiment::text, 'name', m.name,
      'creation_timestamp_ms', m.created_ms, 'last_updated_timestamp_ms', m.updated_ms, 'artifact_uri', m.artifact_uri,
      'status', m.status, 'status_message', m.status_message, 'model_type', m.model_type, 'source_run_id', m.source_run_id,
      'tags', ${KEY_VALUES("logged_model_tags")}),
    'data', json_build_object('params', ${KEY_VALUES("logged_model_params")},
      'metrics', (select json_agg(json_build_object('key', x.key, 'value', x.value, 'timestamp', x.timestamp_ms, 'step', x.step,
                    'model_id', x.model, 'run_id', r.id, 'dataset_name', nullif(x.dataset_name, ''),
                    'dataset_digest', nullif(x.dataset_digest, '')) order by x.key, x.timestamp_ms, x.step)
                    from logged_model_metrics x join runs r on r.number = x.run where x.model = m.id))))::text`;

export function noModel(id: string): Error {
  return absent(`Logged model with ID '${id}' not found.`);
}

/** Whether there is such an experiment, and it is active. */
export async function createModel(pool: Pool, model: NewModel, nowMs: number): Promise<boolean> {
  const { rows } = await pool.query(
    `with made as (
       insert into logged_models (id, experiment, name, artifact_uri, created_ms, updated_ms, status, model_type, source_run_id)
       select $1, e.id, $3, e.artifact_location || '/models/' || $1 || '/artifacts', $4, $4, 'LOGGED_MODEL_PENDING', $5, $6
         from experiments e where e.id = $2 and not e.deleted
       returning id),
     params as (
       insert into logged_model_params (model, key, value)
       select made.id, p.key, p.value from made, json_to_recordset($7::json) as p(key text, value text)),
     tags as (
       insert into logged_model_tags (model, key, value)
       select made.id, t.key, t.value from made, json_to_recordset($8::json) as t(key text, value text))
     select from made`,
    [
      model.id,
      model.experimentId,
      model.name,
      nowMs,
      model.modelType,
      model.sourceRunId,
      jsonRows(model.params),
      jsonRows(model.tags),
    ],
  );
  return rows.length > 0;
}

/** MLflow's LoggedModel as JSON. Throws RESOURCE_DOES_NOT_EXIST. */
export async function getModelJson(pool: Pool, id: string, allowDeleted = false): Promise<string> {
  const { rows } = await pool.query<{ json: string }>(
    `select ${MODEL_JSON} as json from logged_models m where m.id = $1 and (not m.deleted or $2)`,
    [id, allowDeleted],
  );
  if (rows[0] === undefined) throw noModel(id);
  return rows[0].json;
}

/** Undefined: there is none, or it is deleted. */
export async function findModel(client: Pool | PoolClient, id: string): Promise<ModelRow | undefined> {
  const { rows } = await client.query<ModelRow>(
    `select id, experiment::text as "experimentId", artifact_uri as "artifactUri", source_run_id as "sourceRunId", name
       from logged_models where id = $1 and not deleted`,
    [id],
  );
  return rows[0];
}

/** Throws RESOURCE_DOES_NOT_EXIST. */
export async function getModel(client: Pool | PoolClient, id: string): Promise<ModelRow> {
  const found = await findModel(client, id);
  if (found === undefined) throw noModel(id);
  return found;
}

export async function setModelStatus(
  pool: Pool,
  id: string,
  to: { readonly status: string; readonly message: string | null },
  nowMs: number,
): Promise<void> {
  const { rowCount } = await pool.query(
    "update logged_models set status = $2, status_message = $3, updated_ms = $4 where id = $1 and not deleted",
    [id, to.status, to.message, nowMs],
  );
  if (rowCount === 0) throw noModel(id);
}

export async function deleteModel(pool: Pool, id: string, nowMs: number): Promise<void> {
  const { rowCount } = await pool.query("update logged_models set deleted = true, updated_ms = $2 where id = $1", [
    id,
    nowMs,
  ]);
  if (rowCount === 0) throw noModel(id);
}

export async function setModelTags(client: Pool | PoolClient, id: string, tags: readonly KeyValue[]): Promise<void> {
  await client.query(
    `insert into logged_model_tags (model, key, value)
     select $1, key, value from json_to_recordset($2::json) as t(key text, value text) order by key
     on conflict (model, key) do update set value = excluded.value`,
    [id, jsonRows(tags)],
  );
}

export async function deleteModelTag(pool: Pool, id: string, key: string): Promise<void> {
  const { rowCount } = await pool.query("delete from logged_model_tags where model = $1 and key = $2", [id, key]);
  if (rowCount === 0) throw absent(`No tag with key '${key}' found for model with ID '${id}'.`);
}

/** Once written a param stays; the same again changes nothing. The first that is there with another value; null: all are written. */
export async function addModelParams(
  pool: Pool,
  id: string,
  params: readonly KeyValue[],
): Promise<{ readonly key: string; readonly value: string } | null> {
  const rows = jsonRows(params);
  await pool.query(
    `insert into logged_model_params (model, key, value)
     select $1, key, value from json_to_recordset($2::json) as p(key text, value text) order by key on conflict do nothing`,
    [id, rows],
  );
  const { rows: changed } = await pool.query<KeyValue>(
    `select h.key, h.value from logged_model_params h
       join json_to_recordset($2::json) as p(key text, value text) on p.key = h.key and p.value <> h.value
      where h.model = $1 limit 1`,
    [id, rows],
  );
  return changed[0] ?? null;
}

/** A page of MLflow's SearchLoggedModels.Response as JSON. */
export async function searchModels(pool: Pool, search: ModelSearch): Promise<string> {
  const { sql, values, shape } = modelSearchStatement(search);
  const { rows } = await pool.query<{ keys: (string | null)[]; json: string }>(
    `with page as materialized (${sql})
     select page.keys, ${MODEL_JSON} as json from page join logged_models m on m.id = page.id order by page.place`,
    values,
  );
  return pageJson("models", rows, search.limit, shape);
}
