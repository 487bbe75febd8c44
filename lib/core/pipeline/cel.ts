import {
  type ASTNode,
  Environment,
  EvaluationError,
  ParseError,
  TypeError as CelTypeError,
} from "@marcbachmann/cel-js";
import type { Json } from "../json.ts";

/** Of one expression, in characters: they are read by people, and run between two commits of the scheduler. */
export const CEL_CHARS_MAX = 4_000;
/** Nodes of one expression's tree. */
const NODES_MAX = 1_000;
/**
 * What one evaluation may look at, in list elements times nodes: some tens of milliseconds. Without a bound two nested
 * loops over a list of 100,000 would hold the scheduler for minutes.
 */
const STEPS_MAX = 20_000_000;
/** Inside loops: each + can double what it is given, and each element of a literal can repeat it. */
const SUMS_IN_LOOPS_MAX = 6;
const ELEMENTS_IN_LOOPS_MAX = 16;
/** Values in what an expression gives. */
const VALUES_MAX = 2_000_000;

/** A syntax or type error, or one at run time; `start` and `end` are offsets into the expression. */
export interface CelFault {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

/** What an expression reads: `tasks.train`, `params.n`, with where it says so. */
export interface CelName<Root extends string = "params" | "tasks"> {
  readonly root: Root;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** `tasks.?name` */
  readonly optional: boolean;
}

export interface CelProgram<Root extends string = "params" | "tasks"> {
  readonly names: readonly CelName<Root>[];
  /** How deep loops stand in each other. */
  readonly depth: number;
  /** A text can become a list. */
  readonly splits: boolean;
  readonly nodes: number;
  /** "bool", "list", …; "dyn" when only the values will tell. */
  readonly type: string;
  readonly run: (context: Readonly<Record<string, unknown>>) => unknown;
}

// JSON knows one kind of number: a loss of 1 is an int here, and one of 0.97 a double. Arithmetic takes both together.
const ARITHMETIC = {
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
  "/": (a: number, b: number) => a / b,
};

function environmentOf(roots: readonly string[], type: "map" | "dyn"): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: NODES_MAX },
  });
  for (const root of roots) environment.registerVariable(root, type);
  for (const [operator, of] of Object.entries(ARITHMETIC)) {
    for (const [left, right] of [
      ["double", "int"],
      ["int", "double"],
    ]) {
      environment.registerOperator(`${left} ${operator} ${right}: double`, (a: bigint | number, b: bigint | number) =>
        of(Number(a), Number(b)),
      );
    }
  }
  return environment;
}

/** Calls that give a name to each element, or to a value. */
const LOOPS = new Set("map filter all exists exists_one transformList transformMap bind optMap optFlatMap".split(" "));
/** An expression that a person wrote could make one of these run for minutes on a text that another wrote. */
const REFUSED: Readonly<Record<string, string>> = {
  matches: "matches() is not offered, since a pattern can take for ever; use startsWith, endsWith, contains or ==",
};

/** Programs kept; a cluster has a few hundred pipelines with a few expressions each. */
const COMPILED_MAX = 10_000;

/** Expressions over the same variables. */
export class CelLanguage<Root extends string> {
  readonly #roots: readonly Root[];
  readonly #whole: boolean;
  readonly #environment: Environment;
  readonly #compiled = new Map<string, CelProgram<Root> | CelFault>();

  /** `whole`: a variable may be used by itself, e.g. held against null; else one of its fields must be named. */
  constructor(roots: readonly Root[], { whole = false } = {}) {
    this.#roots = roots;
    this.#whole = whole;
    this.#environment = environmentOf(roots, whole ? "dyn" : "map");
  }

  /** Parses and checks; the same expression gives the same program. */
  compile(expression: string): CelProgram<Root> | CelFault {
    const known = this.#compiled.get(expression);
    if (known) return known;
    const made = this.#read(expression);
    if (this.#compiled.size >= COMPILED_MAX) this.#compiled.clear();
    this.#compiled.set(expression, made);
    return made;
  }

  /** The value of an expression over JSON; every way in which it can fail is a message. Deterministic, and bounded in time. */
  evaluate(expression: string, context: Readonly<Record<Root, Json>>): CelValue {
    const program = this.compile(expression);
    if (isFault(program)) return { ok: false, message: program.message };
    const longest = longestIn(Object.values<Json>(context), program.splits);
    const steps = program.nodes * Math.max(1, longest) ** program.depth;
    if (steps > STEPS_MAX) {
      const message = `it could take ${steps} steps, since it goes through up to ${longest} elements ${program.depth} deep; at most ${STEPS_MAX} are allowed`;
      return { ok: false, message };
    }
    try {
      return fromCel(program.run(toCel(context) as Record<string, unknown>));
    } catch (error) {
      const { message, start, end } = faultOf(error, expression);
      const where = expression.slice(start, end);
      return { ok: false, message: where === "" || where === expression ? message : `${message}, at "${where}"` };
    }
  }

  #read(expression: string): CelProgram<Root> | CelFault {
    if (expression.length > CEL_CHARS_MAX) {
      const message = `the expression has ${expression.length} characters; at most ${CEL_CHARS_MAX} are allowed`;
      return { message, start: 0, end: 0 };
    }
    try {
      const parsed = this.#environment.parse(expression);
      const checked = parsed.check();
      if (!checked.valid) return faultOf(checked.error, expression);
      const found: Found = {
        roots: this.#roots,
        whole: this.#whole,
        names: [],
        depth: 0,
        nodes: 0,
        splits: false,
        sums: 0,
        elements: 0,
        fault: undefined,
      };
      look(parsed.ast, 0, found);
      if (found.fault) return found.fault;
      if (found.sums > SUMS_IN_LOOPS_MAX || found.elements > ELEMENTS_IN_LOOPS_MAX) {
        const message = `loops hold ${found.sums} additions and ${found.elements} elements of lists and maps; at most ${SUMS_IN_LOOPS_MAX} and ${ELEMENTS_IN_LOOPS_MAX} are allowed`;
        return { message, start: 0, end: expression.length };
      }
      const { names, depth, nodes, splits } = found;
      return {
        names: names as CelName<Root>[],
        depth,
        nodes,
        splits,
        type: checked.type ?? "dyn",
        run: (context) => parsed({ ...context }) as unknown,
      };
    } catch (error) {
      return faultOf(error, expression);
    }
  }
}

/** Of pipelines: what tasks gave, and the parameters of the job. */
const PIPELINE = new CelLanguage(["params", "tasks"]);

export const compileCel = (expression: string): CelProgram | CelFault => PIPELINE.compile(expression);

export const evaluateCel = (
  expression: string,
  context: { readonly params: Readonly<Record<string, Json>>; readonly tasks: Readonly<Record<string, Json>> },
): CelValue => PIPELINE.evaluate(expression, context);

export function isFault<Root extends string>(found: CelProgram<Root> | CelFault): found is CelFault {
  return "message" in found;
}

interface Found {
  readonly roots: readonly string[];
  readonly whole: boolean;
  readonly names: CelName<string>[];
  depth: number;
  nodes: number;
  splits: boolean;
  sums: number;
  elements: number;
  fault: CelFault | undefined;
}

/** Collects what is read, and how deep loops stand in each other. */
function look(node: ASTNode, depth: number, found: Found): void {
  found.nodes += 1;
  found.depth = Math.max(found.depth, depth);
  if (depth > 0) {
    if (node.op === "+") found.sums += 1;
    if (node.op === "list" || node.op === "map") found.elements += node.args.length;
  }
  const named = nameOf(node, found.roots);
  if (named) found.names.push(named);
  if (node.op === "id" && found.whole && found.roots.includes(node.args))
    found.names.push({ root: node.args, name: "", start: node.start, end: node.end, optional: false });
  if (node.op === "id" && !found.whole && found.roots.includes(node.args) && !found.fault) {
    const message = `${node.args} as a whole cannot be used; name one, like ${node.args}.NAME`;
    found.fault = { message, start: node.start, end: node.end };
  }
  if (node.op === "rcall") {
    const [name, target, args] = node.args;
    found.splits ||= name === "split";
    if (Object.hasOwn(REFUSED, name)) found.fault ??= { message: REFUSED[name]!, start: node.start, end: node.end };
    look(target, depth, found);
    for (const arg of args) look(arg, LOOPS.has(name) ? depth + 1 : depth, found);
    return;
  }
  // Of `tasks.train` the inner `tasks` stands for nothing by itself.
  if (named) return;
  for (const child of childrenOf(node)) look(child, depth, found);
}

function nameOf(node: ASTNode, roots: readonly string[]): CelName<string> | undefined {
  if (node.op !== "." && node.op !== "[]" && node.op !== ".?" && node.op !== "[?]") return undefined;
  const [target, key] = node.args;
  if (target.op !== "id" || !roots.includes(target.args)) return undefined;
  const name =
    typeof key === "string" ? key : key.op === "value" && typeof key.args === "string" ? key.args : undefined;
  if (name === undefined) return undefined;
  const optional = node.op === ".?" || node.op === "[?]";
  return { root: target.args, name, start: node.start, end: node.end, optional };
}

function childrenOf(node: ASTNode): ASTNode[] {
  const children: ASTNode[] = [];
  const collect = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) collect(each);
    else if (typeof value === "object" && value !== null && "op" in value) children.push(value as ASTNode);
  };
  collect(node.args);
  return children;
}

function faultOf(error: unknown, expression: string): CelFault {
  const whole = { start: 0, end: expression.length };
  if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError)
    return { message: error.summary, ...(error.range ?? whole) };
  // Of the library or of the engine (too long a string, too deep a value): the same expression meets it again.
  return { message: error instanceof Error ? error.message : String(error), ...whole };
}

export type CelValue = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string };

/** Elements of the longest list or map, or characters of the longest text. */
function longestIn(value: Json, texts: boolean): number {
  if (typeof value === "string") return texts ? value.length : 1;
  if (typeof value !== "object" || value === null) return 1;
  const children: readonly Json[] = Array.isArray(value) ? value : Object.values(value);
  return children.reduce<number>((most, child) => Math.max(most, longestIn(child, texts)), children.length);
}

/** As CEL sees a JSON value: whole numbers are ints. */
function toCel(value: Json): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((each: Json) => toCel(each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toCel(each as Json)]));
}

function fromCel(value: unknown): CelValue {
  try {
    return { ok: true, value: jsonOf(value, { left: VALUES_MAX }) };
  } catch (error) {
    if (error instanceof NotJson) return { ok: false, message: error.message };
    throw error;
  }
}

class NotJson extends Error {}

function jsonOf(value: unknown, budget: { left: number }): Json {
  budget.left -= 1;
  if (budget.left < 0) throw new NotJson(`it gives more than ${VALUES_MAX} values`);
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "bigint":
      if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
      throw new NotJson(`it gives the number ${value}, which is too large to be passed on exactly`);
    case "number":
      if (Number.isFinite(value)) return value;
      throw new NotJson(`it gives the number ${value}, which cannot be passed on`);
    default:
  }
  if (value === null) return null;
  if (Array.isArray(value)) return value.map((each) => jsonOf(each, budget));
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, each]) => [String(name), jsonOf(each, budget)]));
  const prototype: unknown = typeof value === "object" ? Object.getPrototypeOf(value) : undefined;
  if (prototype === Object.prototype || prototype === null)
    return Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, jsonOf(each, budget)]));
  throw new NotJson("it gives a value that is no JSON (a time, a duration, bytes or nothing)");
}
