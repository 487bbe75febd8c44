// oxlint-disable no-restricted-globals -- moments are written out here
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkTimezone, type ParsedCron, parseCron } from "./cron.ts";
import { WallClock } from "./wall-clock.ts";

const at = (text: string): number => Date.parse(text);

function cronOf(expression: string, timezone = "UTC"): ParsedCron {
  const parsed = parseCron({ expression, timezone });
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.cron;
}

/** All ticks in (from, to], as UTC "MM-DDTHH:MM". */
function ticks(expression: string, timezone: string, from: string, to: string): string[] {
  return ticksMs(cronOf(expression, timezone), at(from), at(to)).map((ms) => new Date(ms).toISOString().slice(5, 16));
}

function ticksMs(cron: ParsedCron, fromMs: number, toMs: number): number[] {
  const found: number[] = [];
  for (let next = cron.next(fromMs); next !== null && next <= toMs; next = cron.next(next)) found.push(next);
  return found;
}

function refusal(expression: string, timezone = "UTC"): string {
  const parsed = parseCron({ expression, timezone });
  return parsed.ok ? "taken" : parsed.message;
}

describe("a time of day, where the clocks change", () => {
  test("in Berlin in spring 02:30 does not exist and fires at the change, 03:00 fires once", () => {
    expect(ticks("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00Z", "2026-03-30T12:00Z")).toEqual([
      "03-28T01:30",
      "03-29T01:00",
      "03-30T00:30",
    ]);
    expect(ticks("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z")).toEqual([
      "03-29T01:00",
      "03-30T01:00",
    ]);
  });

  test("several times in the hour that is left out fire once", () => {
    expect(ticks("0,15,30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T00:05Z")).toEqual([
      "03-29T01:00",
      "03-30T00:00",
    ]);
    expect(ticks("30 1-4 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T12:00Z")).toEqual([
      "03-29T00:30",
      "03-29T01:00",
      "03-29T01:30",
      "03-29T02:30",
    ]);
  });

  test("in Berlin in autumn 02:30 comes twice and fires the first time", () => {
    expect(ticks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-26T12:00Z")).toEqual([
      "10-25T00:30",
      "10-26T01:30",
    ]);
  });

  test("in New York in spring and in autumn", () => {
    expect(ticks("30 2 * * *", "America/New_York", "2026-03-07T12:00Z", "2026-03-09T12:00Z")).toEqual([
      "03-08T07:00",
      "03-09T06:30",
    ]);
    expect(ticks("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", "2026-11-02T12:00Z")).toEqual([
      "11-01T05:30",
      "11-02T06:30",
    ]);
  });

  test("also where midnight is left out, and where the clocks change by half an hour", () => {
    expect(ticks("30 0 * * *", "America/Havana", "2026-03-07T12:00Z", "2026-03-08T12:00Z")).toEqual(["03-08T05:00"]);
    expect(ticks("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", "2026-10-04T12:00Z")).toEqual([
      "10-03T15:30",
    ]);
  });
});

describe("an interval, where the clocks change", () => {
  test("goes on in real time in spring", () => {
    expect(ticks("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", "2026-03-29T02:00Z")).toEqual([
      "03-29T00:30",
      "03-29T01:00",
      "03-29T01:30",
      "03-29T02:00",
    ]);
    expect(ticks("15 * * * *", "America/New_York", "2026-03-08T06:00Z", "2026-03-08T08:00Z")).toEqual([
      "03-08T06:15",
      "03-08T07:15",
    ]);
  });

  test("goes on in real time in autumn", () => {
    expect(ticks("15 * * * *", "America/New_York", "2026-11-01T04:00Z", "2026-11-01T08:00Z")).toEqual([
      "11-01T04:15",
      "11-01T05:15",
      "11-01T06:15",
      "11-01T07:15",
    ]);
  });
});

describe("what cannot be is refused", () => {
  test("a day that no month has", () =>
    expect(refusal("0 0 30 2 *")).toBe('"0 0 30 2 *" never fires: no such day exists; correct its day or month'));
  test("a leap day can be", () => expect(refusal("0 0 29 2 *")).toBe("taken"));
  test("a time zone that does not exist", () => {
    expect(refusal("0 0 * * *", "Mars/Phobos")).toBe(
      'there is no time zone "Mars/Phobos"; give a name of the IANA database, like Europe/Berlin or UTC',
    );
    expect(checkTimezone("+02:00")).toContain("there is no time zone");
    expect(checkTimezone("")).toContain("there is no time zone");
  });
  test("what is no cron expression", () => {
    for (const text of [
      "0 0 * *",
      "60 * * * *",
      "every day",
      "2026-01-01T00:00:00",
      "",
      "* * * * * * *",
      "@reboot",
      "a b c d e",
    ]) {
      expect(refusal(text), text).toContain("is no cron expression");
    }
  });
});

describe("properties", () => {
  const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu", "UTC"];
  const from = { spring: at("2026-02-20T00:00Z"), autumn: at("2026-09-20T00:00Z") };
  const moment = fc.oneof(
    fc.integer({ min: 0, max: 60 * 24 * 60 }).map((minute) => from.spring + minute * 60_000),
    fc.integer({ min: 0, max: 60 * 24 * 60 }).map((minute) => from.autumn + minute * 60_000),
  );

  test("an interval fires at every minute whose wall clock matches, and at no other", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        moment,
        fc.integer({ min: 0, max: 59 }),
        fc.constantFrom(1, 2, 3),
        (zone, start, minute, step) => {
          const cron = cronOf(`${minute} */${step} * * *`, zone);
          const clock = new WallClock(zone);
          const end = start + 30 * 3_600_000;
          const wanted: number[] = [];
          for (let ms = start + 60_000; ms <= end; ms += 60_000) {
            const wall = new Date(ms + clock.offset(ms));
            if (wall.getUTCMinutes() === minute && wall.getUTCHours() % step === 0) wanted.push(ms);
          }
          expect(ticksMs(cron, start, end)).toEqual(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a time of day fires exactly once a day", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        moment,
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 0, max: 23 }),
        (zone, start, minute, hour) => {
          const clock = new WallClock(zone);
          const days = ticksMs(cronOf(`${minute} ${hour} * * *`, zone), start, start + 4 * 86_400_000).map((ms) =>
            Math.floor((ms + clock.offset(ms)) / 86_400_000),
          );
          expect(days.length).toBeGreaterThanOrEqual(3);
          expect(days).toEqual(days.map((_, i) => days[0]! + i));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("the next tick is always later", () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), moment, fc.integer({ min: 0, max: 999 }), (zone, start, ms) => {
        for (const expression of ["* * * * * *", "*/7 * * * *", "0,30 2 * * *", "0 0 1 * *"]) {
          expect(cronOf(expression, zone).next(start + ms)).toBeGreaterThan(start + ms);
        }
      }),
    );
  });
});

test("the wall clock is written with its offset", () => {
  expect(new WallClock("Europe/Berlin").iso(at("2026-03-29T01:00:00Z"))).toBe("2026-03-29T03:00:00+02:00");
  expect(new WallClock("America/New_York").iso(at("2026-01-01T00:00:00Z"))).toBe("2025-12-31T19:00:00-05:00");
  expect(new WallClock("UTC").iso(0)).toBe("1970-01-01T00:00:00Z");
});
