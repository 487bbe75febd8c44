import { popHeap, pushHeap } from "../../scheduler/core/heap.ts";
import { Violation } from "./violation.ts";

interface Due {
  readonly atMs: number;
  /** Order of asking: what is due at the same moment happens in it. */
  readonly sequence: number;
  readonly act: () => void;
}

/** Without time going on: more are a loop that never waits. */
const AT_ONCE_MAX = 100_000;

const earlier = (a: Due, b: Due): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);

/** True time of the simulated world, in milliseconds from its beginning, and all that is going to happen in it. */
export class Agenda {
  nowMs = 0;
  /** That have happened. */
  events = 0;
  readonly #heap: Due[] = [];
  #sequence = 0;
  #atOnce = 0;

  after(ms: number, act: () => void): void {
    this.#sequence += 1;
    pushHeap(this.#heap, { atMs: this.nowMs + Math.max(0, ms), sequence: this.#sequence, act }, earlier);
  }

  /** Lets the next thing happen, if it does so by `untilMs`; else it is then that time. */
  step(untilMs: number): boolean {
    const first = this.#heap[0];
    if (!first || first.atMs > untilMs) {
      this.nowMs = untilMs;
      return false;
    }
    popHeap(this.#heap, earlier);
    if (first.atMs > this.nowMs) this.#atOnce = 0;
    else if ((this.#atOnce += 1) > AT_ONCE_MAX)
      throw new Violation("I13 work gets done", `${AT_ONCE_MAX} things happen at once and time does not go on`);
    this.nowMs = first.atMs;
    this.events += 1;
    first.act();
    return true;
  }
}
