import type { Answer, Event } from "../../scheduler/core/index.ts";
import type { Agenda } from "./agenda.ts";
import type { Chance } from "./chance.ts";
import type { SimServer } from "./server.ts";

/** A caller that has no answer asks again after this, in milliseconds. */
const AGAIN_MS = 2_500;

/** Those at their terminals: they ask some server, and ask again until they are answered. */
export class Callers {
  readonly #agenda: Agenda;
  readonly #servers: readonly SimServer[];
  #waiting = 0;

  constructor(agenda: Agenda, servers: readonly SimServer[]) {
    this.#agenda = agenda;
    this.#servers = servers;
  }

  /** That have not been answered. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Without `again` the caller gives up when no answer comes. `make`: a request that comes twice is two events. */
  ask(chance: Chance, make: () => Event, again: boolean, answered: (answer: Answer) => void): void {
    let open = true;
    this.#waiting += 1;
    const ask = (): void => {
      if (!open) return;
      chance.pick(this.#servers).event("client", make, (answer) => {
        if (open) this.#waiting -= 1;
        open = false;
        answered(answer);
      });
      this.#agenda.after(AGAIN_MS, () => {
        if (again) return ask();
        if (open) this.#waiting -= 1;
        open = false;
      });
    };
    ask();
  }
}
