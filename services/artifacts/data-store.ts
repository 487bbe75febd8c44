import type { ClientBase, Pool } from "pg";
import { inTransaction } from "../../lib/db.ts";
import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { hint, nearest } from "../../lib/core/pipeline/nearest.ts";
import { jsonRows } from "../../lib/json-rows.ts";

/** One version of a data set; the bytes are an artifact. */
export interface DataVersion {
  readonly name: string;
  readonly version: number;
  readonly digest: Digest;
  readonly kind: "file" | "tree";
  readonly bytes: number;
  readonly files: number;
  readonly fileName: string;
  readonly source: string;
  readonly sourceVersion: string;
  readonly message: string;
  readonly addedBy: string;
  readonly addedAtMs: number;
  readonly tags: readonly string[];
}

export type NewDataVersion = Omit<DataVersion, "version" | "tags">;

const COLUMNS = `name, version, digest, kind, bytes::float8 as bytes, files, file_name as "fileName", source,
  source_version as "sourceVersion", message, added_by as "addedBy", added_at_ms as "addedAtMs",
  array(select tag from data_tags t where t.name = v.name and t.version = v.version order by tag) as tags`;

/** Names of data sets that one that is not there is held against. */
const NAMES_MAX = 2_000;

/** A new version, or the version that a tag points at now. */
export interface DataChange {
  readonly version: DataVersion;
  /** Null: the version is new. */
  readonly tag: string | null;
  readonly atMs: number;
}

/** Told in the transaction that makes the change. */
export type TellData = (client: ClientBase, change: DataChange) => Promise<void>;

/** Of `weft data log`; older ones are there by their number. */
const LOG_MAX = 1_000;

/**
 * The next version, unless the newest has the same bytes already: then that one, and `existed`. Several at once get numbers in some order.
 */
export async function addVersion(
  pool: Pool,
  added: NewDataVersion,
  tell: TellData = async () => {},
): Promise<{ readonly version: DataVersion; readonly existed: boolean }> {
  return inTransaction(pool, async (client) => {
    // Whoever adds to the same name waits; two names of one hash wait needlessly.
    await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [`data ${added.name}`]);
    const { rows } = await client.query<DataVersion>(
      `select ${COLUMNS} from data_versions v where name = $1 order by version desc limit 1`,
      [added.name],
    );
    const newest = rows[0];
    if (newest?.digest === added.digest) return { version: newest, existed: true };
    const version = (newest?.version ?? 0) + 1;
    await client.query(
      `insert into data_versions (name, version, digest, kind, bytes, files, file_name, source, source_version, message, added_by, added_at_ms)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        added.name,
        version,
        added.digest,
        added.kind,
        added.bytes,
        added.files,
        added.fileName,
        added.source,
        added.sourceVersion,
        added.message,
        added.addedBy,
        added.addedAtMs,
      ],
    );
    const made = { ...added, version, tags: [] };
    await tell(client, { version: made, tag: null, atMs: added.addedAtMs });
    return { version: made, existed: false };
  });
}

/** All data sets by name, each with its newest version. */
export async function listData(pool: Pool): Promise<DataVersion[]> {
  const { rows } = await pool.query<DataVersion>(
    `select distinct on (name) ${COLUMNS} from data_versions v order by name, version desc`,
  );
  return rows;
}

/** Versions, newest first. Errors: `not_found`. */
export async function dataLog(pool: Pool, name: string): Promise<DataVersion[]> {
  const { rows } = await pool.query<DataVersion>(
    `select ${COLUMNS} from data_versions v where name = $1 order by version desc limit ${LOG_MAX}`,
    [name],
  );
  if (rows.length === 0) throw await noData(pool, name);
  return rows;
}

/**
 * `NAME` (the newest), `NAME@3`, `NAME@TAG`. Errors: `not_found`, which says what there is.
 */
export async function resolveData(pool: Pool, text: string): Promise<DataVersion> {
  const [name, selector] = splitData(text);
  const { rows } = await pool.query<DataVersion>(
    `select ${COLUMNS} from data_versions v
      where name = $1 and ($2 = '' or version::text = $2
            or version = (select t.version from data_tags t where t.name = $1 and t.tag = $2))
      order by version desc limit 1`,
    [name, selector],
  );
  const found = rows[0];
  if (found !== undefined) return found;
  const newest = await resolveNewest(pool, name);
  if (newest === undefined) throw await noData(pool, name);
  const { rows: tags } = await pool.query<{ tag: string }>("select tag from data_tags where name = $1 order by tag", [
    name,
  ]);
  const known = tags.length === 0 ? "no tags" : `the tags ${tags.map(({ tag }) => tag).join(", ")}`;
  const near = nearest(
    selector,
    tags.map(({ tag }) => tag),
  );
  throw new WeftError(
    "not_found",
    `data set "${name}" has no version or tag "${selector}"; it has ${newest === 1 ? "version 1" : `the versions 1 to ${newest}`} and ${known}${near === undefined ? "" : ` (did you mean "${near}"?)`}`,
  );
}

/** Several at once, by what they were asked as; an error says what there is instead. */
export async function resolveAll(
  pool: Pool,
  texts: readonly string[],
): Promise<ReadonlyMap<string, DataVersion | WeftError>> {
  const asked = texts.map((text) => {
    const [name, selector] = splitData(text);
    return { text, name, selector };
  });
  const { rows } = await pool.query<DataVersion & { readonly text: string }>(
    `select asked.text, found.* from json_to_recordset($1::json) as asked(text text, name text, selector text)
      cross join lateral (select ${COLUMNS} from data_versions v
        where v.name = asked.name and (asked.selector = '' or v.version::text = asked.selector
              or v.version = (select t.version from data_tags t where t.name = asked.name and t.tag = asked.selector))
        order by v.version desc limit 1) as found`,
    [jsonRows(asked)],
  );
  const found = new Map<string, DataVersion | WeftError>(rows.map(({ text, ...version }) => [text, version]));
  for (const text of texts) {
    if (found.has(text)) continue;
    const late = await resolveData(pool, text).catch((error: unknown) => {
      if (error instanceof WeftError && error.code === "not_found") return error;
      throw error;
    });
    found.set(text, late);
  }
  return found;
}

/** Points the tag at a version, whatever it pointed at before. Errors: `not_found`, `invalid`. */
export async function tagData(
  pool: Pool,
  text: string,
  tag: string,
  nowMs: number,
  tell: TellData = async () => {},
): Promise<DataVersion> {
  const found = await resolveData(pool, text);
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `insert into data_tags as t (name, tag, version, moved_at_ms) values ($1, $2, $3, $4)
       on conflict (name, tag) do update set version = excluded.version, moved_at_ms = excluded.moved_at_ms
        where t.version <> excluded.version`,
      [found.name, tag, found.version, nowMs],
    );
    if (rowCount === 1) await tell(client, { version: found, tag, atMs: nowMs });
  });
  return resolveData(pool, `${found.name}@${found.version}`);
}

/** Name, and version or tag; the latter is empty for the newest. */
export function splitData(text: string): [string, string] {
  const at = text.indexOf("@");
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

async function resolveNewest(pool: Pool, name: string): Promise<number | undefined> {
  const { rows } = await pool.query<{ version: number | null }>(
    "select max(version) as version from data_versions where name = $1",
    [name],
  );
  return rows[0]?.version ?? undefined;
}

async function noData(pool: Pool, name: string): Promise<WeftError> {
  const { rows } = await pool.query<{ name: string }>(
    `select distinct name from data_versions order by name limit ${NAMES_MAX}`,
  );
  const known =
    rows.length === 0
      ? " (there are none yet)"
      : hint(
          name,
          rows.map((row) => row.name),
        );
  return new WeftError("not_found", `there is no data set "${name}"${known}; weft data add ${name} PATH makes it`);
}

/** By digest: the versions of data sets that have these bytes, as `NAME@VERSION`, in order. */
export async function dataNamesOf(pool: Pool, digests: readonly Digest[]): Promise<Map<Digest, readonly string[]>> {
  if (digests.length === 0) return new Map();
  const { rows } = await pool.query<{ digest: Digest; names: string[] }>({
    name: "data-names",
    text: `select digest, array_agg(name || '@' || version order by name, version) as names
             from data_versions where digest = any($1) group by digest`,
    values: [digests],
  });
  return new Map(rows.map(({ digest, names }) => [digest, names]));
}
