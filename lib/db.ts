import { drizzle, type NodePgDatabase } from "drizzle-orm/node-postgres";
import pg from "pg";
import { connection } from "./db-url.ts";
import type { Log } from "./log.ts";

/** Longest statement, in milliseconds: far over any that Weft means to run, short enough that a lock held for ever shows. */
export const STATEMENT_TIMEOUT_MS = 30_000;
/** A transaction that its client forgot is ended by the server, so that it does not hold the leader's row. */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;
/** The client gives up this much after the server should have: the connection is dead, not slow. */
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
/** Without it a connect to a host that swallows packets never ends. */
const CONNECT_TIMEOUT_MS = 10_000;

export { migrate } from "./db-migrate.ts";

export interface Database {
  readonly pool: pg.Pool;
  /** For queries off the hot path; the scheduler writes SQL itself. */
  readonly orm: NodePgDatabase;
  /** Resolves when no connection is left. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Most connections at a time. */
  readonly max?: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  /**
   * Queries of one connection are sent without waiting for the answers of those before them. Only for a connection
   * with one user, who awaits all of them before it decides to commit.
   */
  readonly pipeline?: boolean;
  readonly log?: Log;
}

/** Connects when first used. Throws `invalid` when the URL cannot be read. */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const pool = new pg.Pool({
    ...connection(url),
    max: options.max ?? 10,
    application_name: options.applicationName ?? "weft",
    pipeline: options.pipeline ?? false,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // Compiling a statement takes 50 to 100 ms, which none of ours runs for; starting a parallel worker takes longer than a page of a search.
    options: "-c jit=off -c max_parallel_workers_per_gather=0",
  });
  // Whoever used it is told by its query; an idle one is just replaced.
  const note = (error: Error): void => options.log?.debug({ reason: error.message }, "a Postgres connection was lost");
  pool.on("error", note);
  // A client that is checked out reports the loss of its connection itself; unheard, that event would end the process.
  pool.on("connect", (client) => client.on("error", note));
  return { pool, orm: drizzle(pool), close: () => pool.end() };
}

/** Runs `work` in one transaction; a connection that failed is not used again. */
export async function inTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin");
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((rollbackError: Error) => (broken = rollbackError));
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * SQLSTATE classes and codes after which the same work may be tried again: connection exceptions (08), insufficient
 * resources such as a full disk (53), operator intervention such as a shutdown or a timeout (57), system errors (58),
 * serialization failure and deadlock (40), lock not available (55P03), a standby that was promoted late (25006).
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const TRANSIENT = /^(?:08|40|53|57|58)|^(?:55P03|25006)$/;

/** Whether the error says nothing about the statement, only about the moment. An error without SQLSTATE is the connection's. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (!(error instanceof pg.DatabaseError)) return isConnectionError(error);
  return error.code === undefined || TRANSIENT.test(error.code);
}

/** SQLSTATE classes of values that a statement was given and cannot take: data exceptions (22), a program's limits such as nesting (54). */
const REFUSED_VALUE = /^(?:22|54)/;

/** Whether the error is about a value that the statement was given. Division by zero is no such thing: it is ours. */
export function isRefusedValue(error: unknown): boolean {
  return error instanceof pg.DatabaseError && REFUSED_VALUE.test(error.code ?? "") && error.code !== "22012";
}

function isConnectionError(error: Error & { code?: unknown }): boolean {
  if (typeof error.code === "string") return /^E[A-Z]+$/.test(error.code);
  return /connection|timeout|not queryable|client was closed/i.test(error.message);
}
