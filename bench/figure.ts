import type { Bench } from "./bench.ts";

/** One measured figure beside what it is held against, both from the same run on the same machine. */
export interface Figure {
  readonly row: string;
  readonly value: number;
  readonly unit: string;
  /** What the reference is: the floor that physics sets, or a peer. */
  readonly reference: string;
  /** In the same unit. Null: a peer failed, and `reference` has its words. */
  readonly referenceValue: number | null;
  /** value / referenceValue. */
  readonly ratio: number | null;
  /** E.g. "≤ 15 ms"; empty: none was set. */
  readonly target: string;
  /** Null where there is no target. */
  readonly holds: boolean | null;
}

/** A named experiment. It starts what it needs and leaves nothing behind. */
export interface Row {
  readonly name: string;
  /** What is measured, and how, in a sentence. */
  readonly about: string;
  readonly run: (bench: Bench) => Promise<Figure[]>;
}

export interface Target {
  readonly compare: "≤" | "≥";
  readonly limit: number;
  /** Of the value, or of its ratio to the reference. */
  readonly of: "value" | "ratio";
}

/** Rounds to what the measurement can tell and says whether the target holds. */
export function figure(
  found: Pick<Figure, "row" | "value" | "unit" | "reference"> & { readonly referenceValue: number },
  target?: Target,
): Figure {
  const ratio = found.value / found.referenceValue;
  const judged = target?.of === "ratio" ? ratio : found.value;
  const holds = target === undefined ? null : target.compare === "≤" ? judged <= target.limit : judged >= target.limit;
  const text =
    target === undefined
      ? ""
      : `${target.compare} ${target.limit}${target.of === "ratio" ? " of reference" : ` ${found.unit}`}`;
  return {
    ...found,
    value: round(found.value),
    referenceValue: round(found.referenceValue),
    ratio: round(ratio),
    target: text,
    holds,
  };
}

/** Three significant digits, and whole above a thousand. */
function round(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}
