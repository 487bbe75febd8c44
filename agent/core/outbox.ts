import { gatherReports, isPlainEnd } from "../../lib/core/alike.ts";
import type { Report } from "../../lib/core/dispatch.ts";
import type { AttemptKey } from "../../lib/core/ids.ts";

/** How long a `started` waits for its `ended`, in milliseconds, which tells when it started too: a short attempt costs one report. */
export const STARTED_HOLD_MS = 10;
/** Reports in one message: the scheduler takes them in one round. */
export const BATCH_REPORTS_MAX = 500;
/** Characters of JSON in one message; a character is at most 3 bytes, and NATS takes 1 MiB. */
export const BATCH_CHARS_MAX = 256 * 1024;

interface Waiting {
  readonly report: Report;
  /** Null: a plain end, which is told with those beside it. */
  readonly json: string | null;
  /** Not to be sent before. */
  dueAtMs: number;
}

/** A batch under way: it is repeated as it is, under its id, until the queue has taken it. */
export interface OutboxBatch {
  readonly id: number;
  readonly reports: readonly Report[];
  /** JSON of the reports, of plain ends beside each other together. */
  readonly json: readonly string[];
}

/**
 * Reports that the server's queue has not taken yet, in order. One batch is under way at a time, so that nothing overtakes
 * and what comes meanwhile gathers into the next.
 */
export class Outbox {
  #waiting: Waiting[] = [];
  /** The `started` reports among them that are held back, by attempt. */
  readonly #held = new Map<AttemptKey, Waiting>();
  readonly #paceMs: () => number;
  /** Kind and attempt of all that is here: the same thing is not told twice at once, however often it is asked for. */
  readonly #told = new Set<string>();
  #underWay: OutboxBatch | undefined;
  #sentAtMs = -Infinity;
  #id = 0;

  /** `paceMs`: between two messages while several attempts have something to tell, in milliseconds. */
  constructor(paceMs: () => number) {
    this.#paceMs = paceMs;
  }

  add(report: Report, nowMs: number): void {
    if (report.kind === "ready" || report.kind === "checkpoint") this.#expedite(report.kind, report.key, nowMs);
    const told = `${report.kind} ${report.key}`;
    if (this.#told.has(told)) return;
    this.#told.add(told);
    const waiting = { report, json: isPlainEnd(report) ? null : JSON.stringify(report), dueAtMs: nowMs };
    if (report.kind === "started") {
      waiting.dueAtMs += STARTED_HOLD_MS;
      this.#held.set(report.key, waiting);
    } else if (report.kind === "ended" && report.startedAtMs !== null) this.#dropHeld(report.key);
    this.#waiting.push(waiting);
  }

  /** What was said of its readiness or its checkpoint before, and has not left, is old; and its start goes first. */
  #expedite(kind: "ready" | "checkpoint", key: AttemptKey, nowMs: number): void {
    const held = this.#held.get(key);
    if (held) held.dueAtMs = nowMs;
    const older = this.#waiting.findIndex(({ report }) => report.kind === kind && report.key === key);
    if (older >= 0) this.#waiting.splice(older, 1);
    this.#told.delete(`${kind} ${key}`);
  }

  #dropHeld(key: AttemptKey): void {
    const held = this.#held.get(key);
    if (!held) return;
    this.#held.delete(key);
    this.#told.delete(`started ${key}`);
    this.#waiting.splice(this.#waiting.lastIndexOf(held), 1);
  }

  get size(): number {
    return this.#waiting.length + (this.#underWay?.reports.length ?? 0);
  }

  /** When the next batch can go; undefined: nothing waits, or one is under way. */
  dueAtMs(): number | undefined {
    if (this.#underWay || this.#waiting.length === 0) return undefined;
    const dueAtMs = this.#waiting.reduce((least, waiting) => Math.min(least, waiting.dueAtMs), Infinity);
    return this.#isBusy() ? Math.max(dueAtMs, this.#sentAtMs + this.#paceMs()) : dueAtMs;
  }

  /** What there is to tell of a lone attempt, as in a chain, goes at once; a second attempt makes both wait. */
  #isBusy(): boolean {
    const first = this.#waiting[0]?.report.key;
    return this.#waiting.some(({ report }) => report.key !== first);
  }

  /** The next batch, then under way until `settled`; undefined: none is due. */
  take(nowMs: number): OutboxBatch | undefined {
    if (this.#underWay) return undefined;
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    let chars = 0;
    for (const waiting of this.#waiting) {
      const fits =
        taken.length < BATCH_REPORTS_MAX && (taken.length === 0 || chars + charsOf(waiting) <= BATCH_CHARS_MAX);
      if (!fits || waiting.dueAtMs > nowMs) {
        left.push(waiting);
        continue;
      }
      chars += charsOf(waiting);
      if (waiting.report.kind === "started") this.#held.delete(waiting.report.key);
      taken.push(waiting);
    }
    if (taken.length === 0) return undefined;
    this.#waiting = left;
    this.#id += 1;
    this.#sentAtMs = nowMs;
    this.#underWay = { id: this.#id, reports: taken.map(({ report }) => report), json: jsonOf(taken) };
    return this.#underWay;
  }

  /** The queue has taken the batch. */
  settled(): void {
    for (const { kind, key } of this.#underWay?.reports ?? []) this.#told.delete(`${kind} ${key}`);
    this.#underWay = undefined;
  }
}

/** A plain end that is told alone has fewer characters than this. */
const PLAIN_END_CHARS = 400;

function charsOf({ json }: Waiting): number {
  return json?.length ?? PLAIN_END_CHARS;
}

/** Plain ends go behind the others: what was told of their starts is among those. */
function jsonOf(taken: readonly Waiting[]): string[] {
  const others = taken.flatMap(({ json }) => json ?? []);
  const plain = taken.flatMap(({ report, json }) => (json === null ? [report] : []));
  return [...others, ...gatherReports(plain).map((report) => JSON.stringify(report))];
}
