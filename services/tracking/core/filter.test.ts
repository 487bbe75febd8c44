import { describe, expect, test } from "vitest";
import { parseFilter, parseOrderBy } from "./filter.ts";
import { RUN_GRAMMAR } from "./run-search.ts";

const parse = (text: string) =>
  parseFilter(text, RUN_GRAMMAR).map(({ entity, key, operator, value }) => [entity, key, operator, value]);

describe("a filter", () => {
  test.each([
    ["metrics.`my metric`>=1e-3", ["metric", "my metric", ">=", 0.001]],
    ['params."a.b" = "x"', ["param", "a.b", "=", "x"]],
    ["status='FINISHED'", ["attribute", "status", "=", "FINISHED"]],
    ["run_id NOT IN ('a')", ["attribute", "run_id", "NOT IN", ["a"]]],
    ["datasets.context IN ('train', 'test')", ["dataset", "context", "IN", ["train", "test"]]],
    ["tags.mlflow.parentRunId = 'x'", ["tag", "mlflow.parentRunId", "=", "x"]],
    ["tag.`a b` iLike '%y'", ["tag", "a b", "ILIKE", "%y"]],
    ["attributes.created > 12", ["attribute", "start_time", ">", 12]],
    ["`Run name` = 'it''s'", ["attribute", "run_name", "=", "it's"]],
    ["param.x != ''", ["param", "x", "!=", ""]],
    ["params.x IS NOT NULL", ["param", "x", "IS NOT NULL", null]],
    ["metric.a-b/c < -2.5", ["metric", "a-b/c", "<", -2.5]],
    ['params.x = "\' or 1=1 --"', ["param", "x", "=", "' or 1=1 --"]],
  ])("%s is understood", (text, expected) => expect(parse(text)).toEqual([expected]));

  test("comparisons are joined by AND, one or several", () => {
    expect(parse("metrics.a >1 and  and params.b='1' AND tag.c is null")).toHaveLength(3);
    expect(parse("")).toEqual([]);
    expect(parse("  and ")).toEqual([]);
  });

  test.each([
    "metrics.a > 1 OR metrics.b > 1",
    "(metrics.a > 1)",
    "metrics.a > '1'",
    "params.lr = 0.1",
    "params.lr IN ('a')",
    "metrics.a IS NULL",
    "metrics.a",
    "foo.bar = 'x'",
    "nothing = 'x'",
    "datasets.size = 'x'",
    "params.lr > '1'",
    "start_time LIKE '1'",
    "metrics.a > 1 metrics.b > 1",
    "run_id IN ()",
    "run_id IN (1)",
    "run_id IN ('a'",
    "status IN ('a')",
    "params.a = 'x",
    "params.a = x",
    "params.a = 'x'; drop table runs",
    "metrics.a > 1 and NOT metrics.b > 1",
    "metrics.a = = 1",
    "= 1",
    "params.a NOT LIKE 'x'",
    "params.a LIKE 'x\\'",
    "tags.a ILIKE 'x\\\\\\'",
    "toString.a = 'x'",
    "constructor = 'x'",
  ])("%s is refused with INVALID_PARAMETER_VALUE", (text) => {
    expect(() => parse(text)).toThrowError(expect.objectContaining({ code: "INVALID_PARAMETER_VALUE" }));
  });
});

describe("an order", () => {
  test.each([
    ["metrics.loss DESC", ["metric", "loss", false]],
    ["start_time", ["attribute", "start_time", true]],
    ["params.`a b` asc", ["param", "a b", true]],
    ['tag."x y"   desc', ["tag", "x y", false]],
  ])("%s is understood", (text, expected) => {
    const { entity, key, ascending } = parseOrderBy(text, RUN_GRAMMAR);
    expect([entity, key, ascending]).toEqual(expected);
  });

  test.each(["metrics.loss sideways", "metrics.a, metrics.b", "x", "metrics.a desc limit", ""])(
    "%s is refused",
    (text) => {
      expect(() => parseOrderBy(text, RUN_GRAMMAR)).toThrowError(
        expect.objectContaining({ code: "INVALID_PARAMETER_VALUE" }),
      );
    },
  );
});
