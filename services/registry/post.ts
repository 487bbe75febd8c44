import { jetstream } from "@nats-io/jetstream";
import { nextTryMs } from "../../lib/core/delivery.ts";
import { EVENT_PREFIX } from "../../lib/core/pipeline/trigger.ts";
import { inTransaction } from "../../lib/db.ts";
import { Rounds } from "../../lib/rounds.ts";
import { natsMessage, subjectOf } from "./core/event.ts";
import {
  claimDeliveries,
  claimEvents,
  type DeliveryRow,
  markPublished,
  nextDueMs,
  pruneEvents,
  settleDelivery,
} from "./event-store.ts";
import type { RegistryParts } from "./parts.ts";
import { postWebhook } from "./webhook-post.ts";

/** Published in one transaction, which stays open meanwhile. */
const EVENTS_AT_ONCE_MAX = 200;
/** Deliveries under way at once: a receiver that hangs keeps the others waiting for ten seconds at most. */
const DELIVERIES_AT_ONCE_MAX = 16;
/** Longer than one try can take; after it another server tries. */
const LEASE_MS = 60_000;
/** Longest pause between two looks: what another server wrote down is found then. */
const LOOK_MS = 5_000;
const LOOK_MS_MIN = 50;
/** What nats-server is given to confirm one event. */
const PUBLISH_MS = 5_000;
/** Of what goes with a message and counts as part of it: the id that tells repetitions apart. */
const HEADER_BYTES = 1_024;
const KEPT_MS = 30 * 86_400_000;
const PRUNE_EVERY_MS = 600_000;
const PRUNE_ROWS = 5_000;

/**
 * Brings what changed to NATS and to webhooks, for as long as it is not stopped. Each server runs one: events are published by one at
 * a time, in order; deliveries are shared. What is not confirmed is sent again: at least once.
 */
export class Post {
  readonly #parts: RegistryParts;
  readonly #rounds: Rounds;
  readonly #sending = new Set<Promise<void>>();
  #prunedAtMs = -Infinity;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    this.#rounds = new Rounds({
      round: () => this.#round(),
      log: parts.log,
      failing: "changes of the registry are not told",
      mended: "changes of the registry are told again",
    });
  }

  wake(): void {
    this.#rounds.wake();
  }

  async stop(): Promise<void> {
    await this.#rounds.stop();
    await Promise.all(this.#sending);
  }

  async #round(): Promise<number> {
    const { pool, now } = this.#parts;
    // Webhooks do not wait for a NATS that is away.
    await this.#deliver();
    await this.#publish();
    await this.#prune();
    const nextMs = await nextDueMs(pool);
    const free = this.#sending.size < DELIVERIES_AT_ONCE_MAX;
    return nextMs === null || !free ? LOOK_MS : Math.min(LOOK_MS, Math.max(LOOK_MS_MIN, nextMs - now()));
  }

  async #publish(): Promise<void> {
    const { pool, nats, now } = this.#parts;
    const stream = jetstream(nats, { timeout: PUBLISH_MS });
    const bytesMax = (nats.info?.max_payload ?? Infinity) - HEADER_BYTES;
    let published = EVENTS_AT_ONCE_MAX;
    while (published === EVENTS_AT_ONCE_MAX && !this.#rounds.signal.aborted) {
      published = await inTransaction(pool, async (client) => {
        const events = await claimEvents(client, EVENTS_AT_ONCE_MAX);
        // One after the other, so that they come in order also when one is lost on the way.
        for (const event of events)
          await stream.publish(
            `${EVENT_PREFIX}.${subjectOf(event.event, event.model)}`,
            natsMessage({ ...event, ...event.body }, bytesMax),
            {
              // With the time: ids begin again in a database that is made anew.
              msgID: `registry.${event.id}.${event.atMs}`,
            },
          );
        if (events.length > 0)
          await markPublished(
            client,
            events.map(({ id }) => id),
            now(),
          );
        return events.length;
      });
    }
  }

  async #deliver(): Promise<void> {
    const { pool, now } = this.#parts;
    const room = DELIVERIES_AT_ONCE_MAX - this.#sending.size;
    if (room <= 0) return;
    for (const row of await claimDeliveries(pool, { nowMs: now(), leaseMs: LEASE_MS, limit: room })) {
      const sending = this.#send(row).finally(() => {
        this.#sending.delete(sending);
        this.wake();
      });
      this.#sending.add(sending);
    }
  }

  async #send(row: DeliveryRow): Promise<void> {
    const { pool, now, random, log } = this.#parts;
    const { signal } = this.#rounds;
    const { outcome, answer } = await postWebhook(row, now(), signal);
    // Cut off by us: tried again when the lease is over.
    if (signal.aborted && answer === null) return;
    const nowMs = now();
    const error = outcome.kind === "sent" ? "" : outcome.error;
    if (error !== "") log.warn({ delivery: row.id, attempt: row.attempts, error }, "a webhook was not taken");
    const nextMs = nextTryMs(outcome, row.attempts, nowMs, random());
    const state = outcome.kind === "sent" ? "sent" : nextMs === null ? "dead" : "pending";
    const doneMs = state === "pending" ? null : nowMs;
    await settleDelivery(pool, row.id, { state, nextMs: nextMs ?? 0, doneMs, error }).catch((cause: unknown) =>
      log.warn({ err: cause, delivery: row.id }, "how a delivery went was not written down; it is sent again"),
    );
  }

  async #prune(): Promise<void> {
    if (performance.now() - this.#prunedAtMs < PRUNE_EVERY_MS) return;
    this.#prunedAtMs = performance.now();
    const { pool, now } = this.#parts;
    await pruneEvents(pool, { beforeMs: now() - KEPT_MS, limit: PRUNE_ROWS });
  }
}
