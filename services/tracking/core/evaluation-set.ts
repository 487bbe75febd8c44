import { type Grammar, parseFilter, parseOrderBy } from "./filter.ts";
import { type OrderTerm, pageStatement, type SearchStatement } from "./keyset.ts";
import { LIMITS } from "./limits.ts";
import { invalid } from "./mlflow-error.ts";
import { Binds, compareSql } from "./sql.ts";

/** What searches of evaluation data sets may ask (MLflow's SearchEvaluationDatasetsUtils). */
const GRAMMAR: Grammar = {
  entities: { attribute: "attribute", tag: "tag", tags: "tag" },
  attributes: {
    name: "text",
    created_time: "number",
    last_update_time: "number",
    created_by: "text",
    last_updated_by: "text",
  },
  aliases: {},
  numbers: [],
  keys: {},
  lists: ["attribute.name"],
  nullable: [],
};

const COLUMNS: Readonly<Record<string, Pick<OrderTerm, "value" | "type">>> = {
  name: { value: "s.name", type: "text" },
  created_time: { value: "s.created_ms", type: "bigint" },
  last_update_time: { value: "s.updated_ms", type: "bigint" },
  created_by: { value: "s.created_by", type: "text" },
  last_updated_by: { value: "s.updated_by", type: "text" },
};
const ORDERED: readonly string[] = ["name", "created_time", "last_update_time"];

export interface EvaluationSetSearch {
  /** Of any of these; empty: of all, and of none. */
  readonly experimentIds: readonly string[];
  readonly filter: string;
  readonly orderBy: readonly string[];
  readonly limit: number;
  readonly pageToken: string | undefined;
}

/** The page of evaluation data sets as a statement, whose rows have an `id`. Throws INVALID_PARAMETER_VALUE. */
export function evaluationSetStatement(search: EvaluationSetSearch): SearchStatement {
  const binds = new Binds();
  const where: string[] = [];
  if (search.experimentIds.length > 0)
    where.push(
      `exists (select from evaluation_set_experiments x
                where x.set = s.id and x.experiment = any(${binds.add(search.experimentIds)}::bigint[]))`,
    );
  for (const comparison of parseFilter(search.filter, GRAMMAR)) {
    const { entity, key, value } = comparison;
    if (typeof value === "number" && !Number.isInteger(value))
      throw invalid(`Invalid value for numeric attribute '${key}': ${value}`);
    const column = entity === "tag" ? `(s.tags->>${binds.add(key)}::text)` : COLUMNS[key]!.value;
    where.push(compareSql(column, comparison, binds, typeof value === "number" ? "bigint" : "text"));
  }
  const orders = search.orderBy.map((text) => parseOrderBy(text, GRAMMAR));
  const wrong = orders.find(({ entity, key }) => entity !== "attribute" || !ORDERED.includes(key));
  if (wrong !== undefined)
    throw invalid(`Invalid order_by key '${wrong.key}' specified. Valid keys are '${ORDERED.join("', '")}'`);
  const wanted = orders.length === 0 ? [{ key: "created_time", ascending: false }] : orders;
  const terms: OrderTerm[] = [
    ...wanted.map(({ key, ascending }) => ({ ...COLUMNS[key]!, rank: null, ascending })),
    { value: "s.id", type: "text", rank: null, ascending: false },
  ];
  const shape = `evaluation-sets ${wanted.map(({ key, ascending }) => `${key}${ascending ? "+" : "-"}`).join(",")}`;
  return pageStatement({ ...search, binds, select: "s.id", from: "evaluation_sets s", where, terms, shape });
}

/** Pairs in JSON text, as MLflow's client sends tags of a data set. Values become text; those that are null are left out. */
export function readJsonTags(text: string): Record<string, string> {
  const tags = parseObject(text, "tags");
  return Object.fromEntries(
    Object.entries(tags)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => {
        const shown = typeof value === "string" ? value : JSON.stringify(value);
        if (key.length > LIMITS.keyChars || shown.length > LIMITS.tagValueChars)
          throw invalid(
            `the tag '${key.slice(0, 100)}' is longer than ${LIMITS.keyChars} characters, or its value than ${LIMITS.tagValueChars}`,
          );
        return [key, shown];
      }),
  );
}

const SOURCE_TYPES: readonly string[] = ["UNSPECIFIED", "TRACE", "HUMAN", "DOCUMENT", "CODE"];

/**
 * Checks records in JSON text; gives the text back with what Postgres cannot hold replaced, since the numbers in it would lose
 * digits here. Throws INVALID_PARAMETER_VALUE that names the record.
 */
export function checkRecords(text: string): string {
  const records = parse(text, "records");
  if (!Array.isArray(records)) throw invalid("records must be a JSON list of objects");
  if (records.length > LIMITS.evaluationRecords)
    throw invalid(
      `a request can bring ${LIMITS.evaluationRecords} records, this one has ${records.length}: send them in parts`,
    );
  for (const [index, record] of records.entries()) {
    const at = `records[${index}]`;
    if (!isRecord(record)) throw invalid(`${at} must be an object`);
    for (const name of ["inputs", "expectations", "tags", "source"]) {
      const value = record[name] ?? undefined;
      if (value !== undefined && !isRecord(value)) throw invalid(`${at}.${name} must be an object`);
    }
    const type = (record["source"] as Record<string, unknown> | null | undefined)?.["source_type"];
    if (record["source"] != null && (typeof type !== "string" || !SOURCE_TYPES.includes(type.toUpperCase())))
      throw invalid(`${at}.source.source_type must be one of ${SOURCE_TYPES.join(", ")}`);
  }
  return storableText(text);
}

/** In JSON text: U+0000 and surrogates without their other half, which Postgres takes in no jsonb, become U+FFFD. */
function storableText(json: string): string {
  return json
    .replaceAll(
      /\\(?:u0000|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|[^])/g,
      (escape) => (escape === "\\u0000" || /^\\u[dD][89a-fA-F]..$/.test(escape) ? "\\uFFFD" : escape),
    )
    .replaceAll(/\p{Surrogate}/gu, "\uFFFD");
}

function parseObject(text: string, name: string): Record<string, unknown> {
  const value = parse(text, name);
  if (!isRecord(value)) throw invalid(`${name} must be a JSON object`);
  return value;
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`${name} is not JSON: ${(error as Error).message}`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
