import type { ClientBase, Pool } from "pg";
import { noModel } from "./core/name.ts";

export interface ModelRow {
  readonly id: number;
  readonly name: string;
  readonly isPrompt: boolean;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** MLflow marks prompts by this tag; a model that lacks it is none. */
export const PROMPT_TAG = "mlflow.prompt.is_prompt";

/** SQL: whether the model `m` is a prompt. */
export const IS_PROMPT = `exists (select from registered_model_tags pt
  where pt.model = m.id and pt.key = '${PROMPT_TAG}' and lower(pt.value) = 'true')`;

/** SQL of the tags of something as MLflow's clients read them; null: none. */
const MODEL_TAGS = `(select json_agg(json_build_object('key', t.key, 'value', t.value) order by t.key)
  from registered_model_tags t where t.model = m.id)`;
const VERSION_TAGS = `(select json_agg(json_build_object('key', t.key, 'value', t.value) order by t.key)
  from model_version_tags t where t.model = v.model and t.version = v.version)`;
const VERSION_ALIASES = `(select json_agg(a.alias order by a.alias)
  from model_aliases a where a.model = v.model and a.version = v.version)`;

/** SQL of MLflow's ModelVersion for a row `v` of the model `m`. MLflow leaves the aliases out where versions are listed. */
export function versionJson({ aliases }: { readonly aliases: boolean }): string {
  return `json_strip_nulls(json_build_object(
    'name', m.name, 'version', v.version::text, 'creation_timestamp', v.created_ms, 'last_updated_timestamp', v.updated_ms,
    'user_id', nullif(v.created_by, ''), 'current_stage', v.stage, 'description', v.description, 'source', v.source,
    'run_id', v.run_id, 'status', 'READY', 'tags', ${VERSION_TAGS}, 'run_link', v.run_link,
    'model_id', nullif(v.model_id, '')${aliases ? `, 'aliases', ${VERSION_ALIASES}` : ""}))`;
}

/** SQL of MLflow's RegisteredModel for a row `m`. */
export const MODEL_JSON = `json_strip_nulls(json_build_object(
    'name', m.name, 'creation_timestamp', m.created_ms, 'last_updated_timestamp', m.updated_ms,
    'description', nullif(m.description, ''),
    'latest_versions', (select json_agg(${versionJson({ aliases: false })} order by v.version)
      from model_versions v join (
        select max(version) as version from model_versions
        where model = m.id and deleted_ms is null group by stage) latest using (version)
      where v.model = m.id),
    'tags', ${MODEL_TAGS},
    'aliases', (select json_agg(json_build_object('alias', a.alias, 'version', a.version::text) order by a.alias)
      from model_aliases a where a.model = m.id)))::text`;

const SELECT = `select m.id, m.name, ${IS_PROMPT} as "isPrompt" from registered_models m
  where m.name = $1 and m.deleted_ms is null`;

/** Undefined: there is none. */
export async function findModel(client: Pool | ClientBase, name: string): Promise<ModelRow | undefined> {
  const { rows } = await client.query<ModelRow & { id: string }>(SELECT, [name]);
  return rows[0] && { ...rows[0], id: Number(rows[0].id) };
}

/** Throws `not_found`. */
export async function getModel(client: Pool | ClientBase, name: string): Promise<ModelRow> {
  const found = await findModel(client, name);
  if (!found) throw noModel(name);
  return found;
}

/** Nobody else changes the model, its versions or its aliases until the transaction ends. Throws `not_found`. */
export async function lockModel(client: ClientBase, name: string): Promise<ModelRow> {
  const { rows } = await client.query<ModelRow & { id: string }>(`${SELECT} for update of m`, [name]);
  if (!rows[0]) throw noModel(name);
  return { ...rows[0], id: Number(rows[0].id) };
}

/** Undefined: there is one of this name. */
export async function insertModel(
  client: ClientBase,
  {
    name,
    description,
    tags,
  }: { readonly name: string; readonly description: string | null; readonly tags: readonly Tag[] },
  nowMs: number,
): Promise<number | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `insert into registered_models (name, description, created_ms, updated_ms) values ($1, $2, $3, $3)
     on conflict do nothing returning id`,
    [name, description, nowMs],
  );
  if (!rows[0]) return undefined;
  const id = Number(rows[0].id);
  await setModelTags(client, id, tags);
  return id;
}

export async function setModelTags(client: ClientBase, model: number, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return;
  await client.query(
    `insert into registered_model_tags (model, key, value) select $1, key, value from unnest($2::text[], $3::text[]) as t(key, value)
     on conflict (model, key) do update set value = excluded.value`,
    [model, ...columnsOf(tags)],
  );
}

/** Keys and values; of a key that comes twice the last counts. */
export function columnsOf(tags: readonly Tag[]): [string[], string[]] {
  const byKey = new Map(tags.map(({ key, value }) => [key, value]));
  return [[...byKey.keys()], [...byKey.values()]];
}

/** False: it was not there. */
export async function deleteModelTag(client: ClientBase, model: number, key: string): Promise<boolean> {
  const { rowCount } = await client.query("delete from registered_model_tags where model = $1 and key = $2", [
    model,
    key,
  ]);
  return rowCount === 1;
}

/** False: another has the name. */
export async function renameModel(client: ClientBase, model: number, name: string, nowMs: number): Promise<boolean> {
  const { rowCount } = await client.query(
    `update registered_models m set name = $2, updated_ms = $3
     where m.id = $1 and not exists (select from registered_models o where o.name = $2 and o.deleted_ms is null and o.id <> $1)`,
    [model, name, nowMs],
  );
  if (rowCount === 1) await client.query("update model_versions set updated_ms = $2 where model = $1", [model, nowMs]);
  return rowCount === 1;
}

export async function describeModel(client: ClientBase, model: number, text: string, nowMs: number): Promise<void> {
  await client.query("update registered_models set description = $2, updated_ms = $3 where id = $1", [
    model,
    text,
    nowMs,
  ]);
}

export async function touchModel(client: ClientBase, model: number, nowMs: number): Promise<void> {
  await client.query("update registered_models set updated_ms = $2 where id = $1", [model, nowMs]);
}

/** The model, its versions and what points at them are gone for everybody; their rows stay. */
export async function removeModel(client: ClientBase, model: number, nowMs: number): Promise<void> {
  await client.query("update registered_models set deleted_ms = $2, updated_ms = $2 where id = $1", [model, nowMs]);
  await client.query("update model_versions set deleted_ms = $2 where model = $1 and deleted_ms is null", [
    model,
    nowMs,
  ]);
  await client.query("delete from model_aliases where model = $1", [model]);
}

/** MLflow's RegisteredModel, as JSON. Throws `not_found`. */
export async function modelJson(client: Pool | ClientBase, name: string): Promise<string> {
  const { rows } = await client.query<{ json: string }>(
    `select ${MODEL_JSON} as json from registered_models m where m.name = $1 and m.deleted_ms is null`,
    [name],
  );
  if (!rows[0]) throw noModel(name);
  return rows[0].json;
}
