import type { JetStreamClient, JsMsg } from "@nats-io/jetstream";
import { REPORT_CONSUMER, reportSubject, type ReportMessage, STREAMS } from "../lib/core/dispatch.ts";
import type { Log } from "../lib/log.ts";
import { decodeReports } from "./report.ts";
import { StreamReader } from "./stream-reader.ts";

/** Asked for ahead: enough that a batch is full while the last one commits. */
const AHEAD_MESSAGES_MAX = 500;
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

/** Reads reports as long as it is not stopped. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #reader: StreamReader;
  /** Messages that were handed on and not acknowledged, by sequence; those of the consumer that is open now. */
  #unacknowledged = new Map<number, JsMsg>();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#reader = new StreamReader({
      ...parts,
      stream: STREAMS.report,
      consumer: REPORT_CONSUMER,
      aheadMax: AHEAD_MESSAGES_MAX,
      what: "reports",
      onOpen: () => (this.#unacknowledged = new Map()),
      onMessage: (message) => this.#take(message, this.#unacknowledged),
      isBusy: () => this.#unacknowledged.size > 0,
    });
  }

  /** Gives back to NATS what is not committed, for the next leader to take. */
  async stop(): Promise<void> {
    await this.#reader.stop();
    for (const message of this.#unacknowledged.values()) message.nak();
    this.#unacknowledged.clear();
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
