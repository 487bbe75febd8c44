import type { ClientBase, Pool } from "pg";
import type { Digest } from "../../lib/core/ids.ts";
import { UNDER } from "./file-store.ts";
import { ARTIFACT_ROOT } from "./parts.ts";

/** What a run or a logged model tells of a model that is registered from it. */
export interface ModelOrigin {
  /** Of its files: `mlflow-artifacts:/…`, or wherever the client keeps them. */
  readonly artifactUri: string;
  readonly runId: string;
  readonly experimentId: string;
  readonly modelId: string;
  /** `job.task.index.attempt`; empty: not a task of ours. */
  readonly attempt: string;
  /** Of the code; empty: not known. */
  readonly commit: string;
  readonly params: Readonly<Record<string, string>>;
  /** Latest values; those that are no finite number are left out. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly datasets: readonly { readonly name: string; readonly digest: string }[];
}

/** SQL of what a run `r` tells. */
const RUN_FACTS = `'runId', r.id, 'experimentId', r.experiment::text, 'attempt', coalesce(r.attempt, ''),
  'commit', coalesce((select t.value from run_tags t where t.run = r.number and t.key = 'mlflow.source.git.commit'), ''),
  'datasets', (select coalesce(json_agg(json_build_object('name', d.name, 'digest', d.digest) order by d.id), '[]')
     from run_datasets rd join datasets d on d.id = rd.dataset where rd.run = r.number)`;
/** Postgres has NaN and infinities as doubles, and JSON has not. */
const FINITE = `value not in ('NaN', 'Infinity', '-Infinity')`;

/** Undefined: no such run. */
export async function originOfRun(client: Pool | ClientBase, runId: string): Promise<ModelOrigin | undefined> {
  const { rows } = await client.query<{ row: ModelOrigin }>(
    `select json_build_object('artifactUri', r.artifact_uri, 'modelId', '', ${RUN_FACTS},
       'params', (select coalesce(json_object_agg(key, value), '{}') from run_params where run = r.number),
       'metrics', (select coalesce(json_object_agg(key, value), '{}') from run_metrics where run = r.number and ${FINITE})) as row
     from runs r where r.id = $1`,
    [runId],
  );
  return rows[0]?.row;
}

/** Undefined: no such logged model. */
export async function originOfLoggedModel(
  client: Pool | ClientBase,
  modelId: string,
): Promise<ModelOrigin | undefined> {
  const { rows } = await client.query<{ row: ModelOrigin | null; run: Partial<ModelOrigin> | null }>(
    `select json_build_object('artifactUri', l.artifact_uri, 'modelId', l.id, 'runId', coalesce(l.source_run_id, ''),
       'experimentId', l.experiment::text, 'attempt', '', 'commit', '', 'datasets', '[]'::json,
       'params', (select coalesce(json_object_agg(key, value), '{}') from logged_model_params where model = l.id),
       'metrics', (select coalesce(json_object_agg(key, value), '{}') from (
          select distinct on (key) key, value from logged_model_metrics where model = l.id and ${FINITE}
          order by key, step desc, timestamp_ms desc) latest)) as row,
       (select json_build_object(${RUN_FACTS}) from runs r where r.id = l.source_run_id) as run
     from logged_models l where l.id = $1 and not l.deleted`,
    [modelId],
  );
  const found = rows[0];
  return found?.row ? { ...found.row, ...found.run } : undefined;
}

/** The model that the run logged under this name, the newest; undefined: none. Clients of MLflow 3 still write `runs:/<run>/<name>`. */
export async function loggedModelOfRun(
  client: Pool | ClientBase,
  runId: string,
  name: string,
): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>(
    `select id from logged_models where source_run_id = $1 and name = $2 and not deleted order by created_ms desc, id limit 1`,
    [runId, name],
  );
  return rows[0]?.id;
}

export interface ProxiedFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
}

export function proxiedUri(path: string): string {
  return `${ARTIFACT_ROOT}/${path}`;
}

/** Files in the folder, by path; at most `limit`. */
export async function filesUnder(client: Pool | ClientBase, folder: string, limit: number): Promise<ProxiedFile[]> {
  const { rows } = await client.query<ProxiedFile & { bytes: string }>(
    `select substr(path, length($1) + 2) as path, digest, bytes from tracked_files
     where ${UNDER} order by path limit $2`,
    [folder, limit],
  );
  return rows.map((row) => ({ ...row, bytes: Number(row.bytes) }));
}

/** Puts these files in a folder of the proxy's, as they are now: no bytes are copied. */
export async function putFilesUnder(
  client: ClientBase,
  folder: string,
  files: readonly ProxiedFile[],
  nowMs: number,
): Promise<void> {
  await client.query(
    `insert into tracked_files (path, digest, bytes, updated_ms)
     select $1 || '/' || path, digest, bytes, $5 from unnest($2::text[], $3::text[], $4::bigint[]) as f(path, digest, bytes)`,
    [folder, files.map(({ path }) => path), files.map(({ digest }) => digest), files.map(({ bytes }) => bytes), nowMs],
  );
}

export async function removeFilesUnder(client: ClientBase, folders: readonly string[]): Promise<void> {
  await client.query(
    `delete from tracked_files t using unnest($1::text[]) as f(folder) where t.path ~>=~ (f.folder || '/') and t.path ~<~ (f.folder || '0')`,
    [folders],
  );
}
