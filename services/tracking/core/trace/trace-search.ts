import { type Comparison, type Grammar, parseFilter, parseOrderBy } from "../filter.ts";
import { amongSql, type OrderTerm, pageStatement, type SearchStatement } from "../keyset.ts";
import { invalid } from "../mlflow-error.ts";
import { Binds, compareSql } from "../sql.ts";

/** What searches of traces may ask (MLflow's SearchTraceUtils), but for issues. */
const TRACE_GRAMMAR: Grammar = {
  entities: {
    tag: "tag",
    tags: "tag",
    attribute: "attribute",
    attributes: "attribute",
    trace: "attribute",
    metadata: "metadata",
    request_metadata: "metadata",
    span: "span",
    feedback: "feedback",
    expectation: "expectation",
  },
  attributes: {
    request_id: "text",
    client_request_id: "text",
    name: "text",
    status: "text",
    run_id: "text",
    text: "text",
    prompt: "text",
    experiment_id: "text",
    timestamp_ms: "number",
    execution_time_ms: "number",
    end_time_ms: "number",
  },
  aliases: {
    timestamp: "timestamp_ms",
    execution_time: "execution_time_ms",
    end_time: "end_time_ms",
    trace_id: "request_id",
    state: "status",
  },
  numbers: [],
  keys: {},
  lists: [
    "attribute.name",
    "attribute.status",
    "attribute.request_id",
    "attribute.run_id",
    "attribute.client_request_id",
    "span.name",
    "span.type",
    "span.status",
  ],
  nullable: ["tag", "metadata", "feedback", "expectation"],
  regular: true,
};

const RUN_KEY = "mlflow.sourceRun";
const COLUMNS: Readonly<Record<string, string>> = {
  request_id: "t.id",
  client_request_id: "t.client_request_id",
  name: "t.tags->>'mlflow.traceName'",
  status: "t.state",
  run_id: `t.metadata->>'${RUN_KEY}'`,
  experiment_id: "t.experiment::text",
  timestamp_ms: "t.request_ms",
  execution_time_ms: "t.execution_ms",
  end_time_ms: "(t.request_ms + t.execution_ms)",
};
const SPAN_COLUMNS: Readonly<Record<string, string>> = {
  name: "s.name",
  type: "s.type",
  status: "s.status",
  content: "s.json",
};
const ATTRIBUTES = "attributes.";

export interface TraceSearch {
  readonly experimentIds: readonly string[];
  readonly filter: string;
  readonly orderBy: readonly string[];
  readonly limit: number;
  readonly pageToken: string | undefined;
}

/** The page of traces as a statement, whose rows have an `id`. Throws INVALID_PARAMETER_VALUE. */
export function traceSearchStatement(search: TraceSearch): SearchStatement {
  const binds = new Binds();
  const where = [amongSql("t.experiment", search.experimentIds, binds)];
  for (const comparison of parseFilter(search.filter, TRACE_GRAMMAR)) where.push(conditionSql(comparison, binds));
  const orders = search.orderBy.map((text) => parseOrderBy(text, TRACE_GRAMMAR));
  const terms = orders.map(({ entity, key, ascending }): OrderTerm => {
    if (entity !== "attribute" || COLUMNS[key] === undefined)
      throw invalid(`Invalid order_by entity type '${entity}', or key '${key}': traces are ordered by attributes`);
    return term(key, ascending);
  });
  const ordered = new Set(orders.map(({ key }) => key));
  if (!ordered.has("timestamp_ms")) terms.push(term("timestamp_ms", false));
  if (!ordered.has("request_id")) terms.push(term("request_id", true));
  const shape = orders.map(({ key, ascending }) => `${key}${ascending ? "+" : "-"}`).join(",");
  return pageStatement({ ...search, binds, select: "t.id", from: "traces t", where, terms, shape });
}

/** How many traces fit `base`, `first` in it, `second` in it, and both: rows of `total`, `first`, `second`, `both`. */
export function correlationStatement(asked: {
  readonly experimentIds: readonly string[];
  readonly base: string;
  readonly first: string;
  readonly second: string;
}): { readonly sql: string; readonly values: unknown[] } {
  const binds = new Binds();
  const all = (filter: string): string =>
    ["true", ...parseFilter(filter, TRACE_GRAMMAR).map((one) => `(${conditionSql(one, binds)})`)].join(" and ");
  const where = [amongSql("t.experiment", asked.experimentIds, binds), all(asked.base)].join(" and ");
  const sql = `select count(*)::int as total, (count(*) filter (where first))::int as first,
      (count(*) filter (where second))::int as second, (count(*) filter (where first and second))::int as both
    from (select ${all(asked.first)} as first, ${all(asked.second)} as second from traces t where ${where}) m`;
  return { sql, values: binds.values };
}

function term(key: string, ascending: boolean): OrderTerm {
  const value = COLUMNS[key]!;
  const isNumber = TRACE_GRAMMAR.attributes[key] === "number";
  const rank = key === "timestamp_ms" || key === "request_id" ? null : `case when ${value} is null then 1 else 0 end`;
  return { rank, value, ascending, type: isNumber ? "bigint" : "text" };
}

function conditionSql(comparison: Comparison, binds: Binds): string {
  const { entity, key, operator } = comparison;
  const isNull = operator === "IS NULL";
  const asksNull = isNull || operator === "IS NOT NULL";
  switch (entity) {
    case "tag":
    case "metadata": {
      const value = `t.${entity === "tag" ? "tags" : "metadata"}->>${binds.add(key)}::text`;
      return asksNull ? `(${value}) ${operator.toLowerCase()}` : compareSql(`(${value})`, comparison, binds);
    }
    case "span":
      return `exists (select from spans s where s.trace = t.id and ${compareSql(spanColumn(key, binds), comparison, binds)})`;
    case "feedback":
    case "expectation": {
      const named = `a.trace = t.id and a.valid and a.kind = ${binds.add(entity)} and a.name = ${binds.add(key)}`;
      if (asksNull) return `${isNull ? "not " : ""}exists (select from assessments a where ${named})`;
      return `exists (select from assessments a where ${named} and ${compareSql("a.value", comparison, binds)})`;
    }
    default:
      return attributeSql(comparison, binds);
  }
}

function attributeSql(comparison: Comparison, binds: Binds): string {
  const { key } = comparison;
  if (key === "prompt") return promptSql(comparison, binds);
  if (key === "text")
    return `exists (select from spans s where s.trace = t.id and ${compareSql("s.json", comparison, binds)})`;
  const isNumber = TRACE_GRAMMAR.attributes[key] === "number";
  const compared = compareSql(
    isNumber ? COLUMNS[key]! : `(${COLUMNS[key]})`,
    comparison,
    binds,
    isNumber ? "bigint" : "text",
  );
  if (key !== "run_id") return compared;
  return `(${compared} or exists (select from trace_runs l where l.trace = t.id and ${compareSql("l.run", comparison, binds)}))`;
}

function promptSql({ operator, value }: Comparison, binds: Binds): string {
  if (operator !== "=")
    throw invalid(
      `Invalid comparator '${operator}' for prompts filter. Only '=' is supported with format: prompt = "name/version"`,
    );
  if (typeof value !== "string" || value.split("/").length !== 2)
    throw invalid(`Invalid prompts filter value '${String(value)}'. Expected format: prompt = "name/version"`);
  return `exists (select from trace_prompts p where p.prompt = ${binds.add(value)} and p.trace = t.id)`;
}

function spanColumn(key: string, binds: Binds): string {
  if (key.startsWith(ATTRIBUTES)) return `(s.attributes->>${binds.add(key.slice(ATTRIBUTES.length))}::text)`;
  const column = SPAN_COLUMNS[key];
  if (column !== undefined) return column;
  throw invalid(
    `Invalid span attribute '${key}'. Supported attributes: ${Object.keys(SPAN_COLUMNS).join(", ")}, attributes.<attribute_name>.`,
  );
}
