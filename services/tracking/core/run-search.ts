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

/** The page of runs as a statement. Text of the user is bound, never part of the SQL. Throws INVALID_PARAMETER_VALUE. */
export function runSearchStatement(search: RunSearch): SearchStatement {
  const binds = new Binds();
  const joins: string[] = [];
  const where = [amongSql("r.experiment", search.experimentIds, binds)];
  if (search.view !== "ALL") where.push(search.view === "DELETED_ONLY" ? "r.deleted" : "not r.deleted");
  for (const comparison of parseFilter(search.filter, RUN_GRAMMAR)) addComparison(comparison, joins, where, binds);
  const orders = search.orderBy.map((text) => parseOrderBy(text, RUN_GRAMMAR));
  const terms = orderTerms(orders, joins, binds);
  const shape = orders.map(({ entity, key, ascending }) => `${entity}.${key}${ascending ? "+" : "-"}`).join(",");
  const from = `runs r ${joins.join(" ")}`;
  return pageStatement({ ...search, binds, select: "r.number", from, where, terms, shape });
}

function addComparison(comparison: Comparison, joins: string[], where: string[], binds: Binds): void {
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
    // A key is there once a run: a join finds what exists() would, and leaves the planner free to begin with it.
    const name = `f${joins.length}`;
    const compared =
      entity === "metric"
        ? compareSql(`${name}.value`, comparison, binds, "float8")
        : compareIndexedSql(`${name}.value`, comparison, binds);
    joins.push(
      `join ${TABLES[entity]} ${name} on ${name}.run = r.number and ${name}.key = ${binds.add(key)} and ${compared}`,
    );
  }
}

function orderTerms(orders: readonly OrderBy[], joins: string[], binds: Binds): OrderTerm[] {
  const seen = new Set<string>();
  const terms = orders.map((order): OrderTerm => {
    const { entity, key, ascending } = order;
    const name = `${entity}.${key}`;
    if (seen.has(name)) throw invalid(`\`order_by\` contains duplicate fields: ${name}`);
    seen.add(name);
    if (entity === "attribute") return attributeTerm(key, ascending);
    const table = TABLES[entity];
    if (table === undefined) throw invalid(`Invalid order_by entity type '${entity}'`);
    const joined = `o${joins.length}`;
    joins.push(`left join ${table} ${joined} on ${joined}.run = r.number and ${joined}.key = ${binds.add(key)}`);
    const value = `${joined}.value`;
    const rank =
      entity === "metric"
        ? `case when ${value} is null then 2 when ${value} = 'NaN' then 1 else 0 end`
        : `case when ${value} is null then 1 else 0 end`;
    return { rank, value, ascending, type: entity === "metric" ? "float8" : "text" };
  });
  if (!seen.has("attribute.start_time")) terms.push(attributeTerm("start_time", false));
  if (!seen.has("attribute.run_id")) terms.push(attributeTerm("run_id", true));
  return terms;
}

function attributeTerm(key: string, ascending: boolean): OrderTerm {
  const value = COLUMNS[key]!;
  const rank = key === "end_time" ? `case when ${value} is null then 1 else 0 end` : null;
  return { rank, value, ascending, type: RUN_GRAMMAR.attributes[key] === "number" ? "bigint" : "text" };
}
