import { expect, test } from "vitest";
import { Fence } from "./fence.ts";

test("without a lease anything may start", () => expect(new Fence().mayStart(1e12)).toBe(true));

test("nothing starts, and everything is told to end, by the margin before the lease ends", () => {
  const fence = new Fence();
  fence.renew({ untilMs: 10_000, marginMs: 1_000 });
  expect(fence.stopAtMs).toBe(9_000);
  expect(fence.mayStart(8_999)).toBe(true);
  expect(fence.mayStart(9_000)).toBe(false);
});

test("a lease never gets shorter", () => {
  const fence = new Fence();
  fence.renew({ untilMs: 10_000, marginMs: 1_000 });
  fence.renew({ untilMs: 8_000, marginMs: 1_000 });
  expect(fence.stopAtMs).toBe(9_000);
});

test("the grace leaves half of the time that is left to the kill", () => {
  const fence = new Fence();
  fence.renew({ untilMs: 10_000, marginMs: 1_000 });
  expect(fence.graceMs(10_000, 9_000)).toBe(500);
  expect(fence.graceMs(200, 9_000)).toBe(200);
  expect(fence.graceMs(10_000, 11_000)).toBe(0);
});
