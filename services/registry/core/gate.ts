import { CelLanguage, isFault } from "../../../lib/core/pipeline/cel.ts";
import type { Json } from "../../../lib/core/json.ts";

/** A rule that a version must pass before an alias may point at it, or before it may enter a stage. */
export interface Gate {
  readonly name: string;
  /** Patterns with `*`; a gate holds where one of them fits. */
  readonly models: readonly string[];
  readonly aliases: readonly string[];
  readonly stages: readonly string[];
  /** Name of the data set that both versions must have been evaluated on; empty: any, the same for both. */
  readonly data: string;
  /** A CEL expression over `candidate`, `current` and `segment`, which must give true. */
  readonly require: string;
  /** The rule holds for each segment of the data, too. */
  readonly segments: boolean;
  /** What to tell whom it stops; empty: the rule itself. */
  readonly message: string;
}

type Metrics = Readonly<Record<string, number>>;

/** What a version was measured to be worth on some data. */
export interface Evaluation {
  readonly id: string;
  readonly version: number;
  readonly dataset: string;
  readonly datasetDigest: string;
  readonly metrics: Metrics;
  readonly segments: Readonly<Record<string, Metrics>>;
  readonly atMs: number;
}

/** A version with its evaluations, newest first. */
export interface Measured {
  readonly version: number;
  readonly evaluations: readonly Evaluation[];
}

export interface GateResult {
  readonly gate: string;
  readonly require: string;
  readonly passed: boolean;
  /** Why not, or why it needed no comparison; empty otherwise. */
  readonly reason: string;
  /** Ids of the evaluations that were compared; null: there was none. */
  readonly candidate: string | null;
  readonly current: string | null;
  readonly dataset: string;
  readonly datasetDigest: string;
}

const RULES = new CelLanguage(["candidate", "current", "segment"], { whole: true });

/** Undefined: it can be used. Else what is wrong with it. */
export function faultOfRule(rule: string): string | undefined {
  const program = RULES.compile(rule);
  if (isFault(program)) return program.message;
  if (program.type !== "bool" && program.type !== "dyn")
    return `it gives a ${program.type}; it must give true or false`;
  return program.names.some(({ root }) => root === "candidate")
    ? undefined
    : "it says nothing of `candidate`; a rule looks at candidate.metrics.NAME, and at current.metrics.NAME to compare";
}

/** Whether the rule compares with the version that the alias points at now. */
function comparesWithCurrent(rule: string): boolean {
  const program = RULES.compile(rule);
  return !isFault(program) && program.names.some(({ root }) => root === "current");
}

/** Whether the rule itself says what holds where there is no current version, as by `current == null`. */
function asksForCurrent(rule: string): boolean {
  const program = RULES.compile(rule);
  return !isFault(program) && program.names.some(({ root, name }) => root === "current" && name === "");
}

export type Target =
  | { readonly kind: "alias"; readonly alias: string }
  | { readonly kind: "stage"; readonly stage: string };

/** The gates that stand before this change. */
export function gatesOf(gates: readonly Gate[], model: string, target: Target): Gate[] {
  const wanted = target.kind === "alias" ? target.alias : target.stage;
  return gates.filter(
    (gate) =>
      gate.models.some((pattern) => matches(pattern, model)) &&
      (target.kind === "alias" ? gate.aliases : gate.stages).some((pattern) => matches(pattern, wanted)),
  );
}

/** The gates that stand before something of the model under its old name, and not under the new one. */
export function gatesLost(gates: readonly Gate[], name: string, newName: string): Gate[] {
  const fits = (gate: Gate, model: string): boolean => gate.models.some((pattern) => matches(pattern, model));
  return gates.filter((gate) => fits(gate, name) && !fits(gate, newName));
}

function matches(pattern: string, text: string): boolean {
  if (!pattern.includes("*")) return pattern === text;
  // From the left, each part at its first place: no pattern can take long.
  const parts = pattern.split("*");
  const [first, last] = [parts[0]!, parts.at(-1)!];
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  const end = text.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

/**
 * What the gate says. `current`: the version that is there now; null: none. The newest evaluations of both on the same data (by
 * digest) are compared; without one of the candidate the answer is no, and without one of the current version, too, when
 * the rule compares. Where there is no current version a rule that compares has nothing to say, unless it asks for that itself.
 */
export function judge(gate: Gate, candidate: Measured, current: Measured | null): GateResult {
  const found = comparable(gate, candidate, current);
  const base = {
    gate: gate.name,
    require: gate.require,
    candidate: found.candidate?.id ?? null,
    current: found.current?.id ?? null,
    dataset: found.candidate?.dataset ?? gate.data,
    datasetDigest: found.candidate?.datasetDigest ?? "",
  };
  if (found.candidate === undefined || found.missing !== undefined)
    return { ...base, passed: false, reason: found.missing ?? "" };
  if (current === null && comparesWithCurrent(gate.require) && !asksForCurrent(gate.require))
    return { ...base, passed: true, reason: "there is no version yet to compare with" };
  const reason = firstFailure(gate, found.candidate, found.current);
  return { ...base, passed: reason === undefined, reason: reason ?? "" };
}

interface Pair {
  readonly candidate?: Evaluation;
  readonly current?: Evaluation;
  readonly missing?: string;
}

function comparable(gate: Gate, candidate: Measured, current: Measured | null): Pair {
  const fits = ({ dataset }: Evaluation): boolean => gate.data === "" || dataset === gate.data;
  const mine = candidate.evaluations.filter(fits);
  const on = gate.data === "" ? "" : ` on ${gate.data}`;
  if (mine.length === 0) {
    return {
      missing: `version ${candidate.version} has no evaluation${on}; evaluate it, and record that with \`weft evaluate\``,
    };
  }
  if (current === null || current.version === candidate.version || !comparesWithCurrent(gate.require))
    return { candidate: mine[0]!, ...(current?.version === candidate.version ? { current: mine[0]! } : {}) };
  for (const one of mine) {
    const other = current.evaluations.find(
      ({ dataset, datasetDigest }) => dataset === one.dataset && datasetDigest === one.datasetDigest,
    );
    if (other) return { candidate: one, current: other };
  }
  const newest = mine[0]!;
  const digest = newest.datasetDigest === "" ? "" : ` (${newest.datasetDigest})`;
  return {
    candidate: newest,
    missing: `version ${current.version}, which is there now, has no evaluation on the same data, ${newest.dataset}${digest}; evaluate both on it`,
  };
}

/** Undefined: the rule holds, everywhere. */
function firstFailure(gate: Gate, candidate: Evaluation, current: Evaluation | undefined): string | undefined {
  const whole = ask(gate, "", candidate, candidate.metrics, current, current?.metrics);
  if (whole !== undefined || !gate.segments) return whole;
  const gone = Object.keys(current?.segments ?? {}).find((name) => !Object.hasOwn(candidate.segments, name));
  if (gone !== undefined)
    return `version ${candidate.version} was not evaluated on the segment "${gone}", version ${current!.version} was`;
  for (const [name, metrics] of Object.entries(candidate.segments)) {
    const before = current?.segments[name];
    // A segment that nobody measured before: there is nothing to compare with.
    if (current && !before && comparesWithCurrent(gate.require)) continue;
    const failure = ask(gate, name, candidate, metrics, current, before);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function ask(
  gate: Gate,
  segment: string,
  candidate: Evaluation,
  metrics: Metrics,
  current: Evaluation | undefined,
  before: Metrics | undefined,
): string | undefined {
  const place = segment === "" ? "" : `on the segment "${segment}": `;
  const side = (evaluation: Evaluation, of: Metrics): Json => ({ version: evaluation.version, metrics: { ...of } });
  const value = RULES.evaluate(gate.require, {
    candidate: side(candidate, metrics),
    current: current ? side(current, before ?? {}) : null,
    segment,
  });
  if (!value.ok) return `${place}the rule cannot be answered: ${value.message}`;
  if (value.value === true) return undefined;
  if (value.value !== false) return `${place}the rule gives ${JSON.stringify(value.value)}, and not true or false`;
  return `${place}${gate.message === "" ? "the rule does not hold" : gate.message} (${named(gate.require, metrics, before)})`;
}

/** The measures that the rule speaks of, for people: `auc 0.91, now 0.93`. */
function named(rule: string, metrics: Metrics, before: Metrics | undefined): string {
  const shown = Object.keys(metrics).filter((name) => rule.includes(name));
  const texts = shown.map((name) => {
    const now = before?.[name];
    return `${name} ${metrics[name]}${now === undefined ? "" : `, now ${now}`}`;
  });
  return texts.length === 0 ? rule : texts.join("; ");
}

/** What a refusal says. */
export function describeRefusal(results: readonly GateResult[]): string {
  return results
    .filter(({ passed }) => !passed)
    .map(({ gate, require, reason }) => `gate "${gate}" (${require}): ${reason}`)
    .join("\n");
}
