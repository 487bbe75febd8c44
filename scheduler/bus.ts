import { setTimeout as delay } from "node:timers/promises";
import { jetstream, type JetStreamClient, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { assignSubject, type ReportMessage, STREAMS } from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import type { AttemptRef, NodeId } from "../lib/core/ids.ts";
import type { Log } from "../lib/log.ts";
import { ensureConsumer, ensureStream, isMissing } from "../lib/nats.ts";
import { Intake } from "./intake.ts";
import { Postman } from "./postman.ts";
import { NodeQueues } from "./node-queues.ts";
import { EVENTS, REPORTS, streamConfigs } from "./streams.ts";
import { EventIntake, type EventMessage } from "./trigger/event-intake.ts";

/** Longest wait for NATS to store a message, in milliseconds; after it the same message is published again. */
const PUBLISH_TIMEOUT_MS = 5_000;
/**
 * Longest wait of a join for its queue, in milliseconds. When thousands of nodes join for the first time their queues take NATS a
 * minute; until then they heartbeat, and what is assigned to them waits in the stream.
 */
const QUEUE_WAIT_MS = 250;
/** Between two tries to make the queue of a node that was let in without. */
const QUEUE_RETRY_MS = 2_000;
/** Tells other servers that the leader changed. Only a hint: they look by themselves, and Postgres decides. */
const LEADER_SUBJECT = "weft.leader";
/** Tells the leader that an event for a trigger was written. */
export const TRIGGER_HINT_SUBJECT = "weft.trigger";

/** How long JetStream may take to appear after the server does: it reads its whole store after a kill. */
const JETSTREAM_PATIENCE_MS = 60_000;
const JETSTREAM_LOOK_MS = 250;
const NO_JETSTREAM =
  "NATS answers, but its JetStream does not: start nats-server with -js (or jetstream {} in its configuration), and look into its log";

/** A term that was claimed in Postgres, and where its leader takes gRPC. */
export interface LeaderNews {
  readonly term: number;
  readonly address: string;
}

export interface BusOptions {
  /** How long to wait for JetStream at the start, in milliseconds. */
  readonly patienceMs?: number;
  /** Of each stream; 3 in a NATS cluster. */
  readonly replicas?: number;
}

/** NATS as the scheduler sees it. */
export class Bus {
  readonly #nats: NatsConnection;
  readonly #log: Log;
  readonly #replicas: number;
  readonly #jetstream: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #queues: NodeQueues;
  /** Nodes that have a consumer, or shall have one again when NATS lost it. */
  readonly #nodes = new Set<NodeId>();
  #healing: Promise<void> | undefined;
  /** One for each message whose confirmation is awaited. */
  readonly #publishing = new Set<(reason: Error) => void>();

  private constructor(nats: NatsConnection, manager: JetStreamManager, log: Log, replicas: number) {
    this.#nats = nats;
    this.#manager = manager;
    this.#queues = new NodeQueues(manager);
    this.#jetstream = jetstream(nats);
    this.#log = log;
    this.#replicas = replicas;
  }

  /** Makes the streams. Throws `failed_precondition` when NATS cannot give what is needed. */
  static async open(nats: NatsConnection, log: Log, options: BusOptions = {}): Promise<Bus> {
    const bus = new Bus(nats, await jetstreamManager(nats, { checkAPI: false }), log, options.replicas ?? 1);
    await bus.#healPatiently(options.patienceMs ?? JETSTREAM_PATIENCE_MS);
    void bus.#healAfterReconnect();
    return bus;
  }

  /** A nats-server that has just started takes connections before it has read its store. */
  async #healPatiently(patienceMs: number): Promise<void> {
    const deadlineMs = performance.now() + patienceMs;
    for (;;) {
      try {
        return await this.heal();
      } catch (cause) {
        if (cause instanceof WeftError) throw cause;
        if (performance.now() > deadlineMs) throw new WeftError("failed_precondition", NO_JETSTREAM, { cause });
      }
      await delay(JETSTREAM_LOOK_MS);
    }
  }

  /**
   * Makes the node's queue ready, or sees to it that it will be: it is waited for no longer than QUEUE_WAIT_MS. May be repeated.
   * Throws `unavailable` when NATS refuses within that time.
   */
  async ensureNode(node: NodeId): Promise<void> {
    this.#nodes.add(node);
    const ended = new AbortController();
    const late = delay(QUEUE_WAIT_MS, "late", { signal: ended.signal }).catch(() => "");
    const ready = this.#ensureQueue(node);
    try {
      if ((await Promise.race([ready, late])) === "late") void this.#ensureLater(node, ready);
    } catch (cause) {
      if (cause instanceof WeftError) throw cause;
      throw new WeftError("unavailable", `the queue of node ${node} cannot be made in NATS now: try again`, { cause });
    } finally {
      ended.abort();
    }
  }

  async #ensureQueue(node: NodeId): Promise<void> {
    await this.#queues.ensure(node).catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await this.heal();
    });
  }

  /** The node was let in already: nobody else would try again. */
  async #ensureLater(node: NodeId, trying: Promise<void>): Promise<void> {
    for (let failures = 0; ; trying = this.#ensureQueue(node)) {
      try {
        return await trying;
      } catch (error) {
        if (this.#nats.isClosed()) return;
        failures += 1;
        if (failures === 1) this.#log.warn({ err: error, node }, "could not make the queue of a node; trying again");
      }
      await delay(QUEUE_RETRY_MS, undefined, { ref: false });
    }
  }

  /** What a node that was given up has not fetched has gone to others. */
  async forgetAssignments(node: NodeId): Promise<void> {
    await this.#manager.streams.purge(STREAMS.assign, { filter: assignSubject(node) });
  }

  /** Nodes of an earlier term keep their queues, and get them back when NATS has lost them, also while nobody led. */
  adoptNodes(nodes: readonly NodeId[]): void {
    for (const node of nodes) this.#nodes.add(node);
    void this.#healAnyhow();
  }

  /** For the length of one term. */
  openPostman(term: number, onTooLarge: (node: NodeId, ref: AttemptRef, bytes: number) => void): Postman {
    return new Postman({
      term,
      publish: (subject, payload, messageId) => this.#publish(subject, payload, messageId),
      payloadBytesMax: () => this.#nats.info?.max_payload ?? Infinity,
      onTooLarge,
      log: this.#log,
    });
  }

  /** `handle` resolves when the reports are committed; `onMalformed` counts those that nobody can read. */
  consumeReports(handle: (message: ReportMessage) => Promise<void>, onMalformed: () => void): Intake {
    return new Intake({
      jetstream: this.#jetstream,
      heal: () => this.heal(),
      handle,
      onMalformed,
      log: this.#log,
    });
  }

  /** `handle` resolves when the event is committed. */
  consumeEvents(handle: (message: EventMessage) => Promise<void>): EventIntake {
    return new EventIntake({ jetstream: this.#jetstream, heal: () => this.heal(), handle, log: this.#log });
  }

  /** Called when another server has written an event for a trigger. Only a hint: the leader looks by itself. */
  onTriggerHint(listener: () => void): () => void {
    const subscription = this.#nats.subscribe(TRIGGER_HINT_SUBJECT, {
      callback: (error) => {
        if (!error) listener();
      },
    });
    return () => subscription.unsubscribe();
  }

  /** `leader`: who leads now; null: nobody, anybody may try. */
  tellLeaderChanged(leader: LeaderNews | null): void {
    // Without a connection it is kept until there is one; after close it is nobody's business any more.
    if (!this.#nats.isClosed()) this.#nats.publish(LEADER_SUBJECT, JSON.stringify(leader));
  }

  onLeaderChanged(listener: (leader: LeaderNews | null) => void): () => void {
    const subscription = this.#nats.subscribe(LEADER_SUBJECT, {
      callback: (error, message) => {
        if (!error) listener(readNews(message.string()));
      },
    });
    return () => subscription.unsubscribe();
  }

  /** Streams and consumers are as they must be, also when NATS lost its store. */
  heal(): Promise<void> {
    this.#healing ??= this.#healNow().finally(() => (this.#healing = undefined));
    return this.#healing;
  }

  async #healNow(): Promise<void> {
    for (const config of streamConfigs(this.#replicas)) {
      if (await ensureStream(this.#manager, config)) this.#log.info({ stream: config.name }, "made a stream");
    }
    await ensureConsumer(this.#manager, STREAMS.report, REPORTS);
    await ensureConsumer(this.#manager, STREAMS.event, EVENTS);
    this.#queues.forget();
    await Promise.all(Array.from(this.#nodes, (node) => this.#queues.ensure(node)));
  }

  async #healAfterReconnect(): Promise<void> {
    for await (const status of this.#nats.status()) {
      if (status.type !== "reconnect") continue;
      // Answers to what was sent on the old connection never come.
      for (const giveUp of this.#publishing) giveUp(new Error("the connection to NATS was lost"));
      // It may be another server now, or one that lost its store.
      await this.#healAnyhow();
    }
  }

  async #healAnyhow(): Promise<void> {
    await this.heal().catch((error: unknown) => {
      if (!this.#nats.isClosed()) this.#log.warn({ err: error }, "could not check the streams of NATS");
    });
  }

  async #publish(subject: string, payload: string, messageId: string): Promise<void> {
    let giveUp: (reason: Error) => void = () => undefined;
    const lost = new Promise<never>((_, reject) => (giveUp = reject));
    this.#publishing.add(giveUp);
    try {
      const stored = this.#jetstream.publish(subject, payload, { msgID: messageId, timeout: PUBLISH_TIMEOUT_MS });
      await Promise.race([stored, lost]);
    } catch (error) {
      // Nobody answers a publish to a stream that is not there.
      await this.heal().catch(() => undefined);
      throw error;
    } finally {
      this.#publishing.delete(giveUp);
    }
  }
}

function readNews(text: string): LeaderNews | null {
  try {
    const news = JSON.parse(text) as LeaderNews | null;
    return typeof news?.term === "number" && typeof news.address === "string" ? news : null;
  } catch {
    return null; // Of a server of another version; the hint is all that matters.
  }
}
