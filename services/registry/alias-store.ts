import type { ClientBase, Pool } from "pg";
import { storableJson } from "../../lib/json-rows.ts";
import type { GateResult } from "./core/gate.ts";
import type { Actor } from "./parts.ts";

export interface AliasRow {
  readonly alias: string;
  readonly version: number;
  readonly setMs: number;
  readonly setBy: Actor;
}

/** A move of an alias, or a change of a stage. */
export interface MoveRow {
  readonly id: number;
  readonly kind: "set" | "rollback" | "removed" | "stage" | "refused";
  /** Null: a stage. */
  readonly alias: string | null;
  readonly fromVersion: number | null;
  readonly toVersion: number | null;
  readonly fromStage: string | null;
  readonly toStage: string | null;
  readonly atMs: number;
  readonly by: Actor;
  readonly reason: string;
  readonly gates: readonly GateResult[];
  readonly overridden: boolean;
}

/** By name. */
export async function listAliases(client: Pool | ClientBase, model: number): Promise<AliasRow[]> {
  const { rows } = await client.query<{ row: AliasRow }>(
    `select json_build_object('alias', alias, 'version', version, 'setMs', set_ms, 'setBy', set_by) as row
     from model_aliases where model = $1 order by alias`,
    [model],
  );
  return rows.map(({ row }) => row);
}

/** Undefined: there is no such alias. */
export async function findAlias(
  client: Pool | ClientBase,
  model: number,
  alias: string,
): Promise<AliasRow | undefined> {
  const { rows } = await client.query<{ row: AliasRow }>(
    `select json_build_object('alias', alias, 'version', version, 'setMs', set_ms, 'setBy', set_by) as row
     from model_aliases where model = $1 and alias = $2`,
    [model, alias],
  );
  return rows[0]?.row;
}

export async function putAlias(
  client: ClientBase,
  {
    model,
    alias,
    version,
    by,
  }: { readonly model: number; readonly alias: string; readonly version: number; readonly by: Actor },
  nowMs: number,
): Promise<void> {
  await client.query(
    `insert into model_aliases (model, alias, version, set_ms, set_by) values ($1, $2, $3, $4, $5)
     on conflict (model, alias) do update set version = excluded.version, set_ms = excluded.set_ms, set_by = excluded.set_by`,
    [model, alias, version, nowMs, by],
  );
}

export async function deleteAlias(client: ClientBase, model: number, alias: string): Promise<void> {
  await client.query("delete from model_aliases where model = $1 and alias = $2", [model, alias]);
}

/** Who needs versions of the model, besides aliases. `version`: of this one alone. */
export async function usesOf(
  client: ClientBase,
  model: number,
  version?: number,
): Promise<{ readonly user: string; readonly version: number }[]> {
  const { rows } = await client.query<{ user: string; version: number }>(
    `select used_by as user, version from model_version_uses
     where model = $1 and ($2::int is null or version = $2) order by version, used_by`,
    [model, version ?? null],
  );
  return rows;
}

export async function insertMove(client: ClientBase, model: number, move: Omit<MoveRow, "id">): Promise<void> {
  await client.query(
    `insert into model_moves (model, kind, alias, from_version, to_version, from_stage, to_stage, at_ms, by, reason, gates, overridden)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      model,
      move.kind,
      move.alias,
      move.fromVersion,
      move.toVersion,
      move.fromStage,
      move.toStage,
      move.atMs,
      move.by,
      move.reason,
      storableJson(move.gates),
      move.overridden,
    ],
  );
}

/** Newest first. `alias`: of this one alone. */
export async function listMoves(
  client: Pool | ClientBase,
  model: number,
  { alias, limit }: { readonly alias?: string; readonly limit: number },
): Promise<MoveRow[]> {
  const { rows } = await client.query<{ row: MoveRow }>(
    `select json_build_object('id', id, 'kind', kind, 'alias', alias, 'fromVersion', from_version, 'toVersion', to_version,
       'fromStage', from_stage, 'toStage', to_stage, 'atMs', at_ms, 'by', by, 'reason', reason, 'gates', gates,
       'overridden', overridden) as row
     from model_moves where model = $1 and ($2::text is null or alias = $2) order by id desc limit $3`,
    [model, alias ?? null, limit],
  );
  return rows.map(({ row }) => row);
}

/** The version is needed by `user`, e.g. a deployment: until it is released nobody can delete it. Part of the caller's transaction. */
export async function holdVersion(
  client: ClientBase,
  { model, version, user }: { readonly model: number; readonly version: number; readonly user: string },
  nowMs: number,
): Promise<void> {
  await client.query(
    `insert into model_version_uses (model, version, used_by, since_ms) values ($1, $2, $3, $4) on conflict do nothing`,
    [model, version, user, nowMs],
  );
}

export async function releaseVersion(
  client: ClientBase,
  { model, version, user }: { readonly model: number; readonly version: number; readonly user: string },
): Promise<void> {
  await client.query("delete from model_version_uses where model = $1 and version = $2 and used_by = $3", [
    model,
    version,
    user,
  ]);
}
