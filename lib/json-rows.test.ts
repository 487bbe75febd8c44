import { expect, test } from "vitest";
import { jsonRows } from "./json-rows.ts";

test("what Postgres cannot store is replaced, in values and in keys", () => {
  expect(JSON.parse(jsonRows([{ a: "x\u0000y", b: { "k\u0000": "\ud800!" }, c: [1, "\udfff"] }]))).toEqual([
    { a: "x\uFFFDy", b: { "k\uFFFD": "\uFFFD!" }, c: [1, "\uFFFD"] },
  ]);
});

test("text that only looks like an escape, and whole surrogate pairs, stay as they are", () => {
  const rows = [{ a: "\\u0000 and \\ud800", b: "\u{1F600}", c: "é" }];
  expect(JSON.parse(jsonRows(rows))).toEqual(rows);
});
