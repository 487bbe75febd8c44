import type { ArchivedReport, EndedReport } from "../lib/core/dispatch.ts";
import type { AttemptKey } from "../lib/core/ids.ts";
import type { Log } from "../lib/log.ts";
import type { Archive } from "./archive.ts";
import { AttemptLog } from "./attempt-log.ts";
import { Lanes } from "./lanes.ts";
import type { Publish } from "./reports.ts";

/** Chunks of all attempts under way, 128 KiB each: 4 MiB of memory at most. */
const CHUNKS_UNDER_WAY = 32;
/** Between two rounds of asking every log whether it is time to look, in milliseconds. */
const ROUND_MS = 100;

export interface LogShipperOptions {
  readonly publish: Publish;
  readonly archive: Archive;
  /** Both streams are in the log stream and in the store; null: there was nothing to keep. */
  readonly onArchived: (key: AttemptKey, report: ArchivedReport | null) => void;
  /** See AttemptLogOptions. */
  readonly watchAfterMs: () => number;
  readonly log: Log;
}

/**
 * Brings what attempts print to the log stream while they run, and to the artifact store when they have ended. The bytes
 * wait in the spool files, so neither a slow reader nor an outage costs memory.
 */
export class LogShipper {
  readonly #options: LogShipperOptions;
  readonly #lanes = new Lanes(CHUNKS_UNDER_WAY);
  readonly #logs = new Map<AttemptKey, AttemptLog>();
  readonly #archiving = new Set<AttemptKey>();
  /** Those of an earlier agent. */
  readonly #resumed = new Set<AttemptKey>();
  readonly #round: NodeJS.Timeout;
  #idle: (() => void)[] = [];
  #warned = false;
  #closed = false;

  constructor(options: LogShipperOptions) {
    this.#options = options;
    this.#round = setInterval(() => {
      const nowMs = performance.now();
      for (const log of this.#logs.values()) log.look(nowMs);
    }, ROUND_MS);
  }

  /** Before `begin` and `end`: these were here before this agent, and a part of their logs may be out. */
  resume(keys: readonly AttemptKey[]): void {
    for (const key of keys) this.#resumed.add(key);
  }

  /** The attempt has begun to print into its folder, or was adopted. */
  begin(key: AttemptKey, dir: string): void {
    this.#open(key, dir);
  }

  /** The attempt has ended and its report is in the journal: what is left goes out, then the whole goes to the store. */
  end(report: EndedReport, dir: string): void {
    const { key, logBytes } = report;
    if (this.#archiving.has(key)) return;
    if (logBytes.stdout > 0 || logBytes.stderr > 0) {
      this.#open(key, dir)?.end(logBytes);
      return;
    }
    this.#logs.get(key)?.close();
    this.#logs.delete(key);
    if (!this.#closed) this.#options.onArchived(key, null);
  }

  /** Resolves when all that has ended is out and stored, or after `timeoutMs`. */
  drained(timeoutMs: number): Promise<void> {
    if (!this.#busy()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** What is not out yet is shipped by the next agent. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#round);
    const logs = [...this.#logs.values()];
    this.#logs.clear();
    await Promise.all(logs.map((log) => log.leave()));
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #open(key: AttemptKey, dir: string): AttemptLog | undefined {
    const known = this.#logs.get(key);
    if (known || this.#closed) return known;
    const log = new AttemptLog({
      key,
      dir,
      resumed: this.#resumed.delete(key),
      publish: this.#options.publish,
      lanes: this.#lanes,
      log: this.#options.log,
      watchAfterMs: this.#options.watchAfterMs(),
      onShipped: (sizes) => void this.#archive(key, dir, sizes),
      onUnwatchable: () => this.#warnUnwatchable(),
    });
    this.#logs.set(key, log);
    return log;
  }

  async #archive(
    key: AttemptKey,
    dir: string,
    sizes: { readonly stdout: number; readonly stderr: number },
  ): Promise<void> {
    this.#logs.delete(key);
    this.#archiving.add(key);
    const report = await this.#options.archive.store(key, dir, sizes);
    this.#archiving.delete(key);
    if (report && !this.#closed) this.#options.onArchived(key, report);
    if (this.#busy()) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #busy(): boolean {
    return this.#archiving.size > 0 || [...this.#logs.values()].some(({ ended }) => ended);
  }

  #warnUnwatchable(): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#options.log.warn(
      "no file watches are left; logs are looked at 10 times a second instead (raise fs.inotify.max_user_watches)",
    );
  }
}
