import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import { isTransient } from "../lib/db.ts";
import type { Log } from "../lib/log.ts";
import {
  claimLeadership,
  holdLeadership,
  LeadershipLost,
  type LeaderRow,
  readLeader,
  type Reign,
  releaseLeadership,
} from "./leader-store.ts";

/** Looked at this many times in a lease, renewed and by those who wait for it to end. */
const LOOKS_PER_LEASE = 3;
/** Added to what is left of another's lease, so that one look finds it ended. */
const EXPIRY_MARGIN_MS = 20;

export interface LeaderOptions {
  readonly pool: Pool;
  /** New for each process. */
  readonly holder: string;
  /** host:port of this server's gRPC. */
  readonly address: string;
  readonly leaseMs: number;
  readonly log: Log;
}

/** Who leads: this process' side of the leader row. */
export class Leader {
  readonly #options: LeaderOptions;
  #seen: LeaderRow | undefined;
  #heldUntilMs = 0;
  #wake: (() => void) | undefined;

  constructor(options: LeaderOptions) {
    this.#options = options;
  }

  /** Of whoever led when last looked; null: nobody. */
  get seen(): LeaderRow | null {
    return this.#seen ?? null;
  }

  /** Whether our lease cannot have run out. Monotonic: a clock that jumps does not matter. */
  holds(): boolean {
    return performance.now() < this.#heldUntilMs;
  }

  /** A statement that was sent at `sentAtMs` (performance.now) renewed the lease. */
  renewed(sentAtMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, sentAtMs + this.#options.leaseMs);
  }

  /** Something may have changed: look now. */
  hint(): void {
    this.#wake?.();
  }

  /** Waits until this process leads. `onSeen` is told of each look at another's reign. Throws the signal's reason. */
  async campaign(onSeen: () => void, signal: AbortSignal): Promise<Reign> {
    const { pool, holder, address, leaseMs, log } = this.#options;
    let failing = false;
    for (;;) {
      signal.throwIfAborted();
      let waitMs = leaseMs / LOOKS_PER_LEASE;
      try {
        this.#seen = await readLeader(pool);
        if (failing) log.info("Postgres answers again");
        failing = false;
        if (this.#seen && this.#seen.remainingMs > 0) {
          waitMs = Math.min(waitMs, this.#seen.remainingMs + EXPIRY_MARGIN_MS);
        } else {
          const sentAtMs = performance.now();
          const term = await claimLeadership(pool, { holder, address, leaseMs });
          if (term !== undefined) {
            this.#seen = { term, holder, address, remainingMs: leaseMs };
            this.renewed(sentAtMs);
            return { term, holder, leaseMs };
          }
          waitMs = EXPIRY_MARGIN_MS;
        }
        onSeen();
      } catch (error) {
        if (!isTransient(error)) throw error;
        if (!failing) log.warn({ err: error }, "cannot see who leads; looking until Postgres answers");
        failing = true;
      }
      await this.#pause(waitMs, signal);
    }
  }

  /** Renews the lease when commits do not. Resolves when the term is over or the signal aborts. */
  async keep(reign: Reign, signal: AbortSignal): Promise<void> {
    const everyMs = reign.leaseMs / LOOKS_PER_LEASE;
    for (;;) {
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const sentAtMs = performance.now();
      // The last commit is young enough.
      if (this.#heldUntilMs - sentAtMs > reign.leaseMs - everyMs) continue;
      try {
        await holdLeadership(this.#options.pool, reign);
        this.renewed(sentAtMs);
      } catch (error) {
        if (error instanceof LeadershipLost) return;
        if (!isTransient(error)) throw error;
        // The loop's commits note the outage.
      }
    }
  }

  /** Another may lead at once. */
  async release(reign: Reign): Promise<void> {
    this.#heldUntilMs = 0;
    await releaseLeadership(this.#options.pool, reign);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await delay(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
    this.#wake = undefined;
  }
}
