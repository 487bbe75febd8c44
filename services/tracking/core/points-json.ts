import type { Int64 } from "./fields.ts";
import type { Points } from "./points.ts";

/** `"timestamp":`, `"step":` and their commas. */
const TIME = Buffer.from(`,"timestamp":`);
const STEP = Buffer.from(`,"step":`);
/** A double, and each of two int64s, as text. */
const NUMBER_BYTES_MAX = 25;
const COMMA = 44;
const MINUS = 45;
const ZERO = 48;
/** Splits an integer below 2^53 in two that are each below 2^31. */
const HALF = 10_000_000;

/**
 * The first `count` points as MLflow's Metric messages in JSON, with commas between them. Written byte by byte: a page of a history has 25,000 of
 * them, and texts put together take three times as long. Integers stay exact; NaN and the infinities are texts.
 */
export function pointsJson(key: string, { timesMs, steps, values }: Points, count: number, runId?: string): Buffer {
  const head = Buffer.from(`{"key":${JSON.stringify(key)},"value":`);
  const tail = Buffer.from(runId === undefined ? "}" : `,"run_id":${JSON.stringify(runId)}}`);
  const each = head.length + TIME.length + STEP.length + tail.length + 3 * NUMBER_BYTES_MAX + 1;
  const bytes = Buffer.allocUnsafe(count * each);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    if (index > 0) bytes[at++] = COMMA;
    at = put(bytes, at, head);
    at = putText(bytes, at, doubleJson(values[index]!));
    at = put(bytes, at, TIME);
    at = putInteger(bytes, at, timesMs[index]!);
    at = put(bytes, at, STEP);
    at = putInteger(bytes, at, steps[index]!);
    at = put(bytes, at, tail);
  }
  return bytes.subarray(0, at);
}

function doubleJson(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? "-0" : String(value);
  return `"${value}"`;
}

/** For a few bytes a loop is faster than the call that copies them. */
function put(bytes: Buffer, start: number, part: Buffer): number {
  for (let index = 0; index < part.length; index += 1) bytes[start + index] = part[index]!;
  return start + part.length;
}

/** ASCII alone. */
function putText(bytes: Buffer, start: number, text: string): number {
  for (let index = 0; index < text.length; index += 1) bytes[start + index] = text.charCodeAt(index);
  return start + text.length;
}

function putInteger(bytes: Buffer, start: number, value: Int64): number {
  if (typeof value === "bigint") return putText(bytes, start, String(value));
  let at = start;
  if (value < 0) bytes[at++] = MINUS;
  const size = Math.abs(value);
  if (size >= HALF * 2 ** 31) return putText(bytes, at, String(size));
  const high = Math.floor(size / HALF);
  if (high === 0) return putDigits(bytes, at, size, digitsOf(size));
  at = putDigits(bytes, at, high, digitsOf(high));
  return putDigits(bytes, at, size - high * HALF, 7);
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let bound = 10; bound <= value; bound *= 10) digits += 1;
  return digits;
}

/** The last `digits` digits of what is below 2^31, with zeros before. */
function putDigits(bytes: Buffer, start: number, value: number, digits: number): number {
  let left = value;
  for (let at = start + digits - 1; at >= start; at -= 1) {
    const rest = (left / 10) | 0;
    bytes[at] = ZERO + left - rest * 10;
    left = rest;
  }
  return start + digits;
}
