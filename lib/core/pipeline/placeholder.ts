import type { Scalar } from "./spec.ts";

/**
 * Texts with `{{ a.b.0 }}` over JSON values, as triggers and notifications have them. No shell sees the result, so that nothing is quoted;
 * a text that is one placeholder and nothing else keeps the type of the value. Two braces as such are `{{ "{{" }}`.
 */
export type Placeholders =
  | { readonly ok: true; readonly pieces: readonly Piece[] }
  | { readonly ok: false; readonly message: string };

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "path"; readonly path: readonly string[]; readonly source: string };

/** JSON, as it came from outside. */
export type Json = Scalar | readonly Json[] | { readonly [key: string]: Json };

export type Filled = { readonly ok: true; readonly value: Scalar } | { readonly ok: false; readonly message: string };

const PATH = /^[A-Za-z_][\w-]*(?:\s*\.\s*[\w-]+)*$/;
const ESCAPED = '"{{"';

export function parsePlaceholders(text: string): Placeholders {
  const pieces: Piece[] = [];
  let at = 0;
  for (let open = text.indexOf("{{"); open !== -1; open = text.indexOf("{{", at)) {
    if (open > at) pieces.push({ kind: "text", text: text.slice(at, open) });
    const escape = /^\{\{\s*"\{\{"\s*\}\}/.exec(text.slice(open));
    const close = escape ? open + escape[0].length - 2 : text.indexOf("}}", open + 2);
    if (close === -1)
      return { ok: false, message: `"{{" is not closed by "}}"; two braces as such are {{ ${ESCAPED} }}` };
    const source = text.slice(open, close + 2);
    const inner = text.slice(open + 2, close).trim();
    if (escape) pieces.push({ kind: "text", text: "{{" });
    else if (PATH.test(inner)) pieces.push({ kind: "path", path: inner.split(/\s*\.\s*/), source });
    else return { ok: false, message: `${source} names no value; {{ payload.id }} is how one is named` };
    at = close + 2;
  }
  if (at < text.length) pieces.push({ kind: "text", text: text.slice(at) });
  return { ok: true, pieces };
}

/** The text with its values in. A list or an object becomes its JSON. */
export function fillPlaceholders(text: string, values: Json): Filled {
  const parsed = parsePlaceholders(text);
  if (!parsed.ok) return parsed;
  const [first] = parsed.pieces;
  const filled: string[] = [];
  for (const piece of parsed.pieces) {
    if (piece.kind === "text") {
      filled.push(piece.text);
      continue;
    }
    const value = valueAt(values, piece.path);
    if (value === undefined) return { ok: false, message: `there is no ${piece.path.join(".")} in the event` };
    const isScalar = value === null || typeof value !== "object";
    if (parsed.pieces.length === 1 && isScalar && piece === first) return { ok: true, value };
    filled.push(typeof value === "string" ? value : JSON.stringify(value));
  }
  return { ok: true, value: filled.join("") };
}

function valueAt(values: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = values;
  for (const part of path) {
    if (value === null || typeof value !== "object") return undefined;
    if (!Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string, Json>>)[part];
  }
  return value;
}
