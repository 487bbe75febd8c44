import { expect, test } from "vitest";
import type { Job } from "../sdk/index.ts";
import { differences } from "./difference.ts";

const job = (digest: string, state = "succeeded"): Job =>
  ({ tasks: [{ name: "train", index: 1, state, result: undefined, outputs: [{ name: "model", digest }] }] }) as never;

test("jobs of equal outputs are equal; another digest, state or a lost output is named with its task", () => {
  expect(differences(job("a"), job("a"))).toEqual([]);
  expect(differences(job("a"), job("b"))).toEqual([{ task: "train", index: 1, name: "model", before: "a", now: "b" }]);
  expect(differences(job("a"), job("a", "failed"))).toMatchObject([{ name: "state", now: "failed" }]);
  expect(differences(job("a"), { tasks: [] } as never)).toMatchObject([{ name: "state", now: null }, { now: null }]);
});

test("a result of nought or nothing is a result, and an output called state hides no state", () => {
  const told = (result: unknown): Job =>
    ({ tasks: [{ name: "t", index: 0, state: "succeeded", result, outputs: [] }] }) as never;
  for (const result of [0, "", false, null])
    expect(differences(told(result), told(undefined))).toMatchObject([{ name: "result", now: null }]);
  expect(differences(told("1"), told(1))).toMatchObject([{ before: '"1"', now: "1" }]);
  const named = (state: string): Job =>
    ({ tasks: [{ name: "t", index: 0, state, result: 1, outputs: [{ name: "state", digest: "a" }] }] }) as never;
  expect(differences(named("succeeded"), named("failed"))).toMatchObject([{ name: "state", now: "failed" }]);
});
