import type { ClientBase, Pool, PoolClient } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import type { Scalar } from "../../lib/core/pipeline/spec.ts";
import { triggerName, type TriggerSource } from "../../lib/core/pipeline/trigger.ts";

/** What a firing submits. */
export interface PipelineVersion {
  readonly pipeline: string;
  readonly version: number;
  /** A SubmitRequest as it travels: so that what is stored today is read by what is built in a year. */
  readonly submit: Buffer;
}

export interface TriggerRow {
  readonly id: string;
  readonly pipeline: string;
  readonly name: string;
  readonly source: TriggerSource;
  readonly watches: string | null;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly dedupeWindowMs: number;
  readonly dedupeKey: string;
  readonly cooldownMs: number;
  readonly version: number;
  readonly state: "active" | "paused";
  readonly secret: string | null;
  readonly cursorMs: number;
  readonly firedAtMs: number | null;
  readonly lastContent: string | null;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
}

/** PIPELINE.NAME */
export const fullName = ({ pipeline, name }: Pick<TriggerRow, "pipeline" | "name">): string =>
  triggerName(pipeline, name);

const COLUMNS = `id, pipeline, name, source, watches, params, dedupe_window_ms as "dedupeWindowMs", dedupe_key as "dedupeKey",
  cooldown_ms as "cooldownMs", version, state, secret, cursor_ms as "cursorMs", fired_at_ms as "firedAtMs",
  last_content as "lastContent", created_at_ms as "createdAtMs", changed_at_ms as "changedAtMs"`;

/** Keeps another leader from taking over before the transaction ends; throws `unavailable` when one has. */
export async function holdTerm(client: ClientBase, term: number): Promise<void> {
  const { rowCount } = await client.query(`select 1 from leader where id = 1 and term = $1 for share`, [term]);
  if (rowCount !== 1) throw new WeftError("unavailable", "this server does not lead any more; ask again");
}

export async function listTriggers(client: ClientBase | Pool, pipeline = ""): Promise<TriggerRow[]> {
  const { rows } = await client.query<TriggerRow>(
    `select ${COLUMNS} from triggers where $1 = '' or pipeline = $1 order by pipeline, name`,
    [pipeline],
  );
  return rows;
}

/** By PIPELINE.NAME. */
export async function findTrigger(client: ClientBase | Pool, name: string): Promise<TriggerRow | undefined> {
  const [pipeline, own, ...rest] = name.split(".");
  if (own === undefined || rest.length > 0) return undefined;
  const { rows } = await client.query<TriggerRow>(`select ${COLUMNS} from triggers where pipeline = $1 and name = $2`, [
    pipeline,
    own,
  ]);
  return rows[0];
}

/** Nobody else decides about its events before the transaction ends. */
export async function lockTrigger(client: PoolClient, id: string): Promise<TriggerRow | undefined> {
  const { rows } = await client.query<TriggerRow>(`select ${COLUMNS} from triggers where id = $1 for update`, [id]);
  return rows[0];
}

export async function upsertTrigger(client: ClientBase, row: TriggerRow): Promise<void> {
  await client.query(
    `insert into triggers (id, pipeline, name, source, watches, params, dedupe_window_ms, dedupe_key, cooldown_ms, version, state,
                           secret, cursor_ms, fired_at_ms, last_content, created_at_ms, changed_at_ms)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
     on conflict (id) do update set
       source = excluded.source, watches = excluded.watches, params = excluded.params,
       dedupe_window_ms = excluded.dedupe_window_ms, dedupe_key = excluded.dedupe_key, cooldown_ms = excluded.cooldown_ms,
       version = excluded.version, state = excluded.state, secret = excluded.secret, cursor_ms = excluded.cursor_ms,
       changed_at_ms = excluded.changed_at_ms`,
    [
      row.id,
      row.pipeline,
      row.name,
      JSON.stringify(row.source),
      row.watches,
      JSON.stringify(row.params),
      row.dedupeWindowMs,
      row.dedupeKey,
      row.cooldownMs,
      row.version,
      row.state,
      row.secret,
      row.cursorMs,
      row.firedAtMs,
      row.lastContent,
      row.createdAtMs,
      row.changedAtMs,
    ],
  );
}

export async function deleteTrigger(client: ClientBase, id: string): Promise<void> {
  await client.query(`delete from triggers where id = $1`, [id]);
}

export async function setCursor(client: ClientBase, id: string, cursorMs: number): Promise<void> {
  await client.query({
    name: "trigger-cursor",
    text: `update triggers set cursor_ms = $2 where id = $1`,
    values: [id, cursorMs],
  });
}

export async function setFired(client: ClientBase, id: string, atMs: number, content: string | null): Promise<void> {
  await client.query({
    name: "trigger-fired",
    text: `update triggers set fired_at_ms = $2, last_content = coalesce($3, last_content) where id = $1`,
    values: [id, atMs, content],
  });
}

/** The version that holds this content: an earlier one, or a new one with the next number. */
export async function ensureVersion(
  client: ClientBase,
  { pipeline, submit, digest, nowMs }: { pipeline: string; submit: Buffer; digest: string; nowMs: number },
): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `select version from pipeline_versions where pipeline = $1 and digest = $2`,
    [pipeline, digest],
  );
  if (rows[0]) return rows[0].version;
  const inserted = await client.query<{ version: number }>(
    `insert into pipeline_versions (pipeline, version, digest, submit, created_at_ms)
     select $1, coalesce(max(version), 0) + 1, $2, $3, $4 from pipeline_versions where pipeline = $1
     returning version`,
    [pipeline, digest, submit, nowMs],
  );
  return inserted.rows[0]!.version;
}

/** Two that apply triggers of one pipeline at once wait for each other. */
export async function lockPipeline(client: ClientBase, pipeline: string): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('weft pipeline ' || $1))`, [pipeline]);
}

/** Undefined: there is none, which no row that names one should bring about. */
export async function readVersion(
  client: ClientBase | Pool,
  pipeline: string,
  version: number,
): Promise<PipelineVersion | undefined> {
  const { rows } = await client.query<PipelineVersion>({
    name: "pipeline-version",
    text: `select pipeline, version, submit from pipeline_versions where pipeline = $1 and version = $2`,
    values: [pipeline, version],
  });
  return rows[0];
}
