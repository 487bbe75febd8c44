import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import { EVENT_CONSUMER, STREAMS } from "../../lib/core/dispatch.ts";
import { EVENT_PREFIX } from "../../lib/core/pipeline/trigger.ts";
import type { Log } from "../../lib/log.ts";

/** Asked for ahead; each is a row of its own, written one after the other. */
const AHEAD_MESSAGES_MAX = 100;
/** With this long between heartbeats of the server, a stall is noticed in twice the time. */
const IDLE_HEARTBEAT_MS = 5_000;
const REOPEN_MS = 250;
/** Before a message that could not be written is sent again. */
const REFUSED_MS = 1_000;
const MS_PER_NANO = 1_000_000;

/** What somebody published to weft.event.<subject>. */
export interface EventMessage {
  /** Below EVENT_PREFIX. */
  readonly subject: string;
  readonly sequence: number;
  /** When the stream took it: with the sequence it names the message, also when the stream was made anew. */
  readonly atMs: number;
  readonly data: Uint8Array;
}

export interface EventIntakeParts {
  readonly jetstream: JetStreamClient;
  /** Makes what is missing in NATS; repeated before each opening. */
  readonly heal: () => Promise<void>;
  /** Resolves when the event is committed; only then is it acknowledged. */
  readonly handle: (message: EventMessage) => Promise<void>;
  readonly log: Log;
}

/** Reads the events that users publish, for as long as it is not stopped. A message that comes again is the same event. */
export class EventIntake {
  readonly #parts: EventIntakeParts;
  readonly #stopped = new AbortController();
  #messages: ConsumerMessages | undefined;
  readonly ended: Promise<void>;

  constructor(parts: EventIntakeParts) {
    this.#parts = parts;
    this.ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#messages?.stop();
    await this.ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    let failing = false;
    while (!signal.aborted) {
      try {
        await this.#parts.heal();
        const consumer = await this.#parts.jetstream.consumers.get(STREAMS.event, EVENT_CONSUMER);
        if (failing) this.#parts.log.info("events for triggers are read again");
        failing = false;
        await this.#consume(consumer);
      } catch (error) {
        if (signal.aborted) return;
        if (!failing) this.#parts.log.warn({ err: error }, "events for triggers cannot be read; trying again");
        failing = true;
      }
      await delay(REOPEN_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #consume(consumer: Consumer): Promise<void> {
    const messages = await consumer.consume({
      max_messages: AHEAD_MESSAGES_MAX,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      abort_on_missing_resource: true,
    });
    this.#messages = messages;
    if (this.#stopped.signal.aborted) messages.stop();
    void this.#watch(messages);
    for await (const message of messages) {
      if (this.#stopped.signal.aborted) message.nak();
      else await this.#take(message);
    }
  }

  async #watch(messages: ConsumerMessages): Promise<void> {
    for await (const status of messages.status()) {
      if (status.type !== "heartbeats_missed" && status.type !== "consumer_deleted") continue;
      this.#parts.log.warn({ status: status.type }, "the reading of events for triggers stalled; it is opened again");
      messages.stop();
    }
  }

  async #take(message: JsMsg): Promise<void> {
    try {
      await this.#parts.handle({
        subject: message.subject.slice(EVENT_PREFIX.length + 1),
        sequence: message.seq,
        atMs: Math.floor(message.info.timestampNanos / MS_PER_NANO),
        data: message.data,
      });
      message.ack();
    } catch (error) {
      this.#parts.log.debug({ err: error }, "an event for triggers was not written; it comes again");
      message.nak(REFUSED_MS);
    }
  }
}
