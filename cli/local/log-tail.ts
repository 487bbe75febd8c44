import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

/** How much of a log an error message quotes: some twenty lines. */
const QUOTE_BYTES = 2_000;

/** Bytes in a file, 0 when there is none. */
export function logSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The end of what was written to a log since it had `from` bytes. */
export function logTail(path: string, from: number): string {
  if (logSize(path) === 0) return "(nothing)";
  const file = openSync(path, "r");
  try {
    const size = fstatSync(file).size;
    const start = Math.max(from, size - QUOTE_BYTES);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    readSync(file, bytes, 0, bytes.length, start);
    return bytes.toString("utf8").trim() || "(nothing)";
  } finally {
    closeSync(file);
  }
}
