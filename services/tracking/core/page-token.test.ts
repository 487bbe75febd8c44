import { expect, test } from "vitest";
import { afterSql, keysSql, type OrderTerm } from "./keyset.ts";
import { makePageToken, readPageToken } from "./page-token.ts";
import { Binds } from "./sql.ts";

const TERMS: readonly OrderTerm[] = [
  { rank: "rank", value: "value", type: "float8", ascending: true },
  { rank: null, value: "at", type: "bigint", ascending: false },
  { rank: null, value: "id", type: "text", ascending: true },
];
const after = (...keys: (string | null)[]): string =>
  afterSql(TERMS, readPageToken(makePageToken("shape", keys), "shape", keysSql(TERMS).length)!, new Binds());

test.for([
  ["0", "1.5", "7", "x"],
  ["0", "-1e-300", "-9223372036854775808", ""],
  ["0", "NaN", "0", "'; drop table runs"],
  ["2", null, "7", "x"],
] as const)("a token goes on after a row that could be there: %j", (keys) => {
  expect(after(...keys)).toMatch(/^(?:rank|value) >= /);
});

test.for([
  ["x", "1.5", "7", "x"],
  [null, "1.5", "7", "x"],
  ["0", "1e999", "7", "x"],
  ["0", "1e-999", "7", "x"],
  ["0", "0x10", "7", "x"],
  ["0", "1.5", "9223372036854775808", "x"],
  ["0", "1.5", "1.5", "x"],
  ["0", "1.5", "7", "\0"],
] as const)("a token of a row that there cannot be is refused and reaches no statement: %j", (keys) => {
  expect(() => after(...keys)).toThrow(/Invalid page token/);
});
