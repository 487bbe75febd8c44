import { type Grammar, parseFilter } from "./filter.ts";
import { amongSql, type OrderTerm, pageStatement, type SearchStatement } from "./keyset.ts";
import { invalid } from "./mlflow-error.ts";
import { Binds, compareSql } from "./sql.ts";

/** What searches of logged models may ask. */
const MODEL_GRAMMAR: Grammar = {
  entities: {
    attribute: "attribute",
    attributes: "attribute",
    metric: "metric",
    metrics: "metric",
    param: "param",
    params: "param",
    tag: "tag",
    tags: "tag",
  },
  attributes: {
    name: "text",
    model_id: "text",
    model_type: "text",
    status: "text",
    source_run_id: "text",
    creation_timestamp: "number",
    last_updated_timestamp: "number",
  },
  aliases: {
    creation_time: "creation_timestamp",
    creation_timestamp_ms: "creation_timestamp",
    last_updated_time: "last_updated_timestamp",
    last_updated_timestamp_ms: "last_updated_timestamp",
  },
  numbers: ["metric"],
  keys: {},
  lists: null,
  nullable: [],
};

const TERMS: Readonly<Record<string, Pick<OrderTerm, "value" | "type">>> = {
  name: { value: "m.name", type: "text" },
  model_id: { value: "m.id", type: "text" },
  model_type: { value: "m.model_type", type: "text" },
  // MLflow's own words in filters are READY and the like.
  status: { value: "replace(m.status, 'LOGGED_MODEL_', '')", type: "text" },
  source_run_id: { value: "m.source_run_id", type: "text" },
  creation_timestamp: { value: "m.created_ms", type: "bigint" },
  last_updated_timestamp: { value: "m.updated_ms", type: "bigint" },
};

/** A data set that metrics were measured on. */
export interface DatasetFilter {
  readonly name: string;
  /** Null: any. */
  readonly digest: string | null;
}

export interface ModelOrder {
  /** An attribute, or `metrics.` and a key. */
  readonly field: string;
  readonly ascending: boolean;
  /** Of a metric: measured on this data set. */
  readonly dataset: DatasetFilter | null;
}

export interface ModelSearch {
  readonly experimentIds: readonly string[];
  readonly filter: string;
  /** Metrics count only if they were measured on one of these; empty: all count. */
  readonly datasets: readonly DatasetFilter[];
  readonly orderBy: readonly ModelOrder[];
  readonly limit: number;
  readonly pageToken: string | undefined;
}

/** The page of logged models as a statement, whose rows have an `id`. */
export function modelSearchStatement(search: ModelSearch): SearchStatement {
  const binds = new Binds();
  const where = [amongSql("m.experiment", search.experimentIds, binds), "not m.deleted"];
  const measured = datasetSql(search.datasets, binds);
  const comparisons = parseFilter(search.filter, MODEL_GRAMMAR);
  for (const comparison of comparisons) {
    const { entity, key } = comparison;
    if (entity === "attribute") where.push(compareSql(TERMS[key]!.value, comparison, binds, TERMS[key]!.type));
    else {
      const table = { metric: "logged_model_metrics", param: "logged_model_params", tag: "logged_model_tags" }[entity]!;
      const compared = compareSql("x.value", comparison, binds, entity === "metric" ? "float8" : "text");
      const on = entity === "metric" ? measured : "";
      where.push(
        `exists (select from ${table} x where x.model = m.id and x.key = ${binds.add(key)} and ${compared}${on})`,
      );
    }
  }
  if (measured !== "" && !comparisons.some(({ entity }) => entity === "metric"))
    where.push(`exists (select from logged_model_metrics x where x.model = m.id${measured})`);
  const terms = search.orderBy.map((order) => orderTerm(order, binds));
  const named = (field: string): boolean => search.orderBy.some((order) => aliased(order.field) === field);
  if (!named("creation_timestamp")) terms.push({ ...TERMS["creation_timestamp"]!, rank: null, ascending: false });
  if (!named("model_id")) terms.push({ ...TERMS["model_id"]!, rank: null, ascending: true });
  const shape = JSON.stringify([search.experimentIds, search.filter, search.orderBy]);
  return pageStatement({ ...search, binds, select: "m.id", from: "logged_models m", where, terms, shape });
}

/** More conditions of a row `x` of logged_model_metrics. */
function datasetSql(datasets: readonly DatasetFilter[], binds: Binds): string {
  if (datasets.length === 0) return "";
  const each = datasets.map(({ name, digest }) => {
    const one = `x.dataset_name = ${binds.add(name)}`;
    return digest === null ? one : `(${one} and x.dataset_digest = ${binds.add(digest)})`;
  });
  return ` and (${each.join(" or ")})`;
}

function orderTerm({ field, ascending, dataset }: ModelOrder, binds: Binds): OrderTerm {
  const key = aliased(field);
  if (!key.includes(".")) {
    const term = TERMS[key];
    if (term === undefined) throw invalid(`Invalid order by field name: ${field}.`);
    return { ...term, ascending, rank: `case when ${term.value} is null then 1 else 0 end` };
  }
  const [entity, ...name] = key.split(".");
  if (entity !== "metrics")
    throw invalid(`Invalid order by field name: ${entity}, only \`metrics.<name>\` is allowed.`);
  const on = dataset === null ? "" : datasetSql([dataset], binds);
  const value = `(select x.value from logged_model_metrics x
      where x.model = m.id and x.key = ${binds.add(name.join("."))}${on} order by x.timestamp_ms desc, x.step desc, x.run limit 1)`;
  return {
    value,
    type: "float8",
    ascending,
    rank: `case when ${value} is null then 2 when ${value} = 'NaN' then 1 else 0 end`,
  };
}

function aliased(field: string): string {
  return MODEL_GRAMMAR.aliases[field] ?? field;
}
