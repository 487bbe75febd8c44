import type { Assignment, EndedReport } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type AttemptRef, parseAttemptKey } from "../../lib/core/ids.ts";

/**
 * One line of the journal. `refused` means that this node told the server it had never heard of the attempt, and must
 * therefore never start it; `reported` that the server's queue has the end; `archived` that nothing here is needed any more
 * (`ended` says that itself when nothing was printed).
 */
export type JournalEntry =
  | { readonly kind: "assigned"; readonly atMs: number; readonly assignment: Assignment }
  | { readonly kind: "started"; readonly atMs: number; readonly key: AttemptKey }
  | { readonly kind: "ended"; readonly atMs: number; readonly report: EndedReport }
  | { readonly kind: "refused"; readonly atMs: number; readonly key: AttemptKey }
  | { readonly kind: "reported"; readonly atMs: number; readonly keys: readonly AttemptKey[] }
  | { readonly kind: "archived"; readonly atMs: number; readonly key: AttemptKey };

/** What is known about one attempt. */
export type AttemptRecord =
  | {
      readonly kind: "open";
      readonly atMs: number;
      readonly assignment: Assignment;
      readonly startedAtMs: number | null;
    }
  | {
      readonly kind: "ended";
      readonly atMs: number;
      /** Null once archived. */
      readonly assignment: Assignment | null;
      readonly report: EndedReport;
      readonly reported: boolean;
      readonly archived: boolean;
    }
  | { readonly kind: "refused"; readonly atMs: number };

/**
 * How many finished attempts are remembered, and how long in milliseconds: long enough that no redelivery or query comes
 * later than that, few enough (about 1 kB each) for 20 MB. Fewer, and an old assignment could run twice.
 */
export const RECORDS_MAX = 20_000;
export const RECORDS_AGE_MS_MAX = 24 * 3_600_000;

/** What an agent that has just started finds to be done. */
export interface Unfinished {
  readonly open: readonly Assignment[];
  /** Ended, and the server's queue is not known to have it. */
  readonly unreported: readonly EndedReport[];
  /** Ended, and its logs are not known to be stored. */
  readonly ended: readonly EndedReport[];
}

/** What the journal tells about the attempts of this node; changed by `apply` and `prune` alone. */
export class Records {
  /** In order of arrival. */
  readonly #records = new Map<AttemptKey, AttemptRecord>();
  /** Highest attempt known of each instance. */
  readonly #latest = new Map<string, number>();

  get size(): number {
    return this.#records.size;
  }

  get(key: AttemptKey): AttemptRecord | undefined {
    return this.#records.get(key);
  }

  /** Whether an assignment is to be started: an attempt is started once, and none that a later one has replaced. */
  judge(ref: AttemptRef): "new" | "known" | "older" {
    if (this.#records.has(attemptKey(ref))) return "known";
    const latest = this.#latest.get(instance(ref));
    return latest !== undefined && latest > ref.attempt ? "older" : "new";
  }

  unfinished(): Unfinished {
    const open: Assignment[] = [];
    const unreported: EndedReport[] = [];
    const ended: EndedReport[] = [];
    for (const record of this.#records.values()) {
      if (record.kind === "open") open.push(record.assignment);
      if (record.kind !== "ended") continue;
      if (!record.reported) unreported.push(record.report);
      if (!record.archived) ended.push(record.report);
    }
    return { open, unreported, ended };
  }

  *[Symbol.iterator](): Generator<[AttemptKey, AttemptRecord]> {
    yield* this.#records;
  }

  apply(entry: JournalEntry): void {
    switch (entry.kind) {
      case "assigned":
        // It may have been refused while it was on its way to the disk.
        if (this.#records.has(attemptKey(entry.assignment.ref))) return;
        this.#set(attemptKey(entry.assignment.ref), {
          kind: "open",
          atMs: entry.atMs,
          assignment: entry.assignment,
          startedAtMs: null,
        });
        return;
      case "started": {
        const record = this.#records.get(entry.key);
        if (record?.kind === "open") this.#records.set(entry.key, { ...record, startedAtMs: entry.atMs });
        return;
      }
      case "ended": {
        const { key } = entry.report;
        const before = this.#records.get(key);
        // The first end is the truth; a second one would only come from a journal that was written twice.
        if (before?.kind === "ended") return;
        const { atMs, report } = entry;
        // Nothing was printed: there is nothing to archive, and no entry will say that it was.
        const archived = report.logBytes.stdout + report.logBytes.stderr === 0;
        const assignment = before?.kind === "open" && !archived ? before.assignment : null;
        this.#set(key, { kind: "ended", atMs, assignment, report, reported: false, archived });
        return;
      }
      case "refused":
        if (this.#records.get(entry.key)?.kind !== "ended") this.#set(entry.key, { kind: "refused", atMs: entry.atMs });
        return;
      case "reported":
        for (const key of entry.keys) this.#mark(key, { reported: true });
        return;
      case "archived":
        this.#mark(entry.key, { archived: true, assignment: null });
        return;
    }
  }

  /** Forgets finished attempts that are too many or too old. What is open, unreported or not archived stays. */
  prune(nowMs: number): void {
    let tooMany = this.#records.size - RECORDS_MAX;
    for (const [key, record] of this.#records) {
      if (record.kind === "open" || (record.kind === "ended" && !(record.reported && record.archived))) continue;
      if (tooMany <= 0 && nowMs - record.atMs <= RECORDS_AGE_MS_MAX) continue;
      tooMany -= 1;
      this.#records.delete(key);
      const ref = parseAttemptKey(key);
      if (ref && this.#latest.get(instance(ref)) === ref.attempt) this.#latest.delete(instance(ref));
    }
  }

  /** The entries that make a new journal out of what is known. */
  *entries(): Generator<JournalEntry> {
    for (const [key, record] of this.#records) {
      if (record.kind === "refused") {
        yield { kind: "refused", atMs: record.atMs, key };
        continue;
      }
      const { atMs } = record;
      if (record.assignment) yield { kind: "assigned", atMs, assignment: record.assignment };
      if (record.kind === "open") {
        if (record.startedAtMs !== null) yield { kind: "started", atMs: record.startedAtMs, key };
        continue;
      }
      yield { kind: "ended", atMs, report: record.report };
      if (record.reported) yield { kind: "reported", atMs, keys: [key] };
      if (record.archived) yield { kind: "archived", atMs, key };
    }
  }

  #set(key: AttemptKey, record: AttemptRecord): void {
    this.#records.set(key, record);
    const ref = parseAttemptKey(key);
    if (!ref) return;
    const latest = this.#latest.get(instance(ref));
    if (latest === undefined || latest < ref.attempt) this.#latest.set(instance(ref), ref.attempt);
  }

  #mark(key: AttemptKey, change: { reported?: true; archived?: true; assignment?: null }): void {
    const record = this.#records.get(key);
    if (record?.kind === "ended") this.#records.set(key, { ...record, ...change });
  }
}

function instance(ref: AttemptRef): string {
  return `${ref.job}.${ref.task}.${ref.index}`;
}

const KINDS: ReadonlySet<string> = new Set(["assigned", "started", "ended", "refused", "reported", "archived"]);

/** Undefined when the line is no entry: torn by a crash, or not ours. */
export function decodeEntry(line: string): JournalEntry | undefined {
  try {
    const value = JSON.parse(line) as JournalEntry | null;
    return value !== null && KINDS.has(value.kind) ? value : undefined;
  } catch {
    return undefined;
  }
}
