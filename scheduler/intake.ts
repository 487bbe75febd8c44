import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, ConsumerMessages, JetStreamClient, JsMsg } from "@nats-io/jetstream";
import { REPORT_CONSUMER, reportSubject, type ReportMessage, STREAMS } from "../lib/core/dispatch.ts";
import type { Log } from "../lib/log.ts";
import { decodeReports } from "./report.ts";

/** Asked for ahead: enough that a batch is full while the last one commits. */
const AHEAD_MESSAGES_MAX = 500;
/** With this long between heartbeats of the server, a stall is noticed in twice the time. */
const IDLE_HEARTBEAT_MS = 5_000;
/** How often a silent consumer is compared with what the server says waits for it: consumers have been seen to stall in good health. */
const LOOK_MS = 10_000;
/** Wait before the consumer is opened again, in milliseconds. */
const REOPEN_MS = 250;
/** Wait before a report that could not be taken is sent again, in milliseconds. */
const REFUSED_MS = 1_000;

export interface IntakeParts {
  readonly jetstream: JetStreamClient;
  /** Makes what is missing in NATS; repeated before each opening. */
  readonly heal: () => Promise<void>;
  /** Resolves when what was reported is committed; only then is it acknowledged. */
  readonly handle: (message: ReportMessage) => Promise<void>;
  readonly onMalformed: () => void;
  readonly log: Log;
}

/**
 * Reads reports as long as it is not stopped: one long consume(), opened again when it ends, stalls, or what it reads
 * from was deleted.
 */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #stopped = new AbortController();
  /** Messages that were handed on and not acknowledged, by sequence; those of the consumer that is open now. */
  #unacknowledged = new Map<number, JsMsg>();
  #messages: ConsumerMessages | undefined;
  #receivedAtMs = 0;
  readonly ended: Promise<void>;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.ended = this.#run();
  }

  /** Gives back to NATS what is not committed, for the next leader to take. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#messages?.stop();
    await this.ended;
    for (const message of this.#unacknowledged.values()) message.nak();
    this.#unacknowledged.clear();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    let failing = false;
    while (!signal.aborted) {
      try {
        await this.#parts.heal();
        const consumer = await this.#parts.jetstream.consumers.get(STREAMS.report, REPORT_CONSUMER);
        if (failing) this.#parts.log.info("reports are read again");
        failing = false;
        await this.#consume(consumer);
      } catch (error) {
        if (signal.aborted) return;
        if (!failing) this.#parts.log.warn({ err: error }, "reports cannot be read; trying again");
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
    // Sequences begin anew when the stream was made anew.
    const unacknowledged = new Map<number, JsMsg>();
    this.#unacknowledged = unacknowledged;
    if (this.#stopped.signal.aborted) messages.stop();
    void this.#watch(messages);
    const look = setInterval(() => void this.#look(consumer, messages), LOOK_MS);
    try {
      for await (const message of messages) {
        this.#receivedAtMs = performance.now();
        if (!this.#stopped.signal.aborted) this.#take(message, unacknowledged);
        else message.nak();
      }
    } finally {
      clearInterval(look);
    }
  }

  async #watch(messages: ConsumerMessages): Promise<void> {
    for await (const status of messages.status()) {
      if (status.type !== "heartbeats_missed" && status.type !== "consumer_deleted") continue;
      this.#parts.log.warn({ status: status.type }, "the reading of reports stalled; it is opened again");
      messages.stop();
    }
  }

  async #look(consumer: Consumer, messages: ConsumerMessages): Promise<void> {
    if (performance.now() - this.#receivedAtMs < LOOK_MS || this.#unacknowledged.size > 0) return;
    try {
      const { num_pending: waiting } = await consumer.info();
      if (waiting === 0 || performance.now() - this.#receivedAtMs < LOOK_MS) return;
      this.#parts.log.warn({ waiting }, "reports wait and none comes; reading is opened again");
      messages.stop();
    } catch {
      // NATS is away; the status of the connection says so, and consume() goes on when it is back.
    }
  }

  #take(message: JsMsg, unacknowledged: Map<number, JsMsg>): void {
    const isRepeat = unacknowledged.has(message.seq);
    // The newest delivery is the one whose acknowledgement counts; the report itself waits for its commit already.
    unacknowledged.set(message.seq, message);
    if (isRepeat) return;
    const decoded = decodeReports(message.data);
    const fault = "fault" in decoded ? decoded.fault : wrongSubject(message.subject, decoded.message);
    if (fault !== undefined || "fault" in decoded) {
      unacknowledged.delete(message.seq);
      this.#parts.onMalformed();
      this.#parts.log.error({ subject: message.subject, fault }, "dropped a report that cannot be read");
      message.term(String(fault).slice(0, 100));
      return;
    }
    this.#parts.handle(decoded.message).then(
      () => this.#settle(unacknowledged, message.seq, (last) => last.ack()),
      () => this.#settle(unacknowledged, message.seq, (last) => last.nak(REFUSED_MS)),
    );
  }

  #settle(unacknowledged: Map<number, JsMsg>, sequence: number, how: (last: JsMsg) => void): void {
    const last = unacknowledged.get(sequence);
    unacknowledged.delete(sequence);
    if (last) how(last);
  }
}

/** A node may speak for itself only; the server's permissions go by subject. */
function wrongSubject(subject: string, message: ReportMessage): string | undefined {
  return subject === reportSubject(message.node) ? undefined : `node ${message.node} reported on ${subject}`;
}
