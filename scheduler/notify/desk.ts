import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import { nextTryMs, type Outcome } from "../../lib/core/delivery.ts";
import { isTransient } from "../../lib/db.ts";
import type { Log } from "../../lib/log.ts";
import { Rounds } from "../../lib/rounds.ts";
import type { Batch } from "../core/index.ts";
import type { Recorder } from "../store.ts";
import { notificationsOf } from "./core/render.ts";
import { NotificationSender, shownTarget, withoutSecret } from "./send.ts";
import type { NotifySettings } from "./settings.ts";
import {
  claimNotifications,
  insertNotifications,
  nextNotificationMs,
  type NotificationRow,
  pruneNotifications,
  settleNotification,
} from "./store.ts";

/** Under way at once: a receiver that hangs keeps the others waiting for ten seconds at most. */
const AT_ONCE_MAX = 16;
/** Longest pause between two looks; the clock may have been set. */
const LOOK_MS = 5_000;
const RETRY_MS = 500;
const STOP_GRACE_MS = 2_000;
const SENT_KEPT_MS = 7 * 86_400_000;
const DEAD_KEPT_MS = 30 * 86_400_000;
const PRUNE_EVERY_MS = 600_000;
const PRUNE_ROWS = 5_000;

export interface NotifyDeskParts {
  readonly pool: Pool;
  readonly settings: NotifySettings;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: Log;
}

/** Writes down what is to be told in the transaction that makes it true; while this server leads it sends it. */
export class NotifyDesk {
  readonly #parts: NotifyDeskParts;
  #mailman: Mailman | undefined;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(parts: NotifyDeskParts) {
    this.#parts = parts;
  }

  /** For the store. */
  readonly record: Recorder = (client, { batch }) => insertNotifications(client, batch.news.flatMap(notificationsOf));

  begin(term: number, loop: { onBatch(listener: (batch: Batch) => void): () => void }): void {
    const mailman = new Mailman(this.#parts, term, () => unsubscribe());
    const unsubscribe = loop.onBatch(({ news }) => {
      if (news.some(({ row }) => row.spec.notify !== undefined)) mailman.wake();
    });
    this.#mailman = mailman;
  }

  wake(): void {
    this.#mailman?.wake();
  }

  end(): void {
    this.#ending = Promise.all([this.#ending, this.#mailman?.stop()]);
    this.#mailman = undefined;
  }

  async stop(): Promise<void> {
    this.end();
    await this.#ending;
  }
}

/** For the length of one reign: takes what is due, sends it, and writes down how it went. */
class Mailman {
  readonly #parts: NotifyDeskParts;
  readonly #term: number;
  readonly #onStop: () => void;
  readonly #sender: NotificationSender;
  readonly #rounds: Rounds;
  readonly #sending = new Set<Promise<void>>();
  #prunedAtMs = -Infinity;

  constructor(parts: NotifyDeskParts, term: number, onStop: () => void) {
    this.#parts = parts;
    this.#term = term;
    this.#onStop = onStop;
    this.#sender = new NotificationSender(parts.settings);
    this.#rounds = new Rounds({
      round: () => this.#round(),
      log: parts.log,
      failing: "notifications stand still",
      mended: "notifications are sent again",
    });
  }

  wake(): void {
    this.#rounds.wake();
  }

  /** Requests under way are cut off and tried by the next leader; a mail is given a moment. */
  async stop(): Promise<void> {
    this.#onStop();
    await this.#rounds.stop();
    await Promise.race([Promise.all(this.#sending), delay(STOP_GRACE_MS, undefined, { ref: false })]);
    this.#sender.close();
  }

  async #round(): Promise<number> {
    const { pool, now } = this.#parts;
    const room = AT_ONCE_MAX - this.#sending.size;
    if (room <= 0) return LOOK_MS;
    const claimed = await claimNotifications(pool, { term: this.#term, nowMs: now(), limit: room });
    for (const row of claimed) {
      const sending = this.#send(row).finally(() => {
        this.#sending.delete(sending);
        this.wake();
      });
      this.#sending.add(sending);
    }
    if (claimed.length === room) return LOOK_MS;
    await this.#prune();
    const nextMs = await nextNotificationMs(pool);
    return nextMs === null ? LOOK_MS : Math.min(LOOK_MS, Math.max(1, nextMs - now()));
  }

  async #send(row: NotificationRow): Promise<void> {
    const outcome = await this.#sender.send(row, this.#rounds.signal);
    // Cut off by us: the next leader tries.
    if (this.#rounds.signal.aborted && outcome.kind !== "sent") return;
    const { log } = this.#parts;
    const told = { notification: row.id, target: shownTarget(row.target), attempt: row.attempts };
    if (outcome.kind === "sent") log.debug(told, "notified");
    else log.warn({ ...told, error: outcome.error }, "a notification was not taken");
    // Postgres may be away at this moment; what cannot be written down is sent once more by the next leader.
    while (!(await this.#settle(row, outcome))) {
      if (this.#rounds.signal.aborted) return;
      await delay(RETRY_MS, undefined, { signal: this.#rounds.signal }).catch(() => undefined);
    }
  }

  async #settle(row: NotificationRow, outcome: Outcome): Promise<boolean> {
    const { pool, now, random, log } = this.#parts;
    const nowMs = now();
    const nextMs = nextTryMs(outcome, row.attempts, nowMs, random());
    const error = outcome.kind === "sent" ? outcome.note : outcome.error;
    const done = { nextAtMs: 0, doneAtMs: nowMs, error };
    try {
      if (outcome.kind === "sent") {
        await settleNotification(pool, row.id, { ...done, state: "sent", target: withoutSecret(row.target) });
      } else if (nextMs === null)
        await settleNotification(pool, row.id, { ...done, state: "dead", target: row.target });
      else {
        const later = { state: "pending", nextAtMs: nextMs, doneAtMs: null, error, target: row.target } as const;
        await settleNotification(pool, row.id, later);
      }
      return true;
    } catch (cause) {
      if (!isTransient(cause)) {
        log.error({ err: cause, notification: row.id }, "how a notification went could not be written down");
        return true;
      }
      return false;
    }
  }

  async #prune(): Promise<void> {
    if (performance.now() - this.#prunedAtMs < PRUNE_EVERY_MS) return;
    this.#prunedAtMs = performance.now();
    const nowMs = this.#parts.now();
    const kept = { sentBeforeMs: nowMs - SENT_KEPT_MS, deadBeforeMs: nowMs - DEAD_KEPT_MS, limit: PRUNE_ROWS };
    await pruneNotifications(this.#parts.pool, kept);
  }
}
