import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
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

/**
 * One write to a new file: whoever reads finds it whole, or no JSON yet and so no end. Not synced: a machine that crashed
 * has lost the process too. No rename, for that is a second change to the folder, a tenth of what a short task costs.
 */
export function writeExit(folder: string, record: ExitRecord): void {
  const file = openSync(join(folder, EXIT), "w");
  try {
    writeSync(file, JSON.stringify(record));
  } finally {
    closeSync(file);
  }
}

/** Undefined: it has not ended, or how is not known. */
export function readExit(folder: string): ExitRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, EXIT), "utf8")) as ExitRecord;
  } catch {
    return undefined;
  }
}
