// oxlint-disable no-restricted-globals -- a Date is made of a given moment only: its calendar is used, never its clock

/** `2026-03-29T01:00:00.000Z` */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** The clock on the wall in a zone. */
export class WallClock {
  readonly #format: Intl.DateTimeFormat;

  constructor(timezone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** Milliseconds that the wall clock is ahead of UTC at a moment. */
  offset(atMs: number): number {
    const second = Math.floor(atMs / 1000) * 1000;
    const parts = new Map(this.#format.formatToParts(new Date(second)).map(({ type, value }) => [type, Number(value)]));
    const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
    const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
    return wall - second;
  }

  /** The moment in (fromMs, toMs] at which the offset becomes that of `toMs`. */
  change(fromMs: number, toMs: number): number {
    const after = this.offset(toMs);
    let low = fromMs;
    let high = toMs;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offset(middle) === after) high = middle;
      else low = middle;
    }
    return high;
  }

  /** `2026-03-29T03:00:00+02:00` */
  iso(atMs: number): string {
    const offset = this.offset(atMs);
    const wall = new Date(atMs + offset).toISOString().slice(0, 19);
    if (offset === 0) return `${wall}Z`;
    const minutes = Math.round(Math.abs(offset) / 60_000);
    const two = (value: number): string => String(value).padStart(2, "0");
    return `${wall}${offset < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }
}
