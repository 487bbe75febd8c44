import type { Pool, PoolClient } from "pg";
import { jsonRows } from "../../lib/json-rows.ts";
import type { RunRow } from "./run-store.ts";
import { LIMITS } from "./core/limits.ts";

export interface DatasetInput {
  readonly name: string;
  readonly digest: string;
  readonly sourceType: string;
  readonly source: string;
  readonly schema: string | null;
  readonly profile: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

/** The data sets that a run read; repeating one changes nothing. */
export async function addDatasets(client: PoolClient, run: RunRow, inputs: readonly DatasetInput[]): Promise<void> {
  if (inputs.length === 0) return;
  const rows = jsonRows([...new Map(inputs.map((input) => [`${input.name}\n${input.digest}`, input])).values()]);
  await client.query(
    `insert into datasets (experiment, name, digest, source_type, source, schema, profile)
     select $1, name, digest, "sourceType", source, schema, profile
       from json_to_recordset($2::json) as r(name text, digest text, "sourceType" text, source text, schema text, profile text)
      order by name, digest
     on conflict (experiment, name, digest) do nothing`,
    [run.experimentId, rows],
  );
  await client.query(
    `insert into run_datasets (run, dataset, tags)
     select $1, d.id, r.tags from json_to_recordset($3::json) as r(name text, digest text, tags jsonb)
       join datasets d on d.experiment = $2 and d.name = r.name and d.digest = r.digest
     on conflict do nothing`,
    [run.number, run.experimentId, rows],
  );
}

/** Logged models that a run read or made. */
export async function addModels(
  client: Pool | PoolClient,
  run: RunRow,
  direction: "input" | "output",
  models: readonly { readonly id: string; readonly step: string }[],
): Promise<void> {
  if (models.length === 0) return;
  await client.query(
    `insert into run_models (run, direction, model, step)
     select $1, $2, id, step from json_to_recordset($3::json) as r(id text, step bigint)
     on conflict (run, direction, model) do update set step = excluded.step`,
    [run.number, direction, jsonRows([...new Map(models.map((model) => [model.id, model])).values()])],
  );
}

/** MLflow's SearchDatasets.Response as JSON. */
export async function searchDatasets(pool: Pool, experimentIds: readonly string[]): Promise<string> {
  const { rows } = await pool.query<{ json: string }>(
    `select json_strip_nulls(json_build_object('dataset_summaries', json_agg(json_build_object(
              'experiment_id', experiment::text, 'name', name, 'digest', digest, 'context', context))))::text as json
       from (select distinct d.experiment, d.name, d.digest, i.tags->>'mlflow.data.context' as context
               from datasets d join run_datasets i on i.dataset = d.id
               join experiments e on e.id = d.experiment and not e.deleted
              where d.experiment = any($1::bigint[]) limit $2) s`,
    [experimentIds, LIMITS.datasetSummaries],
  );
  return rows[0]!.json;
}
