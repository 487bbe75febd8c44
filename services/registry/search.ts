import type { Pool } from "pg";
import { type Condition, MODELS, parseFilter, parseOrder, VERSIONS } from "./core/filter.ts";
import { invalid } from "./core/name.ts";
import { IS_PROMPT, MODEL_JSON, PROMPT_TAG, versionJson } from "./model-store.ts";

export interface Search {
  readonly filter: string;
  readonly orderBy: readonly string[];
  readonly limit: number;
  readonly pageToken: string;
}

export interface Page {
  /** JSON texts. */
  readonly rows: readonly string[];
  /** Empty: the last page. */
  readonly nextToken: string;
}

/** Rows passed over in one statement: more is no page that a person or a program came to one by one. */
const OFFSET_MAX = 10_000_000;

export async function searchModels(pool: Pool, search: Search): Promise<Page> {
  const where = new Where();
  where.conditions(
    parseFilter(search.filter, MODELS),
    { name: "m.name" },
    (key, test) =>
      `exists (select from registered_model_tags t where t.model = m.id and t.key = ${key} and ${test("t.value")})`,
  );
  const columns = {
    name: `m.name collate "C"`,
    creation_timestamp: "m.created_ms",
    last_updated_timestamp: "m.updated_ms",
    timestamp: "m.updated_ms",
  };
  const order = orderSql(search.orderBy, columns, [`m.name collate "C"`]);
  return page(
    pool,
    search,
    where,
    (text) => `select ${MODEL_JSON} as json from registered_models m where m.deleted_ms is null ${text} ${order}`,
  );
}

export async function searchVersions(pool: Pool, search: Search): Promise<Page> {
  const where = new Where();
  const attributes = { name: "m.name", version_number: "v.version", run_id: "v.run_id", source_path: "v.source" };
  where.conditions(
    parseFilter(search.filter, VERSIONS),
    attributes,
    (key, test) =>
      `exists (select from model_version_tags t
       where t.model = v.model and t.version = v.version and t.key = ${key} and ${test("t.value")})`,
  );
  const columns = {
    name: `m.name collate "C"`,
    version_number: "v.version",
    creation_timestamp: "v.created_ms",
    last_updated_timestamp: "v.updated_ms",
  };
  const by = search.orderBy.length === 0 ? ["last_updated_timestamp DESC"] : search.orderBy;
  const order = orderSql(by, columns, [`m.name collate "C"`, "v.version desc"]);
  return page(
    pool,
    search,
    where,
    (text) => `select ${versionJson({ aliases: false })}::text as json
      from model_versions v join registered_models m on m.id = v.model
      where v.deleted_ms is null ${text} ${order}`,
  );
}

/** Conditions as SQL with parameters: nothing that a caller wrote becomes part of the statement's text. */
class Where {
  readonly #texts: string[] = [];
  readonly values: unknown[] = [];

  param(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  conditions(
    conditions: readonly Condition[],
    columns: Readonly<Record<string, string>>,
    tagged: (key: string, test: (column: string) => string) => string,
  ): void {
    const wantsPrompts = asksForPrompts(conditions);
    if (!wantsPrompts) this.#texts.push(`not ${IS_PROMPT}`);
    for (const { kind, key, operator, value } of conditions) {
      // Models have no such tag: that they are none is said by leaving prompts out.
      if (kind === "tag" && key === PROMPT_TAG && !wantsPrompts) continue;
      const test = (column: string): string => {
        if (operator === "IN") return `${column} = any(${this.param(value)})`;
        if (operator === "NOT IN") return `${column} <> all(${this.param(value)})`;
        return `${column} ${operator === "!=" ? "<>" : operator.toLowerCase()} ${this.param(value)}`;
      };
      this.#texts.push(kind === "tag" ? tagged(this.param(key), test) : test(columns[key]!));
    }
  }

  text(): string {
    return this.#texts.map((text) => `and ${text}`).join(" ");
  }
}

function asksForPrompts(conditions: readonly Condition[]): boolean {
  const said = conditions.find(({ kind, key }) => kind === "tag" && key === PROMPT_TAG);
  const value = typeof said?.value === "string" ? said.value.toLowerCase() : "";
  return (said?.operator === "=" && value === "true") || (said?.operator === "!=" && value === "false");
}

function orderSql(
  clauses: readonly string[],
  columns: Readonly<Record<string, string>>,
  last: readonly string[],
): string {
  const orders = parseOrder(clauses, Object.keys(columns)).map(
    ({ key, ascending }) => `${columns[key]!} ${ascending ? "asc" : "desc"}`,
  );
  return `order by ${[...orders, ...last].join(", ")}`;
}

async function page(pool: Pool, search: Search, where: Where, select: (where: string) => string): Promise<Page> {
  const offset = readToken(search.pageToken);
  const text = `${select(where.text())} limit ${where.param(search.limit + 1)} offset ${where.param(offset)}`;
  const { rows } = await pool.query<{ json: string }>(text, where.values);
  return {
    rows: rows.slice(0, search.limit).map(({ json }) => json),
    nextToken: rows.length > search.limit ? pageToken(offset + search.limit) : "",
  };
}

/** As MLflow's: base64 of `{"offset": n}`. */
export function pageToken(offset: number): string {
  return Buffer.from(JSON.stringify({ offset })).toString("base64");
}

export function readToken(token: string): number {
  if (token === "") return 0;
  try {
    const { offset } = JSON.parse(Buffer.from(token, "base64").toString("utf8")) as { offset?: unknown };
    if (typeof offset === "number" && Number.isInteger(offset) && offset >= 0 && offset <= OFFSET_MAX) return offset;
  } catch {
    // It is none of ours, as below.
  }
  throw invalid("Invalid page token, could not base64-decode");
}
