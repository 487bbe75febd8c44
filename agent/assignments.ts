import { type ConsumerMessages, jetstream, type JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Assignment } from "../lib/core/dispatch.ts";
import { describeError } from "../lib/core/error.ts";
import type { AttemptKey } from "../lib/core/ids.ts";
import type { Log } from "../lib/log.ts";
import { type AssignmentCounts, parseAssignMessage, sortAssignments, toStart } from "./core/assignment.ts";
import { backoffMs } from "./core/backoff.ts";
import type { Journal } from "./journal.ts";
import { pause } from "./pause.ts";

/** Messages asked for ahead: each may hold many assignments, and one that waits here is not yet in the journal. */
const MESSAGES_AHEAD = 200;
/** Between signs of life while the queue is empty, in milliseconds; two missed and the consumer is got anew. */
const IDLE_HEARTBEAT_MS = 5_000;
/** Of one pull, in milliseconds; the client renews it by itself. */
const PULL_MS = 30_000;
const RETRY_MS_FIRST = 200;
const RETRY_MS_MOST = 2_000;
/** A message that cannot be taken now (disk full, lease lost) comes back after this, in milliseconds. */
const REFUSED_MS = 2_000;

export interface AssignmentsOptions {
  readonly connection: NatsConnection;
  readonly stream: string;
  readonly consumer: string;
  readonly journal: Journal;
  /** False: no new work now; the message comes again. */
  readonly mayStart: () => boolean;
  readonly start: (assignment: Assignment) => void;
  readonly log: Log;
}

/**
 * Takes assignments off the node's queue: into the journal, acknowledged, started, in that order. One long consume() does
 * it; whenever that ends, stalls or fails it is begun again, for ever.
 */
export class Assignments {
  readonly #options: AssignmentsOptions;
  readonly #counts: AssignmentCounts = { started: 0, known: 0, older: 0, invalid: 0 };
  #inbox: JsMsg[] = [];
  #taking: Promise<void> | undefined;
  #messages: ConsumerMessages | undefined;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: AssignmentsOptions) {
    this.#options = options;
    this.#running = this.#run();
    void this.#follow();
  }

  get counts(): Readonly<AssignmentCounts> {
    return this.#counts;
  }

  /** No message is taken after this. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#messages?.stop();
    await this.#running;
    await this.#taking;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopping.signal.aborted;) {
      const since = performance.now();
      try {
        await this.#consume();
      } catch (error) {
        if (failures === 0 && !this.#stopping.signal.aborted)
          this.#options.log.warn(
            { reason: describeError(error) },
            "assignments are not delivered; asking again until they are",
          );
      }
      if (this.#stopping.signal.aborted) return;
      // It worked for a while: what ended it is a new trouble, to be told and tried at once.
      failures = performance.now() - since > RETRY_MS_MOST ? 1 : failures + 1;
      await pause(backoffMs(failures, RETRY_MS_FIRST, RETRY_MS_MOST, Math.random()), this.#stopping.signal);
    }
  }

  async #consume(): Promise<void> {
    const consumer = await jetstream(this.#options.connection).consumers.get(
      this.#options.stream,
      this.#options.consumer,
    );
    if (this.#stopping.signal.aborted) return;
    const messages = await consumer.consume({
      max_messages: MESSAGES_AHEAD,
      idle_heartbeat: IDLE_HEARTBEAT_MS,
      expires: PULL_MS,
      callback: (message) => this.#arrived(message),
    });
    this.#messages = messages;
    if (this.#stopping.signal.aborted) messages.stop();
    void this.#watch(messages);
    const error = await messages.closed();
    if (error) throw error;
  }

  /** A server that was away may have forgotten that we wait; asking anew finds out at once. */
  async #follow(): Promise<void> {
    for await (const { type } of this.#options.connection.status()) if (type === "reconnect") this.#messages?.stop();
  }

  /** A consumer may stall though its connection is well (nats-server#4736); then it is given up and got anew. */
  async #watch(messages: ConsumerMessages): Promise<void> {
    for await (const status of messages.status()) {
      if (status.type === "heartbeats_missed" && status.count < 2) continue;
      if (!["heartbeats_missed", "consumer_not_found", "consumer_deleted", "stream_not_found"].includes(status.type))
        continue;
      this.#options.log.warn({ status: status.type }, "the assignment consumer stalled; getting it anew");
      messages.stop();
      return;
    }
  }

  #arrived(message: JsMsg): void {
    this.#inbox.push(message);
    this.#taking ??= this.#takeAll().finally(() => (this.#taking = undefined));
  }

  /** What arrives while one write is on its way to the disk goes together into the next. */
  async #takeAll(): Promise<void> {
    await Promise.resolve();
    while (this.#inbox.length > 0) await this.#take(this.#inbox.splice(0));
  }

  async #take(messages: readonly JsMsg[]): Promise<void> {
    if (this.#stopping.signal.aborted || !this.#options.mayStart()) return refuse(messages);
    const fresh = new Map<AttemptKey, Assignment>();
    const good = messages.filter((message) => this.#sort(message, fresh));
    const assignments = [...fresh.values()];
    try {
      const atMs = Date.now();
      if (assignments.length > 0)
        await this.#options.journal.append(assignments.map((assignment) => ({ kind: "assigned", atMs, assignment })));
    } catch {
      // The journal has said why.
      return refuse(good);
    }
    for (const message of good) message.ack();
    for (const assignment of toStart(assignments, this.#options.journal.records)) {
      this.#counts.started += 1;
      this.#options.start(assignment);
    }
  }

  /** Puts what is new in the message into `fresh`; false: the message is no good and was disposed of. */
  #sort(message: JsMsg, fresh: Map<AttemptKey, Assignment>): boolean {
    const parsed = parseAssignMessage(Buffer.from(message.data).toString());
    if ("invalid" in parsed) {
      this.#counts.invalid += 1;
      this.#options.log.error(
        { seq: message.seq, reason: parsed.invalid },
        "an assignment message makes no sense and is thrown away",
      );
      message.term("invalid");
      return false;
    }
    sortAssignments(parsed.assignments, fresh, this.#options.journal.records, this.#counts);
    return true;
  }
}

function refuse(messages: readonly JsMsg[]): void {
  for (const message of messages) message.nak(REFUSED_MS);
}
