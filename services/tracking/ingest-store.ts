import type { PoolClient } from "pg";
import { jsonRows } from "../../lib/json-rows.ts";
import type { Batch } from "./core/batch.ts";
import type { IngestPlan, KnownRun } from "./core/ingest-plan.ts";
import type { Piece } from "./core/pieces.ts";

/** The runs that the batches name, as far as they exist, with those of the batches' params that are there. */
export async function knownRuns(client: PoolClient, batches: readonly Batch[]): Promise<Map<string, KnownRun>> {
  const ids = [...new Set(batches.map(({ runId }) => runId))];
  const keys = [...new Set(batches.flatMap(({ params }) => params.map(({ key }) => key)))];
  const [runs, held] = await Promise.all([
    client.query<{ id: string; number: string; deleted: boolean }>({
      name: "tracking-known-runs",
      text: "select id, number, deleted from runs where id = any($1)",
      values: [ids],
    }),
    keys.length === 0
      ? { rows: [] }
      : client.query<{ id: string; key: string; value: string }>({
          name: "tracking-known-params",
          text: `select r.id, p.key, p.value from runs r join run_params p on p.run = r.number
                  where r.id = any($1) and p.key = any($2)`,
          values: [ids, keys],
        }),
  ]);
  const known = new Map(
    runs.rows.map(({ id, number, deleted }) => [
      id,
      { number: Number(number), deleted, params: new Map<string, string>() },
    ]),
  );
  for (const { id, key, value } of held.rows) known.get(id)?.params.set(key, value);
  return known;
}

/**
 * All rows of a commit, or none; repeating it changes nothing. Everything is sent at once, with the commit, on a pipelined
 * connection: one round trip. After an error Postgres takes the commit for a rollback.
 */
export async function writeIngest(client: PoolClient, plan: IngestPlan): Promise<void> {
  const results = await Promise.allSettled([
    client.query("begin"),
    ...(plan.params.length > 0 ? [insertParams(client, plan)] : []),
    ...(plan.latest.length > 0 ? [upsertLatest(client, plan), insertChunks(client, plan.chunks)] : []),
    ...(plan.tags.length > 0 ? [upsertTags(client, plan)] : []),
    ...(plan.modelMetrics.length > 0 ? [insertModelMetrics(client, plan)] : []),
    client.query("commit"),
  ]);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

/** Fails (division by zero, 22012) when somebody else wrote one of them since the plan was made. */
async function insertParams(client: PoolClient, { params }: IngestPlan): Promise<void> {
  await client.query({
    name: "tracking-insert-params",
    text: `with written as (
             insert into run_params (run, key, value)
             select run, key, value from json_to_recordset($1::json) as r(run bigint, key text, value text) order by run, key
             on conflict (run, key) do nothing returning 1)
           select 1 / (case when count(*) = $2 then 1 else 0 end) from written`,
    values: [jsonRows(params), params.length],
  });
}

async function upsertLatest(client: PoolClient, { latest }: IngestPlan): Promise<void> {
  await client.query({
    name: "tracking-upsert-latest",
    text: `insert into run_metrics as m (run, key, value, timestamp_ms, step)
           select run, key, value, at, step
             from json_to_recordset($1::json) as r(run bigint, key text, value float8, at bigint, step bigint) order by run, key
           on conflict (run, key) do update
             set value = excluded.value, timestamp_ms = excluded.timestamp_ms, step = excluded.step
           where (excluded.step, excluded.timestamp_ms, excluded.value) > (m.step, m.timestamp_ms, m.value)`,
    values: [
      jsonRows(
        latest.map(({ run, key, value, timestampMs, step }) => ({
          run,
          key,
          value: doubleText(value),
          at: String(timestampMs),
          step: String(step),
        })),
      ),
    ],
  });
}

export async function insertChunks(client: PoolClient, chunks: readonly Piece[]): Promise<void> {
  await client.query({
    name: "tracking-insert-chunks",
    text: `insert into metric_chunks (run, key, count, first_ms, last_ms, first_step, last_step, points, sample)
           select run, key, count, a, b, c, d, decode(p, 'base64'), decode(s, 'base64')
             from json_to_recordset($1::json)
               as r(run bigint, key text, count int, a bigint, b bigint, c bigint, d bigint, p text, s text)`,
    values: [
      jsonRows(
        chunks.map(({ run, key, count, firstMs, lastMs, firstStep, lastStep, points, sample }) => ({
          run,
          key,
          count,
          a: String(firstMs),
          b: String(lastMs),
          c: String(firstStep),
          d: String(lastStep),
          p: points.toString("base64"),
          s: sample?.toString("base64") ?? null,
        })),
      ),
    ],
  });
}

/** The tag mlflow.runName is the run's name. */
async function upsertTags(client: PoolClient, { tags }: IngestPlan): Promise<void> {
  const names = tags.filter(({ key, value }) => key === "mlflow.runName" && value !== "");
  await Promise.all([
    client.query({
      name: "tracking-upsert-tags",
      text: `insert into run_tags (run, key, value)
             select run, key, value from json_to_recordset($1::json) as r(run bigint, key text, value text) order by run, key
             on conflict (run, key) do update set value = excluded.value where run_tags.value <> excluded.value`,
      values: [jsonRows(tags)],
    }),
    ...(names.length === 0
      ? []
      : [
          client.query({
            text: `update runs set name = n.value
                     from json_to_recordset($1::json) as n(run bigint, value text) where runs.number = n.run`,
            values: [jsonRows(names)],
          }),
        ]),
  ]);
}

async function insertModelMetrics(client: PoolClient, { modelMetrics }: IngestPlan): Promise<void> {
  await client.query({
    text: `insert into logged_model_metrics (model, key, value, timestamp_ms, step, run, dataset_name, dataset_digest)
           select model, key, value, at, step, run, dataset, digest
             from json_to_recordset($1::json) as r(model text, key text, value float8, at bigint, step bigint, run bigint,
                                                   dataset text, digest text)
           on conflict do nothing`,
    values: [
      jsonRows(
        modelMetrics.map((row) => ({
          model: row.model,
          key: row.key,
          value: doubleText(row.value),
          at: String(row.timestampMs),
          step: String(row.step),
          run: row.run,
          dataset: row.datasetName,
          digest: row.datasetDigest,
        })),
      ),
    ],
  });
}

/** JSON has no NaN and no infinities; Postgres reads them, and all others, from text. */
function doubleText(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
