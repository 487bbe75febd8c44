import { setTimeout as delay } from "node:timers/promises";
import type { PoolClient } from "pg";
import type { ArchivedReport } from "../lib/core/dispatch.ts";
import type { JobId } from "../lib/core/ids.ts";
import { isTransient, openDatabase, type Database } from "../lib/db.ts";
import type { Log } from "../lib/log.ts";
import { keepResults } from "./cache-store.ts";
import { type Batch, isEmpty, type JobProgress, type Restored } from "./core/index.ts";
import { findByIdempotencyKeys, insertJobs, type KnownKey, loadUnfinishedJobs, updateJobs } from "./job-store.ts";
import { holdLeadership, type Reign } from "./leader-store.ts";
import { insertMaps, loadUnfinishedMaps } from "./map-store.ts";
import { loadNodes, upsertNodes } from "./node-store.ts";
import { loadRates, upsertRates } from "./rate-store.ts";
import { loadProjects, upsertProjects } from "./project-store.ts";
import { loadUnfinishedTasks, upsertTasks, writeRanges } from "./task-store.ts";

/** Wait before a commit is tried again, in milliseconds; doubles up to the second. A restart of Postgres takes seconds. */
const RETRY_MS = 50;
const RETRY_MS_MAX = 2_000;

/** What one transaction writes. */
export interface Changes {
  readonly batch: Batch;
  readonly archived: readonly ArchivedReport[];
}

/**
 * Writes more rows in the transaction of a batch that starts or ends attempts or jobs, or archives logs. Must be idempotent (the same changes may come
 * twice), and must not catch errors of its queries. Queries sent without awaiting in between share one round trip.
 */
export type Recorder = (client: PoolClient, changes: Changes) => Promise<void>;

/** Postgres as the scheduler sees it. */
export class Store {
  readonly database: Database;
  /** One connection, pipelined: commits come one after the other, and reads must not keep them waiting. */
  readonly #commits: Database;
  readonly #log: Log;

  constructor(database: Database, commits: Database, log: Log) {
    this.database = database;
    this.#commits = commits;
    this.#log = log;
  }

  /**
   * All of the changes or nothing, and only while the reign lasts. Tries again for as long as Postgres is away; resolves when they are
   * durable. Throws LeadershipLost; the signal's reason; any other error is a bug in what was to be written.
   */
  commit(reign: Reign, changes: Changes, recorders: readonly Recorder[], signal?: AbortSignal): Promise<void> {
    return this.#untilThrough("commit a batch", () => this.#tryCommit(reign, changes, recorders), signal);
  }

  /** What a new leader starts from. Nobody of an earlier term can write after the new one is claimed. */
  loadRestored(signal?: AbortSignal): Promise<Restored> {
    const { pool } = this.database;
    const load = async (): Promise<Restored> => {
      const [jobs, tasks, maps, nodes, projects, rates] = await Promise.all([
        loadUnfinishedJobs(pool),
        loadUnfinishedTasks(pool),
        loadUnfinishedMaps(pool),
        loadNodes(pool),
        loadProjects(pool),
        loadRates(pool, Date.now()),
      ]);
      return { jobs, tasks, maps, nodes, projects, rates };
    };
    return this.#untilThrough("load the scheduler's state", load, signal);
  }

  findByIdempotencyKeys(keys: readonly string[], signal?: AbortSignal): Promise<KnownKey[]> {
    const find = (): Promise<KnownKey[]> => findByIdempotencyKeys(this.database.pool, keys);
    return this.#untilThrough("look for idempotency keys", find, signal);
  }

  /** An outage is waited for, and noted once when it begins and once when it is over. */
  async #untilThrough<T>(what: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    let failedAtMs: number | undefined;
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      signal?.throwIfAborted();
      try {
        const result = await work();
        if (failedAtMs !== undefined) this.#log.info({ outageMs: Date.now() - failedAtMs }, "Postgres answers again");
        return result;
      } catch (error) {
        if (!isTransient(error)) throw error;
        if (failedAtMs === undefined)
          this.#log.warn({ err: error }, `could not ${what}; it is tried until Postgres answers`);
        failedAtMs ??= Date.now();
      }
      await delay(waitMs, undefined, signal && { signal });
    }
  }

  async #tryCommit(reign: Reign, changes: Changes, recorders: readonly Recorder[]): Promise<void> {
    const client = await this.#commits.pool.connect();
    let broken: Error | undefined;
    try {
      await writeAll(client, reign, changes, recorders);
      await client.query("commit");
    } catch (error) {
      await client.query("rollback").catch((rollbackError: Error) => (broken = rollbackError));
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

/**
 * All that a commit looks up it looks up by a key. A plan is kept for as long as its connection, and one made while a table was
 * small reads all of it in each commit when it has grown to millions of rows within minutes.
 */
const BY_KEY_ONLY = "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off";

export function openStore(url: string, log: Log): { store: Store; close(): Promise<void> } {
  const database = openDatabase(url, { applicationName: "weft", log });
  const commits = openDatabase(url, { applicationName: "weft scheduler", max: 1, pipeline: true, log });
  commits.pool.on("connect", (client) => {
    // Whoever uses the connection learns that it is lost by its own query.
    client.query(BY_KEY_ONLY).catch(() => undefined);
  });
  const close = async (): Promise<void> => {
    await Promise.all([commits.close(), database.close()]);
  };
  return { store: new Store(database, commits, log), close };
}

/** Sends everything, then waits for all of it: one round trip when the recorders do not await in between. */
async function writeAll(
  client: PoolClient,
  reign: Reign,
  changes: Changes,
  recorders: readonly Recorder[],
): Promise<void> {
  const { batch } = changes;
  const fresh = new Set<JobId>(batch.jobsNew.map((job) => job.id));
  const later = batch.jobs.filter((job) => !fresh.has(job.id));
  const sent: Promise<unknown>[] = [client.query("begin"), holdLeadership(client, reign)];
  if (batch.jobsNew.length > 0) {
    const progress = new Map<JobId, JobProgress>(batch.jobs.map((job) => [job.id, job]));
    sent.push(insertJobs(client, batch.jobsNew, progress));
  }
  if (later.length > 0) sent.push(updateJobs(client, later));
  if (batch.ranges.length > 0) sent.push(writeRanges(client, batch.ranges));
  if (batch.tasks.length > 0) sent.push(upsertTasks(client, batch.tasks));
  if (batch.maps.length > 0) sent.push(insertMaps(client, batch.maps));
  if (batch.nodes.length > 0) sent.push(upsertNodes(client, batch.nodes));
  if (batch.cached.length > 0) sent.push(keepResults(client, batch.cached));
  if (batch.rates.length > 0) sent.push(upsertRates(client, batch.rates));
  if (batch.projects.length > 0) sent.push(upsertProjects(client, batch.projects));
  if (concernsRecorders(changes)) {
    for (const record of recorders) sent.push(record(client, changes));
  }
  await allSettledOrFirstError(sent);
}

function concernsRecorders({ batch, archived }: Changes): boolean {
  const ended = batch.ended.length + batch.endedRanges.length + archived.length + batch.news.length;
  return ended > 0 || batch.jobs.length > 0 || batch.tasks.some(({ state }) => state === "running");
}

/** Unlike Promise.all it leaves nothing in flight on the connection when it throws. */
async function allSettledOrFirstError(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

export function isNothing(changes: Changes): boolean {
  return isEmpty(changes.batch) && changes.archived.length === 0;
}
