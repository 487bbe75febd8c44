import type { Pool, PoolClient } from "pg";
import type { Digest } from "../../lib/core/ids.ts";
import { inTransaction } from "../../lib/db.ts";
import { foldersOf, joinPath } from "./core/file-path.ts";
import { absent, invalid, MlflowError } from "./core/mlflow-error.ts";

export interface TrackedFile {
  readonly digest: Digest;
  readonly bytes: number;
}

export interface FileEntry {
  /** Without the folder. */
  readonly name: string;
  /** Null: a folder. */
  readonly bytes: number | null;
}

/** Below it lie files that are pinned for ever, e.g. those of versions of models: nobody writes there over the proxy. */
export const PINNED_FOLDER = "registry";

function checkWritable(path: string): void {
  if (path !== PINNED_FOLDER && !path.startsWith(`${PINNED_FOLDER}/`)) return;
  throw new MlflowError(
    "PERMISSION_DENIED",
    `'${path}' belongs to a version of a model, whose files never change; write to a run, and register that`,
  );
}

/** What lies in the folder $1: from `folder/` up to `folder0`, "0" being what follows "/", in the order of the index. */
export const UNDER = "path ~>=~ ($1 || '/') and path ~<~ ($1 || '0')";

/** Makes the bytes the file's content. Throws where a file would have to be a folder, or the other way round. */
export async function putFile(pool: Pool, path: string, file: TrackedFile, nowMs: number): Promise<void> {
  checkWritable(path);
  await inTransaction(pool, async (client) => {
    await checkKind(client, path);
    await client.query(
      `insert into tracked_files (path, digest, bytes, updated_ms) values ($1, $2, $3, $4)
       on conflict (path) do update set digest = excluded.digest, bytes = excluded.bytes, updated_ms = excluded.updated_ms`,
      [path, file.digest, file.bytes, nowMs],
    );
  });
}

async function checkKind(client: PoolClient, path: string): Promise<void> {
  const { rows } = await client.query<{ path: string }>(
    `(select path from tracked_files where path = any($2)) union all (select path from tracked_files where ${UNDER} limit 1)`,
    [path, foldersOf(path)],
  );
  const [taken] = rows;
  if (taken === undefined) return;
  throw invalid(
    taken.path.length > path.length
      ? `'${path}' is a folder: a file cannot take its name`
      : `'${taken.path}' is a file: nothing can be stored under it`,
  );
}

/** Throws RESOURCE_DOES_NOT_EXIST. */
export async function getFile(pool: Pool, path: string): Promise<TrackedFile> {
  const { rows } = await pool.query<{ digest: Digest; bytes: string }>({
    name: "tracking-get-file",
    text: "select digest, bytes from tracked_files where path = $1",
    values: [path],
  });
  if (rows[0] === undefined) throw absent(`No such artifact: '${path}'`);
  return { digest: rows[0].digest, bytes: Number(rows[0].bytes) };
}

/** What lies directly in the folder, by name; nothing for a file or what is not there. */
export async function listFiles(pool: Pool, folder: string): Promise<FileEntry[]> {
  const { rows } = await pool.query<{ name: string; bytes: string | null }>(
    `select split_part(rest, '/', 1) as name, max(case when position('/' in rest) = 0 then bytes end) as bytes
       from (select ${folder === "" ? "path" : "substr(path, length($1) + 2)"} as rest, bytes
               from tracked_files where ${folder === "" ? "true" : UNDER}) f
      group by 1 order by 1`,
    folder === "" ? [] : [folder],
  );
  return rows.map(({ name, bytes }) => ({ name, bytes: bytes === null ? null : Number(bytes) }));
}

/** The file, or all under the folder. How many files that were. */
export async function deleteFiles(pool: Pool, path: string): Promise<number> {
  checkWritable(path);
  const { rowCount } = await pool.query(`delete from tracked_files where path = $1 or (${UNDER})`, [path]);
  return rowCount ?? 0;
}

/** MLflow's list of FileInfo, with names relative to the folder or, with `prefix`, to where that begins. */
export function filesJson(entries: readonly FileEntry[], prefix = ""): object[] {
  return entries.map(({ name, bytes }) => ({
    path: joinPath(prefix, name),
    is_dir: bytes === null,
    ...(bytes === null ? {} : { file_size: bytes }),
  }));
}
