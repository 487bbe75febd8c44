import { join } from "node:path";
import type { ArtifactClient } from "../lib/artifacts.ts";
import type { ArchivedReport, StreamName } from "../lib/core/dispatch.ts";
import { describeError } from "../lib/core/error.ts";
import type { AttemptKey, Digest } from "../lib/core/ids.ts";
import { digestFile } from "../lib/digest.ts";
import type { Log } from "../lib/log.ts";
import { backoffMs } from "./core/backoff.ts";
import { Lanes } from "./lanes.ts";
import { pause } from "./pause.ts";

/** Logs stored at a time: it is background work, and must not crowd out inputs and outputs. */
const STORES_AT_A_TIME = 4;
const RETRY_MS_FIRST = 1_000;
const RETRY_MS_MOST = 30_000;

/** Stores whole logs, however long the store is away. */
export class Archive {
  readonly #artifacts: ArtifactClient;
  readonly #log: Log;
  readonly #lanes = new Lanes(STORES_AT_A_TIME);
  readonly #closing = new AbortController();

  constructor(artifacts: ArtifactClient, log: Log) {
    this.#artifacts = artifacts;
    this.#log = log;
  }

  /** Undefined: closed before it was done. */
  async store(
    key: AttemptKey,
    dir: string,
    bytes: Readonly<Record<StreamName, number>>,
  ): Promise<ArchivedReport | undefined> {
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      try {
        return await this.#lanes.run(() => this.#both(key, dir, bytes));
      } catch (error) {
        if (this.#closing.signal.aborted) break;
        if (attempt === 1)
          this.#log.warn({ key, reason: describeError(error) }, "a log cannot be stored; trying again");
        await pause(backoffMs(attempt, RETRY_MS_FIRST, RETRY_MS_MOST, Math.random()), this.#closing.signal);
      }
    }
    return undefined;
  }

  close(): void {
    this.#closing.abort();
  }

  async #both(key: AttemptKey, dir: string, bytes: Readonly<Record<StreamName, number>>): Promise<ArchivedReport> {
    const stdout = await this.#put(join(dir, "stdout"), bytes.stdout);
    const stderr = await this.#put(join(dir, "stderr"), bytes.stderr);
    return { kind: "archived", key, stdout, stderr };
  }

  async #put(path: string, bytes: number): Promise<Digest | null> {
    if (bytes === 0) return null;
    this.#closing.signal.throwIfAborted();
    try {
      const { digest } = await digestFile(path);
      await this.#artifacts.putFile(digest, path);
      return digest;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      // It will not come back, and what was shipped of it is all there is.
      this.#log.error({ path }, "a log was deleted before it was stored");
      return null;
    }
  }
}
