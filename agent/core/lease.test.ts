import { expect, test } from "vitest";
import { endsAtMs, jittered, renew, silenceMs, stopAtMs } from "./lease.ts";

test("a lease counts from the moment its beat was sent", () => {
  expect(endsAtMs(renew(undefined, 1_000, 30_000))).toBe(31_000);
});

test("an answer that was overtaken does not shorten the lease", () => {
  const later = renew(undefined, 5_000, 30_000);
  expect(renew(later, 4_000, 30_000)).toBe(later);
});

test("what was sent last counts, also when it grants less", () => {
  expect(endsAtMs(renew({ sentAtMs: 0, leaseMs: 60_000 }, 1_000, 10_000))).toBe(11_000);
});

test("attempts stop a tenth of the lease before its end, at least a second, at most half of it", () => {
  expect(stopAtMs({ sentAtMs: 0, leaseMs: 30_000 })).toBe(27_000);
  expect(stopAtMs({ sentAtMs: 0, leaseMs: 5_000 })).toBe(4_000);
  expect(stopAtMs({ sentAtMs: 0, leaseMs: 1_000 })).toBe(500);
});

test("beats come early by up to a fifth of the interval, never late", () => {
  expect(jittered(1_000, 0)).toBe(1_000);
  expect(jittered(1_000, 0.999)).toBeGreaterThan(800);
});

test("a stream is silent after two intervals and five seconds", () => {
  expect(silenceMs(2_000)).toBe(9_000);
});
