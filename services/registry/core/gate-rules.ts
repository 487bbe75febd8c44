import { parseDocument } from "yaml";
import { z } from "zod";
import { faultOfRule, type Gate } from "./gate.ts";
import { invalid } from "./name.ts";

const GATES_MAX = 1_000;
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
const PATTERN_CHARS_MAX = 256;

const pattern = z.string().min(1).max(PATTERN_CHARS_MAX);
const patterns = z.union([pattern.transform((one) => [one]), z.array(pattern).max(GATES_MAX)]);
const gate = z.strictObject({
  name: z.string(),
  models: patterns.default(["*"]),
  aliases: patterns.default([]),
  stages: patterns.default([]),
  data: z.string().max(PATTERN_CHARS_MAX).default(""),
  require: z.string(),
  segments: z.boolean().default(false),
  message: z.string().max(1_000).default(""),
});
const file = z.strictObject({ gates: z.array(gate).max(GATES_MAX) });

/** Reads a file of gates (docs/registry.md). Throws `invalid` that says what is wrong, and where. */
export function readGates(text: string): Gate[] {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw invalid(`it is not YAML: ${error.message}`);
  const parsed = file.safeParse(document.toJS({ maxAliasCount: 100 }) as unknown);
  if (!parsed.success) throw invalid(`the gates cannot be used: ${z.prettifyError(parsed.error)}`);
  checkGates(parsed.data.gates);
  return parsed.data.gates;
}

/** Throws `invalid` for the first gate that could not be held against anything. */
export function checkGates(gates: readonly Gate[]): void {
  if (gates.length > GATES_MAX) throw invalid(`there are ${gates.length} gates; at most ${GATES_MAX} are allowed`);
  const names = new Set<string>();
  for (const one of gates) {
    if (!NAME.test(one.name))
      throw invalid(`"${one.name}" cannot name a gate; a letter, then up to 62 letters, digits, - and _`);
    if (names.has(one.name)) throw invalid(`two gates have the name "${one.name}"; each needs one of its own`);
    names.add(one.name);
    if (one.aliases.length === 0 && one.stages.length === 0)
      throw invalid(`the gate "${one.name}" stands before nothing; name aliases, like [production], or stages`);
    if (one.models.length === 0) throw invalid(`the gate "${one.name}" names no models; "*" is all of them`);
    const fault = faultOfRule(one.require);
    if (fault !== undefined)
      throw invalid(`the rule of the gate "${one.name}" (${one.require}) cannot be used: ${fault}`);
  }
}
