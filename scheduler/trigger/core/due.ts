import type { ParsedCron } from "../../../lib/core/cron.ts";
import type { MissedPolicy } from "../../../lib/core/pipeline/trigger.ts";

/**
 * A tick that is older than this was missed: a server was there in time for any younger one, counting a take-over after a kill
 * (seconds) and a database that was restarted. Longer, and a policy of "skip" would run what it was told to skip.
 */
export const LATE_MS = 30_000;
/** Most ticks that are looked at for one decision: with a tick a second, six hours. What lies further back counts as missed, uncounted. */
const LOOKS_MAX = 21_600;
/** First look back for the latest ticks that were missed; doubled until there are enough. */
const LOOK_BACK_MS = 60_000;

export interface ScheduleState {
  readonly cron: ParsedCron;
  readonly missed: MissedPolicy;
  readonly missedMax: number;
  /** Ticks up to here have been looked at. */
  readonly cursorMs: number;
}

export interface Due {
  /** Oldest first. */
  readonly ticks: readonly number[];
  /** What the policy leaves out; null: nothing. */
  readonly left: { readonly fromMs: number; readonly toMs: number } | null;
  readonly cursorMs: number;
  /** Null: never again. */
  readonly nextMs: number | null;
}

/**
 * What a schedule fires at `nowMs`. Ticks that are on time fire whatever the policy says; of those that were missed, "skip" fires none,
 * "once" the latest unless one is on time, "all" the latest `missedMax`.
 *
 * A clock that went back makes the cursor stand in the future: it follows the clock, and ticks that come again are the same events, so that
 * they fire once. A clock that went ahead makes everything between missed.
 */
export function dueTicks(state: ScheduleState, nowMs: number): Due {
  const { cron, missed, missedMax } = state;
  const cursorMs = Math.min(state.cursorMs, nowMs);
  const onTimeFromMs = Math.max(cursorMs, nowMs - LATE_MS);
  const onTime = ticksIn(cron, onTimeFromMs, nowMs);
  const late = cursorMs < onTimeFromMs ? lateTicks(cron, cursorMs, onTimeFromMs, missedMax) : [];
  const kept = keptOf(late, missed, missedMax, onTime.length > 0);
  const firstKept = kept[0] ?? onTimeFromMs + 1;
  const firstLate = late.length > kept.length ? cron.next(cursorMs) : null;
  return {
    ticks: [...kept, ...onTime],
    left: firstLate === null ? null : { fromMs: firstLate, toMs: late.findLast((tick) => tick < firstKept)! },
    cursorMs: nowMs,
    nextMs: cron.next(nowMs),
  };
}

function keptOf(
  late: readonly number[],
  missed: MissedPolicy,
  missedMax: number,
  isOnTime: boolean,
): readonly number[] {
  if (missed === "skip" || late.length === 0) return [];
  if (missed === "once") return isOnTime ? [] : late.slice(-1);
  return late.slice(-missedMax);
}

/** The latest ticks in (fromMs, toMs], at least one more than `wanted` where there are so many. */
function lateTicks(cron: ParsedCron, fromMs: number, toMs: number, wanted: number): number[] {
  for (let backMs = LOOK_BACK_MS; ; backMs *= 2) {
    const startMs = Math.max(fromMs, toMs - backMs);
    const found = ticksIn(cron, startMs, toMs);
    if (found.length > wanted || startMs === fromMs) return found;
  }
}

/** In (fromMs, toMs], oldest first; when there are too many the latest are not among them. */
function ticksIn(cron: ParsedCron, fromMs: number, toMs: number): number[] {
  const found: number[] = [];
  let next = cron.next(fromMs);
  while (next !== null && next <= toMs && found.length < LOOKS_MAX) {
    found.push(next);
    next = cron.next(next);
  }
  return found;
}
