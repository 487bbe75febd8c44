import type { Pool } from "pg";
import { type ParsedCron, parseCron } from "../../lib/core/cron.ts";
import type { Log } from "../../lib/log.ts";
import { subjectMatches } from "./core/subject.ts";
import { fullName, listTriggers, type TriggerRow } from "./store.ts";

export interface ActiveSchedule {
  readonly trigger: TriggerRow & { readonly source: { readonly kind: "schedule" } };
  readonly cron: ParsedCron;
}

/**
 * The triggers as the leader knows them. Only the leader changes any, and reads them again before it answers, so that a change that was answered
 * is known.
 */
export class TriggerRegistry {
  readonly #log: Log;
  #reading: Promise<void> = Promise.resolve();
  #triggers: readonly TriggerRow[] = [];
  #schedules: readonly ActiveSchedule[] = [];
  #watched: ReadonlySet<string> | null = null;
  /** Of schedules that were looked at since they were read: only what changed something is written. */
  readonly #cursors = new Map<string, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Pipelines that some trigger waits for; null: this server does not lead, or has not read them yet. */
  get watched(): ReadonlySet<string> | null {
    return this.#watched;
  }

  get schedules(): readonly ActiveSchedule[] {
    return this.#schedules;
  }

  /** Up to where the ticks of a schedule have been looked at. */
  cursorOf(trigger: TriggerRow): number {
    return this.#cursors.get(trigger.id) ?? trigger.cursorMs;
  }

  moveCursor(trigger: TriggerRow, cursorMs: number): void {
    this.#cursors.set(trigger.id, cursorMs);
  }

  /** One after the other, so that what was read later is what stays. */
  reload(pool: Pool): Promise<void> {
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#read(pool));
    return this.#reading;
  }

  async #read(pool: Pool): Promise<void> {
    this.#triggers = await listTriggers(pool);
    // A schedule that was changed or resumed begins where its row says.
    this.#cursors.clear();
    this.#watched = new Set(this.#triggers.flatMap(({ watches }) => watches ?? []));
    this.#schedules = this.#triggers
      .filter((row) => row.state === "active")
      .flatMap((row) => scheduleOf(row, (message) => this.#log.error({ trigger: fullName(row) }, message)));
  }

  forget(): void {
    this.#triggers = [];
    this.#schedules = [];
    this.#watched = null;
    this.#cursors.clear();
  }

  /** Active triggers of the messages on a subject below EVENT_PREFIX. */
  bySubject(subject: string): TriggerRow[] {
    return this.#triggers.filter(
      ({ state, source }) => state === "active" && source.kind === "nats" && subjectMatches(source.subject, subject),
    );
  }
}

function scheduleOf(trigger: TriggerRow, onWrong: (message: string) => void): ActiveSchedule[] {
  const { source } = trigger;
  if (source.kind !== "schedule") return [];
  const parsed = parseCron({ expression: source.cron, timezone: source.timezone });
  if (!parsed.ok) {
    // It was checked when it was applied; a server with another database of time zones may find otherwise.
    onWrong(`a schedule cannot fire on this server: ${parsed.message}`);
    return [];
  }
  return [{ trigger: { ...trigger, source }, cron: parsed.cron }];
}
