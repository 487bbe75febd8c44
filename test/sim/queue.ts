import type { Agenda } from "./agenda.ts";
import type { Network, Place } from "./network.ts";

/** As scheduler/streams.ts sets them up, in milliseconds. */
const DUPLICATE_WINDOW_MS = 120_000;
const ACK_WAIT_MS = 30_000;
/** What was acknowledged is kept so long, for a crash to bring it back. */
const REMEMBERED_MS = 60_000;

interface Message {
  readonly queue: string;
  readonly payload: string;
  readonly id: string;
  readonly storedAtMs: number;
  /** Acknowledged or purged; null: it is there. */
  removedAtMs: number | null;
  /** Not to be delivered before. */
  notBeforeMs: number;
}

/** One message in the hands of a subscriber. */
export interface Delivery {
  readonly payload: string;
  ack(): void;
  /** It comes again after so long. */
  nak(delayMs: number): void;
}

interface Subscriber {
  readonly place: Place;
  readonly push: (delivery: Delivery) => void;
}

export const NATS = "nats";

/** NATS JetStream as the parts see it: work queues that deliver at least once, forget ids, and may lose what they took. */
export class Queues {
  readonly #agenda: Agenda;
  readonly #network: Network;
  #messages: Message[] = [];
  /** By stream and message id, when it was stored. */
  #ids = new Map<string, number>();
  readonly #subscribers = new Map<string, Subscriber>();
  #down = false;

  constructor(agenda: Agenda, network: Network) {
    this.#agenda = agenda;
    this.#network = network;
  }

  /** Sends the message to the queue; `stored` is called if the word that it has it gets back. */
  publish(from: Place, queue: string, payload: string, id: string, stored: () => void): void {
    this.#network.send(from, NATS, () => {
      if (this.#down) return;
      this.#store(queue, payload, id);
      this.#network.send(NATS, from, stored);
    });
  }

  /** Takes the place of whoever subscribed before. */
  subscribe(queue: string, place: Place, push: (delivery: Delivery) => void): void {
    this.#network.send(place, NATS, () => {
      if (this.#down) return;
      this.#subscribers.set(queue, { place, push });
      for (const message of this.#messages) if (message.queue === queue) this.#deliver(message);
    });
  }

  unsubscribe(queue: string, place: Place, push: Subscriber["push"]): void {
    this.#network.send(place, NATS, () => {
      if (this.#subscribers.get(queue)?.push === push) this.#subscribers.delete(queue);
    });
  }

  isSubscribed(queue: string, push: (delivery: Delivery) => void): boolean {
    return !this.#down && this.#subscribers.get(queue)?.push === push;
  }

  /** Forgets all that waits in the queue, if the word gets there. */
  purge(from: Place, queue: string): void {
    this.#network.send(from, NATS, () => {
      if (this.#down) return;
      for (const message of this.#messages) if (message.queue === queue) message.removedAtMs ??= this.#agenda.nowMs;
    });
  }

  /** Of all queues together. */
  get waiting(): number {
    return this.#messages.filter(({ removedAtMs }) => removedAtMs === null).length;
  }

  stop(): void {
    this.#down = true;
    this.#subscribers.clear();
  }

  /** `lostMs`: its disk has not what happened so long before the stop: what was stored is gone, what was taken is back. */
  start(lostMs: number): void {
    this.#down = false;
    if (lostMs === 0) return;
    const sinceMs = this.#agenda.nowMs - lostMs;
    this.#messages = this.#messages.filter(({ storedAtMs }) => storedAtMs <= sinceMs);
    for (const message of this.#messages) {
      if (message.removedAtMs !== null && message.removedAtMs > sinceMs) message.removedAtMs = null;
    }
    this.#ids = new Map([...this.#ids].filter(([, storedAtMs]) => storedAtMs <= sinceMs));
  }

  #store(queue: string, payload: string, id: string): void {
    const { nowMs } = this.#agenda;
    const stream = queue.split(".")[1]!;
    const storedAtMs = this.#ids.get(`${stream}/${id}`);
    if (storedAtMs !== undefined && nowMs - storedAtMs < DUPLICATE_WINDOW_MS) return;
    this.#ids.set(`${stream}/${id}`, nowMs);
    const message = { queue, payload, id, storedAtMs: nowMs, removedAtMs: null, notBeforeMs: 0 };
    this.#forget();
    this.#messages.push(message);
    this.#deliver(message);
  }

  #forget(): void {
    const untilMs = this.#agenda.nowMs - REMEMBERED_MS;
    const first = this.#messages[0];
    if (!first || first.removedAtMs === null || first.removedAtMs > untilMs) return;
    this.#messages = this.#messages.filter(({ removedAtMs }) => removedAtMs === null || removedAtMs > untilMs);
  }

  #deliver(message: Message): void {
    const { nowMs } = this.#agenda;
    const subscriber = this.#subscribers.get(message.queue);
    if (this.#down || !subscriber || message.removedAtMs !== null || message.notBeforeMs > nowMs) return;
    this.#again(message, ACK_WAIT_MS);
    const { place } = subscriber;
    const tell = (act: () => void) => (): void => this.#network.send(place, NATS, () => this.#down || act());
    const delivery: Delivery = {
      payload: message.payload,
      ack: tell(() => void (message.removedAtMs ??= this.#agenda.nowMs)),
      nak: (delayMs) => tell(() => this.#again(message, delayMs))(),
    };
    this.#network.send(NATS, place, () => subscriber.push(delivery));
  }

  #again(message: Message, delayMs: number): void {
    const atMs = this.#agenda.nowMs + delayMs;
    message.notBeforeMs = atMs;
    this.#agenda.after(delayMs, () => message.notBeforeMs === atMs && this.#deliver(message));
  }
}
