import type { JetStreamManager } from "@nats-io/jetstream";
import { assignConsumer, STREAMS } from "../lib/core/dispatch.ts";
import type { NodeId } from "../lib/core/ids.ts";
import { differences, ensureConsumer } from "../lib/nats.ts";
import { nodeConsumer } from "./streams.ts";

/**
 * Consumers made at once. Making one costs NATS a file and a look at each other consumer of the stream: 3 ms of a core among a thousand,
 * 7 ms among seven thousand. More at once would only wait for each other, and beyond the time limit of a request.
 */
const AT_ONCE = 50;
/** From this many on it is cheaper to ask for the list, 20 µs for each consumer there is, than to ask for each of them. */
const LIST_FROM = 32;
/** A list is believed for so long, in milliseconds: thousands that join one after the other must not each read thousands. */
const LIST_AGE_MS_MAX = 10_000;

/** The queues of nodes in NATS: a durable consumer each. Those that are as they must be are left alone. */
export class NodeQueues {
  readonly #manager: JetStreamManager;
  #asked = new Map<NodeId, Ask[]>();
  #isSorting = false;
  readonly #toMake: [NodeId, Ask[]][] = [];
  #making = 0;
  #listed: Promise<ReadonlySet<string>> = Promise.resolve(new Set());
  #listedAtMs = -Infinity;

  constructor(manager: JetStreamManager) {
    this.#manager = manager;
  }

  /** Resolves when the node has its queue. Errors: as ensureConsumer. */
  ensure(node: NodeId): Promise<void> {
    return new Promise((resolve, reject) => {
      const asks = this.#asked.get(node) ?? [];
      this.#asked.set(node, [...asks, { resolve, reject }]);
      if (!this.#isSorting) void this.#sort();
    });
  }

  /** What is asked for while the list is read goes together into the next. */
  async #sort(): Promise<void> {
    this.#isSorting = true;
    await Promise.resolve();
    while (this.#asked.size > 0) {
      const asked = this.#asked;
      this.#asked = new Map();
      const ready = asked.size < LIST_FROM ? new Set<string>() : await this.#ready();
      for (const [node, asks] of asked) {
        if (ready.has(assignConsumer(node))) asks.forEach(({ resolve }) => resolve());
        else this.#toMake.push([node, asks]);
      }
      while (this.#making < AT_ONCE && this.#toMake.length > 0) void this.#make();
    }
    this.#isSorting = false;
  }

  /** NATS may have lost what it had. */
  forget(): void {
    this.#listedAtMs = -Infinity;
  }

  #ready(): Promise<ReadonlySet<string>> {
    const nowMs = performance.now();
    if (nowMs - this.#listedAtMs > LIST_AGE_MS_MAX) {
      this.#listedAtMs = nowMs;
      // What cannot be listed is asked for one by one, and says itself what is wrong.
      this.#listed = this.#list().catch(() => new Set());
    }
    return this.#listed;
  }

  /** Names of the queues that are as they must be. */
  async #list(): Promise<Set<string>> {
    const ready = new Set<string>();
    for await (const { name, config } of this.#manager.consumers.list(STREAMS.assign)) {
      const node = nodeOf(name);
      if (node !== undefined && differences(nodeConsumer(node), config).length === 0) ready.add(name);
    }
    return ready;
  }

  /** One after the other, until none is left. */
  async #make(): Promise<void> {
    this.#making += 1;
    for (let next = this.#toMake.shift(); next; next = this.#toMake.shift()) {
      const [node, asks] = next;
      try {
        await ensureConsumer(this.#manager, STREAMS.assign, nodeConsumer(node));
        asks.forEach(({ resolve }) => resolve());
      } catch (error) {
        asks.forEach(({ reject }) => reject(error as Error));
      }
    }
    this.#making -= 1;
  }
}

interface Ask {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The prefix of a node's queue. */
const PREFIX = assignConsumer("" as NodeId);

function nodeOf(consumer: string): NodeId | undefined {
  return consumer.startsWith(PREFIX) ? (consumer.slice(PREFIX.length) as NodeId) : undefined;
}
