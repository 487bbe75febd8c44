import { invalidPageToken, isInt64, readPageToken } from "./page-token.ts";
import type { Binds } from "./sql.ts";

/**
 * One term of an order. Rows where `rank` is not 0 come after the others whichever way the term goes, by rank, and among
 * themselves are equal to it (there is no value, or none that compares).
 */
export interface OrderTerm {
  /** SQL of a small integer; null: every row has a value; a number: what all rows of the statement have, of the first term alone. */
  readonly rank: string | number | null;
  /** SQL of the value. */
  readonly value: string;
  readonly type: "text" | "float8" | "bigint";
  readonly ascending: boolean;
}

export interface SearchStatement {
  /** Rows of what was selected, `keys` (text[]) and their `place` from 1; one more than the limit where there is a next page. */
  readonly sql: string;
  readonly values: unknown[];
  /** Of the page token. */
  readonly shape: string;
}

/** A page of a search as a statement. Throws INVALID_PARAMETER_VALUE for a page token that is none of this search's. */
export function pageStatement(page: {
  readonly binds: Binds;
  /** SQL of the column that names a row, e.g. `r.id`. */
  readonly select: string;
  readonly from: string;
  readonly where: readonly string[];
  /** The last one must tell all rows apart. */
  readonly terms: readonly OrderTerm[];
  readonly shape: string;
  readonly limit: number;
  readonly pageToken: string | undefined;
}): SearchStatement {
  const { binds, terms, shape } = page;
  const keys = keysSql(terms);
  const after = readPageToken(page.pageToken, shape, keys.length);
  const where = after === null ? page.where : [...page.where, afterSql(terms, after, binds)];
  // The places are told outside: inside, the planner would sort all rows to count them.
  const sql = `select page.*, row_number() over () as place from (
     select ${page.select}, array[${keys.join(", ")}] as keys
     from ${page.from}${where.length === 0 ? "" : ` where ${where.join(" and ")}`}
    order by ${orderSql(terms)} limit ${binds.add(page.limit + 1)}::int) page`;
  return { sql, values: binds.values, shape };
}

/** `column` is one of the ids. One said as such lets the planner walk an index in its order. */
export function amongSql(column: string, ids: readonly string[], binds: Binds): string {
  return ids.length === 1 ? `${column} = ${binds.add(ids[0])}::bigint` : `${column} = any(${binds.add(ids)}::bigint[])`;
}

/** Nulls last both ways, as the indexes have them. */
export function orderSql(terms: readonly OrderTerm[]): string {
  return terms
    .flatMap(({ rank, value, ascending }) => {
      // There are no nulls, and the index is walked backwards.
      if (rank === 0) return [`${value} ${ascending ? "asc" : "desc"}`];
      if (typeof rank === "number") return [];
      return [...(rank === null ? [] : [rank]), `${value} ${ascending ? "asc" : "desc nulls last"}`];
    })
    .join(", ");
}

/** SQL of what a page token keeps of a row, one text for each rank and each value. */
export function keysSql(terms: readonly OrderTerm[]): string[] {
  return terms.flatMap(({ rank, value }) => [...(rank === null ? [] : [`(${rank})::text`]), `(${value})::text`]);
}

/** What a page token may hold of a value; text: all but what cannot be stored. A bigint that is out of range would fail in the statement. */
const HELD: Readonly<Record<OrderTerm["type"], (text: string) => boolean>> = {
  text: (text) => !text.includes("\0"),
  float8: (text) => /^(?:NaN|-?Infinity)$/.test(text) || isDouble(text),
  bigint: isInt64,
};

/** Postgres takes no number that is too large or too small for a double. */
function isDouble(text: string): boolean {
  if (!/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(text)) return false;
  return Number.isFinite(Number(text)) && (Number(text) !== 0 || /^[-0.]+(?:e|$)/.test(text));
}

/** SQL of being after the row with these keys, in the terms' order. Throws INVALID_PARAMETER_VALUE for keys that none of its rows has. */
export function afterSql(terms: readonly OrderTerm[], keys: readonly (string | null)[], binds: Binds): string {
  const steps: { readonly value: string; readonly beyond: ">" | "<"; readonly bound: string }[] = [];
  let at = 0;
  for (const { rank, value, type, ascending } of terms) {
    const held = rank === null ? "0" : keys[at++]!;
    if (!/^\d$/.test(held ?? "")) throw invalidPageToken();
    if (typeof rank === "number" && Number(held) !== rank) return String(Number(held) < rank);
    if (typeof rank === "string") steps.push({ value: rank, beyond: ">", bound: `${binds.add(held)}::int` });
    const key = keys[at++];
    // Among rows without a value the term decides nothing.
    if (held !== "0" || key === null) continue;
    if (!HELD[type](key!)) throw invalidPageToken();
    steps.push({ value, beyond: ascending ? ">" : "<", bound: `${binds.add(key)}::${type}` });
  }
  const equal = steps.map(({ value, bound }) => `${value} = ${bound}`);
  const after = steps.map(({ value, beyond, bound }, index) =>
    [...equal.slice(0, index), `${value} ${beyond} ${bound}`].join(" and "),
  );
  const [first] = steps;
  if (first === undefined) throw invalidPageToken();
  const { value, beyond, bound } = first;
  // The first term's bound once more, in a form that an index can begin at.
  return `${value} ${beyond}= ${bound} and ((${after.join(") or (")}))`;
}
