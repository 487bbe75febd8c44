import { randomInt } from "node:crypto";
import type { JobId } from "../../lib/core/ids.ts";

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";
/** 36^8 milliseconds reach to the year 2059. */
const TIME_LENGTH = 8;
/** 36^4: 1.7 million ids a millisecond before two are likely to meet; the table's key refuses the second. */
const RANDOM_LENGTH = 4;

/** 12 characters of 0-9a-z: milliseconds, then chance; ids sort by the time they were made at. */
export function newJobId(nowMs: number): JobId {
  const time = nowMs.toString(36).padStart(TIME_LENGTH, "0");
  let chance = "";
  for (let i = 0; i < RANDOM_LENGTH; i += 1) chance += DIGITS[randomInt(DIGITS.length)];
  return `${time}${chance}` as JobId;
}
