/** How the lease of the node binds its runner. Times are on the clock that goes on while the machine sleeps, in milliseconds. */
export interface FenceLease {
  /** After it nothing may run here. */
  readonly untilMs: number;
  /** The stopping begins so long before: to end takes time. */
  readonly marginMs: number;
}

/** The right of this machine to run anything. Until a lease is known there is no end to it: nobody has given anything to others. */
export class Fence {
  #lease: FenceLease = { untilMs: Infinity, marginMs: 0 };

  /** A lease never gets shorter: a message that was late says nothing new. */
  renew(lease: FenceLease): void {
    if (this.#lease.untilMs === Infinity || lease.untilMs > this.#lease.untilMs) this.#lease = lease;
  }

  /** When everything is told to end. */
  get stopAtMs(): number {
    return this.#lease.untilMs - this.#lease.marginMs;
  }

  mayStart(nowMs: number): boolean {
    return nowMs < this.stopAtMs;
  }

  /** Between SIGTERM and SIGKILL for an attempt that wants `stopGraceMs`: half of what is left is for the kill. */
  graceMs(stopGraceMs: number, nowMs: number): number {
    return Math.max(0, Math.min(stopGraceMs, (this.#lease.untilMs - nowMs) / 2));
  }
}
