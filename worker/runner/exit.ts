import { closeSync, constants, fstatSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../folder.ts";
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

/** What exit.json holds from just before the process is started: an attempt is started once. */
const STARTED = "started\n";

/** Marks the attempt as started, and gives the open file for the record of its end. Throws EEXIST: it was marked before. */
export function markStarted(folder: string): number {
  const file = openSync(join(folder, EXIT), constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (fstatSync(file).size > 0) throw Object.assign(new Error(`${folder} was started before`), { code: "EEXIST" });
    writeSync(file, STARTED, 0);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

export function wasStarted(folder: string): boolean {
  return (statSync(join(folder, EXIT), { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/**
 * One write over the mark, in the block that the mark has taken: it succeeds on a full disk too. Whoever reads finds the
 * record whole, or no JSON and so no end. Not synced: a machine that crashed has lost the process too.
 */
export function finishExit(file: number, record: ExitRecord): void {
  try {
    writeSync(file, JSON.stringify(record), 0);
  } finally {
    closeSync(file);
  }
}

/** For an attempt that was not started. Throws errno errors. */
export function writeExit(folder: string, record: ExitRecord): void {
  writeFileSync(join(folder, EXIT), JSON.stringify(record));
}

/** Undefined: it has not ended, or how is not known. */
export function readExit(folder: string): ExitRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, EXIT), "utf8")) as ExitRecord;
  } catch {
    return undefined;
  }
}
