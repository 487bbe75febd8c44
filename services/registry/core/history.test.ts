import { expect, test } from "vitest";
import { type AliasMove, previousVersion } from "./history.ts";

const set = (from: number | null, to: number): AliasMove => ({ kind: "set", from, to });
const back = (from: number | null, to: number): AliasMove => ({ kind: "rollback", from, to });
const removed = (from: number): AliasMove => ({ kind: "removed", from, to: null });
const all = (): boolean => true;

test("an alias that was set once has nothing to go back to", () => {
  expect(previousVersion([], all)).toBeNull();
  expect(previousVersion([set(null, 1)], all)).toBeNull();
});

test("a rollback goes to the version before", () => {
  expect(previousVersion([set(null, 1), set(1, 2)], all)).toBe(1);
});

test("two rollbacks in a row go two versions back, and not back and forth", () => {
  const moves = [set(null, 1), set(1, 2), set(2, 3)];
  expect(previousVersion(moves, all)).toBe(2);
  expect(previousVersion([...moves, back(3, 2)], all)).toBe(1);
  expect(previousVersion([...moves, back(3, 2), back(2, 1)], all)).toBeNull();
});

test("after a rollback and a new promotion the next rollback goes to what was there before the promotion", () => {
  expect(previousVersion([set(null, 1), set(1, 2), back(2, 1), set(1, 3)], all)).toBe(1);
});

test("setting it to what it is already is no step", () => {
  expect(previousVersion([set(null, 1), set(1, 2), set(2, 2)], all)).toBe(1);
});

test("an alias that was removed comes back to where it was", () => {
  expect(previousVersion([set(null, 1), set(1, 2), removed(2)], all)).toBe(2);
});

test("versions that are gone are passed over, and are not met again", () => {
  const moves = [set(null, 1), set(1, 2), set(2, 3)];
  expect(previousVersion(moves, (version) => version !== 2)).toBe(1);
  expect(previousVersion([...moves, back(3, 1)], all)).toBeNull();
});
