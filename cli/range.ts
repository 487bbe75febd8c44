import { WeftError } from "../lib/core/error.ts";
import { parseDuration } from "../proto/units.ts";

/** Of one backfill: each is a job. */
const VALUES_MAX = 10_000;
const DAY_MS = 86_400_000;

/**
 * The times from `from` to `to`, both in, a step apart: YYYY-MM-DD where all are midnights in UTC, else YYYY-MM-DDTHH:MMZ. A step
 * is a time (1d, 6h) or "month". Errors: `invalid`.
 */
export function dateRange(from: string, to: string, step: string): string[] {
  const first = parseDate(from, "--from");
  const last = parseDate(to, "--to");
  if (first > last) throw new WeftError("invalid", `--from ${from} is after --to ${to}`);
  const times = step === "month" ? months(first, last) : steps(first, last, stepMs(step));
  const whole = times.every((ms) => ms % DAY_MS === 0);
  return times.map((ms) => {
    const text = new Date(ms).toISOString();
    return whole ? text.slice(0, 10) : `${text.slice(0, 16)}Z`;
  });
}

function parseDate(text: string, option: string): number {
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}))?Z?$/.exec(text);
  const ms = match ? Date.parse(`${match[1]}T${match[2] ?? "00:00"}:00Z`) : NaN;
  // JavaScript takes the 31st of June for the 1st of July.
  if (Number.isFinite(ms) && new Date(ms).toISOString().startsWith(match![1]!)) return ms;
  throw new WeftError(
    "invalid",
    `${option} is "${text}"; a date like 2024-01-31 would be right, or 2024-01-31T06:00 (UTC)`,
  );
}

function stepMs(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new WeftError("invalid", `--step: ${parsed.message}`);
  if (parsed.value >= 60_000 && parsed.value % 60_000 === 0) return parsed.value;
  throw new WeftError("invalid", `--step is ${text}; whole minutes would be right, like 1d, 6h or 30m, or "month"`);
}

function steps(first: number, last: number, step: number): number[] {
  const count = Math.floor((last - first) / step) + 1;
  if (count > VALUES_MAX) throw tooMany(count);
  return Array.from({ length: count }, (_, i) => first + i * step);
}

function months(first: number, last: number): number[] {
  const start = new Date(first);
  if (start.getUTCDate() > 28)
    throw new WeftError(
      "invalid",
      `--from is the ${start.getUTCDate()}th, which not every month has; begin on the 28th at the latest`,
    );
  const times: number[] = [];
  for (let i = 0; ; i += 1) {
    const next = new Date(first);
    next.setUTCMonth(start.getUTCMonth() + i);
    if (next.getTime() > last) return times;
    if (times.length >= VALUES_MAX) throw tooMany(times.length + 1);
    times.push(next.getTime());
  }
}

function tooMany(count: number): WeftError {
  return new WeftError("invalid", `the range has ${count} steps or more; at most ${VALUES_MAX} jobs are made at once`);
}
