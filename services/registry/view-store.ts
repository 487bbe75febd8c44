import type { Pool } from "pg";
import { type AliasRow, listMoves, type MoveRow } from "./alias-store.ts";
import { type EvaluationRow, listEvaluations } from "./evaluation-store.ts";
import { signaturesOf } from "./key-store.ts";
import { getModel, IS_PROMPT } from "./model-store.ts";
import { listVersions, type VersionRow } from "./version-store.ts";

export interface ModelHead {
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: readonly AliasRow[];
  /** 0: none. */
  readonly latestVersion: number;
}

export interface ModelView extends ModelHead {
  readonly versions: readonly VersionView[];
  readonly moves: readonly MoveRow[];
}

export interface VersionView extends VersionRow {
  readonly evaluations: readonly EvaluationRow[];
  /** Keys. */
  readonly signedBy: readonly string[];
}

/** Of one model's view: each may have thousands of values. */
const EVALUATIONS_MAX = 1_000;

const HEAD = `json_build_object('id', m.id, 'name', m.name, 'description', coalesce(m.description, ''), 'createdMs', m.created_ms,
  'updatedMs', m.updated_ms,
  'tags', (select coalesce(json_object_agg(t.key, t.value), '{}') from registered_model_tags t where t.model = m.id),
  'aliases', (select coalesce(json_agg(json_build_object('alias', a.alias, 'version', a.version, 'setMs', a.set_ms, 'setBy', a.set_by)
     order by a.alias), '[]') from model_aliases a where a.model = m.id),
  'latestVersion', (select coalesce(max(v.version), 0) from model_versions v where v.model = m.id and v.deleted_ms is null)) as row`;

/** By name, prompts left out; those that come after `after`. */
export async function listModelHeads(pool: Pool, after: string, limit: number): Promise<ModelHead[]> {
  const { rows } = await pool.query<{ row: ModelHead }>(
    `select ${HEAD} from registered_models m
     where m.deleted_ms is null and m.name collate "C" > $1 and not ${IS_PROMPT} order by m.name collate "C" limit $2`,
    [after, limit],
  );
  return rows.map(({ row }) => row);
}

/** Throws `not_found`. */
export async function viewModel(pool: Pool, name: string, limit: number): Promise<ModelView> {
  const model = await getModel(pool, name);
  const { rows } = await pool.query<{ row: ModelHead }>(`select ${HEAD} from registered_models m where m.id = $1`, [
    model.id,
  ]);
  const versions = await listVersions(pool, model.id, limit);
  const [evaluations, moves, signatures] = await Promise.all([
    listEvaluations(
      pool,
      model.id,
      versions.map(({ version }) => version),
      EVALUATIONS_MAX,
    ),
    listMoves(pool, model.id, { limit }),
    signaturesOf(
      pool,
      versions.map(({ uid }) => uid),
    ),
  ]);
  return {
    ...rows[0]!.row,
    moves,
    versions: versions.map((version) => ({
      ...version,
      evaluations: evaluations.filter((one) => one.version === version.version),
      signedBy: (signatures.get(version.uid) ?? []).map(({ key }) => key),
    })),
  };
}
