import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { EXIT, EXIT_BYTES_MAX } from "../folder.ts";
import type { ExitRecord, StopCause } from "./protocol.ts";

/** A process that could not be started, or was stopped before. */
export function recordUnstarted(stopped: StopCause | null, spawnError: string | null): ExitRecord {
  return {
    startedAtMs: null,
    endedAtMs: Date.now(),
    exitCode: null,
    signal: null,
    stopped,
    spawnError,
    outOfMemory: null,
    leftovers: 0,
    unkillable: 0,
    usage: { cpuMs: 0, peakMemoryBytes: 0, source: "none" },
  };
}

/**
 * exit.json names its attempt: a folder that is used again still holds the record of the attempt before, which counts as
 * none. To empty the file would wait for the file system's journal, milliseconds on a busy disk; and after a crash of the
 * machine what was written over a record may be lost while the folder's new name is not.
 */
const startedMark = (folder: string): string => `started ${basename(folder)}`;
const recordStart = (folder: string): string => `{"key":"${basename(folder)}",`;
const recordText = (folder: string, record: ExitRecord): string =>
  recordStart(folder) + JSON.stringify(record).slice(1);

/**
 * Marks the attempt as started, just before its process is: an attempt is started once. Gives the open file for the record
 * of its end. Throws EEXIST: it was marked before.
 */
export function markStarted(folder: string): number {
  const file = openSync(join(folder, EXIT), constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const { size } = fstatSync(file);
    if (size > 0) {
      const found = Buffer.alloc(Math.min(size, EXIT_BYTES_MAX));
      if (isOf(folder, found.toString("utf8", 0, readSync(file, found, 0, found.length, 0))))
        throw Object.assign(new Error(`${folder} was started before`), { code: "EEXIST" });
    }
    writeSync(file, `${startedMark(folder).padEnd(size - 1)}\n`, 0);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/**
 * True also for what names no attempt: an older version wrote it, or it was torn when the machine crashed. What may have been started
 * is lost, and not started again.
 */
export function wasStarted(folder: string): boolean {
  try {
    const text = readFileSync(join(folder, EXIT), "utf8");
    return isOf(folder, text) || (text !== "" && !NAMES_AN_ATTEMPT.test(text));
  } catch {
    return false;
  }
}

const NAMES_AN_ATTEMPT = /^(started |\{"key":")/;
const isOf = (folder: string, text: string): boolean =>
  text.startsWith(recordStart(folder)) || text.split("\n", 1)[0]!.trimEnd() === startedMark(folder);

/**
 * One write over the mark, in the block that the mark has taken: it succeeds on a full disk too. Whoever reads finds the
 * record whole, or no JSON and so no end. Not synced: a machine that crashed has lost the process too.
 */
export function finishExit(file: number, folder: string, record: ExitRecord): void {
  try {
    writeSync(file, recordText(folder, record), 0);
  } finally {
    closeSync(file);
  }
}

/** For an attempt that was not started. Throws errno errors. */
export function writeExit(folder: string, record: ExitRecord): void {
  writeFileSync(join(folder, EXIT), recordText(folder, record));
}

/** Undefined: it has not ended, or how is not known. */
export function readExit(folder: string): ExitRecord | undefined {
  try {
    const text = readFileSync(join(folder, EXIT), "utf8");
    if (!text.startsWith(recordStart(folder))) return undefined;
    const { key: _key, ...record } = JSON.parse(text) as ExitRecord & { key: string };
    return record;
  } catch {
    return undefined;
  }
}
