import type { ClientBase, Pool } from "pg";
import { storableJson } from "../../lib/json-rows.ts";
import type { Evaluation, Gate } from "./core/gate.ts";
import type { Actor } from "./parts.ts";

export interface EvaluationRow extends Evaluation {
  /** `job.task.index.attempt`; empty: not a task of ours. */
  readonly attempt: string;
  readonly runId: string;
  readonly by: Actor;
}

/** Of a version: data sets that a gate may compare on, the latest used. */
const DATA_JUDGED_MAX = 1_000;

/** False: there is one of this id. */
export async function insertEvaluation(client: ClientBase, model: number, row: EvaluationRow): Promise<boolean> {
  const { rowCount } = await client.query(
    `insert into model_evaluations (id, model, version, dataset, dataset_digest, metrics, segments, attempt, run_id, by, at_ms)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing`,
    [
      row.id,
      model,
      row.version,
      row.dataset,
      row.datasetDigest,
      storableJson(row.metrics),
      storableJson(row.segments),
      row.attempt,
      row.runId,
      row.by,
      row.atMs,
    ],
  );
  return rowCount === 1;
}

const EVALUATION = `json_build_object('id', id, 'model', model, 'version', version, 'dataset', dataset,
  'datasetDigest', dataset_digest, 'metrics', metrics, 'segments', segments, 'attempt', attempt, 'runId', run_id, 'by', by,
  'atMs', at_ms)`;

export async function findEvaluation(
  client: ClientBase,
  id: string,
): Promise<(EvaluationRow & { readonly model: number }) | undefined> {
  const { rows } = await client.query<{ row: EvaluationRow & { model: number } }>(
    `select ${EVALUATION} as row from model_evaluations where id = $1`,
    [id],
  );
  return rows[0]?.row;
}

/** Of these versions, newest first. */
export async function listEvaluations(
  pool: Pool,
  model: number,
  versions: readonly number[],
  limit: number,
): Promise<EvaluationRow[]> {
  const { rows } = await pool.query<{ row: EvaluationRow }>(
    `select ${EVALUATION} as row from model_evaluations where model = $1 and version = any($2) order by at_ms desc, id desc limit $3`,
    [model, versions, limit],
  );
  return rows.map(({ row }) => row);
}

/** What gates look at: of each data the newest evaluation of the version, newest first. */
export async function judgedEvaluations(client: ClientBase, model: number, version: number): Promise<EvaluationRow[]> {
  const { rows } = await client.query<{ row: EvaluationRow }>(
    `select ${EVALUATION} as row from model_evaluations
     where id in (
       select distinct on (dataset, dataset_digest) id from model_evaluations where model = $1 and version = $2
       order by dataset, dataset_digest, at_ms desc, id desc)
     order by at_ms desc, id desc limit $3`,
    [model, version, DATA_JUDGED_MAX],
  );
  return rows.map(({ row }) => row);
}

export interface GateSet {
  /** 0: none was ever set. */
  readonly number: number;
  readonly gates: readonly Gate[];
  readonly setMs: number;
  readonly setBy: Actor;
}

/** Those that hold now. */
export async function currentGates(client: Pool | ClientBase): Promise<GateSet> {
  const { rows } = await client.query<{ row: GateSet }>(
    `select json_build_object('number', number, 'gates', gates, 'setMs', set_ms, 'setBy', set_by) as row
     from gate_sets order by number desc limit 1`,
  );
  return rows[0]?.row ?? { number: 0, gates: [], setMs: 0, setBy: "" };
}

/** Number of the set. */
export async function insertGates(
  client: ClientBase,
  gates: readonly Gate[],
  by: Actor,
  nowMs: number,
): Promise<number> {
  // Two at once would take the same number; the second then waits here for the first.
  await client.query("lock table gate_sets in share row exclusive mode");
  const { rows } = await client.query<{ number: number }>(
    `insert into gate_sets (number, gates, set_ms, set_by)
     select coalesce(max(number), 0) + 1, $1, $2, $3 from gate_sets returning number`,
    [storableJson(gates), nowMs, by],
  );
  return rows[0]!.number;
}
