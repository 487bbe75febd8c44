import {
  afterSql,
  Binds,
  type Comparison,
  compareSql,
  type Grammar,
  invalid,
  keysSql,
  type OrderBy,
  orderSql,
  type OrderTerm,
  parseFilter,
  pageJson,
  parseOrderBy,
  readPageToken,
} from "../tracking/index.ts";
import type { Pool } from "pg";
import { IS_PROMPT, MODEL_JSON, PROMPT_TAG, versionJson } from "./model-store.ts";

export interface Search {
  readonly filter: string;
  readonly orderBy: readonly string[];
  readonly limit: number;
  readonly pageToken: string;
}

/** Gives rows of `json` and `keys`, one more than the limit where there is a next page. */
export interface SearchStatement {
  readonly sql: string;
  readonly values: readonly unknown[];
  /** Of the order: a page token fits searches of the same. */
  readonly shape: string;
}

type Term = Pick<OrderTerm, "value" | "type">;

/** What one kind of search may ask. */
interface Searched {
  /** MLflow's SearchModelUtils and SearchModelVersionUtils. */
  readonly filter: Grammar;
  readonly columns: Readonly<Record<string, string>>;
  /** SQL of having a tag of this key with a value that passes the test. */
  readonly tagged: (key: string, test: string) => string;
  readonly order: Readonly<Record<string, Term>>;
  readonly orderDefault: readonly string[];
  /** What tells all rows apart. */
  readonly last: readonly OrderTerm[];
  readonly select: string;
}

const grammar = (
  attributes: Grammar["attributes"],
  lists: readonly string[],
  entities: Grammar["entities"] = { attribute: "attribute", tag: "tag", tags: "tag" },
): Grammar => ({ entities, attributes, aliases: {}, numbers: [], keys: {}, lists, nullable: [] });

const NAME: OrderTerm = { rank: null, value: `m.name collate "C"`, type: "text", ascending: true };

const MODELS: Searched = {
  filter: grammar({ name: "text" }, ["attribute.name"]),
  columns: { name: "m.name" },
  tagged: (key, test) =>
    `exists (select from registered_model_tags t where t.model = m.id and t.key = ${key} and ${test})`,
  order: {
    name: NAME,
    creation_timestamp: { value: "m.created_ms", type: "bigint" },
    last_updated_timestamp: { value: "m.updated_ms", type: "bigint" },
    timestamp: { value: "m.updated_ms", type: "bigint" },
  },
  orderDefault: [],
  last: [NAME],
  select: `${MODEL_JSON} as json, KEYS as keys from registered_models m where m.deleted_ms is null`,
};

const VERSIONS: Searched = {
  filter: grammar({ name: "text", version_number: "number", run_id: "text", source_path: "text" }, [
    "attribute.name",
    "attribute.run_id",
  ]),
  columns: { name: "m.name", version_number: "v.version", run_id: "v.run_id", source_path: "v.source" },
  tagged: (key, test) =>
    `exists (select from model_version_tags t
       where t.model = v.model and t.version = v.version and t.key = ${key} and ${test})`,
  order: {
    name: NAME,
    version_number: { value: "v.version", type: "bigint" },
    creation_timestamp: { value: "v.created_ms", type: "bigint" },
    last_updated_timestamp: { value: "v.updated_ms", type: "bigint" },
  },
  orderDefault: ["last_updated_timestamp DESC"],
  last: [NAME, { rank: null, value: "v.version", type: "bigint", ascending: false }],
  select: `${versionJson({ aliases: false })}::text as json, KEYS as keys
    from model_versions v join registered_models m on m.id = v.model where v.deleted_ms is null`,
};

export const modelSearch = (search: Search): SearchStatement => statementOf(search, MODELS);
export const versionSearch = (search: Search): SearchStatement => statementOf(search, VERSIONS);

/** The page as MLflow's clients read it, its rows under `name`. */
export async function searchJson(pool: Pool, name: string, statement: SearchStatement, limit: number): Promise<string> {
  const { sql, values, shape } = statement;
  const { rows } = await pool.query<{ json: string; keys: string[] }>(sql, [...values]);
  return pageJson(name, rows, limit, shape);
}

function statementOf(search: Search, searched: Searched): SearchStatement {
  const binds = new Binds();
  const where = conditionsOf(parseFilter(search.filter, searched.filter), searched, binds);
  const orders = ordersOf(search.orderBy.length === 0 ? searched.orderDefault : search.orderBy, searched);
  const terms = [
    ...orders.map(({ key, ascending }): OrderTerm => ({ ...searched.order[key]!, rank: null, ascending })),
    ...searched.last,
  ];
  const shape = orders.map(({ key, ascending }) => `${key}${ascending ? "+" : "-"}`).join(",");
  const keys = keysSql(terms);
  const after = readPageToken(search.pageToken, shape, keys.length);
  if (after !== null) where.push(afterSql(terms, after, binds));
  const select = searched.select.replace("KEYS", () => `array[${keys.join(", ")}]`);
  const conditions = where.map((condition) => ` and ${condition}`).join("");
  const sql = `select ${select}${conditions} order by ${orderSql(terms)} limit ${binds.add(search.limit + 1)}::int`;
  return { sql, values: binds.values, shape };
}

function conditionsOf(comparisons: readonly Comparison[], { columns, tagged }: Searched, binds: Binds): string[] {
  const wantsPrompts = asksForPrompts(comparisons);
  const where = wantsPrompts ? [] : [`not ${IS_PROMPT}`];
  for (const comparison of comparisons) {
    const { entity, key, value } = comparison;
    if (entity === "tag") {
      // Models have no such tag: that they are none is said by leaving prompts out.
      if (key === PROMPT_TAG && !wantsPrompts) continue;
      where.push(tagged(binds.add(key), compareSql("t.value", comparison, binds)));
      continue;
    }
    if (typeof value === "number" && !Number.isInteger(value))
      throw invalid(`Invalid value for numeric attribute '${key}': ${value}`);
    where.push(compareSql(columns[key]!, comparison, binds, typeof value === "number" ? "bigint" : "text"));
  }
  return where;
}

function asksForPrompts(comparisons: readonly Comparison[]): boolean {
  const said = comparisons.find(({ entity, key }) => entity === "tag" && key === PROMPT_TAG);
  const value = typeof said?.value === "string" ? said.value.toLowerCase() : "";
  return (said?.operator === "=" && value === "true") || (said?.operator === "!=" && value === "false");
}

/** `key [ASC|DESC]`; each key once. */
function ordersOf(clauses: readonly string[], { order }: Searched): OrderBy[] {
  const keys = Object.fromEntries(Object.keys(order).map((key) => [key, "text" as const]));
  const orders = clauses.map((clause) => parseOrderBy(clause, grammar(keys, [], { attribute: "attribute" })));
  if (new Set(orders.map(({ key }) => key)).size < orders.length)
    throw invalid(`\`order_by\` contains duplicate fields: ${JSON.stringify(clauses)}`);
  return orders;
}
