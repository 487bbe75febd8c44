import { Chance } from "./chance.ts";
import type { LinkFaults } from "./network.ts";
import type { StoreFaults } from "./store.ts";

/** What may happen to the world in its first phase. */
export const FAULTS = [
  "server crashes",
  "server pauses",
  "postgres stops",
  "nats stops",
  "nats forgets",
  "link is cut",
  "agent crashes",
  "agent pauses",
  "runner is killed",
  "machine crashes",
  "machine comes back smaller",
  "machine sleeps",
  "gpu is lost",
  "wall clock is set",
] as const;
export type Fault = (typeof FAULTS)[number];

/** All that a seed decides about a world beforehand; printed when it fails. */
export interface Plan {
  readonly seed: number;
  readonly machines: number;
  readonly servers: number;
  readonly leaseMs: number;
  readonly skewMs: number;
  readonly heartbeatMs: number;
  readonly leaderLeaseMs: number;
  /** Of clocks, away from true. */
  readonly rateError: number;
  readonly faults: readonly Fault[];
  /** Usual time between two faults, in milliseconds. */
  readonly faultEveryMs: number;
  readonly safetyMs: number;
  readonly link: LinkFaults;
  readonly store: StoreFaults;
  /** Of a server, at each commit. */
  readonly crashAtCommit: number;
  /** Timers are late by up to this, in milliseconds. */
  readonly lateMsMax: number;
  /** From a SIGKILL to the last process' end: what the margin of the lease has room for. */
  readonly killMsMax: number;
}

/** As scheduler/main.ts has it. */
const SKEW_FRACTION = 0.1;
/** Both clocks wrong by so much in opposite directions use the skew up but for a hundredth of the lease. */
const RATE_ERROR_MAX = 0.042;

export function planOf(seed: number): Plan {
  const chance = new Chance(seed, "plan");
  const leaseMs = chance.pick([5_000, 10_000, 20_000]);
  // Each world knows some of the faults only: one that always heals hides what another brings to light.
  const faults = FAULTS.filter(() => chance.happens(0.5));
  const rough = chance.happens(0.7);
  return {
    seed,
    machines: chance.whole(2, 5),
    servers: chance.whole(1, 2),
    leaseMs,
    skewMs: Math.ceil(leaseMs * SKEW_FRACTION),
    heartbeatMs: leaseMs / chance.pick([5, 8]),
    leaderLeaseMs: chance.pick([1_500, 3_000, 5_000]),
    rateError: chance.pick([0, 0.01, RATE_ERROR_MAX]),
    faults,
    faultEveryMs: chance.scaled(500, 6_000),
    safetyMs: leaseMs * chance.between(4, 7),
    link: {
      drop: rough ? chance.between(0, 0.08) : 0,
      duplicate: rough ? chance.between(0, 0.08) : 0,
      stall: rough ? chance.between(0, 0.03) : 0,
      stallMsMax: chance.scaled(100, leaseMs * 2),
      delayMs: chance.scaled(0.3, 20),
    },
    store: {
      refuse: rough ? chance.between(0, 0.05) : 0,
      unknown: rough ? chance.between(0, 0.05) : 0,
      workMs: chance.scaled(0.5, 20),
    },
    crashAtCommit: chance.happens(0.3) ? 0.01 : 0,
    lateMsMax: chance.scaled(1, 20),
    killMsMax: Math.max(1_000, leaseMs * 0.1) * 0.45,
  };
}
