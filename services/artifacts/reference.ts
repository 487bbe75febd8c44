import type { Pool } from "pg";
import type { Referred } from "./collect.ts";

/** Rows of one page: some megabytes in memory. */
const PAGE_ROWS = 50_000;

/**
 * Reads `sql`, which selects `digest` and `kind`, page by page through a cursor: one snapshot, whatever its size.
 */
export async function* referencePages(pool: Pool, sql: string): AsyncGenerator<Referred> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    // Read only, and one snapshot: a row that moves while it is read is not missed.
    await client.query("begin isolation level repeatable read read only");
    // Between two pages, folders are read from the store.
    await client.query("set local idle_in_transaction_session_timeout = 0");
    await client.query(`declare referred no scroll cursor for ${sql}`);
    for (;;) {
      const { rows } = await client.query<Referred[number]>(`fetch ${PAGE_ROWS} from referred`);
      if (rows.length === 0) break;
      yield rows;
    }
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    await client.query("rollback").catch((error: Error) => (broken = error));
    client.release(broken);
  }
}
