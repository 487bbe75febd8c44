import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";

export interface WebhookRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly secret: string | null;
  readonly status: "ACTIVE" | "DISABLED";
  readonly createdMs: number;
  readonly updatedMs: number;
}

const ROW = `json_build_object('id', id, 'name', name, 'description', description, 'url', url, 'events', events, 'secret', secret,
  'status', status, 'createdMs', created_ms, 'updatedMs', updated_ms) as row`;

export async function insertWebhook(pool: Pool, row: WebhookRow): Promise<void> {
  await pool.query(
    `insert into webhooks (id, name, description, url, events, secret, status, created_ms, updated_ms)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [row.id, row.name, row.description, row.url, row.events, row.secret, row.status, row.createdMs, row.updatedMs],
  );
}

/** Throws `not_found`. */
export async function getWebhook(pool: Pool, id: string): Promise<WebhookRow> {
  const { rows } = await pool.query<{ row: WebhookRow }>(`select ${ROW} from webhooks where id = $1`, [id]);
  if (!rows[0]) throw noWebhook(id);
  return rows[0].row;
}

/** Newest first. `after`: those that come after this one; null: from the first. */
export async function listWebhooks(
  pool: Pool,
  limit: number,
  after: Pick<WebhookRow, "createdMs" | "id"> | null,
): Promise<WebhookRow[]> {
  const { rows } = await pool.query<{ row: WebhookRow }>(
    `select ${ROW} from webhooks where $2::float8 is null or created_ms < $2 or (created_ms = $2 and id > $3)
     order by created_ms desc, id limit $1`,
    [limit, after?.createdMs ?? null, after?.id ?? null],
  );
  return rows.map(({ row }) => row);
}

export type WebhookChange = Partial<Pick<WebhookRow, "name" | "description" | "url" | "events" | "secret" | "status">>;

/** What is undefined stays. Throws `not_found`. */
export async function updateWebhook(pool: Pool, id: string, change: WebhookChange, nowMs: number): Promise<WebhookRow> {
  const { rows } = await pool.query<{ row: WebhookRow }>(
    `update webhooks set name = coalesce($2, name), description = coalesce($3, description), url = coalesce($4, url),
       events = coalesce($5, events), secret = case when $6::text is null then secret else nullif($6, '') end,
       status = coalesce($7, status), updated_ms = $8
     where id = $1 returning ${ROW}`,
    [
      id,
      change.name ?? null,
      change.description ?? null,
      change.url ?? null,
      change.events ?? null,
      change.secret ?? null,
      change.status ?? null,
      nowMs,
    ],
  );
  if (!rows[0]) throw noWebhook(id);
  return rows[0].row;
}

/** Throws `not_found`. */
export async function deleteWebhook(pool: Pool, id: string): Promise<void> {
  const { rowCount } = await pool.query("delete from webhooks where id = $1", [id]);
  if (rowCount === 0) throw noWebhook(id);
}

function noWebhook(id: string): WeftError {
  return new WeftError("not_found", `Webhook with ID ${id} not found.`);
}
