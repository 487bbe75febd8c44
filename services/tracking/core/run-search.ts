import type { Comparison, Grammar, OrderBy } from "./filter.ts";
import { parseFilter, parseOrderBy } from "./filter.ts";
import { amongSql, type OrderTerm, pageStatement, type SearchStatement } from "./keyset.ts";
import { invalid } from "./mlflow-error.ts";
import { Binds, compareIndexedSql, compareSql } from "./sql.ts";

/** What searches of runs may ask (MLflow's SearchUtils). */
export const RUN_GRAMMAR: Grammar = {
  entities: {
    metric: "metric",
    metrics: "metric",
    parameter: "param",
    parameters: "param",
    param: "param",
    params: "param",
    tag: "tag",
    tags: "tag",
    attribute: "attribute",
    attributes: "attribute",
    attr: "attribute",
    run: "attribute",
    dataset: "dataset",
    datasets: "dataset",
  },
  attributes: {
    run_id: "text",
    run_name: "text",
    user_id: "text",
    status: "text",
    artifact_uri: "text",
    start_time: "number",
    end_time: "number",
  },
  aliases: {
    created: "start_time",
    Created: "start_time",
    "run name": "run_name",
    "Run name": "run_name",
    "Run Name": "run_name",
  },
  numbers: ["metric"],
  keys: { dataset: ["name", "digest", "context"] },
  lists: ["attribute.run_id", "dataset.name", "dataset.digest", "dataset.context"],
  nullable: ["param", "tag"],
};

const COLUMNS: Readonly<Record<string, string>> = {
  run_id: "r.id",
  run_name: "r.name",
  user_id: "r.user_id",
  status: "r.status",
  artifact_uri: "r.artifact_uri",
  start_time: "r.start_ms",
  end_time: "r.end_ms",
};
const TABLES: Readonly<Record<string, string>> = { metric: "run_metrics", param: "run_params", tag: "run_tags" };
const DATASET_COLUMNS: Readonly<Record<string, string>> = {
  name: "d.name",
  digest: "d.digest",
  context: "i.tags->>'mlflow.data.context'",
};

export interface RunSearch {
  readonly experimentIds: readonly string[];
  readonly view: "ACTIVE_ONLY" | "DELETED_ONLY" | "ALL";
  readonly filter: string;
  readonly orderBy: readonly string[];
  readonly limit: number;
  readonly pageToken: string | undefined;
}

/** How a run stands to the metric that is ordered by first. */
const HAS_VALUE = 0;
const HAS_NAN = 1;
const HAS_NONE = 2;
const STANDINGS = [HAS_VALUE, HAS_NAN, HAS_NONE] as const;
type Standing = (typeof STANDINGS)[number];

/**
 * The page of runs as statements, of which each is asked only for what those before it left free: all of its rows come after theirs. There are
 * several where a metric is the first to order by: the runs that have a value, which an index gives in order, then those with a NaN,
 * then those without; as one statement they would have to be sorted whole. Text of the user is bound, never part of the SQL.
 * Throws INVALID_PARAMETER_VALUE.
 */
export function runSearchStatements(search: RunSearch, counts: MetricCounts): SearchStatement[] {
  const orders = search.orderBy.map((text) => parseOrderBy(text, RUN_GRAMMAR));
  if (orders[0]?.entity !== "metric") return [searchStatement(search, counts, orders)!];
  return STANDINGS.flatMap((standing) => searchStatement(search, counts, orders, standing) ?? []);
}

/** How many runs have a value of the metric that the filter asks for; those with more than MATCHES_MAX are left out. */
export type MetricCounts = ReadonlyMap<string, number>;

/** Counting them takes some milliseconds. Of more, a page is full soon in whatever order runs are looked at. */
const MATCHES_MAX = 10_000;

/**
 * What has to be counted before a search: a statement whose rows are `key` and `count`; null: nothing. Postgres knows how the values of all
 * metrics are spread, not those of one, and would look at all runs for the few with an accuracy above 0.99 if other metrics go to 100.
 */
export function countStatement(search: RunSearch): { readonly sql: string; readonly values: unknown[] } | null {
  const binds = new Binds();
  const counts = [...metricComparisons(search)].map(([key, comparisons]) => {
    const matches = matching(key, comparisons, binds, MATCHES_MAX + 1);
    return `select ${binds.add(key)}::text as key, count(*)::int as count from (${matches}) m`;
  });
  return counts.length === 0 ? null : { sql: counts.join(" union all "), values: binds.values };
}

/** What the counts say. */
export function readCounts(rows: readonly { readonly key: string; readonly count: number }[]): MetricCounts {
  return new Map(rows.filter(({ count }) => count <= MATCHES_MAX).map(({ key, count }) => [key, count]));
}

function metricComparisons({ filter }: RunSearch): Map<string, Comparison[]> {
  const found = new Map<string, Comparison[]>();
  for (const comparison of parseFilter(filter, RUN_GRAMMAR)) {
    if (comparison.entity !== "metric") continue;
    const { key } = comparison;
    found.set(key, [...(found.get(key) ?? []), comparison]);
  }
  return found;
}

/** The rows of a metric whose values match; in the order of the index, which is then what the planner reads. */
function matching(key: string, comparisons: readonly Comparison[], binds: Binds, limit: number): string {
  const where = comparisons.map((comparison) => compareSql("value", comparison, binds, "float8"));
  return `select run, value from run_metrics where key = ${binds.add(key)} and ${where.join(" and ")} order by value limit ${limit}`;
}

/** Undefined: no run stands so. */
function searchStatement(
  search: RunSearch,
  counts: MetricCounts,
  orders: readonly OrderBy[],
  standing?: Standing,
): SearchStatement | undefined {
  const binds = new Binds();
  const joins = new Joins(binds);
  const where = [amongSql("r.experiment", search.experimentIds, binds)];
  if (search.view !== "ALL") where.push(search.view === "DELETED_ONLY" ? "r.deleted" : "not r.deleted");
  for (const [key, comparisons] of metricComparisons(search)) {
    const count = counts.get(key);
    // The limit tells the planner how many there are; all of a search's statements see the same rows, so that it cuts off none.
    if (count !== undefined) joins.among({ entity: "metric", key }, matching(key, comparisons, binds, count));
  }
  for (const comparison of parseFilter(search.filter, RUN_GRAMMAR))
    if (comparison.entity !== "metric" || !counts.has(comparison.key)) addComparison(comparison, joins, where, binds);
  const [first] = orders;
  if (standing === HAS_NONE && joins.has(first!)) return undefined;
  const terms = orderTerms(orders, joins, where, standing);
  const shape = orders.map(({ entity, key, ascending }) => `${entity}.${key}${ascending ? "+" : "-"}`).join(",");
  return pageStatement({ ...search, binds, select: "r.number", from: `runs r ${joins.sql()}`, where, terms, shape });
}

interface Named {
  readonly entity: string;
  readonly key: string;
}

/**
 * A key is there once a run: a join finds what exists() would, and leaves the planner free to begin with it. One key is joined once, so that
 * several comparisons, and the order, are one walk over an index.
 */
class Joins {
  readonly #binds: Binds;
  readonly #inner = new Map<string, string>();
  readonly #sql: string[] = [];

  constructor(binds: Binds) {
    this.#binds = binds;
  }

  has({ entity, key }: Named): boolean {
    return this.#inner.has(`${entity}.${key}`);
  }

  /** The name of the row; runs that have none are left out. */
  inner(named: Named): string {
    const held = this.#inner.get(`${named.entity}.${named.key}`);
    if (held !== undefined) return held;
    const name = this.#add("join", named);
    this.#inner.set(`${named.entity}.${named.key}`, name);
    return name;
  }

  /** Of the rows that a statement gives, with `run` and `value`. */
  among({ entity, key }: Named, sql: string): void {
    const name = `j${this.#sql.length}`;
    this.#sql.push(`join (${sql}) ${name} on ${name}.run = r.number`);
    this.#inner.set(`${entity}.${key}`, name);
  }

  /** The name of the row, all of nulls where a run has none. */
  left(named: Named): string {
    return this.#inner.get(`${named.entity}.${named.key}`) ?? this.#add("left join", named);
  }

  sql(): string {
    return this.#sql.join(" ");
  }

  #add(how: string, { entity, key }: Named): string {
    const name = `j${this.#sql.length}`;
    this.#sql.push(
      `${how} ${TABLES[entity]} ${name} on ${name}.run = r.number and ${name}.key = ${this.#binds.add(key)}`,
    );
    return name;
  }
}

function addComparison(comparison: Comparison, joins: Joins, where: string[], binds: Binds): void {
  const { entity, key, operator } = comparison;
  if (entity === "attribute") {
    const isNumber = RUN_GRAMMAR.attributes[key] === "number";
    where.push(compareSql(COLUMNS[key]!, comparison, binds, isNumber ? "bigint" : "text"));
  } else if (entity === "dataset") {
    where.push(`exists (select from run_datasets i join datasets d on d.id = i.dataset
                         where i.run = r.number and ${compareSql(DATASET_COLUMNS[key]!, comparison, binds)})`);
  } else if (operator === "IS NULL" || operator === "IS NOT NULL") {
    where.push(
      `${operator === "IS NULL" ? "not " : ""}exists (select from ${TABLES[entity]} x where x.run = r.number and x.key = ${binds.add(key)})`,
    );
  } else {
    const value = `${joins.inner(comparison)}.value`;
    where.push(
      entity === "metric"
        ? compareSql(value, comparison, binds, "float8")
        : compareIndexedSql(value, comparison, binds),
    );
  }
}

function orderTerms(orders: readonly OrderBy[], joins: Joins, where: string[], standing?: Standing): OrderTerm[] {
  const seen = new Set<string>();
  const terms = orders.map((order, place): OrderTerm => {
    const { entity, key, ascending } = order;
    const name = `${entity}.${key}`;
    if (seen.has(name)) throw invalid(`\`order_by\` contains duplicate fields: ${name}`);
    seen.add(name);
    if (entity === "attribute") return attributeTerm(key, ascending);
    if (TABLES[entity] === undefined) throw invalid(`Invalid order_by entity type '${entity}'`);
    if (place === 0 && standing !== undefined) return standingTerm(order, joins, where, standing);
    const value = `${joins.left(order)}.value`;
    const rank =
      entity === "metric"
        ? `case when ${value} is null then ${HAS_NONE} when ${value} = 'NaN' then ${HAS_NAN} else ${HAS_VALUE} end`
        : `case when ${value} is null then 1 else 0 end`;
    return { rank, value, ascending, type: entity === "metric" ? "float8" : "text" };
  });
  if (!seen.has("attribute.start_time")) terms.push(attributeTerm("start_time", false));
  if (!seen.has("attribute.run_id")) terms.push(attributeTerm("run_id", true));
  return terms;
}

/** The metric among runs that all stand so to it. */
function standingTerm(order: OrderBy, joins: Joins, where: string[], standing: Standing): OrderTerm {
  const term = { rank: standing, ascending: order.ascending, type: "float8" } as const;
  if (standing === HAS_NONE) {
    where.push(`${joins.left(order)}.run is null`);
    return { ...term, value: "null::float8" };
  }
  const value = `${joins.inner(order)}.value`;
  // A NaN is the greatest: in this form the index passes over them.
  where.push(standing === HAS_VALUE ? `${value} < 'NaN'` : `${value} = 'NaN'`);
  return { ...term, value };
}

function attributeTerm(key: string, ascending: boolean): OrderTerm {
  const value = COLUMNS[key]!;
  const rank = key === "end_time" ? `case when ${value} is null then 1 else 0 end` : null;
  return { rank, value, ascending, type: RUN_GRAMMAR.attributes[key] === "number" ? "bigint" : "text" };
}
