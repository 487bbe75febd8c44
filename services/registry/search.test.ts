import { describe, expect, test } from "vitest";
import { modelSearch, type Search, versionSearch } from "./search.ts";

const asked = (filter: string, more: Partial<Search> = {}): Search => ({
  filter,
  orderBy: [],
  limit: 10,
  pageToken: "",
  ...more,
});
/** All that the caller wrote; the last bound value is the limit. */
const bound = (search: typeof modelSearch, filter: string): unknown[] => search(asked(filter)).values.slice(0, -1);

describe("a search of the registry", () => {
  test("takes comparisons with AND between, in any case and however often, and binds their values", () => {
    expect(bound(modelSearch, "name = 'a' and tags.x != \"y\" AND AND tag.`a b` ilike '%z'")).toEqual([
      "a",
      "x",
      "y",
      "a b",
      "%z",
    ]);
    expect(bound(modelSearch, "")).toEqual([]);
  });

  test("splits a key at its first dot only, and keeps what quotes hold", () => {
    expect(bound(versionSearch, "tags.mlflow.source.name = 'it''s'")).toEqual(["mlflow.source.name", "it's"]);
    expect(bound(modelSearch, "name='a AND b'")).toEqual(["a AND b"]);
  });

  test("compares numbers with numbers, and takes lists where lists can be", () => {
    const filter = "version_number >= 2 AND run_id NOT IN ('A', \"b\")";
    expect(bound(versionSearch, filter)).toEqual([2, ["A", "b"]]);
    expect(versionSearch(asked(filter)).sql).toMatch(/v\.version >= \$1::float8 and v\.run_id <> all\(\$2::text\[\]\)/);
  });

  test.each([
    ["name = 'a' OR name = 'b'", modelSearch],
    ["(name = 'a')", modelSearch],
    ["name = 'a", modelSearch],
    ["name", modelSearch],
    ["= 'a'", modelSearch],
    ["name = a", modelSearch],
    ["name > 'a'", modelSearch],
    ["run_id = 'a'", modelSearch],
    ["tags.x IN ('a')", modelSearch],
    ["tags.x = 1", modelSearch],
    ["name IN ()", modelSearch],
    ["name IN (1)", modelSearch],
    ["name LIKE 'a\\'", modelSearch],
    ["name RLIKE 'a'", modelSearch],
    ["tags.x IS NULL", modelSearch],
    ["metrics.x > 1", versionSearch],
    ["version_number = '1'", versionSearch],
    ["version_number = 1.5", versionSearch],
    ["version_number LIKE '1'", versionSearch],
    ["source_path IN ('a')", versionSearch],
    ["name = 'a'; delete from runs", modelSearch],
  ])("refuses %s", (filter, search) => {
    expect(() => search(asked(filter))).toThrow(expect.objectContaining({ code: "INVALID_PARAMETER_VALUE" }));
  });

  test("reads its filter in one pass, however long", () => {
    expect(() => modelSearch(asked(`name = '${"'".repeat(99_000)}`))).toThrow(/filter string/);
    expect(() => modelSearch(asked("a".repeat(200_000)))).toThrow(/filter string/);
  });

  test("is ordered by keys and directions, each key once", () => {
    const sql = (orderBy: string[]): string => versionSearch(asked("", { orderBy })).sql;
    expect(sql(["name DESC", "`version_number`"])).toContain(
      `order by m.name collate "C" desc nulls last, v.version asc, m.name collate "C" asc, v.version desc nulls last limit`,
    );
    expect(() => sql(["name", "name DESC"])).toThrow(/duplicate/);
    expect(() => sql(["stage"])).toThrow(/'stage'/);
    expect(() => sql(["tags.name"])).toThrow(/'tags'/);
    expect(() => sql(["name SIDEWAYS"])).toThrow(/'name SIDEWAYS'/);
  });
});
