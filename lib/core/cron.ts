// oxlint-disable no-restricted-globals -- a Date is made of a given moment only: its calendar is used, never its clock
import { Cron } from "croner";
import { WallClock } from "./wall-clock.ts";

/**
 * When a cron expression fires. Five fields (minute first), or six (seconds first), or @hourly, @daily, @weekly, @monthly, @yearly;
 * day of month and day of week mean "either" when both are given, as in every cron.
 *
 * Where the clocks change:
 *  - an hour field with numbers says a time of day. One that the change to summer time leaves out fires once, at the moment of the change
 *    (several such times together fire once); one that comes twice in autumn fires the first time only.
 *  - an hour field with `*` says an interval of real time. What falls into the hour that is left out does not exist; the hour that comes twice fires in both.
 */
export interface Schedule {
  readonly expression: string;
  readonly timezone: string;
}

export interface ParsedCron {
  /** First moment after `afterMs` (epoch milliseconds); null: never again. */
  next(afterMs: number): number | null;
}

export type CronResult =
  | { readonly ok: true; readonly cron: ParsedCron }
  | { readonly ok: false; readonly what: "expression" | "timezone"; readonly message: string };

const NICKNAMES: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
};

const RIGHT =
  'five fields would be right: minute, hour, day of month, month, day of week, like "0 3 * * *" (seconds may stand before them)';
/** Any moment does: whether an expression can fire at all does not depend on it. A leap day comes within eight years of each. */
const SOME_MOMENT_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Checks the expression and the zone, also that it ever fires. */
export function parseCron({ expression, timezone }: Schedule): CronResult {
  const wrongZone = checkTimezone(timezone);
  if (wrongZone !== undefined) return { ok: false, what: "timezone", message: wrongZone };
  const text = NICKNAMES[expression.trim()] ?? expression.trim();
  const fields = text.split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    return { ok: false, what: "expression", message: `"${expression}" is no cron expression; ${RIGHT}` };
  }
  try {
    const local = new Cron(text, { timezone, paused: true });
    // The same on a clock that never changes: what stands in the hour that is left out.
    const wall = new Cron(text, { timezone: "UTC", paused: true });
    const hour = fields[fields.length - 4]!;
    const cron = hour.includes("*") ? interval(local) : timeOfDay(local, wall, timezone);
    if (cron.next(SOME_MOMENT_MS) === null) {
      return {
        ok: false,
        what: "expression",
        message: `"${expression}" never fires: no such day exists; correct its day or month`,
      };
    }
    return { ok: true, cron };
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^Cron\w+: /, "") : String(error);
    return { ok: false, what: "expression", message: `"${expression}" is no cron expression (${why}); ${RIGHT}` };
  }
}

export function checkTimezone(timezone: string): string | undefined {
  try {
    // Offsets like "+02:00" are taken by newer runtimes only, and know no daylight saving.
    if (/^[A-Za-z]/.test(timezone) && new Intl.DateTimeFormat("en", { timeZone: timezone })) return undefined;
  } catch {
    // Told below.
  }
  return `there is no time zone "${timezone}"; give a name of the IANA database, like Europe/Berlin or UTC`;
}

function interval(local: Cron): ParsedCron {
  return { next: (afterMs) => nextOf(local, afterMs) };
}

function timeOfDay(local: Cron, wall: Cron, timezone: string): ParsedCron {
  const clock = new WallClock(timezone);
  return {
    next: (afterMs) => {
      const next = nextOf(local, afterMs);
      return gapTick(clock, wall, afterMs, next) ?? next;
    },
  };
}

function nextOf(cron: Cron, afterMs: number): number | null {
  return cron.nextRun(new Date(afterMs))?.getTime() ?? null;
}

/** The first change to summer time in (afterMs, beforeMs] that leaves out a time of the expression. */
function gapTick(clock: WallClock, wall: Cron, afterMs: number, beforeMs: number | null): number | null {
  // Daily steps: no zone changes its clocks twice in a day. A year holds every change of a zone.
  const endMs = Math.min(beforeMs ?? Infinity, afterMs + 366 * DAY_MS);
  for (let fromMs = afterMs; fromMs < endMs; fromMs += DAY_MS) {
    const toMs = Math.min(fromMs + DAY_MS, endMs);
    const before = clock.offset(fromMs);
    const after = clock.offset(toMs);
    if (after <= before) continue;
    const changeMs = clock.change(fromMs, toMs);
    const left = nextOf(wall, changeMs + before - 1);
    if (left !== null && left < changeMs + after) return changeMs;
  }
  return null;
}
