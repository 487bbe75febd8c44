import { InvalidArgumentError } from "commander";
import type { Scalar } from "../lib/core/pipeline/spec.ts";

/** Collects `--param name=value`; the text may hold further "=". */
export function collectParam(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`"${text}" is not NAME=VALUE, like seed=3.`);
  const name = text.slice(0, at);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`parameter "${name}" is given twice.`);
  return Object.fromEntries([...Object.entries(before), [name, text.slice(at + 1)]]);
}

/**
 * What a parameter's text means follows from its default: a text stays as it is, also "3" or "true"; else JSON is tried
 * (3, true, null), and what is none is a text, which bindParams then holds against the default.
 */
export function readParams(
  given: Readonly<Record<string, string>>,
  declared: Readonly<Record<string, Scalar>>,
): Record<string, Scalar> {
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => {
      const isText = Object.hasOwn(declared, name) && typeof declared[name] === "string";
      return [name, isText ? text : jsonScalar(text)];
    }),
  );
}

function jsonScalar(text: string): Scalar {
  try {
    const value: unknown = JSON.parse(text);
    return value === null || typeof value === "number" || typeof value === "boolean" ? value : text;
  } catch {
    return text;
  }
}
