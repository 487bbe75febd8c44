import type { ClientBase, Pool } from "pg";
import { storableJson } from "../../lib/json-rows.ts";
import type { Digest } from "../../lib/core/ids.ts";
import type { ModelFacts } from "./core/facts.ts";
import { noVersion, type Stage } from "./core/name.ts";
import { columnsOf, type Tag, versionJson } from "./model-store.ts";
import type { Actor } from "./parts.ts";

export interface VersionRow {
  readonly model: number;
  readonly version: number;
  readonly uid: string;
  readonly source: string;
  readonly location: string;
  readonly runId: string;
  readonly runLink: string;
  readonly modelId: string;
  readonly digest: Digest | null;
  readonly files: number;
  readonly bytes: number;
  readonly facts: ModelFacts;
  readonly createdBy: Actor;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly description: string;
  readonly stage: Stage;
}

export type NewVersion = Omit<VersionRow, "version" | "createdMs" | "updatedMs" | "stage">;

const COLUMNS = `json_build_object('model', v.model, 'version', v.version, 'uid', v.uid, 'source', v.source, 'location', v.location,
  'runId', v.run_id, 'runLink', v.run_link, 'modelId', v.model_id, 'digest', v.digest, 'files', v.files, 'bytes', v.bytes,
  'facts', v.facts, 'createdBy', v.created_by, 'createdMs', v.created_ms, 'updatedMs', v.updated_ms,
  'description', v.description, 'stage', v.stage) as row`;

/** Takes the next number of the model, which must be locked. */
export async function insertVersion(
  client: ClientBase,
  given: NewVersion,
  tags: readonly Tag[],
  nowMs: number,
): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `with number as (
       update registered_models set last_version = last_version + 1, updated_ms = $2 where id = $1 returning last_version)
     insert into model_versions (model, version, uid, source, location, run_id, run_link, model_id, digest, files, bytes, facts,
       created_by, created_ms, updated_ms, description, stage)
     select $1, last_version, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $2, $2, $14, 'None' from number
     returning version`,
    [
      given.model,
      nowMs,
      given.uid,
      given.source,
      given.location,
      given.runId,
      given.runLink,
      given.modelId,
      given.digest,
      given.files,
      given.bytes,
      storableJson(given.facts),
      given.createdBy,
      given.description,
    ],
  );
  const { version } = rows[0]!;
  await setVersionTags(client, { model: given.model, version }, tags);
  return version;
}

interface VersionKey {
  readonly model: number;
  readonly version: number;
}

export async function setVersionTags(client: ClientBase, of: VersionKey, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return;
  await client.query(
    `insert into model_version_tags (model, version, key, value)
     select $1, $2, key, value from unnest($3::text[], $4::text[]) as t(key, value)
     on conflict (model, version, key) do update set value = excluded.value`,
    [of.model, of.version, ...columnsOf(tags)],
  );
}

/** False: it was not there. */
export async function deleteVersionTag(client: ClientBase, of: VersionKey, key: string): Promise<boolean> {
  const { rowCount } = await client.query(
    "delete from model_version_tags where model = $1 and version = $2 and key = $3",
    [of.model, of.version, key],
  );
  return rowCount === 1;
}

/** Throws `not_found` when there is none, or it was deleted; `asked`: the version as it was written. */
export async function getVersion(
  client: Pool | ClientBase,
  model: { readonly id: number; readonly name: string },
  version: number,
  asked: string = String(version),
): Promise<VersionRow> {
  const { rows } = await client.query<{ row: VersionRow }>(
    `select ${COLUMNS} from model_versions v where v.model = $1 and v.version = $2 and v.deleted_ms is null`,
    [model.id, version],
  );
  if (!rows[0]) throw noVersion(model.name, asked);
  return rows[0].row;
}

/** Newest first. */
export async function listVersions(client: Pool | ClientBase, model: number, limit: number): Promise<VersionRow[]> {
  const { rows } = await client.query<{ row: VersionRow }>(
    `select ${COLUMNS} from model_versions v where v.model = $1 and v.deleted_ms is null order by v.version desc limit $2`,
    [model, limit],
  );
  return rows.map(({ row }) => row);
}

/** Of each stage the newest. */
export async function latestVersions(
  client: Pool | ClientBase,
  model: number,
  stages: readonly Stage[],
): Promise<{ readonly json: string; readonly version: number }[]> {
  const { rows } = await client.query<{ json: string; version: number }>(
    `select ${versionJson({ aliases: true })}::text as json, v.version
     from registered_models m join model_versions v on v.model = m.id
     where m.id = $1 and (v.stage, v.version) in (
       select stage, max(version) from model_versions
       where model = $1 and deleted_ms is null and stage = any($2) group by stage)
     order by v.version`,
    [model, stages],
  );
  return rows;
}

/** MLflow's ModelVersion, as JSON; undefined: there is none. */
export async function findVersionJson(
  client: Pool | ClientBase,
  name: string,
  version: number,
): Promise<string | undefined> {
  const { rows } = await client.query<{ json: string }>(
    `select ${versionJson({ aliases: true })}::text as json from registered_models m join model_versions v on v.model = m.id
     where m.name = $1 and m.deleted_ms is null and v.version = $2 and v.deleted_ms is null`,
    [name, version],
  );
  return rows[0]?.json;
}

export async function describeVersion(client: ClientBase, of: VersionKey, text: string, nowMs: number): Promise<void> {
  await client.query("update model_versions set description = $3, updated_ms = $4 where model = $1 and version = $2", [
    of.model,
    of.version,
    text,
    nowMs,
  ]);
}

export async function setStage(client: ClientBase, of: VersionKey, stage: Stage, nowMs: number): Promise<void> {
  await client.query("update model_versions set stage = $3, updated_ms = $4 where model = $1 and version = $2", [
    of.model,
    of.version,
    stage,
    nowMs,
  ]);
}

/** Versions of the model in the stage, oldest first. */
export async function versionsInStage(client: ClientBase, model: number, stage: Stage): Promise<number[]> {
  const { rows } = await client.query<{ version: number }>(
    "select version from model_versions where model = $1 and stage = $2 and deleted_ms is null order by version",
    [model, stage],
  );
  return rows.map(({ version }) => version);
}

export async function removeVersion(client: ClientBase, of: VersionKey, nowMs: number): Promise<void> {
  await client.query("update model_versions set deleted_ms = $3, updated_ms = $3 where model = $1 and version = $2", [
    of.model,
    of.version,
    nowMs,
  ]);
  await client.query("delete from model_aliases where model = $1 and version = $2", [of.model, of.version]);
}

/** Of all versions that are there. */
export async function uidsOf(client: ClientBase, model: number): Promise<string[]> {
  const { rows } = await client.query<{ uid: string }>(
    "select uid from model_versions where model = $1 and deleted_ms is null",
    [model],
  );
  return rows.map(({ uid }) => uid);
}

/** Of all versions that are there. */
export async function numbersOf(client: ClientBase, model: number): Promise<number[]> {
  const { rows } = await client.query<{ version: number }>(
    "select version from model_versions where model = $1 and deleted_ms is null",
    [model],
  );
  return rows.map(({ version }) => version);
}
