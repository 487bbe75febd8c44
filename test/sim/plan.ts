import { Chance } from "./chance.ts";
import type { LinkFaults } from "./network.ts";
import type { StoreFaults } from "./store.ts";
import { type Trait, TRAITS } from "./trait.ts";

/** What may happen to the world in its first phase. */
export const FAULTS = [
  "server crashes",
  "server pauses",
  "postgres stops",
  "nats stops",
  "nats forgets",
  "link is cut",
  "node is cut off",
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
  readonly focus: "none" | "lease";
  /** What jobs may ask for. */
  readonly traits: readonly Trait[];
  /** How often clocks of servers are set. */
  readonly clockSteps: number;
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

/** One world in so many is about leases alone: nodes that are cut off with work that does not heed SIGTERM, and the worst clocks. */
const LEASE_WORLDS = 6;
/** Part of the worlds that knows a trait. */
const TRAIT_WORLDS = 0.35;
const LEASE_FAULTS: readonly Fault[] = ["node is cut off", "agent pauses", "agent crashes"];

export function planOf(seed: number): Plan {
  const chance = new Chance(seed, "plan");
  const plan = { seed, traits: traitsOf(seed), clockSteps: clockStepsOf(seed), ...cluster(chance), ...faults(chance) };
  if (!chance.happens(1 / LEASE_WORLDS)) return plan;
  return {
    ...plan,
    focus: "lease",
    traits: [],
    machines: 2,
    rateError: RATE_ERROR_MAX,
    faults: LEASE_FAULTS,
    crashAtCommit: 0,
  };
}

/** Each world knows some of them only, so that none is hidden behind another. */
function traitsOf(seed: number): readonly Trait[] {
  return TRAITS.filter((trait) => new Chance(seed, `has ${trait}`).happens(TRAIT_WORLDS));
}

function clockStepsOf(seed: number): number {
  const chance = new Chance(seed, "has clock steps");
  return chance.happens(0.3) ? chance.whole(1, 4) : 0;
}

type Cluster = Omit<Plan, "seed" | "traits" | "clockSteps" | keyof ReturnType<typeof faults>>;

function cluster(chance: Chance): Cluster {
  const leaseMs = chance.pick([5_000, 10_000, 20_000]);
  return {
    focus: "none",
    machines: chance.whole(2, 5),
    servers: chance.whole(1, 2),
    leaseMs,
    skewMs: Math.ceil(leaseMs * SKEW_FRACTION),
    heartbeatMs: leaseMs / chance.pick([5, 8]),
    leaderLeaseMs: chance.pick([1_500, 3_000, 5_000]),
    rateError: chance.pick([0, 0.01, RATE_ERROR_MAX]),
    safetyMs: leaseMs * chance.between(5, 10),
    killMsMax: Math.max(1_000, leaseMs * 0.1) * 0.45,
  };
}

function faults(chance: Chance) {
  // Each world knows some of the faults only: one that always heals hides what another brings to light.
  const known = FAULTS.filter(() => chance.happens(0.5));
  const rough = chance.happens(0.7);
  const rarely = (most: number): number => (rough ? chance.between(0, most) : 0);
  return {
    faults: known as readonly Fault[],
    faultEveryMs: chance.scaled(500, 6_000),
    link: {
      drop: rarely(0.08),
      duplicate: rarely(0.08),
      stall: rarely(0.03),
      stallMsMax: chance.scaled(100, 20_000),
      delayMs: chance.scaled(0.3, 20),
    },
    store: { refuse: rarely(0.05), unknown: rarely(0.05), workMs: chance.scaled(0.5, 20) },
    crashAtCommit: chance.happens(0.3) ? 0.01 : 0,
    lateMsMax: chance.scaled(1, 20),
  };
}
