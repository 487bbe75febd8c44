import { closeSync, constants, fstatSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ArtifactClient } from "../../lib/artifacts.ts";
import type { AssignedSource, Assignment, EndedReport, SourceRead } from "../../lib/core/dispatch.ts";
import { isDigest } from "../../lib/core/ids.ts";
import { VERSION_CHARS_MAX } from "../../lib/core/pipeline/outside.ts";
import { type Cache, patiently, unlessAborted } from "../cache.ts";
import { READS, WORKSPACE } from "../folder.ts";
import { layOutInput } from "../workspace.ts";
import { keepSource, type Reading, readSource } from "./read.ts";

interface Tools {
  readonly cache: Cache;
  readonly artifacts: ArtifactClient;
  readonly storeWaitMsMax: number;
}

/**
 * Lays out the inputs that come from outside. What was read is written down as it comes: the agent that reports the end need not be the one that read
 * it. Errors: those of readSource, keepSource and layOutInput.
 */
export async function layOutSources(
  { sources = [] }: Assignment,
  folder: string,
  { cache, artifacts, storeWaitMsMax }: Tools,
  { pin, signal }: Pick<Reading, "pin" | "signal">,
): Promise<void> {
  const reads: SourceRead[] = [];
  for (const source of sources) {
    const { files, ...read } = await unlessAborted(
      signal,
      readSource(source, { cache, pin, signal, node: hostname() }),
    );
    // Only this waits for the store: what was read is not read again for it.
    if (source.keep) await patiently(storeWaitMsMax, signal, () => keepSource(artifacts, cache, { ...read, files }));
    reads.push({ ...read, kept: source.keep });
    writeFileSync(join(folder, READS), JSON.stringify(reads));
    await layOutInput(cache, { ...read, index: null }, join(folder, WORKSPACE), pin);
  }
}

/** Of reads.json, in bytes: some hundred reads with long URIs. */
const READS_BYTES_MAX = 2 ** 20;

/** What was read for the attempt, for its report. The task may have put something else in the place of what was written down, which says nothing. */
export function readsOf({ sources }: Assignment, folder: string): Pick<EndedReport, "reads"> {
  if (sources === undefined) return {};
  const reads = writtenReads(join(folder, READS));
  return reads.length > 0 && reads.every((read, i) => isOf(sources[i], read)) ? { reads } : {};
}

function writtenReads(path: string): readonly SourceRead[] {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = fstatSync(file);
      if (!info.isFile() || info.size > READS_BYTES_MAX) return [];
      const reads: unknown = JSON.parse(readFileSync(file, "utf8"));
      return Array.isArray(reads) ? (reads as SourceRead[]) : [];
    } finally {
      closeSync(file);
    }
  } catch {
    return [];
  }
}

function isOf(source: AssignedSource | undefined, read: SourceRead | null): boolean {
  return (
    source !== undefined &&
    read?.name === source.name &&
    read.uri === source.uri &&
    read.fileName === source.fileName &&
    typeof read.version === "string" &&
    read.version.length <= VERSION_CHARS_MAX &&
    typeof read.digest === "string" &&
    isDigest(read.digest) &&
    ["file", "tree"].includes(read.kind) &&
    Number.isSafeInteger(read.bytes) &&
    read.bytes >= 0 &&
    typeof read.kept === "boolean"
  );
}
