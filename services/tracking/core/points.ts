import type { Int64 } from "./fields.ts";

/** Points of one metric, column by column; all columns are equally long. */
export interface Points {
  /** Epoch milliseconds. */
  readonly timesMs: Int64[];
  readonly steps: Int64[];
  readonly values: number[];
}

/**
 * Bytes of a chunk: the format, the number of points as varint, then
 *   1: times and steps as zigzag varints of the difference to the one before, values as little-endian doubles;
 *   2: all three as 8 bytes each, for integers beyond what a double holds.
 * A training loop's points take 11 bytes each in format 1.
 */
const DIFFERENCES = 1;
const PLAIN = 2;
/** Differences up to this, doubled by zigzag, are exact as numbers. */
const DIFFERENCE_MAX = 2 ** 51;

export function noPoints(): Points {
  return { timesMs: [], steps: [], values: [] };
}

export function addPoint(points: Points, timeMs: Int64, step: Int64, value: number): void {
  points.timesMs.push(timeMs);
  points.steps.push(step);
  points.values.push(value);
}

export function encodePoints({ timesMs, steps, values }: Points): Buffer {
  const small = isSmall(timesMs) && isSmall(steps);
  const bytes = Buffer.allocUnsafe(6 + values.length * (small ? 26 : 24));
  bytes[0] = small ? DIFFERENCES : PLAIN;
  let at = putVarint(bytes, 1, values.length);
  if (small) {
    at = putDifferences(bytes, at, timesMs as number[]);
    at = putDifferences(bytes, at, steps as number[]);
  } else {
    for (const time of timesMs) at = bytes.writeBigInt64LE(BigInt(time), at);
    for (const step of steps) at = bytes.writeBigInt64LE(BigInt(step), at);
  }
  for (const value of values) at = bytes.writeDoubleLE(value, at);
  return bytes.subarray(0, at);
}

/** Adds what the bytes hold to `into`. */
export function decodePoints(bytes: Buffer, into: Points): void {
  const cursor = { bytes, at: 1 };
  const count = takeVarint(cursor);
  if (bytes[0] === DIFFERENCES) {
    takeDifferences(cursor, count, into.timesMs);
    takeDifferences(cursor, count, into.steps);
  } else if (bytes[0] === PLAIN) {
    for (const column of [into.timesMs, into.steps])
      for (let index = 0; index < count; index += 1, cursor.at += 8)
        column.push(narrow(bytes.readBigInt64LE(cursor.at)));
  } else throw new Error(`a chunk of metrics has the unknown format ${bytes[0]}`);
  // Unlike the buffer's own readers a view's are compiled to a single load.
  const view = new DataView(bytes.buffer, bytes.byteOffset + cursor.at, count * 8);
  for (let index = 0; index < count; index += 1) into.values.push(view.getFloat64(index * 8, true));
}

/** In order of time, step and value (a NaN is the greatest), each point once. */
export function sortPoints(points: Points): Points {
  const { timesMs, steps, values } = points;
  const compare = (a: number, b: number): number =>
    order(timesMs[a]!, timesMs[b]!) || order(steps[a]!, steps[b]!) || orderValues(values[a]!, values[b]!);
  return arranged(points, compare);
}

/** In order of step, time and value. */
export function sortBySteps(points: Points): Points {
  const { timesMs, steps, values } = points;
  const compare = (a: number, b: number): number =>
    order(steps[a]!, steps[b]!) || order(timesMs[a]!, timesMs[b]!) || orderValues(values[a]!, values[b]!);
  return arranged(points, compare);
}

/** Of points in order, at most `count`, evenly spread, with the first and the last. */
export function spread(points: Points, count: number): Points {
  const total = points.values.length;
  if (total <= count) return points;
  const picked = noPoints();
  // The first of each of `count` parts as equal as can be, and in the place of the last one the end.
  const larger = total % count;
  const size = Math.floor(total / count);
  for (let part = 0; part < count; part += 1) {
    const index = part === count - 1 ? total - 1 : part * size + Math.min(part, larger);
    addPoint(picked, points.timesMs[index]!, points.steps[index]!, points.values[index]!);
  }
  return picked;
}

export function order(a: Int64, b: Int64): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function orderValues(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** Least and greatest of a column that is not empty. */
export function rangeOf(column: readonly Int64[]): { readonly first: Int64; readonly last: Int64 } {
  let first = column[0]!;
  let last = first;
  for (const value of column) {
    if (value < first) first = value;
    if (value > last) last = value;
  }
  return { first, last };
}

function arranged(points: Points, compare: (a: number, b: number) => number): Points {
  const { timesMs, steps, values } = points;
  let inOrder = true;
  for (let index = 1; index < values.length && inOrder; index += 1) inOrder = compare(index - 1, index) < 0;
  if (inOrder) return points;
  const indexes = values.map((_, index) => index).sort(compare);
  const sorted = noPoints();
  for (const [place, index] of indexes.entries())
    if (place === 0 || compare(indexes[place - 1]!, index) !== 0)
      addPoint(sorted, timesMs[index]!, steps[index]!, values[index]!);
  return sorted;
}

function isSmall(column: readonly Int64[]): boolean {
  let before = 0;
  for (const value of column) {
    if (typeof value === "bigint" || Math.abs(value - before) > DIFFERENCE_MAX) return false;
    before = value;
  }
  return true;
}

function putDifferences(bytes: Buffer, start: number, column: readonly number[]): number {
  let at = start;
  let before = 0;
  for (const value of column) {
    const difference = value - before;
    at = putVarint(bytes, at, difference >= 0 ? difference * 2 : -difference * 2 - 1);
    before = value;
  }
  return at;
}

function takeDifferences(cursor: Cursor, count: number, into: Int64[]): void {
  let value = 0;
  for (let index = 0; index < count; index += 1) {
    const zigzag = takeVarint(cursor);
    value += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    into.push(value);
  }
}

interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

function putVarint(bytes: Buffer, start: number, number: number): number {
  let at = start;
  let left = number;
  while (left >= 128) {
    bytes[at++] = (left % 128) + 128;
    left = Math.floor(left / 128);
  }
  bytes[at++] = left;
  return at;
}

function takeVarint(cursor: Cursor): number {
  let number = 0;
  let scale = 1;
  for (;;) {
    const byte = cursor.bytes[cursor.at++]!;
    if (byte < 128) return number + byte * scale;
    number += (byte - 128) * scale;
    scale *= 128;
  }
}

function narrow(value: bigint): Int64 {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
