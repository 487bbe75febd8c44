import type { EndedReport, LossReason, Report, StopReason } from "../../lib/core/dispatch.ts";
import { type AttemptKey, parseAttemptKey } from "../../lib/core/ids.ts";
import { untoldEnd } from "../../lib/core/report.ts";
import type { Records } from "./record.ts";

/**
 * An attempt that the journal calls open and the worker does not hold is on its way from one to the other; after this
 * long, in milliseconds, it is not, and the server must not wait for it for ever.
 */
export const GAP_MS_MAX = 30_000;

const REASONS: Readonly<Record<string, StopReason | LossReason>> = {
  cancelled: "cancelled",
  fenced: "fenced",
  drained: "drained",
  preempted: "preempted",
  gang: "gang",
  finished: "finished",
};

/** The part of a server's answer that asks for something. */
export interface Orders {
  readonly stop: readonly { readonly key: string; readonly graceMs: number; readonly reason: string }[];
  readonly query: readonly string[];
}

/** What the node knows when orders come. */
export interface OrderView {
  readonly records: Pick<Records, "get">;
  /** What the worker holds. */
  readonly active: ReadonlySet<string>;
  /** Whatever was sent to this node before now has arrived: what is not known by now never came. */
  readonly caughtUp: () => boolean;
  /** Monotonic, in milliseconds. */
  readonly nowMs: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

export type OrderAct =
  | {
      readonly kind: "stop";
      readonly key: AttemptKey;
      readonly reason: StopReason | LossReason;
      readonly graceMs: number;
    }
  /** Into the journal that it must never start here; then it is told that nobody here knows it. */
  | { readonly kind: "refuse"; readonly key: AttemptKey }
  | { readonly kind: "tell"; readonly report: Report }
  /** Into the journal as ended, then told. */
  | { readonly kind: "lose"; readonly report: EndedReport }
  | { readonly kind: "nonsense"; readonly key: string };

/** What is to be done about orders. The server asks again until it is done, so next to nothing is remembered. */
export class OrderBook {
  /** Since when, on the monotonic clock, an open attempt was asked for that the worker does not hold. */
  readonly #gaps = new Map<AttemptKey, number>();

  follow({ stop, query }: Orders, view: OrderView): OrderAct[] {
    if (stop.length + query.length === 0) {
      this.#gaps.clear();
      return [];
    }
    const acts: OrderAct[] = [];
    for (const { key, graceMs, reason } of stop) {
      if (view.active.has(key))
        acts.push({ kind: "stop", key: key as AttemptKey, reason: REASONS[reason] ?? "fenced", graceMs });
      // The server thinks it is here: it is told what became of it.
      else this.#tell(key, view, acts);
    }
    for (const key of query) if (!view.active.has(key)) this.#tell(key, view, acts);
    return acts;
  }

  #tell(text: string, view: OrderView, acts: OrderAct[]): void {
    if (!parseAttemptKey(text)) {
      acts.push({ kind: "nonsense", key: text });
      return;
    }
    const key = text as AttemptKey;
    const record = view.records.get(key);
    switch (record?.kind) {
      case undefined:
        // Without NATS it may be on its way; the server asks again. Should it still come, it must not run.
        if (view.caughtUp()) acts.push({ kind: "refuse", key });
        return;
      case "refused":
        acts.push({ kind: "tell", report: { kind: "unknown", key } });
        return;
      case "ended":
        // One that is not taken yet is under way already.
        if (record.reported) acts.push({ kind: "tell", report: record.report });
        return;
      case "open":
        if (this.#hasLost(key, view.nowMs)) acts.push({ kind: "lose", report: lostTrack(key, view.atMs) });
    }
  }

  #hasLost(key: AttemptKey, nowMs: number): boolean {
    const sinceMs = this.#gaps.get(key) ?? nowMs;
    this.#gaps.set(key, sinceMs);
    if (nowMs - sinceMs < GAP_MS_MAX) return false;
    this.#gaps.delete(key);
    return true;
  }
}

function lostTrack(key: AttemptKey, atMs: number): EndedReport {
  return untoldEnd(key, { kind: "lost", reason: "runner-lost" }, "the agent lost track of it", atMs);
}
