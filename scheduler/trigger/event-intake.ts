import type { JetStreamClient, JsMsg } from "@nats-io/jetstream";
import { EVENT_CONSUMER, STREAMS } from "../../lib/core/dispatch.ts";
import { EVENT_PREFIX } from "../../lib/core/pipeline/trigger.ts";
import type { Log } from "../../lib/log.ts";
import { StreamReader } from "../stream-reader.ts";

/** Asked for ahead; each is a row of its own, written one after the other. */
const AHEAD_MESSAGES_MAX = 100;
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
  readonly #reader: StreamReader;
  #writing = false;

  constructor(parts: EventIntakeParts) {
    this.#parts = parts;
    this.#reader = new StreamReader({
      ...parts,
      stream: STREAMS.event,
      consumer: EVENT_CONSUMER,
      aheadMax: AHEAD_MESSAGES_MAX,
      what: "events for triggers",
      onMessage: (message) => this.#take(message),
      isBusy: () => this.#writing,
    });
  }

  stop(): Promise<void> {
    return this.#reader.stop();
  }

  async #take(message: JsMsg): Promise<void> {
    this.#writing = true;
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
    } finally {
      this.#writing = false;
    }
  }
}
