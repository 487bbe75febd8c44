import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ATTEMPTS_MAX, nextTryMs, outcomeOfStatus } from "./delivery.ts";

describe("tries of a delivery", () => {
  const failed = { kind: "failed", error: "", afterMs: null } as const;

  test("wait longer each time, never longer than an hour, and come to an end", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempts, random) => {
          const next = nextTryMs(failed, attempts, 1_000, random);
          if (attempts >= ATTEMPTS_MAX) expect(next).toBeNull();
          else {
            expect(next! - 1_000).toBeGreaterThanOrEqual(2_500);
            expect(next! - 1_000).toBeLessThanOrEqual(3_600_000);
          }
        },
      ),
    );
  });

  test("take some seven hours together", () => {
    const hours = (random: number): number => {
      let ms = 0;
      for (let tried = 1; tried < ATTEMPTS_MAX; tried += 1) ms += nextTryMs(failed, tried, 0, random)!;
      return ms / 3_600_000;
    };
    expect(hours(0)).toBeGreaterThan(4.5);
    expect(hours(0.5)).toBeGreaterThan(6.5);
    expect(hours(1)).toBeLessThan(9.5);
  });

  test("as the receiver asks, within the hour", () => {
    expect(nextTryMs({ ...failed, afterMs: 60_000 }, 1, 0, 0)).toBe(60_000);
    expect(nextTryMs({ ...failed, afterMs: 9_999_000 }, 1, 0, 0)).toBe(3_600_000);
  });

  test.each([
    [200, "sent"],
    [204, "sent"],
    [301, "refused"],
    [302, "refused"],
    [400, "refused"],
    [404, "refused"],
    [410, "refused"],
    [408, "failed"],
    [425, "failed"],
    [429, "failed"],
    [500, "failed"],
    [503, "failed"],
  ])("an answer of %i is %s", (status, kind) => expect(outcomeOfStatus(status, null).kind).toBe(kind));
});
