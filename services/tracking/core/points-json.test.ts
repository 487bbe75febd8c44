import fc from "fast-check";
import { expect, test } from "vitest";
import { addPoint, noPoints } from "./points.ts";
import { pointsJson } from "./points-json.ts";

const int64 = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  fc.constantFrom(0, -1, 9, 10, 9_999_999, 10_000_000, 2 ** 31, 10_000_000 * 2 ** 31, Number.MAX_SAFE_INTEGER),
);

test("points are written as JSON.stringify would, integers of 64 bits exactly", () => {
  const point = fc.record({ timeMs: int64, step: int64, value: fc.double() });
  fc.assert(
    fc.property(fc.string(), fc.array(point), (key, given) => {
      const points = noPoints();
      for (const { timeMs, step, value } of given) addPoint(points, timeMs, step, value);
      const expected = given.map(({ timeMs, step, value }) => {
        const number = Number.isFinite(value) ? (Object.is(value, -0) ? "-0" : String(value)) : `"${value}"`;
        return `{"key":${JSON.stringify(key)},"value":${number},"timestamp":${timeMs},"step":${step},"run_id":"r"}`;
      });
      expect(pointsJson(key, points, given.length, "r").toString()).toBe(expected.join(","));
    }),
  );
});
