import type { Binds } from "./sql.ts";

/**
 * One term of an order. Rows where `rank` is not 0 come after the others whichever way the term goes, by rank, and among
 * themselves are equal to it (there is no value, or none that compares).
 */
export interface OrderTerm {
  /** SQL of a small integer; null: every row has a value. */
  readonly rank: string | null;
  /** SQL of the value. */
  readonly value: string;
  readonly type: "text" | "float8" | "bigint";
  readonly ascending: boolean;
}

/** Nulls last both ways, as the indexes have them. */
export function orderSql(terms: readonly OrderTerm[]): string {
  return terms
    .flatMap(({ rank, value, ascending }) => [
      ...(rank === null ? [] : [rank]),
      `${value} ${ascending ? "asc" : "desc nulls last"}`,
    ])
    .join(", ");
}

/** SQL of what a page token keeps of a row, one text for each rank and each value. */
export function keysSql(terms: readonly OrderTerm[]): string[] {
  return terms.flatMap(({ rank, value }) => [...(rank === null ? [] : [`(${rank})::text`]), `(${value})::text`]);
}

/** SQL of being after the row with these keys, in the terms' order. The last term must tell all rows apart. */
export function afterSql(terms: readonly OrderTerm[], keys: readonly (string | null)[], binds: Binds): string {
  const steps: { readonly equal: string; readonly after: string }[] = [];
  let at = 0;
  for (const { rank, value, type, ascending } of terms) {
    const held = rank === null ? "0" : keys[at++]!;
    if (rank !== null) {
      const bound = `${binds.add(held)}::int`;
      steps.push({ equal: `${rank} = ${bound}`, after: `${rank} > ${bound}` });
    }
    const key = keys[at++];
    // Among rows without a value the term decides nothing.
    if (held !== "0" || key === null) continue;
    const bound = `${binds.add(key)}::${type}`;
    steps.push({ equal: `${value} = ${bound}`, after: `${value} ${ascending ? ">" : "<"} ${bound}` });
  }
  return `(${steps
    .map(({ after }, index) => `(${[...steps.slice(0, index).map(({ equal }) => equal), after].join(" and ")})`)
    .join(" or ")})`;
}
