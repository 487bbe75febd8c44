import { invalid } from "./mlflow-error.ts";

/** `=` and its like as SQL has them; words in capitals. */
export type Operator =
  | "="
  | "!="
  | ">"
  | ">="
  | "<"
  | "<="
  | "LIKE"
  | "ILIKE"
  | "RLIKE"
  | "IN"
  | "NOT IN"
  | "IS NULL"
  | "IS NOT NULL";

/** One comparison of a filter. `value` is null for IS NULL and IS NOT NULL. */
export interface Comparison {
  /** As the grammar calls it, whatever alias was written. */
  readonly entity: string;
  readonly key: string;
  readonly operator: Operator;
  readonly value: string | number | readonly string[] | null;
}

export interface OrderBy {
  readonly entity: string;
  readonly key: string;
  readonly ascending: boolean;
}

/** What may be compared with what, in one kind of search. */
export interface Grammar {
  /** Every word before the first dot, to the entity it means; `attribute` is what has no dot. */
  readonly entities: Readonly<Record<string, string>>;
  /** Attributes with what their values are. */
  readonly attributes: Readonly<Record<string, "number" | "text">>;
  /** Other names of attributes. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Entities whose values are numbers. */
  readonly numbers: readonly string[];
  /** Entities with a fixed set of keys. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** `entity.key` that may be compared with a list; null: all texts. */
  readonly lists: readonly string[] | null;
  /** Entities that IS NULL may be asked of. */
  readonly nullable: readonly string[];
  /** Texts may be compared with regular expressions, by RLIKE. Default: no. */
  readonly regular?: boolean;
}

const NUMERIC: readonly string[] = ["=", "!=", ">", ">=", "<", "<="];
const TEXTUAL: readonly string[] = ["=", "!=", "LIKE", "ILIKE"];
/** Comparisons of one filter; more would make plans that take longer than the search. */
const COMPARISONS_MAX = 50;

const TOKEN =
  /\s*(?:(?<text>'(?:[^']|'')*')|(?<operator>!=|<>|>=|<=|==|=|>|<)|(?<open>\()|(?<close>\))|(?<comma>,)|(?<word>(?:`[^`]*`|"[^"]*"|[^\s'"`()=<>!,])+))/y;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

interface Token {
  readonly kind: "text" | "operator" | "open" | "close" | "comma" | "word";
  readonly raw: string;
}

/**
 * Comparisons joined by AND, as MLflow's search grammar has them: no OR, no NOT, no parentheses around comparisons. Throws
 * INVALID_PARAMETER_VALUE that names what cannot be read.
 */
export function parseFilter(text: string, grammar: Grammar): Comparison[] {
  const tokens = tokenize(text);
  const found: Comparison[] = [];
  let at = 0;
  while (at < tokens.length) {
    // Several ANDs in a row, and one at either end, are what clients make of empty parts.
    while (isWord(tokens[at], "AND")) at += 1;
    if (at >= tokens.length) break;
    const end = endOfComparison(tokens, at);
    found.push(readComparison(tokens.slice(at, end), grammar));
    if (end < tokens.length && !isWord(tokens[end], "AND")) throw invalidClause(tokens.slice(end));
    at = end;
  }
  if (found.length > COMPARISONS_MAX)
    throw invalid(`a filter may have ${COMPARISONS_MAX} comparisons, this one has ${found.length}`);
  return found;
}

/** `key`, `entity.key`, with ASC or DESC after it. */
export function parseOrderBy(text: string, grammar: Grammar): OrderBy {
  const match = /^\s*((?:`[^`]*`|"[^"]*"|[^\s`"])+)(?:\s+(\S+))?\s*$/.exec(text);
  if (match === null) throw invalid(`Invalid order_by clause '${text}'. Could not be parsed.`);
  const direction = (match[2] ?? "asc").toLowerCase();
  if (direction !== "asc" && direction !== "desc") throw invalid(`Invalid ordering key in order_by clause '${text}'.`);
  return { ...readIdentifier(match[1]!, grammar), ascending: direction === "asc" };
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw invalid(`Invalid clause(s) in filter string: '${text.slice(from).trim()}'`);
    const [kind, raw] = Object.entries(match.groups!).find(([, value]) => value !== undefined)!;
    tokens.push({ kind: kind as Token["kind"], raw: raw! });
  }
  return tokens;
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === "word" && token.raw.toUpperCase() === word;
}

/** One past the comparison that begins at `at`. */
function endOfComparison(tokens: readonly Token[], at: number): number {
  let end = at + 1;
  if (isWord(tokens[end], "IS")) return end + (isWord(tokens[end + 1], "NOT") ? 3 : 2);
  if (isWord(tokens[end], "NOT")) end += 1;
  end += 1;
  if (tokens[end]?.kind !== "open") return Math.min(end + 1, tokens.length);
  while (end < tokens.length && tokens[end]!.kind !== "close") end += 1;
  return Math.min(end + 1, tokens.length);
}

function readComparison(tokens: readonly Token[], grammar: Grammar): Comparison {
  const [left, ...rest] = tokens;
  if (left?.kind !== "word" || rest.length === 0) throw invalidClause(tokens);
  const identifier = readIdentifier(left.raw, grammar);
  const words = rest.map(({ raw }) => raw.toUpperCase());
  if (words[0] === "IS") {
    const operator = words.join(" ");
    if (operator !== "IS NULL" && operator !== "IS NOT NULL") throw invalidClause(tokens);
    if (!grammar.nullable.includes(identifier.entity))
      throw invalid(
        `IS NULL / IS NOT NULL is only supported for tags and params, not for '${identifier.entity}' '${identifier.key}'`,
      );
    return { ...identifier, operator, value: null };
  }
  const negated = words[0] === "NOT";
  const operator = negated ? `NOT ${words[1]}` : words[0]!;
  const value = rest.slice(negated ? 2 : 1);
  if (rest[0]!.kind !== "operator" && !/^(?:LIKE|ILIKE|RLIKE|IN|NOT IN)$/.test(operator)) throw invalidClause(tokens);
  if (value.length === 0) throw invalidClause(tokens);
  return compare(identifier, operator === "<>" ? "!=" : operator === "==" ? "=" : operator, value, grammar);
}

function compare(
  identifier: { readonly entity: string; readonly key: string },
  operator: string,
  value: readonly Token[],
  grammar: Grammar,
): Comparison {
  const { entity, key } = identifier;
  const isNumber = grammar.numbers.includes(entity) || (entity === "attribute" && grammar.attributes[key] === "number");
  if (operator === "IN" || operator === "NOT IN") {
    const allowed = !isNumber && (grammar.lists === null || grammar.lists.includes(`${entity}.${key}`));
    if (!allowed)
      throw invalid(
        entity === "attribute"
          ? `Only ${(grammar.lists ?? []).map((one) => one.split(".")[1]).join(", ")} support comparison with a list of quoted string values.`
          : `Invalid comparator '${operator}' for ${entity}.${key}`,
      );
    return { ...identifier, operator, value: readList(value) };
  }
  const [token] = value;
  if (value.length !== 1 || token === undefined) throw invalidClause(value);
  if (isNumber) return { ...identifier, operator: allowed(operator, NUMERIC), value: readNumber(token, identifier) };
  const text = readText(token, identifier);
  // SQL has no such pattern: the last backslash would stand before nothing.
  if (/^I?LIKE$/.test(operator) && /(?<!\\)(?:\\\\)*\\$/.test(text))
    throw invalid(`Invalid pattern '${text}': it must not end with a single \\; write \\\\ for one`);
  return {
    ...identifier,
    operator: allowed(operator, grammar.regular ? [...TEXTUAL, "RLIKE"] : TEXTUAL),
    value: text,
  };
}

function allowed(operator: string, among: readonly string[]): Operator {
  if (among.includes(operator)) return operator as Operator;
  throw invalid(`Invalid comparator '${operator}' not one of '${among.join("', '")}'`);
}

function readNumber({ kind, raw }: Token, { entity, key }: { readonly entity: string; readonly key: string }): number {
  if (kind === "word" && NUMBER.test(raw)) return Number(raw);
  throw invalid(
    entity === "attribute"
      ? `Expected numeric value type for numeric attribute: ${key}. Found ${raw}`
      : `Expected numeric value type for ${entity}. Found ${raw}`,
  );
}

function readText({ kind, raw }: Token, { entity }: { readonly entity: string }): string {
  if (kind === "text") return raw.slice(1, -1).replaceAll("''", "'");
  if (kind === "word" && /^"[^"]*"$/.test(raw)) return raw.slice(1, -1);
  throw invalid(
    entity === "attribute"
      ? `Expected a quoted string value for attributes. Got value ${raw}`
      : `Expected a quoted string value for ${entity} (e.g. 'my-value'). Got value ${raw}`,
  );
}

function readList(tokens: readonly Token[]): string[] {
  const inner = tokens.slice(1, -1);
  const wellFormed =
    tokens[0]?.kind === "open" &&
    tokens.at(-1)?.kind === "close" &&
    inner.length > 0 &&
    inner.every(({ kind }, at) => (at % 2 === 0 ? kind === "text" || kind === "word" : kind === "comma"));
  if (!wellFormed)
    throw invalid("While parsing a list in the query, expected a non-empty list of string values, but got empty list");
  return inner
    .filter((_, at) => at % 2 === 0)
    .map((token) => {
      if (token.kind === "text" || /^"[^"]*"$/.test(token.raw)) return readText(token, { entity: "attribute" });
      throw invalid(
        `While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: (${tokens.map(({ raw }) => raw).join("")})`,
      );
    });
}

/** The first dot outside of quotes parts entity and key. */
function readIdentifier(raw: string, grammar: Grammar): { readonly entity: string; readonly key: string } {
  const match = /^(`[^`]*`|"[^"]*"|[^.`"]+)\.(.+)$/.exec(raw);
  if (match === null) return { entity: "attribute", key: attribute(unquote(raw), grammar) };
  const written = unquote(match[1]!);
  const entity = Object.hasOwn(grammar.entities, written) ? grammar.entities[written] : undefined;
  if (entity === undefined) {
    const known = [...new Set(Object.values(grammar.entities))].map((one) => `'${one}'`).join(", ");
    throw invalid(`Invalid entity type '${written}'. Valid values are [${known}]`);
  }
  const key = unquote(match[2]!);
  if (entity === "attribute") return { entity, key: attribute(key, grammar) };
  const keys = grammar.keys[entity];
  if (keys !== undefined && !keys.includes(key))
    throw invalid(`Invalid ${entity} key '${key}' specified. Valid keys are '${keys.join("', '")}'`);
  return { entity, key };
}

function attribute(written: string, { attributes, aliases }: Grammar): string {
  const key = Object.hasOwn(aliases, written) ? aliases[written]! : written;
  if (Object.hasOwn(attributes, key)) return key;
  const known = Object.keys(attributes).join("', '");
  throw invalid(`Invalid attribute key '${written}' specified. Valid keys are '${known}'`);
}

function unquote(text: string): string {
  return /^(?:`[^`]*`|"[^"]*")$/.test(text) ? text.slice(1, -1) : text;
}

function invalidClause(tokens: readonly Token[]): Error {
  return invalid(`Invalid clause(s) in filter string: '${tokens.map(({ raw }) => raw).join(" ")}'`);
}
