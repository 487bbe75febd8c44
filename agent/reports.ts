import { randomUUID } from "node:crypto";
import type { Report } from "../lib/core/dispatch.ts";
import { describeError } from "../lib/core/error.ts";
import type { NodeId } from "../lib/core/ids.ts";
import type { Log } from "../lib/log.ts";
import { backoffMs } from "./core/backoff.ts";
import { Outbox, type OutboxBatch } from "./core/outbox.ts";

/** Of one publish, in milliseconds: a busy queue answers in tens; after this it is asked again, under the same id. */
const PUBLISH_MS_MAX = 5_000;
const RETRY_MS_FIRST = 100;
const RETRY_MS_MOST = 3_000;

/** Publishes to the queue and returns when it has the message; the same id twice is one message. */
export type Publish = (
  subject: string,
  payload: Uint8Array,
  options: { readonly id: string; readonly timeoutMs: number; readonly headers?: Readonly<Record<string, string>> },
) => Promise<void>;

export interface Reports {
  add(report: Report): void;
  /** Reports the queue has not taken yet. */
  readonly size: number;
  /** Resolves when all are taken, or after `timeoutMs`. */
  drained(timeoutMs: number): Promise<void>;
  close(): void;
}

export interface ReportsOptions {
  readonly node: NodeId;
  readonly subject: string;
  readonly publish: Publish;
  /** Between two messages while several attempts have something to tell, in milliseconds. */
  readonly paceMs: () => number;
  /** The queue has them. */
  readonly onTaken: (reports: readonly Report[]) => void;
  readonly log: Log;
}

/**
 * Sends reports until the queue has taken them, however long it is away. A lone report goes at once; what comes while a
 * message is under way goes together in the next.
 */
export function openReports(options: ReportsOptions): Reports {
  return new Sender(options);
}

class Sender implements Reports {
  readonly #options: ReportsOptions;
  readonly #outbox: Outbox;
  /** Of this process: ids must not repeat after a restart within the queue's memory of them. */
  readonly #run = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.paceMs);
  }

  get size(): number {
    return this.#outbox.size;
  }

  add(report: Report): void {
    this.#outbox.add(report, performance.now());
    this.#pump();
  }

  drained(timeoutMs: number): Promise<void> {
    if (this.#outbox.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const dueAtMs = this.#outbox.dueAtMs();
    if (dueAtMs === undefined) return;
    // A timer may fire a fraction early by this clock; half a millisecond is nothing to the hold.
    const waitMs = dueAtMs - performance.now();
    if (waitMs > 0.5) {
      this.#timer = setTimeout(() => this.#pump(), waitMs);
      return;
    }
    const batch = this.#outbox.take(performance.now() + 1);
    if (batch) void this.#send(batch);
  }

  async #send(batch: OutboxBatch): Promise<void> {
    const payload = Buffer.from(`{"node":${JSON.stringify(this.#options.node)},"reports":[${batch.json.join(",")}]}`);
    const id = `${this.#run}.${batch.id}`;
    for (let attempt = 1; !this.#closed; attempt++) {
      try {
        await this.#options.publish(this.#options.subject, payload, { id, timeoutMs: PUBLISH_MS_MAX });
        break;
      } catch (error) {
        if (attempt === 1)
          this.#options.log.warn(
            { reason: describeError(error) },
            "reports are not taken; they wait here and are sent again",
          );
        await new Promise((resolve) =>
          setTimeout(resolve, backoffMs(attempt, RETRY_MS_FIRST, RETRY_MS_MOST, Math.random())),
        );
      }
    }
    if (this.#closed) return;
    this.#outbox.settled();
    this.#options.onTaken(batch.reports);
    this.#pump();
    if (this.#outbox.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
