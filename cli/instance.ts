import { InvalidArgumentError } from "commander";
import { WeftError } from "../lib/core/error.ts";
import { parseDuration, parsePriority, PRIORITIES } from "../proto/units.ts";

/** A whole number from `min` on, as an option's or an argument's value. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`A whole number ${range} would be right.`);
  };
}

/** The instance that an argument and `--index` name together; 0 when neither says which. */
export function oneInstance(argument: string, indexOption: number | undefined): { task: string; index: number } {
  const { task, index } = parseInstance(argument);
  if (index !== undefined && indexOption !== undefined && index !== indexOption) {
    throw new WeftError("invalid", `${argument} and --index ${indexOption} name two instances; keep one of the two`);
  }
  return { task, index: index ?? indexOption ?? 0 };
}

/** A class of priority or a number, as an option's value. */
export function priority(text: string): number {
  const value = parsePriority(text);
  if (value !== undefined && Math.abs(value) <= 1000) return value;
  const names = Object.keys(PRIORITIES).join(", ");
  throw new InvalidArgumentError(`${names}, or a whole number from -1000 to 1000 would be right.`);
}

/** A time, as an option's value, in milliseconds. */
export function duration(text: string): number {
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(parsed.message);
}

/** `train[3]` as task and index; the index is undefined in `train`. */
export function parseInstance(text: string): { task: string; index: number | undefined } {
  const match = /^([^[\]]+)\[(\d+)\]$/.exec(text);
  return match ? { task: match[1]!, index: Number(match[2]) } : { task: text, index: undefined };
}
