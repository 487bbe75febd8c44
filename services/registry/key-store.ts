import type { ClientBase, Pool } from "pg";
import type { Actor } from "./parts.ts";

export interface KeyRow {
  readonly name: string;
  /** SPKI, PEM. */
  readonly publicKey: string;
  readonly addedMs: number;
  readonly addedBy: Actor;
  readonly revokedMs: number | null;
}

export interface SignatureRow {
  readonly key: string;
  /** Base64. */
  readonly signature: string;
  readonly atMs: number;
  readonly by: Actor;
}

/** False: there is one of this name. */
export async function insertKey(
  client: ClientBase,
  { name, publicKey, by }: { readonly name: string; readonly publicKey: string; readonly by: Actor },
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await client.query(
    "insert into signing_keys (name, public_key, added_ms, added_by) values ($1, $2, $3, $4) on conflict do nothing",
    [name, publicKey, nowMs, by],
  );
  return rowCount === 1;
}

/** By name. */
export async function listKeys(client: Pool | ClientBase): Promise<KeyRow[]> {
  const { rows } = await client.query<{ row: KeyRow }>(
    `select json_build_object('name', name, 'publicKey', public_key, 'addedMs', added_ms, 'addedBy', added_by,
       'revokedMs', revoked_ms) as row from signing_keys order by name`,
  );
  return rows.map(({ row }) => row);
}

/** False: there is none, or it is revoked already. */
export async function revokeKey(client: ClientBase, name: string, nowMs: number): Promise<boolean> {
  const { rowCount } = await client.query(
    "update signing_keys set revoked_ms = $2 where name = $1 and revoked_ms is null",
    [name, nowMs],
  );
  return rowCount === 1;
}

/** A second signature with the same key replaces the first: it says the same. */
export async function putSignature(client: ClientBase, uid: string, row: SignatureRow): Promise<void> {
  await client.query(
    `insert into version_signatures (uid, key, signature, at_ms, by) values ($1, $2, $3, $4, $5)
     on conflict (uid, key) do update set signature = excluded.signature, at_ms = excluded.at_ms, by = excluded.by`,
    [uid, row.key, row.signature, row.atMs, row.by],
  );
}

/** Of several versions, by their uid. */
export async function signaturesOf(
  client: Pool | ClientBase,
  uids: readonly string[],
): Promise<Map<string, SignatureRow[]>> {
  const { rows } = await client.query<{ uid: string; row: SignatureRow }>(
    `select uid, json_build_object('key', key, 'signature', signature, 'atMs', at_ms, 'by', by) as row
     from version_signatures where uid = any($1) order by key`,
    [uids],
  );
  const byUid = new Map<string, SignatureRow[]>();
  for (const { uid, row } of rows) byUid.set(uid, [...(byUid.get(uid) ?? []), row]);
  return byUid;
}
