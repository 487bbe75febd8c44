import type { Pool, PoolClient } from "pg";
import type { AttemptKey } from "../../lib/core/ids.ts";
import { inTransaction } from "../../lib/db.ts";
import { jsonRows } from "../../lib/json-rows.ts";
import type { KeyValue } from "./core/batch.ts";
import { notActive } from "./core/ingest-plan.ts";
import { absent } from "./core/mlflow-error.ts";
import type { SearchStatement } from "./core/keyset.ts";
import { countStatement, readCounts, type RunSearch, runSearchStatements } from "./core/run-search.ts";
import { pageJson } from "./page.ts";
import { RUN_INFO_JSON, RUN_JSON } from "./run-json.ts";

export interface RunRow {
  readonly number: number;
  readonly id: string;
  readonly experimentId: string;
  readonly deleted: boolean;
  readonly artifactUri: string;
}

export interface NewRun {
  readonly id: string;
  readonly experimentId: string;
  readonly name: string;
  readonly userId: string;
  readonly startMs: number;
  /** Each key once. */
  readonly tags: readonly KeyValue[];
  /** In whose task it is made; null: in none. */
  readonly attempt: AttemptKey | null;
}

function noRun(id: string): Error {
  return absent(`Run with id=${id} not found`);
}

/** MLflow's Run as JSON; undefined: there is no such experiment, or it is deleted. */
export async function createRun(pool: Pool, run: NewRun): Promise<string | undefined> {
  const { rows } = await pool.query<{ number: string; json: string }>({
    name: "tracking-create-run",
    text: `with made as (
             insert into runs (id, experiment, name, user_id, status, start_ms, artifact_uri, attempt, attempt_open)
             select $1, e.id, $3, $4, 'RUNNING', $5, e.artifact_location || '/' || $1 || '/artifacts', $7::text, $7::text is not null
               from experiments e where e.id = $2 and not e.deleted
             returning *),
           tagged as (
             insert into run_tags (run, key, value)
             select made.number, t.key, t.value from made, json_to_recordset($6::text::json) as t(key text, value text))
           select '{"info":' || ${RUN_INFO_JSON} || ',"data":{"tags":' || $6::text || '},"inputs":{}}' as json
             from made r`,
    values: [run.id, run.experimentId, run.name, run.userId, run.startMs, jsonRows(run.tags), run.attempt],
  });
  return rows[0]?.json;
}

/** MLflow's Run as JSON. Throws RESOURCE_DOES_NOT_EXIST. */
export async function getRunJson(pool: Pool, id: string): Promise<string> {
  const { rows } = await pool.query<{ json: string }>({
    name: "tracking-get-run",
    text: `select ${RUN_JSON} as json from runs r where r.id = $1`,
    values: [id],
  });
  if (rows[0] === undefined) throw noRun(id);
  return rows[0].json;
}

/** Throws RESOURCE_DOES_NOT_EXIST. */
export async function getRun(client: Pool | PoolClient, id: string): Promise<RunRow> {
  const [run] = await getRuns(client, [id]);
  return run!;
}

/** In the order of their ids as they were given. Throws RESOURCE_DOES_NOT_EXIST where one of them is not there. */
export async function getRuns(client: Pool | PoolClient, ids: readonly string[]): Promise<RunRow[]> {
  const { rows } = await client.query<RunRow & { number: string }>({
    name: "tracking-find-runs",
    text: `select number, id, experiment::text as "experimentId", deleted, artifact_uri as "artifactUri" from runs where id = any($1)`,
    values: [ids],
  });
  const found = new Map(rows.map((row) => [row.id, { ...row, number: Number(row.number) }]));
  return ids.map((id) => {
    const run = found.get(id);
    if (run === undefined) throw noRun(id);
    return run;
  });
}

/** Throws also when it is deleted. */
export async function getActiveRun(client: Pool | PoolClient, id: string): Promise<RunRow> {
  const run = await getRun(client, id);
  if (run.deleted) throw notActive(id);
  return run;
}

/** MLflow's RunInfo as JSON, after the change. Undefined fields stay as they are. */
export async function updateRun(
  client: PoolClient,
  run: RunRow,
  to: { readonly status: string | undefined; readonly endMs: number | undefined; readonly name: string | undefined },
): Promise<string> {
  const { rows } = await client.query<{ json: string }>({
    name: "tracking-update-run",
    text: `update runs r set status = coalesce($2, status), end_ms = coalesce($3, end_ms), name = coalesce($4, name)
            where number = $1 returning ${RUN_INFO_JSON} as json`,
    values: [run.number, to.status ?? null, to.endMs ?? null, to.name ?? null],
  });
  if (to.name !== undefined) await setTag(client, run.number, { key: "mlflow.runName", value: to.name });
  return rows[0]!.json;
}

async function setTag(client: PoolClient, run: number, { key, value }: KeyValue): Promise<void> {
  await client.query(
    `insert into run_tags (run, key, value) values ($1, $2, $3)
     on conflict (run, key) do update set value = excluded.value`,
    [run, key, value],
  );
}

export async function setRunDeleted(pool: Pool, id: string, deleted: boolean, nowMs: number): Promise<void> {
  const { rowCount } = await pool.query(
    "update runs set deleted = $2, deleted_ms = case when $2 then $3::bigint end where id = $1",
    [id, deleted, nowMs],
  );
  if (rowCount === 0) throw noRun(id);
}

export async function deleteTag(pool: Pool, run: RunRow, key: string): Promise<void> {
  const { rowCount } = await pool.query("delete from run_tags where run = $1 and key = $2", [run.number, key]);
  if (rowCount === 0) throw absent(`No tag with name: ${key} in run with id ${run.id}`);
}

/** MLflow 2's record of a model: the models of a run are one tag, a JSON list. Under the run's lock, so that none is lost. */
export async function appendLoggedModel(client: PoolClient, run: RunRow, model: object): Promise<void> {
  await client.query("select from runs where number = $1 for update", [run.number]);
  const key = "mlflow.log-model.history";
  const { rows } = await client.query<{ value: string }>("select value from run_tags where run = $1 and key = $2", [
    run.number,
    key,
  ]);
  const before = rows[0] === undefined ? [] : (JSON.parse(rows[0].value) as unknown[]);
  await setTag(client, run.number, { key, value: JSON.stringify([...before, model]) });
}

/** A page of MLflow's SearchRuns.Response as JSON. */
export async function searchRuns(pool: Pool, search: RunSearch): Promise<string> {
  const counting = countStatement(search);
  const [only, ...more] = counting === null ? runSearchStatements(search, new Map()) : [];
  if (only !== undefined && more.length === 0)
    return pageJson("runs", await selectPage(pool, only), search.limit, only.shape);
  return inTransaction(pool, async (client) => {
    // All statements see the same, so that a run whose metric changes meanwhile is there once.
    await client.query("set transaction isolation level repeatable read, read only");
    const counts =
      counting === null ? [] : (await client.query<{ key: string; count: number }>(counting.sql, counting.values)).rows;
    const statements = runSearchStatements(search, readCounts(counts));
    const page: PageRow[] = [];
    for (const statement of statements) {
      page.push(...(await selectPage(client, statement)));
      if (page.length > search.limit) break;
    }
    return pageJson("runs", page, search.limit, statements[0]!.shape);
  });
}

interface PageRow {
  readonly keys: (string | null)[];
  readonly json: string;
}

async function selectPage(client: Pool | PoolClient, { sql, values }: SearchStatement): Promise<PageRow[]> {
  const { rows } = await client.query<PageRow>(
    `with page as materialized (${sql})
     select page.keys, ${RUN_JSON} as json from page join runs r on r.number = page.number order by page.place`,
    values,
  );
  return rows;
}
