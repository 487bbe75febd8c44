import { expect, test } from "vitest";
import { parseInstance } from "./instance.ts";
import { collectParam, readParams } from "./param.ts";

test("the value is all that follows the first =", () => {
  expect(collectParam("a=b=c", {})).toEqual({ a: "b=c" });
  expect(collectParam("a=", { b: "1" })).toEqual({ b: "1", a: "" });
});

test.each(["a", "=b", ""])("%j is refused with what would be right", (text) => {
  expect(() => collectParam(text, {})).toThrow("is not NAME=VALUE, like seed=3");
});

test("a parameter is given once", () => {
  expect(() => collectParam("a=1", { a: "2" })).toThrow('parameter "a" is given twice');
});

test("the default says whether 3 is a number or a text", () => {
  const declared = { n: 1, text: "x", on: false, any: null };
  expect(readParams({ n: "3", text: "3", on: "true", any: "null" }, declared)).toEqual({
    n: 3,
    text: "3",
    on: true,
    any: null,
  });
  expect(readParams({ n: "three", on: "[1]", any: '"a"', other: "2" }, declared)).toEqual({
    n: "three",
    on: "[1]",
    any: '"a"',
    other: 2,
  });
});

test("train[3] is an instance, train a task", () => {
  expect(parseInstance("train[3]")).toEqual({ task: "train", index: 3 });
  expect(parseInstance("train")).toEqual({ task: "train", index: undefined });
});
