import { InvalidArgumentError } from "commander";

/** A whole number from `min` on, as an option's or an argument's value. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`A whole number ${range} would be right.`);
  };
}

/** `train[3]` as task and index; the index is undefined in `train`. */
export function parseInstance(text: string): { task: string; index: number | undefined } {
  const match = /^([^[\]]+)\[(\d+)\]$/.exec(text);
  return match ? { task: match[1]!, index: Number(match[2]) } : { task: text, index: undefined };
}
