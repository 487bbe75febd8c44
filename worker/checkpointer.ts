import { appendFileSync, type BigIntStats } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ArtifactClient } from "../lib/artifacts.ts";
import type { CheckpointRef } from "../lib/core/dispatch.ts";
import { describeError, WeftError } from "../lib/core/error.ts";
import { formatDuration } from "../lib/core/pipeline/units.ts";
import type { Digested } from "../lib/digest.ts";
import type { KnownDigests } from "../lib/tree.ts";
import { storeCheckpoint } from "./checkpoint.ts";
import { STDERR } from "./folder.ts";

/** Looks at a folder that the task goes on writing into, before the next interval is waited for: a rename or two in between are met again by few. */
const LOOKS_MAX = 3;
/** Between two of them, in milliseconds: what prunes old checkpoints is done by then. */
const LOOK_AGAIN_MS = 500;

export interface CheckpointerOptions {
  readonly artifacts: ArtifactClient;
  /** Of the attempt. */
  readonly folder: string;
  readonly everyMs: number;
  readonly onStored: (checkpoint: CheckpointRef) => void;
}

/**
 * Stores the checkpoint of a task that runs, time and again, so that a machine that dies takes no more with it than came since.
 * Only a folder in which nothing changed from the first look to the last byte stored is a checkpoint; of files that are as they were
 * nothing is read or sent again. What goes wrong is said in the task's stderr, once until it goes well.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #stopping = new AbortController();
  #digests = new FileDigests();
  #last: string | undefined;
  #complained = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    void this.#run();
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { everyMs } = this.#options;
    while (await waited(everyMs, signal)) {
      try {
        const stored = await this.#store();
        if (signal.aborted) return;
        this.#complained = false;
        if (!stored || stored.digest === this.#last) continue;
        this.#last = stored.digest;
        this.#options.onStored(stored);
      } catch (error) {
        if (!signal.aborted) this.#complain(describeError(error));
      }
    }
  }

  /** Undefined: nothing is there. Throws when it changes all the time. */
  async #store(): Promise<CheckpointRef | undefined> {
    const { artifacts, folder } = this.#options;
    // The same for all looks: what one that broke off had not come to is still known to the next.
    this.#digests = this.#digests.next();
    for (let look = 1; ; look += 1) {
      try {
        return await storeCheckpoint(artifacts, folder, { known: this.#digests });
      } catch (error) {
        if (!(error instanceof WeftError) || error.code !== "invalid" || look === LOOKS_MAX) throw error;
      }
      if (!(await waited(LOOK_AGAIN_MS, this.#stopping.signal))) return undefined;
    }
  }

  #complain(why: string): void {
    if (this.#complained) return;
    this.#complained = true;
    const next = formatDuration(this.#options.everyMs);
    const line = `weft: the checkpoint was not stored: ${why}; the next try is in ${next}\n`;
    try {
      appendFileSync(join(this.#options.folder, STDERR), line, { mode: 0o600 });
    } catch {
      // Its disk is full: the task will hear of that by itself.
    }
  }
}

/** False: it was stopped. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal, ref: false }).catch(() => false);
}

/** Of files by what the file system says of them; what has the same times, size and number has the same bytes. */
class FileDigests implements KnownDigests {
  readonly #before: ReadonlyMap<string, readonly [string, Digested]>;
  readonly #now = new Map<string, readonly [string, Digested]>();

  constructor(before: ReadonlyMap<string, readonly [string, Digested]> = new Map()) {
    this.#before = before;
  }

  /** For the next interval: files that are gone are forgotten. */
  next(): FileDigests {
    return new FileDigests(this.#now);
  }

  async of(path: string, info: BigIntStats, read: () => Promise<Digested>): Promise<Digested> {
    const mark = `${info.dev}.${info.ino}.${info.size}.${info.ctimeNs}.${info.mtimeNs}`;
    const known = this.#now.get(path) ?? this.#before.get(path);
    const entry = known?.[0] === mark ? known : ([mark, await read()] as const);
    this.#now.set(path, entry);
    return entry[1];
  }
}
