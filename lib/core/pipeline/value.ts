import { LIMITS, utf8Bytes } from "./limits.ts";
import type { Scalar } from "./spec.ts";

/** How a task sees a value: strings as they are, other scalars as JSON. */
export function scalarText(value: Scalar): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Half of a UTF-16 pair: no UTF-8 text can hold it, so it would arrive changed. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** What keeps the value from arriving as it is; undefined: nothing. */
export function checkScalar(value: Scalar): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return `is ${value}; only finite numbers can be passed on`;
  return typeof value === "string" ? checkText(value, LIMITS.valueBytes) : undefined;
}

export function checkText(text: string, bytesMax: number): string | undefined {
  if (text.includes("\0")) return "holds a zero byte, which neither an argument nor a variable can hold";
  if (LONE_SURROGATE.test(text)) return "holds half a character (a lone surrogate), which has no UTF-8 form";
  const bytes = utf8Bytes(text);
  return bytes > bytesMax ? `has ${bytes} bytes; at most ${bytesMax} are allowed (put more into a file)` : undefined;
}
