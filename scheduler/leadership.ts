import { setTimeout as delay } from "node:timers/promises";
import { attemptKey, type AttemptRef, type NodeId } from "../lib/core/ids.ts";
import { untoldEnd } from "../lib/core/report.ts";
import type { Log } from "../lib/log.ts";
import type { CacheDesk } from "./cache-desk.ts";
import type { Bus, LeaderNews } from "./bus.ts";
import { type Batch, type Event, restore, type Restored, type SchedulerConfig } from "./core/index.ts";
import { Leader } from "./leader.ts";
import type { Reign } from "./leader-store.ts";
import type { LoopMetrics } from "./loop-metrics.ts";
import type { Postman } from "./postman.ts";
import { SchedulerLoop } from "./run.ts";
import type { Recorder, Store } from "./store.ts";

export type Role =
  | { readonly kind: "leader"; readonly term: number; readonly loop: SchedulerLoop }
  /** `address`: where the leader takes gRPC, host:port; null: nobody leads that we know of. */
  | { readonly kind: "follower"; readonly term: number; readonly address: string | null };

export interface LeadershipParts {
  readonly store: Store;
  readonly bus: Bus;
  readonly recorders: readonly Recorder[];
  readonly cache: Pick<CacheDesk, "answer">;
  readonly config: SchedulerConfig;
  /** New for each process. */
  readonly holder: string;
  /** host:port of this server's gRPC. */
  readonly address: string;
  /** How long after the death of a leader another takes over. Renewed at a third of it. */
  readonly leaseMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly metrics: LoopMetrics;
  readonly log: Log;
}

/** Longest wait at a stop for NATS to confirm what was published; what it misses is asked for by heartbeats. */
const FLUSH_GRACE_MS = 2_000;
/** Longest wait for Postgres to take back the lead; without it the lease just ends. */
const RELEASE_GRACE_MS = 2_000;

/**
 *   follower  waits for the lease of another to end           → leader when it has claimed the next term
 *   leader    runs one SchedulerLoop over the state it loaded → follower when another took over
 */
export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #leader: Leader;
  readonly #listeners = new Set<(role: Role) => void>();
  readonly #stopped = new AbortController();
  #role: Role = { kind: "follower", term: 0, address: null };
  /** While this server leads: ends the reign at once, because another has begun the next. */
  #overthrow: ((by: LeaderNews) => void) | undefined;
  /** Resolves after stop; rejects on a bug, after which the process must end. */
  readonly ended: Promise<void>;

  constructor(parts: LeadershipParts) {
    this.#parts = parts;
    this.#leader = new Leader({ ...parts, pool: parts.store.database.pool });
    this.ended = this.#run();
  }

  role(): Role {
    return this.#role;
  }

  onChange(listener: (role: Role) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Finishes the batch that is being committed and lets another server take over at once. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.ended.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const unsubscribe = this.#parts.bus.onLeaderChanged((leader) => this.#onNews(leader));
    try {
      while (!signal.aborted) {
        const reign = await this.#leader.campaign(() => this.#follow(), signal);
        await this.#reign(reign);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      unsubscribe();
    }
  }

  #follow(): void {
    const { seen } = this.#leader;
    const address = seen && seen.remainingMs > 0 ? seen.address : null;
    const { term } = seen ?? { term: 0 };
    if (this.#role.kind === "follower" && this.#role.term === term && this.#role.address === address) return;
    this.#become({ kind: "follower", term, address });
  }

  /** The only word that reaches a server which has lost Postgres and not NATS. */
  #onNews(leader: LeaderNews | null): void {
    this.#leader.hint();
    if (leader === null || leader.term <= this.#role.term) return;
    if (this.#role.kind === "leader") this.#overthrow?.(leader);
    else this.#become({ kind: "follower", term: leader.term, address: leader.address });
  }

  #become(role: Role): void {
    this.#role = role;
    this.#parts.metrics.leading.set(role.kind === "leader" ? 1 : 0);
    for (const listener of this.#listeners) listener(role);
  }

  async #reign(reign: Reign): Promise<void> {
    const { store, bus, log } = this.#parts;
    const over = new AbortController();
    const signal = AbortSignal.any([this.#stopped.signal, over.signal]);
    // Renewed from the first moment: loading may take longer than the lease.
    const kept = this.#leader.keep(reign, signal).finally(() => over.abort());
    kept.catch(() => undefined);
    let successor: LeaderNews | null = null;
    try {
      const rows = await store.loadRestored(signal);
      bus.adoptNodes(rows.nodes.map((node) => node.id));
      log.info({ term: reign.term, jobs: rows.jobs.length, nodes: rows.nodes.length }, "this server leads");
      successor = await this.#lead(reign, rows, kept);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      over.abort();
      this.#become({ kind: "follower", term: reign.term, address: null, ...successor });
      if (!successor) await this.#release(reign);
      log.info({ term: reign.term, successor }, "this server does not lead any more");
    }
    // A renewal that hangs is of no interest once another leads.
    if (!successor) await kept;
  }

  async #release(reign: Reign): Promise<void> {
    const { bus, log } = this.#parts;
    try {
      await Promise.race([this.#leader.release(reign), delay(RELEASE_GRACE_MS)]);
      bus.tellLeaderChanged(null);
    } catch (error) {
      log.warn({ err: error }, "could not give up the lead; another takes over when the lease ends");
    }
  }

  /** Until a stop, the end of the term, or a bug. Gives the one who leads now, when that is known. */
  async #lead(reign: Reign, rows: Restored, kept: Promise<void>): Promise<LeaderNews | null> {
    const { bus, metrics } = this.#parts;
    const postman = bus.openPostman(reign.term, (node, ref, bytes) => this.#tooLarge(loop, node, ref, bytes));
    const loop: SchedulerLoop = this.#openLoop(reign, rows, postman);
    const intake = bus.consumeReports(
      (message) => loop.report(message),
      () => metrics.malformedReports.inc(),
    );
    metrics.unsent = () => postman.unsent;
    this.#become({ kind: "leader", term: reign.term, loop });
    bus.tellLeaderChanged({ term: reign.term, address: this.#parts.address });
    let successor: LeaderNews | null = null;
    const overthrown = new Promise<void>((resolve) => {
      this.#overthrow = (by) => {
        successor = by;
        resolve();
      };
    });
    try {
      await Promise.race([loop.ended, kept, overthrown]);
      return successor;
    } finally {
      this.#overthrow = undefined;
      // Nothing that is still being committed can succeed under an old term.
      await loop.stop(successor ? 0 : undefined);
      await intake.stop();
      await Promise.race([postman.flushed(), delay(FLUSH_GRACE_MS)]);
      postman.stop();
    }
  }

  #openLoop(reign: Reign, rows: Restored, postman: Postman): SchedulerLoop {
    const { store, recorders, config, now, metrics, log } = this.#parts;
    const loop: SchedulerLoop = new SchedulerLoop({
      state: restore(config, rows, now()),
      commit: async (changes, signal) => {
        const sentAtMs = performance.now();
        await store.commit(reign, changes, recorders, signal);
        this.#leader.renewed(sentAtMs);
      },
      holds: () => this.#leader.holds(),
      findByIdempotencyKeys: (keys, signal) => store.findByIdempotencyKeys(keys, signal),
      onCommitted: (batch) => {
        this.#forgetLost(batch);
        postman.post(batch);
        if (batch.lookups.length > 0) void this.#askCache(loop, batch.lookups);
      },
      now,
      metrics,
      log,
    });
    return loop;
  }

  async #askCache(loop: SchedulerLoop, lookups: Batch["lookups"]): Promise<void> {
    const answers = await this.#parts.cache.answer(lookups);
    // When the reign ends before, the next leader asks again.
    await loop.submit({ kind: "cacheAnswered", answers }).catch(() => undefined);
  }

  /** A node that comes back must not find what was given to others meanwhile. */
  #forgetLost(batch: Batch): void {
    const lost = new Set<NodeId>();
    for (const { node, report } of batch.ended) {
      if (report.outcome.kind === "lost" && report.outcome.reason === "node-lost") lost.add(node.id);
    }
    for (const node of lost) {
      this.#parts.bus.forgetAssignments(node).catch((error: unknown) => {
        this.#parts.log.warn(
          { err: error, node },
          "could not delete the assignments of a lost node; it will be told to drop them",
        );
      });
    }
  }

  #tooLarge(loop: SchedulerLoop, node: NodeId, ref: AttemptRef, bytes: number): void {
    const message = `the assignment is ${bytes} bytes, more than NATS takes: use fewer inputs or a shorter script, or raise max_payload in the configuration of nats-server`;
    const outcome = { kind: "failed", reason: "environment-failed" } as const;
    const report = untoldEnd(attemptKey(ref), outcome, message, this.#parts.now());
    const event: Event = { kind: "attemptEnded", node, report };
    // When the reign ends before, the next leader finds the same.
    loop.submit(event).catch(() => undefined);
  }
}
