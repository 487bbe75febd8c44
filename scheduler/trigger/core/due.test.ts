// oxlint-disable no-restricted-globals -- moments are written out here
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCron } from "../../../lib/core/cron.ts";
import type { MissedPolicy } from "../../../lib/core/pipeline/trigger.ts";
import { dueTicks, LATE_MS, type ScheduleState } from "./due.ts";

const at = (text: string): number => Date.parse(text);
const shown = (ticks: readonly number[]): string[] => ticks.map((ms) => new Date(ms).toISOString().slice(11, 16));

function schedule(expression: string, missed: MissedPolicy, cursor: string | number, missedMax = 24): ScheduleState {
  const parsed = parseCron({ expression, timezone: "UTC" });
  if (!parsed.ok) throw new Error(parsed.message);
  return { cron: parsed.cron, missed, missedMax, cursorMs: typeof cursor === "string" ? at(cursor) : cursor };
}

describe("a tick that is on time", () => {
  test.each(["skip", "once", "all"] as const)("fires under the policy %s", (missed) => {
    const due = dueTicks(schedule("0 * * * *", missed, "2026-01-01T00:30Z"), at("2026-01-01T01:00:02Z"));
    expect(shown(due.ticks)).toEqual(["01:00"]);
    expect(due).toMatchObject({ left: null, cursorMs: at("2026-01-01T01:00:02Z"), nextMs: at("2026-01-01T02:00Z") });
  });

  test("is due once: the next look finds nothing", () => {
    const first = dueTicks(schedule("0 * * * *", "all", "2026-01-01T00:30Z"), at("2026-01-01T01:00:02Z"));
    const again = dueTicks(schedule("0 * * * *", "all", first.cursorMs), at("2026-01-01T01:00:04Z"));
    expect(again.ticks).toEqual([]);
  });
});

describe("ticks that nobody was there to fire", () => {
  const away = (missed: MissedPolicy, missedMax = 24) =>
    dueTicks(schedule("0 * * * *", missed, "2026-01-01T00:30Z", missedMax), at("2026-01-01T05:30Z"));

  test("skip: none, and it is told which", () => {
    const due = away("skip");
    expect(due.ticks).toEqual([]);
    expect(due.left).toEqual({ fromMs: at("2026-01-01T01:00Z"), toMs: at("2026-01-01T05:00Z") });
  });

  test("once: the latest", () => {
    const due = away("once");
    expect(shown(due.ticks)).toEqual(["05:00"]);
    expect(due.left).toEqual({ fromMs: at("2026-01-01T01:00Z"), toMs: at("2026-01-01T04:00Z") });
  });

  test("once: none beside a tick that is on time", () => {
    const due = dueTicks(schedule("0 * * * *", "once", "2026-01-01T00:30Z"), at("2026-01-01T05:00:01Z"));
    expect(shown(due.ticks)).toEqual(["05:00"]);
  });

  test("all: each, oldest first", () => {
    expect(shown(away("all").ticks)).toEqual(["01:00", "02:00", "03:00", "04:00", "05:00"]);
    expect(away("all").left).toBeNull();
  });

  test("all: the latest so many", () => {
    const due = away("all", 2);
    expect(shown(due.ticks)).toEqual(["04:00", "05:00"]);
    expect(due.left).toEqual({ fromMs: at("2026-01-01T01:00Z"), toMs: at("2026-01-01T03:00Z") });
  });

  test("ten years of seconds are looked at in a moment", () => {
    const due = dueTicks(schedule("* * * * * *", "all", "2016-01-01T00:00Z", 3), at("2026-01-01T00:00:00.500Z"));
    expect(due.ticks).toHaveLength(LATE_MS / 1000 + 3);
    expect(due.ticks.at(-1)).toBe(at("2026-01-01T00:00Z"));
  });
});

describe("a clock that steps", () => {
  test("back: the cursor follows it, and the tick that comes again is the same tick", () => {
    const first = dueTicks(schedule("0 * * * *", "once", "2026-01-01T00:30Z"), at("2026-01-01T01:00:01Z"));
    const back = dueTicks(schedule("0 * * * *", "once", first.cursorMs), at("2026-01-01T00:59:00Z"));
    expect(back.ticks).toEqual([]);
    const again = dueTicks(schedule("0 * * * *", "once", back.cursorMs), at("2026-01-01T01:00:01Z"));
    expect(again.ticks).toEqual(first.ticks);
  });

  test("back from a year ahead: ticks come at their time, not in a year", () => {
    const ahead = dueTicks(schedule("0 * * * *", "skip", "2026-01-01T00:30Z"), at("2027-01-01T00:30Z"));
    expect(ahead.ticks).toEqual([]);
    const back = dueTicks(schedule("0 * * * *", "skip", ahead.cursorMs), at("2026-01-01T00:31Z"));
    const next = dueTicks(schedule("0 * * * *", "skip", back.cursorMs), at("2026-01-01T01:00:01Z"));
    expect(shown(next.ticks)).toEqual(["01:00"]);
  });

  test("ahead: what lies between is missed, as the policy has it", () => {
    const due = dueTicks(schedule("*/10 * * * *", "once", "2026-01-01T00:05Z"), at("2026-01-01T03:05Z"));
    expect(shown(due.ticks)).toEqual(["03:00"]);
  });
});

describe("whatever the clock does", () => {
  const steps = fc.array(fc.integer({ min: -7_200_000, max: 7_200_000 }), { minLength: 1, maxLength: 40 });

  function run(missed: MissedPolicy, moves: readonly number[]) {
    let nowMs = at("2026-01-01T00:00Z");
    let cursorMs = nowMs;
    const fired: number[] = [];
    for (const move of moves) {
      nowMs += move;
      const due = dueTicks(schedule("*/15 * * * *", missed, cursorMs, 1_000), nowMs);
      cursorMs = due.cursorMs;
      fired.push(...due.ticks);
      expect(due.ticks.every((tick) => tick <= nowMs && tick % 900_000 === 0)).toBe(true);
      expect(due.ticks).toEqual(due.ticks.toSorted((a, b) => a - b));
    }
    return { fired: new Set(fired), nowMs };
  }

  test("with `all` every tick that the clock has passed fires, and the set of events is that of the ticks", () => {
    fc.assert(
      fc.property(steps, (moves) => {
        const start = at("2026-01-01T00:00Z");
        let now = start;
        let highest = start;
        for (const move of moves) highest = Math.max(highest, (now += move));
        const { fired } = run("all", moves);
        for (let tick = start + 900_000; tick <= highest; tick += 900_000) expect(fired.has(tick)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("with `skip` nothing older than the limit fires", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), (away) => {
        const nowMs = at("2026-01-01T00:00Z") + away;
        const due = dueTicks(schedule("*/15 * * * *", "skip", at("2026-01-01T00:00Z")), nowMs);
        expect(due.ticks.every((tick) => nowMs - tick < LATE_MS)).toBe(true);
      }),
    );
  });

  test("with `once` at most one that was missed fires", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), (away) => {
        const due = dueTicks(schedule("*/15 * * * *", "once", at("2026-01-01T00:00Z")), at("2026-01-01T00:00Z") + away);
        expect(due.ticks.length).toBeLessThanOrEqual(1);
        expect(due.ticks.length).toBe(away >= 900_000 ? 1 : 0);
      }),
    );
  });
});
