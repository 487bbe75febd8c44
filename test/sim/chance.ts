/** The concerns of a run. Each has a stream of its own, so that drawing more for one leaves the others as they were. */
export type Concern =
  | "plan"
  | "net"
  | "crash"
  | "workload"
  | "approvals"
  | "store"
  | "queue"
  | "clocks"
  | "late"
  | "process"
  | "scheduler";

/** A stream of numbers that follows from a seed and a name (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number, stream: string) {
    this.#state = hash(`${seed}/${stream}`);
  }

  /** Uniform in [0, 1). */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };

  /** A whole number in [from, to]. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** True with that probability. */
  happens(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!;
  }

  /** Around `typical`, with a long tail: one in a hundred is fifty times as much. */
  tailed(typical: number): number {
    const u = this.next();
    return typical * (0.5 + u + 0.5 / Math.max(1 - u, 0.002) ** 0.85 - 0.5);
  }

  /** log-uniform in [from, to]. */
  scaled(from: number, to: number): number {
    return from * (to / from) ** this.next();
  }
}

/** FNV-1a, 32 bits, stirred once more so that neighbouring seeds have nothing in common. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
