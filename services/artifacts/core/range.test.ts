import { expect, test } from "vitest";
import { parseRange } from "./range.ts";

test.each([
  [undefined, { kind: "whole" }],
  ["bytes=0-0", { kind: "part", start: 0, end: 1 }],
  ["bytes=5-", { kind: "part", start: 5, end: 10 }],
  ["bytes=5-99", { kind: "part", start: 5, end: 10 }],
  ["bytes=-3", { kind: "part", start: 7, end: 10 }],
  ["bytes=-99", { kind: "part", start: 0, end: 10 }],
  ["bytes=10-", { kind: "unsatisfiable" }],
  ["bytes=-0", { kind: "unsatisfiable" }],
  ["bytes=4-2", { kind: "whole" }],
  ["bytes=0-1,3-4", { kind: "whole" }],
  ["lines=1-2", { kind: "whole" }],
  ["bytes=-", { kind: "whole" }],
])("of 10 bytes, %s is %o", (header, answer) => {
  expect(parseRange(header, 10)).toEqual(answer);
});
