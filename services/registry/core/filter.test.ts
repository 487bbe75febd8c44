import { describe, expect, test } from "vitest";
import { MODELS, parseFilter, parseOrder, VERSIONS } from "./filter.ts";

describe("a filter of MLflow's", () => {
  test("is comparisons with AND between, in any case and however often", () => {
    expect(parseFilter("name = 'a' and tags.x != \"y\" AND AND tag.`a b` ilike '%z'", MODELS)).toEqual([
      { kind: "attribute", key: "name", operator: "=", value: "a" },
      { kind: "tag", key: "x", operator: "!=", value: "y" },
      { kind: "tag", key: "a b", operator: "ILIKE", value: "%z" },
    ]);
    expect(parseFilter("", MODELS)).toEqual([]);
  });

  test("splits a key at its first dot only, and keeps what quotes hold", () => {
    expect(parseFilter("tags.mlflow.source.name = 'it''s'", VERSIONS)).toEqual([
      { kind: "tag", key: "mlflow.source.name", operator: "=", value: "it's" },
    ]);
    expect(parseFilter("name='a AND b'", MODELS)).toEqual([
      { kind: "attribute", key: "name", operator: "=", value: "a AND b" },
    ]);
  });

  test("compares numbers with numbers, and takes lists where lists can be", () => {
    expect(parseFilter("version_number >= 2 AND run_id NOT IN ('A', \"b\")", VERSIONS)).toEqual([
      { kind: "attribute", key: "version_number", operator: ">=", value: 2 },
      { kind: "attribute", key: "run_id", operator: "NOT IN", value: ["A", "b"] },
    ]);
  });

  test.each([
    ["name = 'a' OR name = 'b'", MODELS],
    ["(name = 'a')", MODELS],
    ["name = 'a", MODELS],
    ["name", MODELS],
    ["= 'a'", MODELS],
    ["name = a", MODELS],
    ["name > 'a'", MODELS],
    ["run_id = 'a'", MODELS],
    ["tags.x IN ('a')", MODELS],
    ["tags.x = 1", MODELS],
    ["name IN ()", MODELS],
    ["name IN (1)", MODELS],
    ["name LIKE 'a\\'", MODELS],
    ["metrics.x > 1", VERSIONS],
    ["version_number = '1'", VERSIONS],
    ["version_number = 1.5", VERSIONS],
    ["version_number LIKE '1'", VERSIONS],
    ["source_path IN ('a')", VERSIONS],
    ["name = 'a'; delete from runs", MODELS],
  ])("refuses %s", (filter, searched) => {
    expect(() => parseFilter(filter, searched)).toThrow(expect.objectContaining({ code: "invalid" }));
  });

  test("is read in one pass, however long", () => {
    expect(() => parseFilter(`name = '${"'".repeat(99_000)}`, MODELS)).toThrow(/filter string/);
    expect(() => parseFilter("a".repeat(200_000), MODELS)).toThrow(/at most/);
  });
});

test("an order is a key and a direction, each key once", () => {
  const keys = ["name", "version_number"];
  expect(parseOrder(["name DESC", "`version_number`"], keys)).toEqual([
    { key: "name", ascending: false },
    { key: "version_number", ascending: true },
  ]);
  expect(() => parseOrder(["name", "name DESC"], keys)).toThrow(/duplicate/);
  expect(() => parseOrder(["stage"], keys)).toThrow(/Invalid order by key 'stage'/);
  expect(() => parseOrder(["name SIDEWAYS"], keys)).toThrow(/Invalid order by key/);
});
