import type { EndedReport, LossReason, StopReason } from "../lib/core/dispatch.ts";
import { type AttemptKey, parseAttemptKey } from "../lib/core/ids.ts";
import type { Log } from "../lib/log.ts";
import type { Worker } from "../worker/index.ts";
import type { Journal } from "./journal.ts";
import type { Reports } from "./reports.ts";

/**
 * An attempt that the journal calls open and the worker does not hold is on its way from one to the other; after this
 * long, in milliseconds, it is not, and the server must not wait for it for ever.
 */
const GAP_MS_MAX = 30_000;

const REASONS: Readonly<Record<string, StopReason | LossReason>> = {
  cancelled: "cancelled",
  fenced: "fenced",
  drained: "drained",
  preempted: "preempted",
  gang: "gang",
};

export interface OrdersOptions {
  readonly worker: Pick<Worker, "active" | "stop">;
  readonly journal: Journal;
  readonly reports: Reports;
  /** Whatever was sent to this node before now has arrived: what is not known by now never came. */
  readonly caughtUp: () => boolean;
  readonly log: Log;
}

/** Does what the server asks in its answers. It asks again until it is done, so nothing here needs to be remembered. */
export class Orders {
  readonly #options: OrdersOptions;
  /** Since when, on the monotonic clock, an open attempt was asked for that the worker does not hold. */
  readonly #gaps = new Map<AttemptKey, number>();

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  follow(stop: readonly { key: string; graceMs: number; reason: string }[], query: readonly string[]): void {
    if (stop.length + query.length === 0) return this.#gaps.clear();
    const active = new Set<string>(this.#options.worker.active().map(({ key }) => key));
    for (const { key, graceMs, reason } of stop) {
      if (active.has(key)) this.#options.worker.stop(key as AttemptKey, REASONS[reason] ?? "fenced", graceMs);
      // The server thinks it is here: tell it what became of it.
      else this.#tell(key);
    }
    for (const key of query) if (!active.has(key)) this.#tell(key);
  }

  #tell(text: string): void {
    const { journal, reports, log } = this.#options;
    if (!parseAttemptKey(text)) return log.warn({ key: text }, "the server asks for something that is no attempt");
    const key = text as AttemptKey;
    const record = journal.records.get(key);
    switch (record?.kind) {
      case undefined:
        // Without NATS it may be on its way; the server asks again.
        if (!this.#options.caughtUp()) return;
        // Should it still come, it must not run: the server will take it for lost.
        void journal
          .note([{ kind: "refused", atMs: Date.now(), key }])
          .then(() => reports.add({ kind: "unknown", key }));
        return;
      case "refused":
        reports.add({ kind: "unknown", key });
        return;
      case "ended":
        // One that is not taken yet is under way already.
        if (record.reported) reports.add(record.report);
        return;
      case "open":
        this.#inTheGap(key);
    }
  }

  #inTheGap(key: AttemptKey): void {
    const { journal, reports, log } = this.#options;
    const nowMs = performance.now();
    const sinceMs = this.#gaps.get(key) ?? nowMs;
    this.#gaps.set(key, sinceMs);
    if (nowMs - sinceMs < GAP_MS_MAX) return;
    this.#gaps.delete(key);
    log.error({ key }, "an attempt is in the journal but not in the worker; it is reported lost");
    const report = lost(key, "the agent lost track of it");
    void journal.note([{ kind: "ended", atMs: Date.now(), report }]).then(() => reports.add(report));
  }
}

function lost(key: AttemptKey, message: string): EndedReport {
  return {
    kind: "ended",
    key,
    outcome: { kind: "lost", reason: "runner-lost" },
    message,
    startedAtMs: null,
    endedAtMs: Date.now(),
    exitCode: null,
    signal: null,
    usage: { cpuMs: 0, peakMemoryBytes: 0, source: "none" },
    outputs: [],
    environmentDigest: null,
    logBytes: { stdout: 0, stderr: 0 },
  };
}
