import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import type { ArchivedReport, ReportMessage } from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import type { Log } from "../lib/log.ts";
import { type Answer, type Batch, drain, type Event, nextTimerMs, place, type State, step } from "./core/index.ts";
import { type Entry, Inbox } from "./inbox.ts";
import type { KnownKey } from "./job-store.ts";
import { LeadershipLost } from "./leader-store.ts";
import type { LoopMetrics } from "./loop-metrics.ts";
import { reportEvent } from "./report.ts";
import { type Changes, isNothing } from "./store.ts";

/** Events in one batch: what is over it waits for the next, so that one commit stays under a second. */
const EVENTS_PER_BATCH_MAX = 10_000;
/** A commit takes milliseconds; one that takes longer has lost Postgres, and may be given up: nobody was told of it. */
const STOP_GRACE_MS = 5_000;
/**
 * Of a clock, in milliseconds, between two looks at it: more than lies between two readings. What is waited after a lease (a tenth of it)
 * is for clocks that run unequally and nearly used up by them: a step that was let pass would come on top, and two attempts would overlap.
 */
const CLOCK_STEP_MS = 20;
/** setTimeout's own limit is 2^31 - 1 ms; looking once in a while costs nothing. */
const TIMER_MS_MAX = 60_000;

export interface LoopParts {
  readonly state: State;
  /** Resolves when the changes are durable in this term; throws LeadershipLost. */
  readonly commit: (changes: Changes, signal: AbortSignal) => Promise<void>;
  /** False: the lease may have run out, and nothing may leave before a commit has shown that the term still stands. */
  readonly holds: () => boolean;
  readonly findByIdempotencyKeys: (keys: readonly string[], signal: AbortSignal) => Promise<readonly KnownKey[]>;
  /** Effects of a committed batch; must neither block nor throw. */
  readonly onCommitted: (batch: Batch) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds of a clock that nobody sets; default: performance.now. */
  readonly steadyMs?: () => number;
  readonly metrics: LoopMetrics;
  readonly log: Log;
}

/** How a loop ends in order; a bug rejects instead. */
export type LoopEnd = "stopped" | "leadership lost";

/**
 * One reign of the scheduler: takes what has arrived, steps, places, commits once, and only then lets effects and answers out.
 * While one batch commits the next gathers; a single event of an idle loop goes straight through.
 */
export class SchedulerLoop {
  readonly #parts: LoopParts;
  readonly #inbox = new Inbox();
  readonly #stopped = new AbortController();
  readonly #listeners = new Set<(batch: Batch) => void>();
  #timer: NodeJS.Timeout | undefined;
  #tickDue = false;
  #staleReports = 0;
  /** Between the wall's clock and the steady one, when they were last looked at. */
  #apartMs: number;
  /** Rejects when the core broke a law of its own: the process must end, nothing of that batch was committed. */
  readonly ended: Promise<LoopEnd>;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#apartMs = this.#clocksApartMs();
    this.ended = this.#run();
  }

  /** Settles when the batch that holds the event is committed; rejects with `unavailable` when the reign ends before. */
  submit(event: Event): Promise<Answer> {
    return this.#inbox.event(event);
  }

  /** Resolves when all that was reported is committed, or known to be stale. */
  async report(message: ReportMessage): Promise<void> {
    const answers = await Promise.all(
      message.reports.map((report) =>
        report.kind === "archived" ? this.#inbox.archived(report) : this.submit(reportEvent(message.node, report)),
      ),
    );
    const stale = answers.reduce((sum, answer) => (answer.kind === "stale" ? sum + (answer.count ?? 1) : sum), 0);
    this.#staleReports += stale;
    this.#parts.metrics.staleReports.inc(stale);
  }

  /** Looks at the state between two steps; must not keep or change it. */
  read<T>(look: (state: State, nowMs: number) => T): T {
    return look(this.#parts.state, this.#parts.now());
  }

  /** Called with each batch once it is committed. Returns how to unsubscribe. */
  onBatch(listener: (batch: Batch) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Reports dropped because their attempt was not the current one, since this reign began. */
  get staleReports(): number {
    return this.#staleReports;
  }

  /** Lets the batch that is being committed finish, for as long as `graceMs`; what waits is told `unavailable`. */
  async stop(graceMs = STOP_GRACE_MS): Promise<void> {
    this.#inbox.close(new WeftError("unavailable", "this server does not lead any more: try again"));
    const grace = new AbortController();
    const waited = delay(graceMs, undefined, { signal: grace.signal }).then(() => this.#stopped.abort());
    await Promise.race([this.ended, waited]).catch(() => undefined);
    grace.abort();
    await waited.catch(() => undefined);
  }

  async #run(): Promise<LoopEnd> {
    try {
      for (;;) {
        this.#setTimer();
        // One round places only so many: what is left is not waited for.
        if (this.#parts.state.placementDue) await nextTurn();
        else await this.#inbox.filled();
        const entries = this.#inbox.take(EVENTS_PER_BATCH_MAX);
        this.#parts.metrics.inboxDepth.set(this.#inbox.depth);
        if (this.#inbox.isClosed) return "stopped";
        await this.#round(entries);
      }
    } catch (error) {
      if (error instanceof LeadershipLost) return "leadership lost";
      if (this.#stopped.signal.aborted) return "stopped";
      throw error;
    } finally {
      clearTimeout(this.#timer);
      this.#inbox.close(new WeftError("unavailable", "this server does not lead any more: try again"));
    }
  }

  async #round(entries: readonly Entry[]): Promise<void> {
    try {
      const answers = await this.#decide(entries);
      this.#tick();
      place(this.#parts.state, this.#parts.now());
      const changes = { batch: drain(this.#parts.state), archived: archivedReports(entries) };
      await this.#commit(changes);
      this.#letOut(changes.batch);
      entries.forEach((entry, index) => entry.resolve(answers[index]!));
    } catch (cause) {
      const lost = new WeftError("unavailable", "the batch was not committed: try again", { cause });
      for (const entry of entries) entry.reject(lost);
      throw cause;
    }
  }

  async #decide(entries: readonly Entry[]): Promise<Answer[]> {
    const known = await this.#knownKeys(entries);
    this.#noteClock();
    const nowMs = this.#parts.now();
    const { metrics, state } = this.#parts;
    return entries.map((entry): Answer => {
      if (entry.kind === "archived") return { kind: "done" };
      metrics.events.inc({ kind: entry.event.kind });
      return alreadySubmitted(entry.event, known) ?? step(state, entry.event, nowMs);
    });
  }

  /** Jobs that ended long ago are only in the store; nobody else adds to it while this term stands. */
  async #knownKeys(entries: readonly Entry[]): Promise<ReadonlyMap<string, KnownKey>> {
    const keys = entries.flatMap((entry) => submitKey(entry) ?? []);
    if (keys.length === 0) return new Map();
    const known = await this.#parts.findByIdempotencyKeys(keys, this.#stopped.signal);
    return new Map(known.map((one) => [one.key, one]));
  }

  async #commit(changes: Changes): Promise<void> {
    if (isNothing(changes) && this.#parts.holds()) return;
    const startedMs = performance.now();
    await this.#parts.commit(changes, this.#stopped.signal);
    this.#parts.metrics.commitSeconds.observe((performance.now() - startedMs) / 1000);
    this.#parts.metrics.batches.inc();
  }

  #letOut(batch: Batch): void {
    this.#parts.onCommitted(batch);
    for (const listener of this.#listeners) listener(batch);
  }

  #clocksApartMs(): number {
    return this.#parts.now() - (this.#parts.steadyMs ?? (() => performance.now()))();
  }

  /** Before anything is done with the time: somebody may have set it. */
  #noteClock(): void {
    const apartMs = this.#clocksApartMs();
    const byMs = apartMs - this.#apartMs;
    this.#apartMs = apartMs;
    if (Math.abs(byMs) < CLOCK_STEP_MS) return;
    this.#parts.log.warn(
      { byMs: Math.round(byMs) },
      "the clock of this server was set; leases go on as they were granted",
    );
    this.#parts.metrics.events.inc({ kind: "clockStepped" });
    step(this.#parts.state, { kind: "clockStepped", byMs }, this.#parts.now());
  }

  #tick(): void {
    if (!this.#tickDue) return;
    this.#tickDue = false;
    this.#parts.metrics.events.inc({ kind: "clockTicked" });
    step(this.#parts.state, { kind: "clockTicked" }, this.#parts.now());
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const dueMs = nextTimerMs(this.#parts.state);
    if (dueMs === null) return;
    const waitMs = Math.min(Math.max(0, dueMs - this.#parts.now()), TIMER_MS_MAX);
    this.#timer = setTimeout(() => {
      this.#tickDue = true;
      this.#inbox.wake();
    }, waitMs);
  }
}

function submitKey(entry: Entry): string | null {
  return entry.kind === "event" && entry.event.kind === "jobSubmitted" ? entry.event.job.idempotencyKey : null;
}

function alreadySubmitted(event: Event, known: ReadonlyMap<string, KnownKey>): Answer | undefined {
  if (event.kind !== "jobSubmitted" || event.job.idempotencyKey === null) return undefined;
  const job = known.get(event.job.idempotencyKey);
  return job && { kind: "accepted", job: job.job, existing: true, instances: job.instances };
}

function archivedReports(entries: readonly Entry[]): ArchivedReport[] {
  return entries.flatMap((entry) => (entry.kind === "archived" ? [entry.report] : []));
}
