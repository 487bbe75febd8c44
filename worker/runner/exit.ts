import { closeSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
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

export function writeExit(folder: string, record: ExitRecord): void {
  writeWhole(join(folder, EXIT), JSON.stringify(record));
}

/** Undefined: it has not ended, or how is not known. */
export function readExit(folder: string): ExitRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, EXIT), "utf8")) as ExitRecord;
  } catch {
    return undefined;
  }
}

/** A reader sees the old content, or the new, never a part. Not synced: a machine that crashed has lost the process too. */
export function writeWhole(path: string, text: string): void {
  const file = openSync(`${path}.part`, "w");
  try {
    writeSync(file, text);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.part`, path);
}
