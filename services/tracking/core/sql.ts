import type { Comparison, Operator } from "./filter.ts";

/** Values of a statement that is put together: text of users goes in here, never into the SQL. */
export class Binds {
  readonly values: unknown[] = [];

  /** The placeholder of the value. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

const PLAIN: Readonly<Partial<Record<Operator, string>>> = {
  "=": "=",
  "!=": "<>",
  ">": ">",
  ">=": ">=",
  "<": "<",
  "<=": "<=",
  LIKE: "like",
  ILIKE: "ilike",
  RLIKE: "~",
};
/** As in the indexes over values (schema.ts): what equals has an equal beginning. */
const INDEXED_CHARS = 120;

/** `column operator value`. Numbers compare as float8 when `cast` says so; no operator but != is true of a NaN. */
export function compareSql(
  column: string,
  { operator, value }: Pick<Comparison, "operator" | "value">,
  binds: Binds,
  cast: "text" | "float8" | "bigint" = "text",
): string {
  if (operator === "IN") return `${column} = any(${binds.add(value)}::text[])`;
  if (operator === "NOT IN") return `${column} <> all(${binds.add(value)}::text[])`;
  const plain = PLAIN[operator];
  if (plain === undefined) throw new Error(`no SQL for ${operator}`);
  const sql = `${column} ${plain} ${binds.add(value)}::${cast === "bigint" ? "float8" : cast}`;
  return cast === "float8" && operator !== "!=" ? `${sql} and ${column} <> 'NaN'` : sql;
}

/** The same over a column that is indexed by its first characters. */
export function compareIndexedSql(column: string, comparison: Comparison, binds: Binds): string {
  if (comparison.operator !== "=") return compareSql(column, comparison, binds);
  const characters = Array.from(comparison.value as string);
  const begins = `left(${column}, ${INDEXED_CHARS}) = ${binds.add(characters.slice(0, INDEXED_CHARS).join(""))}`;
  // Whatever begins so and is no longer is equal; said once, so that the planner does not take it for twice as rare.
  if (characters.length < INDEXED_CHARS) return begins;
  return `${begins} and ${compareSql(column, comparison, binds)}`;
}
