import type { Agenda } from "./agenda.ts";
import type { Network, Place } from "./network.ts";

/** One direction of a connection: what is sent arrives in order and once, late when the network loses some, until it breaks. */
class Pipe {
  readonly #agenda: Agenda;
  readonly #network: Network;
  readonly #from: Place;
  readonly #to: Place;
  readonly #onBroken: () => void;
  #freeAtMs = 0;

  constructor(agenda: Agenda, network: Network, from: Place, to: Place, onBroken: () => void) {
    this.#agenda = agenda;
    this.#network = network;
    this.#from = from;
    this.#to = to;
    this.#onBroken = onBroken;
  }

  send(arrive: () => void): void {
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#agenda.nowMs + this.#network.transitMs());
    this.#agenda.after(this.#freeAtMs - this.#agenda.nowMs, () => {
      if (this.#network.isCut(this.#from, this.#to)) this.#onBroken();
      else arrive();
    });
  }
}

/** A stream of heartbeats and their answers, as a node holds it open to a server. Nobody is told when it breaks. */
export class BeatStream {
  readonly #agenda: Agenda;
  readonly #network: Network;
  readonly #pipes = new Map<string, Pipe>();
  #broken = false;
  /** The reign that answers it: with that it ends. */
  owner: object | null = null;

  constructor(agenda: Agenda, network: Network) {
    this.#agenda = agenda;
    this.#network = network;
  }

  get broken(): boolean {
    return this.#broken;
  }

  break(): void {
    this.#broken = true;
  }

  send(from: Place, to: Place, arrive: () => void): void {
    if (this.#broken) return;
    const link = `${from}>${to}`;
    let pipe = this.#pipes.get(link);
    if (!pipe) this.#pipes.set(link, (pipe = new Pipe(this.#agenda, this.#network, from, to, () => this.break())));
    pipe.send(() => this.#broken || arrive());
  }
}
