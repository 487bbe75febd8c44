import type { Assignment } from "../../lib/core/dispatch.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import type { Json } from "../../lib/core/json.ts";
import { Chance } from "./chance.ts";
import type { Plan } from "./plan.ts";
import { FAILS, LASTS, RESULT } from "./variable.ts";

/** What an attempt's process does; follows from the seed and the attempt alone, wherever and whenever it runs. */
export interface Behaviour {
  readonly durationMs: number;
  readonly exitCode: number;
  /** It ends so long after SIGTERM; null: it does not heed it. */
  readonly termMs: number | null;
  /** Written to $WEFT_RESULT; undefined: nothing. */
  readonly result: Json | undefined;
  /** It leaves a checkpoint if it is stopped. */
  readonly leavesCheckpoint: boolean;
  /** Of a service: it answers so long after its start. */
  readonly readyMs: number;
  /** Of a service: its liveness probe fails so long after that; null: never. */
  readonly unhealthyMs: number | null;
}

export function behaviourOf({ seed, focus }: Plan, assignment: Assignment): Behaviour {
  const { ref, env } = assignment;
  const chance = new Chance(seed, `process/${attemptKey(ref)}`);
  const plain = { result: undefined, leavesCheckpoint: false, readyMs: 0, unhealthyMs: null };
  if (focus === "lease") return { ...plain, durationMs: chance.scaled(1_000, 40_000), exitCode: 0, termMs: null };
  const lastsMs = Number(env[LASTS] ?? 1_000);
  return {
    durationMs: chance.happens(0.3) ? chance.between(lastsMs / 3, lastsMs) : chance.scaled(5, lastsMs),
    exitCode: chance.happens(Number(env[FAILS] ?? 0)) ? chance.whole(1, 3) : 0,
    termMs: chance.happens(0.3) ? null : chance.scaled(1, 2_000),
    result: resultOf(env[RESULT] ?? ""),
    leavesCheckpoint: chance.happens(0.7),
    readyMs: assignment.service ? chance.scaled(1, 3_000) : 0,
    unhealthyMs: assignment.service && chance.happens(0.2) ? chance.scaled(100, 20_000) : null,
  };
}

function resultOf(said: string): Json | undefined {
  if (said === "") return undefined;
  const [kind, count] = said.split(":");
  return kind === "list" ? Array.from({ length: Number(count) }, (_, i) => i) : said;
}
