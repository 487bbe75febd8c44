import type { Agenda } from "./agenda.ts";
import type { Chance } from "./chance.ts";

/** Who talks: "nats", "postgres", "client", "server-0", "node-3". */
export type Place = string;

export interface LinkFaults {
  readonly drop: number;
  readonly duplicate: number;
  /** Held up for long. */
  readonly stall: number;
  readonly stallMsMax: number;
  /** Usual time on the way, in milliseconds. */
  readonly delayMs: number;
}

/** TCP's least wait before it sends again, in milliseconds. */
const RETRANSMIT_MS = 200;

const CALM: LinkFaults = { drop: 0, duplicate: 0, stall: 0, stallMsMax: 0, delayMs: 0.5 };

/** Messages on their way. Each has a fate of its own, so they also overtake each other. */
export class Network {
  readonly #agenda: Agenda;
  readonly #chance: Chance;
  #faults: LinkFaults;
  /** "from>to": nothing gets through, in this direction only. */
  readonly #cut = new Set<string>();

  constructor(agenda: Agenda, chance: Chance, faults: LinkFaults) {
    this.#agenda = agenda;
    this.#chance = chance;
    this.#faults = faults;
  }

  send(from: Place, to: Place, arrive: () => void): void {
    this.#carry(from, to, arrive);
    if (this.#faults.duplicate > 0 && this.#chance.happens(this.#faults.duplicate)) this.#carry(from, to, arrive);
  }

  cut(from: Place, to: Place): void {
    this.#cut.add(`${from}>${to}`);
  }

  mend(from: Place, to: Place): void {
    this.#cut.delete(`${from}>${to}`);
  }

  /** Of one message of a connection: what is lost is sent again. */
  transitMs(): number {
    const { drop, stall, stallMsMax, delayMs } = this.#faults;
    const again = drop > 0 && this.#chance.happens(drop) ? this.#chance.between(RETRANSMIT_MS, 3 * RETRANSMIT_MS) : 0;
    const held = stall > 0 && this.#chance.happens(stall) ? this.#chance.between(0, stallMsMax) : 0;
    return this.#chance.tailed(delayMs) + again + held;
  }

  isCut(from: Place, to: Place): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  calm(): void {
    this.#faults = CALM;
    this.#cut.clear();
  }

  #carry(from: Place, to: Place, arrive: () => void): void {
    const { drop, stall, stallMsMax, delayMs } = this.#faults;
    if (drop > 0 && this.#chance.happens(drop)) return;
    const held = stall > 0 && this.#chance.happens(stall) ? this.#chance.between(0, stallMsMax) : 0;
    const link = `${from}>${to}`;
    this.#agenda.after(this.#chance.tailed(delayMs) + held, () => {
      if (!this.#cut.has(link)) arrive();
    });
  }
}
