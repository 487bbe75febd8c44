import { setTimeout as delay } from "node:timers/promises";
import { WeftError } from "./core/error.ts";
import { isTransient } from "./db.ts";
import type { Log } from "./log.ts";

/** Before a round that failed, mostly for want of Postgres, is tried again. */
const RETRY_MS = 500;

export interface RoundsParts {
  /** Does all that is to be done now; gives how long there is nothing more, in milliseconds. It is asked again sooner when woken. */
  readonly round: () => Promise<number>;
  readonly log: Log;
  /** What the log says when rounds begin to fail, and when they work again. */
  readonly failing: string;
  readonly mended: string;
}

/**
 * Work that is looked for again and again, e.g. in an outbox, for as long as it is not stopped: when somebody says that there may be some, and
 * otherwise after a pause. What a round throws is logged once, and the round tried again: it must leave nothing half done.
 */
export class Rounds {
  readonly #parts: RoundsParts;
  readonly #stopped = new AbortController();
  readonly #ended: Promise<void>;
  #wake: (() => void) | undefined;
  #woken = false;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
    // Not at once: who makes it may not be whole yet.
    this.#ended = Promise.resolve().then(() => this.#run());
  }

  /** Aborted by `stop`. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** There may be something to do: look now, or once more when a round is under way. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.wake();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { round, log, failing, mended } = this.#parts;
    let isFailing = false;
    while (!this.signal.aborted) {
      try {
        this.#woken = false;
        const pauseMs = await round();
        if (isFailing) log.info(mended);
        isFailing = false;
        await this.#pause(pauseMs);
      } catch (error) {
        if (this.signal.aborted) return;
        const isExpected = isTransient(error) || (error instanceof WeftError && error.code === "unavailable");
        // One that cannot be done must not end the server, and not stop the others for ever either.
        if (!isFailing) log[isExpected ? "warn" : "error"]({ err: error }, `${failing}; trying again`);
        isFailing = true;
        await delay(RETRY_MS, undefined, { signal: this.signal }).catch(() => undefined);
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    if (ms === 0 || this.#woken || this.signal.aborted) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await delay(ms, undefined, { signal: woken.signal }).catch(() => undefined);
    this.#wake = undefined;
  }
}
