import { expect, test } from "vitest";
import { figure } from "./figure.ts";
import { median, quantile } from "./sample.ts";

const found = { row: "chain", value: 12.3456, unit: "ms", reference: "a floor", referenceValue: 4 };

test("a target holds for what is on its side of the limit, the limit included", () => {
  expect(figure(found)).toMatchObject({ value: 12.3, ratio: 3.09, target: "", holds: null });
  expect(figure(found, { compare: "≤", limit: 12.3456, of: "value" })).toMatchObject({
    target: "≤ 12.3456 ms",
    holds: true,
  });
  expect(figure(found, { compare: "≤", limit: 12.3, of: "value" }).holds).toBe(false);
  expect(figure(found, { compare: "≥", limit: 0.7, of: "ratio" })).toMatchObject({
    target: "≥ 0.7 of reference",
    holds: true,
  });
});

test("quantiles are samples that were taken", () => {
  expect([median([3, 1, 2]), quantile([1, 2, 3, 4], 0.95), quantile([5], 0.01), median([1, 2, 3, 4])]).toEqual([
    2, 4, 5, 2,
  ]);
  expect(() => median([])).toThrow(/no samples/);
});
