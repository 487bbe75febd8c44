/** Of a fact: what JSON can say; NaN and the infinities are text, as MLflow's API writes them. */
export type FactValue = string | number | boolean | null;

export const SECTIONS = ["code", "data", "params", "environment", "metrics", "outputs", "execution", "tags"] as const;
export type SectionName = (typeof SECTIONS)[number];

/** Where and when something ran, and what people noted beside it, differ between any two runs: they are shown and decide nothing. */
const UNCOUNTED: ReadonlySet<SectionName> = new Set(["execution", "tags"]);

/** One thing that is known of a run, an attempt or a job. */
export interface Fact {
  readonly section: SectionName;
  /** The instance that it is of, e.g. `fit` or `fit[3]`; empty: of the whole. */
  readonly of: string;
  /** e.g. commit, file, package, metric */
  readonly kind: string;
  readonly name: string;
  readonly value: FactValue;
}

export interface Change extends Omit<Fact, "section" | "value"> {
  readonly change: "added" | "removed" | "changed" | "same";
  /** Null: it is not there. */
  readonly a: FactValue;
  readonly b: FactValue;
  /** b - a, of two finite numbers; absent: of anything else. */
  readonly difference?: number;
  /** The difference as a share of the size of a; null: a is 0. */
  readonly relative?: number | null;
}

export interface SectionDifference {
  readonly name: SectionName;
  readonly equal: boolean;
  /** Whether it counts for the `equal` of the whole. */
  readonly counts: boolean;
  readonly changes: readonly Change[];
}

/** Section by section; with `all` what is the same is told, too. Each of (section, of, kind, name) is there once on a side. */
export function differenceOf(a: readonly Fact[], b: readonly Fact[], all: boolean): SectionDifference[] {
  return SECTIONS.map((name) => {
    const changes = changesOf(
      a.filter(({ section }) => section === name),
      b.filter(({ section }) => section === name),
    );
    const differing = changes.filter(({ change }) => change !== "same");
    return {
      name,
      equal: differing.length === 0,
      counts: !UNCOUNTED.has(name),
      changes: all ? changes : differing,
    };
  });
}

export function isEqual(sections: readonly SectionDifference[]): boolean {
  return sections.every(({ equal, counts }) => equal || !counts);
}

/** In the order of the facts of a, then what only b has. */
function changesOf(a: readonly Fact[], b: readonly Fact[]): Change[] {
  const [before, after] = [byKey(a), byKey(b)];
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    const { of, kind, name } = (was ?? is)!;
    const change =
      was === undefined ? "added" : is === undefined ? "removed" : was.value === is.value ? "same" : "changed";
    return { of, kind, name, change, a: was?.value ?? null, b: is?.value ?? null, ...numbers(was?.value, is?.value) };
  });
}

function byKey(facts: readonly Fact[]): Map<string, Fact> {
  return new Map(facts.map((fact) => [JSON.stringify([fact.of, fact.kind, fact.name]), fact]));
}

function numbers(a: FactValue | undefined, b: FactValue | undefined): Pick<Change, "difference" | "relative"> {
  if (typeof a !== "number" || typeof b !== "number") return {};
  const difference = b - a;
  return { difference, relative: difference === 0 ? 0 : a === 0 ? null : difference / Math.abs(a) };
}
