import type { Pool } from "pg";
import { inTransaction } from "../../lib/db.ts";
import { absent } from "./core/mlflow-error.ts";

/** MLflow's Scorer of the version `v` of the scorer `s`. */
const SCORER_JSON = `json_build_object('experiment_id', s.experiment, 'scorer_name', s.name, 'scorer_version', v.version,
  'serialized_scorer', v.serialized, 'creation_time', v.created_ms, 'scorer_id', s.id)::text`;

export interface ScorerKey {
  readonly experimentId: string;
  readonly name: string;
}

/** A new version, the first one with its scorer. Id and number; undefined: no active experiment has that id. */
export async function insertScorer(
  pool: Pool,
  { experimentId, name }: ScorerKey,
  given: { readonly id: string; readonly serialized: string },
  nowMs: number,
): Promise<{ readonly id: string; readonly version: number } | undefined> {
  const { rows } = await pool.query<{ id: string; version: number }>(
    `with scorer as (
       insert into scorers as s (id, experiment, name, last_version)
       select $1, e.id, $3, 1 from experiments e where e.id = $2 and not e.deleted
       on conflict (experiment, name) do update set last_version = s.last_version + 1
       returning id, last_version)
     insert into scorer_versions (scorer, version, serialized, created_ms)
     select id, last_version, $4, $5 from scorer returning scorer as id, version`,
    [given.id, experimentId, name, given.serialized, nowMs],
  );
  return rows[0];
}

/** The newest version of each, or all versions of one, oldest first; of the active ones among these experiments, or among all. */
export async function listScorers(
  pool: Pool,
  experimentIds: readonly string[] | null,
  name: string | null,
): Promise<string[]> {
  const { rows } = await pool.query<{ json: string }>(
    `select ${SCORER_JSON} as json from scorers s join scorer_versions v on v.scorer = s.id
       join experiments e on e.id = s.experiment and not e.deleted
      where ($1::bigint[] is null or s.experiment = any($1)) and ($2::text is null or s.name = $2)
        and ($2 is not null or v.version = (select max(n.version) from scorer_versions n where n.scorer = s.id))
      order by s.experiment, s.name, v.version`,
    [experimentIds, name],
  );
  return rows.map(({ json }) => json);
}

/** `version`: null is the newest. Throws RESOURCE_DOES_NOT_EXIST. */
export async function getScorer(pool: Pool, key: ScorerKey, version: number | null): Promise<string> {
  const { rows } = await pool.query<{ json: string }>(
    `select ${SCORER_JSON} as json from scorers s join scorer_versions v on v.scorer = s.id
      where s.experiment = $1 and s.name = $2 and ($3::int is null or v.version = $3) order by v.version desc limit 1`,
    [key.experimentId, key.name, version],
  );
  if (rows[0] === undefined) throw noScorer(key, version);
  return rows[0].json;
}

/** `version`: null is all of it. Throws RESOURCE_DOES_NOT_EXIST. */
export async function deleteScorer(pool: Pool, key: ScorerKey, version: number | null): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      "select id from scorers where experiment = $1 and name = $2 for update",
      [key.experimentId, key.name],
    );
    const { rowCount } = await client.query(
      "delete from scorer_versions where scorer = $1 and ($2::int is null or version = $2)",
      [rows[0]?.id, version],
    );
    if (rowCount === 0) throw noScorer(key, version);
    if (version === null) await client.query("delete from scorers where id = $1", [rows[0]!.id]);
  });
}

export function noScorer({ experimentId, name }: ScorerKey, version: number | null): Error {
  const of = version === null ? "" : ` and version ${version}`;
  return absent(`Scorer with name '${name}'${of} not found for experiment ${experimentId}.`);
}
