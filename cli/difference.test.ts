import { expect, test } from "vitest";
import type { Job } from "../sdk/index.ts";
import { differences } from "./difference.ts";

const job = (digest: string, state = "succeeded"): Job =>
  ({ tasks: [{ name: "train", index: 1, state, result: "", outputs: [{ name: "model", digest }] }] }) as never;

test("jobs of equal outputs are equal; another digest, state or a lost output is named with its task", () => {
  expect(differences(job("a"), job("a"))).toEqual([]);
  expect(differences(job("a"), job("b"))).toEqual([{ task: "train", index: 1, name: "model", before: "a", now: "b" }]);
  expect(differences(job("a"), job("a", "failed"))).toMatchObject([{ name: "state", now: "failed" }]);
  expect(differences(job("a"), { tasks: [] } as never)).toMatchObject([{ name: "state", now: null }, { now: null }]);
});
