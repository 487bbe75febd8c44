import { type Grammar, parseFilter, parseOrderBy } from "./filter.ts";
import { type OrderTerm, pageStatement, type SearchStatement } from "./keyset.ts";
import { invalid } from "./mlflow-error.ts";
import { parseExperimentId } from "./name.ts";
import { Binds, compareSql } from "./sql.ts";

/** What searches of experiments may ask (MLflow's SearchExperimentsUtils). */
const EXPERIMENT_GRAMMAR: Grammar = {
  entities: { attribute: "attribute", tag: "tag", tags: "tag" },
  attributes: { name: "text", experiment_id: "text", creation_time: "number", last_update_time: "number" },
  aliases: {},
  numbers: [],
  keys: {},
  lists: ["attribute.experiment_id"],
  nullable: ["tag"],
};

const TERMS: Readonly<Record<string, Pick<OrderTerm, "value" | "type">>> = {
  name: { value: "e.name", type: "text" },
  experiment_id: { value: "e.id", type: "bigint" },
  creation_time: { value: "e.created_ms", type: "bigint" },
  last_update_time: { value: "e.updated_ms", type: "bigint" },
};

export interface ExperimentSearch {
  readonly view: "ACTIVE_ONLY" | "DELETED_ONLY" | "ALL";
  readonly filter: string;
  readonly orderBy: readonly string[];
  readonly limit: number;
  readonly pageToken: string | undefined;
}

/** The page of experiments as a statement, whose rows have an `id`. */
export function experimentSearchStatement(search: ExperimentSearch): SearchStatement {
  const binds = new Binds();
  const where: string[] = [];
  if (search.view !== "ALL") where.push(search.view === "DELETED_ONLY" ? "e.deleted" : "not e.deleted");
  for (const { entity, key, operator, value } of parseFilter(search.filter, EXPERIMENT_GRAMMAR)) {
    const tag = (more: string): string =>
      `exists (select from experiment_tags t where t.experiment = e.id and t.key = ${binds.add(key)}${more})`;
    if (operator === "IS NULL") where.push(`not ${tag("")}`);
    else if (operator === "IS NOT NULL") where.push(tag(""));
    else if (entity === "tag") where.push(tag(` and ${compareSql("t.value", { operator, value }, binds)}`));
    else if (key === "experiment_id") {
      if (!["=", "!=", "IN", "NOT IN"].includes(operator))
        throw invalid(`Invalid comparator for experiment_id: ${operator}`);
      const ids = Array.isArray(value) ? value.map(parseExperimentId) : parseExperimentId(value as string);
      where.push(compareSql("e.id::text", { operator, value: ids }, binds));
    } else {
      const { value: column, type } = TERMS[key]!;
      where.push(compareSql(column, { operator, value }, binds, type));
    }
  }
  const orders = search.orderBy.map((text) => parseOrderBy(text, EXPERIMENT_GRAMMAR));
  const terms = orders.map(({ entity, key, ascending }): OrderTerm => {
    if (entity !== "attribute") throw invalid(`Invalid order_by entity: ${entity}`);
    return { ...TERMS[key]!, rank: null, ascending };
  });
  const named = (key: string): boolean => orders.some((order) => order.key === key);
  // Newest first, and ties by id, the newest first too.
  if (orders.length === 0) terms.push({ ...TERMS["creation_time"]!, rank: null, ascending: false });
  if (!named("experiment_id")) terms.push({ ...TERMS["experiment_id"]!, rank: null, ascending: false });
  const shape = orders.map(({ key, ascending }) => `${key}${ascending ? "+" : "-"}`).join(",");
  return pageStatement({ ...search, binds, select: "e.id", from: "experiments e", where, terms, shape });
}
