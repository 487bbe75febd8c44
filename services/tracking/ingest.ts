import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import { isTransient } from "../../lib/db.ts";
import type { Log } from "../../lib/log.ts";
import type { Batch } from "./core/batch.ts";
import { type IngestPlan, planIngest } from "./core/ingest-plan.ts";
import { MlflowError } from "./core/mlflow-error.ts";
import { knownRuns, writeIngest } from "./ingest-store.ts";

/** In one transaction. More gains nothing per point, and makes the first of them wait. */
const POINTS_MAX = 20_000;
/** While Postgres is away requests wait here this long before they are told to come again: a restart passes unnoticed. */
const HOLD_MS = 10_000;
const RETRY_MS = 100;
/** Of a param that two servers wrote at once: the second try sees it. */
const RACES_MAX = 5;

interface Waiting {
  readonly batch: Batch;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Writes what is logged to runs, in groups: what arrives while one transaction commits goes into the next, so that under load
 * hundreds of requests share one. A request is answered after the commit that holds all of it; one that is refused leaves
 * nothing. Repeating a batch changes nothing, so that clients may try again whatever they saw.
 */
export class Ingest {
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #onWritten: (plan: IngestPlan) => void;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;

  /** `pool` has pipelined connections; `onWritten` hears of each commit. */
  constructor(parts: { readonly pool: Pool; readonly log: Log; readonly onWritten: (plan: IngestPlan) => void }) {
    this.#pool = parts.pool;
    this.#log = parts.log;
    this.#onWritten = parts.onWritten;
  }

  /** Resolves when it is durable. Rejects with an MlflowError, or with what Postgres said. */
  write(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // What arrives in the same turn of the loop goes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commit(this.#take());
    this.#running = undefined;
  }

  #take(): Waiting[] {
    let points = 0;
    let count = 0;
    for (const { batch } of this.#waiting) {
      points += batch.metrics.length;
      if (count > 0 && points > POINTS_MAX) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const { refusals } = await this.#writeThroughOutage(group.map(({ batch }) => batch));
      for (const [index, { resolve, reject }] of group.entries()) {
        const refusal = refusals[index];
        if (refusal) reject(refusal);
        else resolve();
      }
    } catch (error) {
      if (group.length === 1 || isTransient(error)) for (const { reject } of group) reject(error as Error);
      // One of them is what Postgres does not take: the others must not suffer for it.
      else for (const one of group) await this.#commit([one]);
    }
  }

  async #writeOnce(batches: readonly Batch[]): Promise<IngestPlan> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      const plan = planIngest(batches, await knownRuns(client, batches));
      if (plan.refusals.includes(null)) await writeIngest(client, plan);
      return plan;
    } catch (error) {
      if (isTransient(error)) broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #writeThroughOutage(batches: readonly Batch[]): Promise<IngestPlan> {
    const until = performance.now() + HOLD_MS;
    for (let races = 0; ;) {
      try {
        const plan = await this.#writeOnce(batches);
        this.#onWritten(plan);
        return plan;
      } catch (error) {
        if ((error as { code?: string }).code === "22012" && races < RACES_MAX) races += 1;
        else if (error instanceof MlflowError || !isTransient(error) || performance.now() > until) throw error;
        else {
          this.#log.warn({ err: error }, "could not write metrics; it is tried again");
          await delay(RETRY_MS);
        }
      }
    }
  }
}
