import { expect, test } from "vitest";
import type { Job } from "../sdk/index.ts";
import { differences } from "./difference.ts";

const jobOf = (...tasks: object[]): Job => ({ tasks, resting: [] }) as never;
const job = (digest: string, state = "succeeded"): Job =>
  jobOf({ name: "train", index: 1, state, result: undefined, outputs: [{ name: "model", digest }] });

test("jobs of equal outputs are equal; another digest, state or a lost output is named with its task", () => {
  expect(differences(job("a"), job("a"))).toEqual([]);
  expect(differences(job("a"), job("b"))).toEqual([
    { task: "train", index: 1, kind: "output", name: "model", before: "a", now: "b", tolerated: false },
  ]);
  expect(differences(job("a"), job("a", "failed"))).toMatchObject([{ name: "state", now: "failed" }]);
  expect(differences(job("a"), jobOf())).toMatchObject([{ name: "state", now: null }, { now: null }]);
});

test("a result of nought or nothing is a result, and an output called state hides no state", () => {
  const told = (result: unknown): Job => jobOf({ name: "t", index: 0, state: "succeeded", result, outputs: [] });
  for (const result of [0, "", false, null])
    expect(differences(told(result), told(undefined))).toMatchObject([{ name: "result", now: null }]);
  expect(differences(told("1"), told(1))).toMatchObject([{ before: '"1"', now: "1" }]);
  const named = (state: string): Job =>
    jobOf({ name: "t", index: 0, state, result: 1, outputs: [{ name: "state", digest: "a" }] });
  expect(differences(named("succeeded"), named("failed"))).toMatchObject([{ name: "state", now: "failed" }]);
});

test("what has not run of a large job is the same, one by one or as a range", () => {
  const one = (index: number, state = "skipped") => ({ name: "t", index, state, outputs: [] });
  const range = { name: "t", first: 1, count: 2, state: "skipped", needs: [] };
  const large = { tasks: [one(0, "failed")], resting: [range] } as never;
  expect(differences(large, jobOf(one(0, "failed"), one(1), one(2)))).toEqual([]);
  expect(differences(large, jobOf(one(0, "failed"), one(1), one(2, "failed")))).toMatchObject([
    { index: 2, kind: "state", before: "skipped", now: "failed" },
  ]);
});

test("numbers within the tolerance are told and tolerated, and vouch for outputs of their task alone", () => {
  const metric = (before: number | string, now: number | string | null) => ({
    task: "train",
    index: 1,
    name: "loss",
    before,
    now,
  });
  const tolerated = (before: number | string, now: number | string | null, tolerance?: number) =>
    differences(job("a"), job("b"), [metric(before, now)], () => tolerance).map((found) => [
      found.kind,
      found.tolerated,
    ]);
  expect(tolerated(1, 1.01, 0.01)).toEqual([
    ["output", true],
    ["metric", true],
  ]);
  expect(tolerated(1, 1.02, 0.01)).toEqual([
    ["output", false],
    ["metric", false],
  ]);
  expect(tolerated(1, 1, 0.01)).toEqual([["output", true]]);
  expect(tolerated(1, 1)).toEqual([["output", false]]);
  expect(tolerated(0, 0.5, 0.5)).toEqual([
    ["output", true],
    ["metric", true],
  ]);
  expect(tolerated("NaN", 1, 9)).toEqual([
    ["output", false],
    ["metric", false],
  ]);
  expect(tolerated(1, null, 9)).toEqual([
    ["output", false],
    ["metric", false],
  ]);
  expect(differences(job("a"), job("b"), [], () => 1)).toMatchObject([{ kind: "output", tolerated: false }]);
  const other = { ...metric(1, 1), task: "test" };
  expect(differences(job("a"), job("b"), [other], () => 1)).toMatchObject([{ kind: "output", tolerated: false }]);
});

test("results are near when all their numbers are", () => {
  const told = (result: unknown): Job => jobOf({ name: "t", index: 0, state: "succeeded", result, outputs: [] });
  const near = (a: unknown, b: unknown) => differences(told(a), told(b), [], () => 0.1)[0]?.tolerated;
  expect(near({ auc: 1, of: [2, "x"] }, { auc: 1.05, of: [2.1, "x"] })).toBe(true);
  expect(near({ auc: 1 }, { auc: 1.2 })).toBe(false);
  expect(near({ auc: 1 }, { auc: 1, more: 1 })).toBe(false);
  expect(near([1], { 0: 1 })).toBe(false);
  expect(near("x", "y")).toBe(false);
});
