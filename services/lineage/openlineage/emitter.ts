import type { ClientBase, Pool, PoolClient } from "pg";
import { keysOf } from "../../../lib/core/alike.ts";
import { waitMs } from "../../../lib/core/delivery.ts";
import type { EndedAttempt, EndedRange } from "../../../lib/core/execution.ts";
import { attemptKey, type AttemptKey, parseAttemptKey } from "../../../lib/core/ids.ts";
import type { Log } from "../../../lib/log.ts";
import { Rounds } from "../../../lib/rounds.ts";
import { endOfAttempt, eventsOfJob, type OwnEvent, startOfAttempt, type Teller } from "./core/own-event.ts";
import {
  deleteNews,
  deleteOldNews,
  insertNews,
  lockOutbox,
  type News,
  nextNews,
  type OutboxRow,
  postponeNews,
  unlockOutbox,
} from "./outbox-store.ts";
import type { OwnWork } from "./own-work.ts";
import { EventPost, type Receiver } from "./post.ts";
import { runUuid } from "./run-id.ts";
import { keysOfRange, type Told, toldAttempts } from "./told-store.ts";

/** Attempts in one row of the outbox: what is sent together, and again when it was not taken. */
const ATTEMPTS_A_ROW = 500;
/** After news was written: its transaction commits meanwhile, and more may come along. */
const WAKE_AFTER_MS = 100;
/** Longest pause between two looks: what another server wrote down, or left, is found then. */
const LOOK_MS = 5_000;
/** Longest wait for a receiver that is away: when it is back, it is soon told. */
const WAIT_MS_MAX = 60_000;
/** Tries for which all others wait, so that starts come before ends; one that fails as often although the receiver is there lets them pass. */
const TRIES_IN_ORDER = 10;
/** What nobody took for so long is dropped: an address where nobody will ever be must not fill the database. */
const KEPT_MS = 7 * 86_400_000;
/** Starts remembered as told, so that a service that changes its state, or a task that writes checkpoints, is not told as started each time. */
const STARTS_MAX = 100_000;

export interface EmitterSettings extends Receiver {
  /** That this cluster's jobs and data sets are in. */
  readonly namespace: string;
}

export interface EmitterParts {
  readonly settings: EmitterSettings;
  readonly pool: Pool;
  readonly work: OwnWork;
  /** Of Weft. */
  readonly version: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** What changed in one transaction of the scheduler. */
export interface Change {
  readonly started: readonly AttemptKey[];
  readonly ended: readonly EndedAttempt[];
  readonly endedRanges: readonly EndedRange[];
  readonly startedJobs: readonly string[];
  readonly endedJobs: readonly string[];
}

/**
 * Tells a receiver of OpenLineage about every attempt and job. What happened is written down as ids in the transaction in which it happens, which costs
 * the scheduler one row for hundreds of attempts; everything else happens after it, in whichever server holds the lock. At least once, starts before
 * ends, also when a server is killed or the receiver is away.
 */
export class Emitter {
  readonly #parts: EmitterParts;
  readonly #rounds: Rounds;
  readonly #post: EventPost;
  readonly #started = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  constructor(parts: EmitterParts) {
    this.#parts = parts;
    this.#rounds = new Rounds({
      round: () => this.#round(),
      log: parts.log,
      failing: "lineage events are not sent",
      mended: "lineage events are sent again",
    });
    this.#post = new EventPost(parts.settings, this.#rounds.signal);
  }

  /** Part of the transaction that makes it true. */
  async record(client: ClientBase, change: Change): Promise<void> {
    const rows = newsOf(change);
    if (rows.length === 0) return;
    await insertNews(client, rows, this.#parts.now());
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#rounds.wake();
    }, WAKE_AFTER_MS).unref();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#rounds.stop();
  }

  async #round(): Promise<number> {
    const client = await this.#parts.pool.connect();
    let broken: Error | undefined;
    try {
      if (!(await lockOutbox(client))) return LOOK_MS;
      const pauseMs = await this.#sendAll(client);
      await unlockOutbox(client);
      return pauseMs;
    } catch (error) {
      // With its connection the lock goes, too.
      broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #sendAll(client: PoolClient): Promise<number> {
    const { now } = this.#parts;
    while (!this.#rounds.signal.aborted) {
      const row = await nextNews(client, now());
      if (row === undefined) return LOOK_MS;
      const pauseMs = await this.#send(client, row);
      if (pauseMs !== null) return pauseMs;
    }
    return LOOK_MS;
  }

  /** Null: go on; else how long to leave the receiver alone. */
  async #send(client: PoolClient, row: OutboxRow): Promise<number | null> {
    const { now, random, log, settings } = this.#parts;
    const { waves, started, ended } = await this.#eventsOf(row);
    const outcome = await this.#post.send(waves, (event, why) =>
      log.error({ event, why }, "a lineage event was refused, and is not sent again"),
    );
    if (outcome.kind === "sent") {
      if (this.#failures > 0) log.info("the receiver of lineage events takes them again");
      this.#failures = 0;
      this.#remember(started, ended);
      await deleteNews(client, row.id);
      return null;
    }
    if (this.#rounds.signal.aborted) return LOOK_MS;
    this.#failures += 1;
    const what = { receiver: new URL(settings.url).host, error: "error" in outcome ? outcome.error : "" };
    if (this.#failures === 1) log.warn(what, "the receiver of lineage events does not take them; they wait");
    const dropped = await deleteOldNews(client, now() - KEPT_MS);
    if (dropped > 0) log.error({ ...what, rows: dropped }, "lineage events that nobody took for a week are dropped");
    const tries = row.attempts + 1;
    await postponeNews(client, row.id, tries < TRIES_IN_ORDER ? 0 : now() + waitMs(tries, random(), WAIT_MS_MAX));
    const asked = outcome.kind === "failed" ? (outcome.afterMs ?? 0) : 0;
    return Math.min(WAIT_MS_MAX, Math.max(asked, waitMs(this.#failures, random(), WAIT_MS_MAX)));
  }

  async #eventsOf({ started, ended, jobs }: News): Promise<{
    readonly waves: readonly (readonly OwnEvent[])[];
    readonly started: readonly string[];
    readonly ended: readonly string[];
  }> {
    const { pool, work, settings, version } = this.#parts;
    const teller: Teller = { namespace: settings.namespace, version, uuidOf: runUuid };
    const endedKeys = ended.flatMap(([key, count]) => keysOfRange(key as AttemptKey, count));
    const begins = started.filter((id) => !this.#started.has(id));
    const startedKeys = begins.filter((id): id is AttemptKey => parseAttemptKey(id) !== undefined);
    const beginning = new Set(begins);
    const told = await toldAttempts(pool, work, settings.namespace, [...new Set([...startedKeys, ...endedKeys])]);
    const starts: OwnEvent[] = [];
    const ends: OwnEvent[] = [];
    for (const job of await work.jobs([...new Set([...begins, ...jobs])])) {
      const [start, end] = eventsOfJob(teller, job);
      if (start !== undefined && !this.#started.has(job.id)) starts.push(start);
      // One that has only begun, as far as this row knows, is told as ended after all its attempts.
      if (end !== undefined && jobs.includes(job.id)) ends.push(end);
    }
    const begin = ({ job, attempt }: Told): void => void starts.push(startOfAttempt(teller, job, attempt));
    for (const key of startedKeys) {
      const one = told.get(key);
      if (one !== undefined) begin(one);
    }
    const attemptEnds: OwnEvent[] = [];
    for (const key of endedKeys) {
      const one = told.get(key);
      if (one === undefined || one.attempt.end === null) continue;
      if (!this.#started.has(key) && !beginning.has(key)) begin(one);
      attemptEnds.push(endOfAttempt(teller, one.job, one.attempt, one.attempt.end));
    }
    return {
      waves: [starts, attemptEnds, ends].filter((wave) => wave.length > 0),
      started: begins,
      ended: [...endedKeys, ...jobs],
    };
  }

  #remember(started: readonly string[], ended: readonly string[]): void {
    if (this.#started.size + started.length > STARTS_MAX) this.#started.clear();
    for (const key of started) this.#started.add(key);
    for (const key of ended) this.#started.delete(key);
  }
}

/** In rows of at most ATTEMPTS_A_ROW. */
function newsOf({ started, ended, endedRanges, startedJobs, endedJobs }: Change): News[] {
  const rows: News[] = [];
  for (const keys of slices([...startedJobs, ...started])) rows.push({ ...NOTHING, started: keys });
  for (const keys of slices(ended.map(({ assignment }) => attemptKey(assignment.ref))))
    rows.push({ ...NOTHING, ended: keys.map((key) => [key, 1]) });
  for (const { report, maps } of endedRanges) {
    if (report.tasks) {
      // Of tasks with names of their own, which no number leads from one to the next.
      for (const keys of slices(keysOf(report))) rows.push({ ...NOTHING, ended: keys.map((key) => [key, 1]) });
      continue;
    }
    const keys = keysOfRange(report.key, maps.length);
    for (let i = 0; i < keys.length; i += ATTEMPTS_A_ROW)
      rows.push({ ...NOTHING, ended: [[keys[i]!, Math.min(ATTEMPTS_A_ROW, keys.length - i)]] });
  }
  for (const ids of slices(endedJobs)) rows.push({ ...NOTHING, jobs: ids });
  return together(rows);
}

const NOTHING: News = { started: [], ended: [], jobs: [] };

function slices<T>(list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / ATTEMPTS_A_ROW) }, (_, i) =>
    list.slice(i * ATTEMPTS_A_ROW, (i + 1) * ATTEMPTS_A_ROW),
  );
}

/** Neighbours that are small share a row. */
function together(rows: readonly News[]): News[] {
  const sizeOf = (row: News): number =>
    row.started.length + row.jobs.length + row.ended.reduce((sum, [, count]) => sum + count, 0);
  const merged: News[] = [];
  for (const row of rows) {
    const last = merged.at(-1);
    if (last === undefined || sizeOf(last) + sizeOf(row) > ATTEMPTS_A_ROW) merged.push(row);
    else
      merged[merged.length - 1] = {
        started: [...last.started, ...row.started],
        ended: [...last.ended, ...row.ended],
        jobs: [...last.jobs, ...row.jobs],
      };
  }
  return merged;
}
