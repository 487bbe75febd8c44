import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { ArtifactClient } from "../../lib/artifacts.ts";
import type { Assignment, EndedReport, SourceRead } from "../../lib/core/dispatch.ts";
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

/** What was read for the attempt, for its report. */
export function readsOf({ sources }: Assignment, folder: string): Pick<EndedReport, "reads"> {
  const path = join(folder, READS);
  if (sources === undefined || !existsSync(path)) return {};
  return { reads: JSON.parse(readFileSync(path, "utf8")) as SourceRead[] };
}
