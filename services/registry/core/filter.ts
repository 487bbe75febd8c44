import { invalid } from "./name.ts";

export const OPERATORS = ["=", "!=", ">", ">=", "<", "<=", "LIKE", "ILIKE", "IN", "NOT IN"] as const;
export type Operator = (typeof OPERATORS)[number];

export type Condition =
  | { readonly kind: "attribute"; readonly key: string; readonly operator: Operator; readonly value: FilterValue }
  | { readonly kind: "tag"; readonly key: string; readonly operator: TextOperator; readonly value: string };
export type TextOperator = "=" | "!=" | "LIKE" | "ILIKE";
export type FilterValue = string | number | readonly string[];

/** What can be searched for: attributes, and of which a list may be given. */
export interface Searched {
  readonly attributes: readonly string[];
  readonly numeric: readonly string[];
  readonly listed: readonly string[];
}

export const MODELS: Searched = { attributes: ["name"], numeric: [], listed: ["name"] };
export const VERSIONS: Searched = {
  attributes: ["name", "version_number", "run_id", "source_path"],
  numeric: ["version_number"],
  listed: ["name", "run_id"],
};

/** Of one filter: far over what a person writes; each condition becomes a part of one SQL statement. */
const CONDITIONS_MAX = 100;
const FILTER_CHARS_MAX = 100_000;
const TEXT_OPERATORS: readonly Operator[] = ["=", "!=", "LIKE", "ILIKE"];
const NUMBER_OPERATORS: readonly Operator[] = ["=", "!=", ">", ">=", "<", "<="];

type Token =
  | { readonly kind: "word" | "operator" | "number"; readonly text: string }
  | { readonly kind: "string"; readonly text: string; readonly value: string }
  | { readonly kind: "list"; readonly text: string; readonly values: readonly string[] };

/**
 * MLflow's filters of the registry: comparisons with AND between. Grammar: see `SearchModelUtils` of MLflow. Throws
 * `invalid` for whatever else is written.
 */
export function parseFilter(text: string, searched: Searched): Condition[] {
  if (text.length > FILTER_CHARS_MAX)
    throw invalid(`the filter has ${text.length} characters; at most ${FILTER_CHARS_MAX} are allowed`);
  const tokens = tokenize(text);
  const conditions: Condition[] = [];
  let at = 0;
  while (at < tokens.length) {
    if (isAnd(tokens[at]!)) {
      at += 1;
      continue;
    }
    const { condition, next } = readComparison(tokens, at, searched, text);
    conditions.push(condition);
    at = next;
    if (at < tokens.length && !isAnd(tokens[at]!))
      throw invalid(`Invalid clause(s) in filter string: ${tokens[at]!.text}`);
  }
  if (conditions.length > CONDITIONS_MAX)
    throw invalid(`the filter has ${conditions.length} conditions; at most ${CONDITIONS_MAX} are allowed`);
  return conditions;
}

const isAnd = (token: Token): boolean => token.kind === "word" && token.text.toUpperCase() === "AND";

function readComparison(
  tokens: readonly Token[],
  at: number,
  searched: Searched,
  filter: string,
): { condition: Condition; next: number } {
  const left = tokens[at]!;
  if (left.kind !== "word") throw invalid(`Invalid clause(s) in filter string: ${left.text}`);
  let next = at + 1;
  let operator = tokens[next]?.text.toUpperCase();
  if (operator === "NOT" && tokens[next + 1]?.text.toUpperCase() === "IN") {
    operator = "NOT IN";
    next += 1;
  }
  const right = tokens[next + 1];
  if (operator === undefined || !isOperator(operator) || right === undefined)
    throw invalid(`Invalid clause(s) in filter string: ${filter}`);
  return { condition: conditionOf(left.text, operator, right, searched), next: next + 2 };
}

const isOperator = (text: string): text is Operator => (OPERATORS as readonly string[]).includes(text);

function conditionOf(left: string, operator: Operator, right: Token, searched: Searched): Condition {
  const { kind, key } = readKey(left, searched);
  if (operator.endsWith("LIKE") && right.kind === "string" && /(?<!\\)(?:\\\\)*\\$/.test(right.value))
    throw invalid("a pattern must not end with a single \\; write \\\\ for one");
  if (kind === "tag") {
    if (!TEXT_OPERATORS.includes(operator)) throw invalid(`Invalid comparator for tag: ${operator}`);
    if (right.kind !== "string")
      throw invalid(`Expected a quoted string value for tag (e.g. 'my-value'). Got value ${right.text}`);
    return { kind, key, operator: operator as TextOperator, value: right.value };
  }
  if (searched.numeric.includes(key)) {
    if (!NUMBER_OPERATORS.includes(operator)) throw invalid(`Invalid comparator for attribute ${key}: ${operator}`);
    if (right.kind !== "number")
      throw invalid(`Expected numeric value type for numeric attribute: ${key}. Found ${right.text}`);
    if (!/^-?\d{1,15}$/.test(right.text)) throw invalid(`Invalid value for numeric attribute '${key}': ${right.text}`);
    return { kind, key, operator, value: Number(right.text) };
  }
  const isList = operator === "IN" || operator === "NOT IN";
  if ((!isList && !TEXT_OPERATORS.includes(operator)) || (isList && !searched.listed.includes(key)))
    throw invalid(`Invalid comparator for attribute: ${operator}`);
  if (isList) {
    if (right.kind !== "list")
      throw invalid(`Expected a list of quoted string values for attribute ${key}. Got value ${right.text}`);
    return { kind, key, operator, value: right.values };
  }
  if (right.kind !== "string")
    throw invalid(
      `Expected a quoted string value or a list of quoted string values for attributes. Got value ${right.text}`,
    );
  return { kind, key, operator, value: right.value };
}

function readKey(text: string, searched: Searched): { kind: "attribute" | "tag"; key: string } {
  const dot = text.indexOf(".");
  const [entity, rest] = dot < 0 ? ["attribute", text] : [text.slice(0, dot), text.slice(dot + 1)];
  if (!["attribute", "tag", "tags"].includes(entity))
    throw invalid(`Invalid entity type '${entity}'. Valid entity types are ('attribute', 'tag', 'tags')`);
  const key = unquoted(rest);
  if (entity !== "attribute") return { kind: "tag", key };
  if (!searched.attributes.includes(key)) {
    const valid = searched.attributes.map((one) => `'${one}'`).join(", ");
    throw invalid(`Invalid attribute key '${key}' specified. Valid keys are {${valid}}`);
  }
  return { kind: "attribute", key };
}

function unquoted(text: string): string {
  const quote = text[0];
  return text.length > 1 && (quote === "`" || quote === '"') && text.endsWith(quote) ? text.slice(1, -1) : text;
}

/** A word may hold quoted parts: tags.`a b`. */
const TOKEN =
  /\s+|(?<string>'(?:[^']|'')*'|"[^"]*")|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))|(?<operator>!=|>=|<=|=|>|<)|(?<list>\((?:'(?:[^']|'')*'|"[^"]*"|[^()'"])*\))|(?<word>(?:`[^`]*`|[\w\-$/:]+)(?:\.(?:`[^`]*`|"[^"]*"|[\w\-$/:.]+))*)/gy;

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw invalid(`Invalid clause(s) in filter string: ${text.slice(at)}`);
    const { string, number, operator, list, word } = match.groups ?? {};
    if (string !== undefined) tokens.push({ kind: "string", text: string, value: stringValue(string) });
    else if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (operator !== undefined) tokens.push({ kind: "operator", text: operator });
    else if (list !== undefined) tokens.push({ kind: "list", text: list, values: readList(list) });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
  }
  return tokens;
}

function stringValue(text: string): string {
  return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : text.slice(1, -1);
}

function readList(text: string): string[] {
  const items = text.slice(1, -1).match(/'(?:[^']|'')*'|"[^"]*"|[^,\s]+/g) ?? [];
  if (items.length === 0 || items.some((item) => !/^['"]/.test(item)))
    throw invalid(
      "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list",
    );
  return items.map(stringValue);
}

export interface Order {
  readonly key: string;
  readonly ascending: boolean;
}

/** `key [ASC|DESC]`; each key once. */
export function parseOrder(clauses: readonly string[], keys: readonly string[]): Order[] {
  const orders = clauses.map((clause): Order => {
    const match = /^\s*(.+?)(?:\s+(asc|desc))?\s*$/i.exec(clause);
    const key = unquoted((match?.[1] ?? "").replace(/^attribute\./, ""));
    if (!match || !keys.includes(key)) {
      const valid = keys.map((one) => `'${one}'`).join(", ");
      throw invalid(`Invalid order by key '${key}' specified. Valid keys are {${valid}}`);
    }
    return { key, ascending: match[2]?.toLowerCase() !== "desc" };
  });
  if (new Set(orders.map(({ key }) => key)).size < orders.length)
    throw invalid(`\`order_by\` contains duplicate fields: ${JSON.stringify(clauses)}`);
  return orders;
}
