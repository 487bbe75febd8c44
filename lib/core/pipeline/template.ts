import { hint } from "./nearest.ts";
import { shellQuote, ShellReader, type Place } from "./shell.ts";

/** What `{{ … }}` may name. */
export type Reference =
  | { readonly kind: "params" | "map" | "inputs" | "outputs"; readonly name: string }
  /** `tasks.NAME.result`, and what lies in it at the path. */
  | { readonly kind: "tasks"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "job.id" | "task.index" | "task.attempt" };

type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly source: string; readonly reference: Reference; readonly place: Place };

export interface Template {
  readonly pieces: readonly Piece[];
  readonly problems: readonly string[];
}

/** The names that can be used, for hints. */
export interface Scope {
  readonly params: Iterable<string>;
  readonly map: Iterable<string>;
  readonly inputs: Iterable<string>;
  readonly outputs: Iterable<string>;
  /** Those it needs. */
  readonly tasks: Iterable<string>;
}

const NAMED = ["params", "map", "inputs", "outputs"] as const;
const FIXED = ["job.id", "task.index", "task.attempt"] as const;
const ESCAPE = `(for the two characters themselves write {{ "{{" }})`;
const BARE: Place = { kind: "bare" };

/**
 * Reads a template. In a script (`shell`) each value is quoted where it stands, so that it arrives as it is and as a part of one
 * word; where that cannot be done for certain it is a problem. Elsewhere values are put in as they are.
 */
export function parseTemplate(text: string, shell: boolean): Template {
  const pieces: Piece[] = [];
  const problems: string[] = [];
  const reader = shell && text.includes("{{") ? new ShellReader(text) : undefined;
  let at = 0;
  for (;;) {
    const open = text.indexOf("{{", at);
    if (open === -1) break;
    const literal = /^\{\{\s*(["'])(\{\{|\}\})\1\s*\}\}/.exec(text.slice(open, open + 40));
    const close = literal ? open + literal[0].length : text.indexOf("}}", open + 2) + 2;
    if (close === 1 || text.slice(open, close).includes("\n")) {
      problems.push(
        `"${text.slice(open, open + 20).split("\n")[0]}" opens {{ and does not close it on its line ${ESCAPE}`,
      );
      break;
    }
    if (open > at) pieces.push({ kind: "text", text: text.slice(at, open) });
    const source = text.slice(open, close);
    const place = reader?.placeAt(open) ?? BARE;
    reader?.skipTo(close);
    at = close;
    if (literal || place.kind === "comment") {
      pieces.push({ kind: "text", text: literal ? literal[2]! : source });
      continue;
    }
    const reference = parseReference(source.slice(2, -2).trim());
    if (typeof reference === "string") problems.push(`${source}: ${reference}`);
    else {
      if (place.kind === "refused") problems.push(refusal(source, reference, place.where));
      pieces.push({ kind: "value", source, reference, place });
    }
  }
  if (at < text.length) pieces.push({ kind: "text", text: text.slice(at) });
  return { pieces, problems };
}

function parseReference(expression: string): Reference | string {
  const fixed = FIXED.find((name) => name === expression);
  if (fixed) return { kind: fixed };
  const result = /^tasks\s*\.\s*([A-Za-z][A-Za-z0-9_-]*)\.result((?:\.[A-Za-z0-9_-]+)*)$/.exec(expression);
  if (result) return { kind: "tasks", name: result[1]!, path: result[2]!.split(".").slice(1) };
  const known = [...NAMED.map((kind) => `${kind}.NAME`), "tasks.NAME.result", ...FIXED].join(", ");
  const match = /^([A-Za-z]+)\s*\.\s*([A-Za-z][A-Za-z0-9_-]*)$/.exec(expression);
  if (!match) return `is not a value; there are ${known} ${ESCAPE}`;
  const kind = NAMED.find((name) => name === match[1]);
  if (kind) return { kind, name: match[2]! };
  const near = hint(expression, FIXED);
  const nearKind = hint(match[1]!, [...NAMED]);
  return near.includes("did you mean")
    ? `there is no ${expression}${near}`
    : nearKind.includes("did you mean")
      ? `there is no "${match[1]}"${nearKind}`
      : `there is no ${expression}; there are ${known}`;
}

/** The variable that carries the same value, for places where no value can be put in; undefined: none does. */
function variableFor(reference: Reference): string | undefined {
  switch (reference.kind) {
    case "params":
      return `WEFT_PARAM_${variableName(reference.name)}`;
    case "map":
      return `WEFT_MAP_${variableName(reference.name)}`;
    case "inputs":
      return `WEFT_INPUT_${variableName(reference.name)}`;
    case "outputs":
      return `WEFT_OUTPUT_${variableName(reference.name)}`;
    case "tasks":
      return undefined;
    case "job.id":
      return "WEFT_JOB_ID";
    case "task.index":
      return "WEFT_INDEX";
    case "task.attempt":
      return "WEFT_ATTEMPT";
  }
}

function refusal(source: string, reference: Reference, where: string): string {
  const variable = variableFor(reference);
  const instead = variable
    ? `use the variable ${variable} there`
    : `give it to a variable in "env", and use that there`;
  return `${source} stands ${where}, where it cannot be quoted for certain; ${instead}`;
}

/** `learning-rate` → `LEARNING_RATE`. */
export function variableName(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

/** What is wrong with the names that the template uses, with the nearest that exist. */
export function checkReferences(template: Template, scope: Scope): string[] {
  const nouns = {
    params: "parameter",
    map: "map dimension",
    inputs: "input",
    outputs: "output",
    tasks: "task",
  } as const;
  return template.pieces.flatMap((piece) => {
    if (piece.kind === "text" || !("name" in piece.reference)) return [];
    const { kind, name } = piece.reference;
    const known = new Set(scope[kind]);
    if (known.has(name)) return [];
    if (kind === "tasks") return [`${piece.source}: "${name}" is not among the "needs" of the task; add it there`];
    const none = known.size === 0 ? `; no ${nouns[kind]} is declared` : hint(name, known);
    return [`${piece.source}: there is no ${nouns[kind]} "${name}"${none}`];
  });
}

/** Puts the values in. Throws on a template with problems: those are found before a pipeline is accepted. */
export function renderTemplate(template: Template, shell: boolean, valueOf: (reference: Reference) => string): string {
  if (template.problems.length > 0) throw new Error(`template was not checked: ${template.problems[0]}`);
  return template.pieces
    .map((piece) => {
      if (piece.kind === "text") return piece.text;
      const value = valueOf(piece.reference);
      return shell ? quoteAt(value, piece.place) : value;
    })
    .join("");
}

function quoteAt(value: string, place: Place): string {
  const quoted = shellQuote(value);
  if (place.kind === "double") return `"${quoted}"`;
  if (place.kind === "single") return `'${quoted}'`;
  return quoted;
}
