import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import type { Log } from "../lib/log.ts";

/** With this long between heartbeats of the server, a stall is noticed in twice the time. */
const IDLE_HEARTBEAT_MS = 5_000;
/** How often a silent consumer is compared with what the server says waits for it: consumers have been seen to stall in good health. */
const LOOK_MS = 10_000;
/** Wait before the consumer is opened again, in milliseconds. */
const REOPEN_MS = 250;

export interface StreamReaderParts {
  readonly jetstream: JetStreamClient;
  readonly stream: string;
  readonly consumer: string;
  /** Asked for ahead. */
  readonly aheadMax: number;
  /** What is read, for the log: "reports". */
  readonly what: string;
  /** Makes what is missing in NATS; repeated before each opening. */
  readonly heal: () => Promise<void>;
  /** The consumer was opened, perhaps anew: sequences may begin from 1 again. */
  readonly onOpen?: () => void;
  /** One message after the other; a promise is waited for. Must not throw. */
  readonly onMessage: (message: JsMsg) => void | Promise<void>;
  /** Messages are being handled: that none comes is no stall. */
  readonly isBusy: () => boolean;
  readonly log: Log;
}

/**
 * Reads a durable consumer as long as it is not stopped: one long consume(), opened again when it ends, stalls, or what
 * it reads from was deleted. What comes after the stop goes back to NATS.
 */
export class StreamReader {
  readonly #parts: StreamReaderParts;
  readonly #stopped = new AbortController();
  #messages: ConsumerMessages | undefined;
  #receivedAtMs = 0;
  readonly ended: Promise<void>;

  constructor(parts: StreamReaderParts) {
    this.#parts = parts;
    this.ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#messages?.stop();
    await this.ended;
  }

  async #run(): Promise<void> {
    const { jetstream, stream, consumer: name, what, heal, log } = this.#parts;
    const { signal } = this.#stopped;
    let failing = false;
    while (!signal.aborted) {
      try {
        await heal();
        const consumer = await jetstream.consumers.get(stream, name);
        if (failing) log.info(`${what} are read again`);
        failing = false;
        await this.#consume(consumer);
      } catch (error) {
        if (signal.aborted) return;
        if (!failing) log.warn({ err: error }, `${what} cannot be read; trying again`);
        failing = true;
      }
      await delay(REOPEN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #consume(consumer: Consumer): Promise<void> {
    const messages = await consumer.consume({
      max_messages: this.#parts.aheadMax,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      abort_on_missing_resource: true,
    });
    this.#messages = messages;
    this.#parts.onOpen?.();
    if (this.#stopped.signal.aborted) messages.stop();
    void this.#watch(messages);
    const look = setInterval(() => void this.#look(consumer, messages), LOOK_MS);
    try {
      for await (const message of messages) {
        this.#receivedAtMs = performance.now();
        if (this.#stopped.signal.aborted) message.nak();
        else await this.#parts.onMessage(message);
      }
    } finally {
      clearInterval(look);
    }
  }

  async #watch(messages: ConsumerMessages): Promise<void> {
    for await (const status of messages.status()) {
      if (status.type !== "heartbeats_missed" && status.type !== "consumer_deleted") continue;
      this.#parts.log.warn({ status: status.type }, `the reading of ${this.#parts.what} stalled; it is opened again`);
      messages.stop();
    }
  }

  async #look(consumer: Consumer, messages: ConsumerMessages): Promise<void> {
    if (performance.now() - this.#receivedAtMs < LOOK_MS || this.#parts.isBusy()) return;
    try {
      const { num_pending: waiting } = await consumer.info();
      if (waiting === 0 || performance.now() - this.#receivedAtMs < LOOK_MS) return;
      this.#parts.log.warn({ waiting }, `${this.#parts.what} wait and none comes; reading is opened again`);
      messages.stop();
    } catch {
      // NATS is away; the status of the connection says so, and consume() goes on when it is back.
    }
  }
}
