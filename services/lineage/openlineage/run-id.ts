import { createHash } from "node:crypto";
import { type AttemptRef, parseAttemptKey } from "../../../lib/core/ids.ts";

/**
 * Runs of OpenLineage have UUIDs, ours have ids that say what they are. The UUID of an attempt, or of a job, is made from its id, so that whoever tells of it
 * tells of the same run; and the job can be read from it, so that it is found without a table or an index.
 *
 * It has the shape of version 7 (RFC 9562). Ids of jobs are 8 digits of base 36 that are milliseconds and 4 that are chance:
 *
 *   48 bits  the milliseconds           12 + 9 bits  the chance (36^4 < 2^21), around version and variant
 *   53 bits  of sha256 of "task.index.attempt"; 0: the job itself
 *
 * Two attempts of one job share a UUID with a chance of 2^-53 a pair: one in twenty thousand for a job of a million attempts.
 */
export function runUuid(id: string): string {
  const ref = parseAttemptKey(id);
  const job = (ref?.job ?? id).padStart(JOB_DIGITS, "0");
  const ms = BigInt(parseInt(job.slice(0, TIME_DIGITS), 36));
  const chance = BigInt(parseInt(job.slice(TIME_DIGITS), 36));
  const rest = ref === undefined ? 0n : hash53(restOf(ref));
  const low = (2n << 62n) | ((chance & 511n) << 53n) | rest;
  const hex = ((((ms << 16n) | (7n << 12n) | (chance >> 9n)) << 64n) | low).toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export interface DecodedRun {
  /** As job ids are, with and without zeros in front. */
  readonly jobs: readonly string[];
  /** 0: the job itself; else `hash53` of the rest. */
  readonly rest: bigint;
}

/** Undefined: it is no UUID of this shape. Whether there is such a job is not said. */
export function decodeRunUuid(uuid: string): DecodedRun | undefined {
  const hex = uuid.replaceAll("-", "").toLowerCase();
  if (!/^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/.test(hex)) return undefined;
  const bits = BigInt(`0x${hex}`);
  const chance = (((bits >> 64n) & 0xfffn) << 9n) | ((bits >> 53n) & 511n);
  const time = (bits >> 80n).toString(36).padStart(TIME_DIGITS, "0");
  const job = `${time}${chance.toString(36).padStart(JOB_DIGITS - TIME_DIGITS, "0")}`;
  if (job.length !== JOB_DIGITS) return undefined;
  return { jobs: [...new Set([job, job.replace(/^0+/, "")])], rest: bits & REST };
}

/** What `hash53` gives for the attempt whose row `column` names, as SQL over `task`, `index` and `attempt`. */
export const HASH53_SQL = (row: string): string =>
  `(('x' || encode(substr(sha256(convert_to(${row}.task || '.' || ${row}.index || '.' || ${row}.attempt, 'UTF8')), 1, 7), 'hex'))::bit(56)::bigint & ${(1n << 53n) - 1n})`;

const JOB_DIGITS = 12;
const TIME_DIGITS = 8;
const REST = (1n << 53n) - 1n;

function restOf({ task, index, attempt }: AttemptRef): string {
  return `${task}.${index}.${attempt}`;
}

function hash53(text: string): bigint {
  return BigInt(`0x${createHash("sha256").update(text).digest("hex").slice(0, 14)}`) & REST;
}
