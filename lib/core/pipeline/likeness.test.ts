import { expect, test } from "vitest";
import { Likeness } from "./likeness.ts";

interface Thing {
  readonly name: string;
  readonly needs?: readonly string[];
  readonly run: object;
  readonly nodes?: number | undefined;
  readonly preemptible?: boolean | undefined;
}

const run = {};

function likeOf(a: Thing, b: Thing): string | undefined {
  const likeness = new Likeness<Thing, string>((thing) => thing.run);
  likeness.keep(a, a.name);
  return likeness.find(b);
}

test("a copy with another name and other needs is found, anything else is not", () => {
  const a = { name: "a", needs: [], run, nodes: 2 };
  expect(likeOf(a, { ...a, name: "b", needs: ["a"] })).toBe("a");
  expect(likeOf(a, { ...a, nodes: 3 })).toBeUndefined();
  expect(likeOf(a, { ...a, run: {} })).toBeUndefined();
  expect(likeOf(a, { ...a, preemptible: true })).toBeUndefined();
});

test("what one says to be undefined does not stand for what another says", () => {
  const a = { name: "a", run, nodes: undefined };
  const b = { name: "b", run, preemptible: true };
  expect([likeOf(a, b), likeOf(b, a)]).toEqual([undefined, undefined]);
  expect(likeOf(a, { ...a, name: "c" })).toBe("a");
});
