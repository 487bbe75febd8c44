import type { Pool } from "pg";
import { inTransaction } from "../../lib/db.ts";
import type { Log } from "../../lib/log.ts";
import type { IngestPlan } from "./core/ingest-plan.ts";
import { PIECE_POINTS, piecesOf } from "./core/pieces.ts";
import { decodePoints, noPoints } from "./core/points.ts";
import type { Metric } from "./history-store.ts";
import { insertChunks } from "./ingest-store.ts";

/** Small chunks of one metric before they are put together: a page of history reads as many without being slow. */
const LOOSE_MAX = 256;
/** In one transaction: at most some megabytes are rewritten. */
const CHUNKS_PER_PASS = 4_000;
/** A chunk that is at least half full is left as it is. */
const SMALL_POINTS = PIECE_POINTS / 2;
/** Metrics whose small chunks are counted; beyond it counting begins anew, and reading a history makes up for it. */
const COUNTED_MAX = 100_000;

/**
 * Puts the small chunks of metrics together, behind the requests that write them. What it does changes no answer: a reader sees the chunks before or
 * after. Of several servers each takes the rows that no other holds.
 */
export class Compactor {
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #loose = new Map<string, number>();
  readonly #wanted = new Map<string, Metric>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(pool: Pool, log: Log) {
    this.#pool = pool;
    this.#log = log;
  }

  /** Chunks were written. */
  readonly onWritten = ({ chunks }: IngestPlan): void => {
    if (this.#loose.size > COUNTED_MAX) this.#loose.clear();
    for (const { run, key } of chunks) {
      const name = `${run} ${key}`;
      const count = (this.#loose.get(name) ?? 0) + 1;
      this.#loose.set(name, count);
      if (count >= LOOSE_MAX) this.#want({ run, key });
    }
  };

  /** A reader met this many chunks of the metric. */
  readonly onRead = (metric: Metric, chunks: number): void => {
    if (chunks >= 2 * LOOSE_MAX) this.#want(metric);
  };

  /** Resolves when nothing is under way and nothing will be. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wanted.clear();
    await this.#running;
  }

  #want(metric: Metric): void {
    const name = `${metric.run} ${metric.key}`;
    this.#loose.delete(name);
    if (this.#closed) return;
    this.#wanted.set(name, metric);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      try {
        // Until a pass finds less than it may take.
        while (!this.#closed && (await compact(this.#pool, next)) >= CHUNKS_PER_PASS);
      } catch (error) {
        // Histories are right without it, and the next write or read asks again.
        this.#log.warn({ err: error, metric: next }, "could not put chunks of a metric together");
      }
    }
    this.#running = undefined;
  }

  #next(): Metric | undefined {
    const [first] = this.#wanted;
    if (first !== undefined) this.#wanted.delete(first[0]);
    return first?.[1];
  }
}

/** How many chunks were put together. */
export function compact(pool: Pool, metric: Metric): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ id: string; points: Buffer }>(
      `select id, points from metric_chunks where run = $1 and key = $2 and count < $3
        order by first_ms, id limit $4 for update skip locked`,
      [metric.run, metric.key, SMALL_POINTS, CHUNKS_PER_PASS],
    );
    if (rows.length < 2) return 0;
    const points = noPoints();
    for (const row of rows) decodePoints(row.points, points);
    await client.query("delete from metric_chunks where run = $1 and key = $2 and id = any($3)", [
      metric.run,
      metric.key,
      rows.map(({ id }) => id),
    ]);
    await insertChunks(client, piecesOf(metric.run, metric.key, points));
    return rows.length;
  });
}
