import type { Fact, FactValue } from "./difference.ts";

/** One parameter or metric over all that is compared. */
export interface ComparisonRow extends Pick<Fact, "of" | "kind" | "name"> {
  readonly section: "params" | "metrics";
  /** All have the same. */
  readonly equal: boolean;
  /** In the order of what is compared; null: it has none. */
  readonly values: readonly FactValue[];
}

/** Parameters, then metrics, each by name. */
export function comparisonOf(sides: readonly (readonly Fact[])[]): ComparisonRow[] {
  return (["params", "metrics"] as const).flatMap((section) => {
    const rows = new Map<string, { readonly fact: Fact; readonly values: FactValue[] }>();
    sides.forEach((facts, i) => {
      for (const fact of facts) {
        if (fact.section !== section) continue;
        const key = JSON.stringify([fact.name, fact.of, fact.kind]);
        const row = rows.get(key) ?? { fact, values: sides.map(() => null) };
        rows.set(key, row);
        row.values[i] = fact.value;
      }
    });
    return [...rows.entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([
          ,
          {
            fact: { of, kind, name },
            values,
          },
        ]) => ({
          section,
          of,
          kind,
          name,
          equal: values.every((value) => value === values[0]),
          values,
        }),
      );
  });
}
