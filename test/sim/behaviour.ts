import type { Assignment } from "../../lib/core/dispatch.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import { Chance } from "./chance.ts";
import type { Plan } from "./plan.ts";

/** What an attempt's process does; follows from the seed and the attempt alone, wherever and whenever it runs. */
export interface Behaviour {
  readonly durationMs: number;
  readonly exitCode: number;
  /** It ends so long after SIGTERM; null: it does not heed it. */
  readonly termMs: number | null;
}

/** Chance of failing, in the task's variables: each task has its own. */
export const FAILS = "SIM_FAILS";
/** Longest run, in milliseconds. */
export const LASTS = "SIM_LASTS";

export function behaviourOf({ seed, focus }: Plan, { ref, env }: Assignment): Behaviour {
  const chance = new Chance(seed, `process/${attemptKey(ref)}`);
  if (focus === "lease") return { durationMs: chance.scaled(1_000, 40_000), exitCode: 0, termMs: null };
  const lastsMs = Number(env[LASTS] ?? 1_000);
  return {
    durationMs: chance.happens(0.3) ? chance.between(lastsMs / 3, lastsMs) : chance.scaled(5, lastsMs),
    exitCode: chance.happens(Number(env[FAILS] ?? 0)) ? chance.whole(1, 3) : 0,
    termMs: chance.happens(0.3) ? null : chance.scaled(1, 2_000),
  };
}
