import { invalid, invalidType, missingValue } from "./mlflow-error.ts";

/** An int64: a bigint only where a number could not hold it. */
export type Int64 = number | bigint;

/**
 * What a request says, from its path, query string and JSON body, read the way protobuf reads JSON: absent and null are the same,
 * integers may come as text, a query string repeats the name of a list. Unknown names are passed over, as newer clients
 * send more. Each reader throws INVALID_PARAMETER_VALUE with MLflow's own words when the value is of another type.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  /** Prefix of names in messages, e.g. `metrics[0].`. */
  readonly #path: string;
  /** They came in a query string, where a list of one looks like a text. */
  readonly #isQuery: boolean;

  constructor(values: Readonly<Record<string, unknown>>, path = "", isQuery = false) {
    this.#values = values;
    this.#path = path;
    this.#isQuery = isQuery;
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** Undefined: absent or null. */
  raw(name: string): unknown {
    return this.#values[name] ?? undefined;
  }

  /** The name as messages give it. */
  path(name: string): string {
    return `${this.#path}${name}`;
  }

  text(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    // What Postgres cannot hold is replaced: a value that some script printed must not fail its run.
    if (typeof value === "string") return storable(value);
    throw invalidType(this.path(name), value);
  }

  /** Empty counts as missing. */
  requiredText(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === "") throw missingValue(this.path(name));
    return value;
  }

  /** `run_id`, or `run_uuid` of old clients. */
  runId(): string {
    return this.has("run_id") ? this.requiredText("run_id") : (this.text("run_uuid") ?? this.requiredText("run_id"));
  }

  int64(name: string): Int64 | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value)) return value;
    if (typeof value === "string" && /^[+-]?\d{1,19}$/.test(value.trim())) {
      const exact = BigInt(value.trim().replace("+", ""));
      if (BigInt.asIntN(64, exact) === exact) return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
    }
    throw invalidType(this.path(name), value);
  }

  /** An integer that a number holds exactly. */
  integer(name: string): number | undefined {
    const value = this.int64(name);
    if (typeof value === "bigint") throw invalidType(this.path(name), value);
    return value;
  }

  /** With `NaN`, `Infinity` and `-Infinity` as text. */
  double(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === "number") return value;
    const parsed = typeof value === "string" ? doubleOf(value) : undefined;
    if (parsed === undefined) throw invalidType(this.path(name), value);
    return parsed;
  }

  boolean(name: string): boolean | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === "boolean") return value;
    const text = typeof value === "string" ? value.toLowerCase() : "";
    if (text === "true") return true;
    if (text === "false") return false;
    if (typeof value === "string") throw invalid(`Invalid boolean value: ${value}, must be 'true' or 'false'.`);
    throw invalidType(this.path(name), value);
  }

  /** An integer between both, or `fallback`. `wrong` makes the error. */
  within(name: string, limits: { readonly min: number; readonly max: number; readonly fallback: number }): number {
    const value = this.integer(name);
    if (value === undefined) return limits.fallback;
    if (value >= limits.min && value <= limits.max) return value;
    throw invalid(
      `Invalid value ${value} for parameter '${this.path(name)}' supplied: it must be between ${limits.min} and ${limits.max}`,
    );
  }

  texts(name: string): string[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    if (typeof value === "string" && this.#isQuery) return [storable(value)];
    if (!Array.isArray(value) || value.some((one) => typeof one !== "string"))
      throw invalidType(this.path(name), value);
    return (value as string[]).map(storable);
  }

  objects(name: string): Fields[] {
    const value = this.raw(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw invalidType(this.path(name), value);
    return value.map((one: unknown, index) => {
      if (!isRecord(one)) throw invalidType(this.path(name), value);
      return new Fields(one, `${this.path(name)}[${index}].`);
    });
  }

  object(name: string): Fields | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!isRecord(value)) throw invalidType(this.path(name), value);
    return new Fields(value, `${this.path(name)}.`);
  }
}

function storable(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function doubleOf(text: string): number | undefined {
  const named = { NaN: NaN, Infinity, "-Infinity": -Infinity }[text];
  if (named !== undefined) return named;
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

/** An integer of 16 digits or more, which JSON.parse would round; or a text, to pass over. */
const LONG_INTEGER = /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/** JSON with int64s kept exact: those a number could round come out as text, which `int64` reads. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(text.replaceAll(LONG_INTEGER, (token) => (token.startsWith('"') ? token : `"${token}"`)));
}
