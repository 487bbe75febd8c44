import type { Agenda } from "./agenda.ts";
import type { Chance } from "./chance.ts";

/** Epoch of the simulated world's beginning, in milliseconds: clocks show a date that could be one. */
const EPOCH_MS = 1_700_000_000_000;

/** What a clock that is right shows. */
export function trueEpochMs({ nowMs }: Agenda): number {
  return EPOCH_MS + Math.floor(nowMs);
}

/** A machine's clocks: they run at a rate of their own, and the wall clock is off. */
export class Clock {
  readonly #agenda: Agenda;
  /** Local milliseconds in a true one. */
  readonly rate: number;
  /** What the wall clock is off by; it is set anew by people and programs. */
  wallOffsetMs: number;

  constructor(agenda: Agenda, rate: number, wallOffsetMs: number) {
    this.#agenda = agenda;
    this.rate = rate;
    this.wallOffsetMs = wallOffsetMs;
  }

  /** Goes on while the machine sleeps. */
  monotonicMs(): number {
    return this.#agenda.nowMs * this.rate;
  }

  /** Whole, as of Date.now(). */
  wallMs(): number {
    return Math.floor(EPOCH_MS + this.wallOffsetMs + this.monotonicMs());
  }
}

/**
 * A process of the system's own (a server, an agent, a runner) from its start to its death. What it has asked for
 * happens while it lives; while it is paused it is kept for later.
 */
export class Life {
  readonly #agenda: Agenda;
  readonly #clock: Clock;
  readonly #late: Chance;
  readonly #lateMsMax: number;
  #alive = true;
  #paused = false;
  #kept: (() => void)[] = [];

  constructor(agenda: Agenda, clock: Clock, late: Chance, lateMsMax: number) {
    this.#agenda = agenda;
    this.#clock = clock;
    this.#late = late;
    this.#lateMsMax = lateMsMax;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Does it now, when it wakes up, or never. */
  run(act: () => void): void {
    if (!this.#alive) return;
    if (this.#paused) this.#kept.push(act);
    else act();
  }

  /** A timer, in milliseconds of its own clock; it may be late, never early. Returns how to call it off. */
  after(localMs: number, act: () => void): () => void {
    let wanted = true;
    const lateMs = this.#late.happens(0.05) ? this.#late.between(0, this.#lateMsMax) : 0;
    // No timer is shorter than a millisecond, except the one that is none.
    const waitMs = localMs <= 0 ? 0 : Math.max(1, localMs) / this.#clock.rate;
    this.#agenda.after(waitMs + lateMs, () => {
      if (wanted) this.run(() => wanted && act());
    });
    return () => void (wanted = false);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const kept = this.#kept;
    this.#kept = [];
    for (const act of kept) this.run(act);
  }

  end(): void {
    this.#alive = false;
    this.#kept = [];
  }
}
