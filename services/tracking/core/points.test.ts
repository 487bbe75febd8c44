import fc from "fast-check";
import { expect, test } from "vitest";
import type { Int64 } from "./fields.ts";
import { addPoint, decodePoints, encodePoints, noPoints, type Points, sortPoints, spread } from "./points.ts";

const int64 = fc
  .oneof(fc.integer(), fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
  .map((value): Int64 => (Number.isSafeInteger(Number(value)) ? Number(value) : BigInt(value)));
const point = fc.tuple(int64, int64, fc.double());
const pointsOf = (all: readonly (readonly [Int64, Int64, number])[]): Points => {
  const points = noPoints();
  for (const [timeMs, step, value] of all) addPoint(points, timeMs, step, value);
  return points;
};

test("what is packed comes back as it was, whatever the integers and values", () => {
  fc.assert(
    fc.property(fc.array(point), (all) => {
      const points = pointsOf(all);
      const back = noPoints();
      decodePoints(encodePoints(points), back);
      expect(back).toEqual(points);
    }),
  );
});

test("sorting keeps each point once, and sorting again changes nothing", () => {
  fc.assert(
    fc.property(fc.array(point), (all) => {
      const once = sortPoints(pointsOf(all));
      expect(sortPoints(pointsOf([...all, ...all]))).toEqual(once);
      expect(sortPoints(once)).toEqual(once);
    }),
  );
});

test("a training loop's points take at most twelve bytes each", () => {
  const points = noPoints();
  for (let step = 0; step < 1000; step += 1) addPoint(points, 1_795_473_724_784 + step * 37, step, Math.sin(step));
  expect(encodePoints(points).length).toBeLessThan(12_000);
});

test("a spread has the first and the last point, and as many as were asked for", () => {
  const points = noPoints();
  for (let step = 0; step < 1003; step += 1) addPoint(points, step, step, step);
  const some = spread(points, 10);
  expect(some.steps).toHaveLength(10);
  expect([some.steps[0], some.steps.at(-1)]).toEqual([0, 1002]);
  expect(spread(points, 2000)).toBe(points);
  expect(spread(points, 1).steps).toEqual([1002]);
});
