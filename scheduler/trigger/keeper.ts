import type { Pool } from "pg";
import { describeError, WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { inTransaction } from "../../lib/db.ts";
import type { Log } from "../../lib/log.ts";
import { Rounds } from "../../lib/rounds.ts";
import { refusal } from "../api/answer.ts";
import type { FindData } from "../api/parts.ts";
import { pinSources } from "../api/sources.ts";
import { TRIGGER_KEY_PREFIX } from "../api/submit.ts";
import type { Answer, Event, NewJob } from "../core/index.ts";
import { contextOf, tickEvent, tickValues } from "./core/context.ts";
import { type Due, dueTicks } from "./core/due.ts";
import {
  acceptedEvents,
  type EventRow,
  type FiringEnd,
  finishEvents,
  insertEvents,
  pruneEvents,
  triggersWithPending,
} from "./event-store.ts";
import type { ActiveSchedule, TriggerRegistry } from "./registry.ts";
import { settleTrigger } from "./settle.ts";
import { fullName, readVersion, setCursor } from "./store.ts";
import { decodeSubmit } from "./version.ts";

/**
 * The longest pause between two looks: at events that other servers wrote and whose hint was lost, and at the clock, which may have been set. A
 * look is one query of an index that is nearly always empty.
 */
const LOOK_MS = 2_000;
/** Jobs submitted at once: they share a commit. */
const SUBMITS_MAX = 500;
const TRIGGERS_AT_ONCE = 50;
/** Events are kept for as long as a window of deduplication may be. */
const KEPT_MS = 31 * 86_400_000;
const PRUNE_EVERY_MS = 600_000;
const PRUNE_ROWS = 5_000;
const VERSIONS_MAX = 16;
/** A timer may come a moment early. */
const TIMER_SLACK_MS = 1;

export interface KeeperParts {
  readonly pool: Pool;
  readonly registry: TriggerRegistry;
  /** Settles when it is committed; rejects with `unavailable` when the reign ends before. */
  readonly submit: (event: Event) => Promise<Answer>;
  readonly newJobId: () => JobId;
  readonly findData: FindData;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/**
 * For the length of one reign: writes down the ticks that are due, decides about the events that came, and submits what was accepted. Each step
 * leaves its result in Postgres before the next begins, and each may be repeated: an event is its key, and a job is its event's.
 */
export class TriggerKeeper {
  readonly #parts: KeeperParts;
  readonly #rounds: Rounds;
  readonly #versions = new Map<string, NewJob>();
  #prunedAtMs = -Infinity;
  readonly #waiting = new Map<string, (end: FiringEnd | null) => void>();

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#rounds = new Rounds({
      round: () => this.#round(),
      log: parts.log,
      failing: "triggers stand still",
      mended: "triggers work again",
    });
  }

  /** Something may have come: look now. */
  wake(): void {
    this.#rounds.wake();
  }

  /**
   * Resolves when the event has been submitted. To be asked before the event is written. Rejects with `unavailable` when the reign ends before;
   * the next leader submits it then.
   */
  whenSubmitted(trigger: string, event: string): { readonly end: Promise<FiringEnd>; forget(): void } {
    const key = `${trigger} ${event}`;
    const end = new Promise<FiringEnd>((resolve, reject) => {
      const told = (known: FiringEnd | null): void => {
        if (known) resolve(known);
        else reject(new WeftError("unavailable", "this server does not lead any more; ask again"));
      };
      if (this.#rounds.signal.aborted) told(null);
      else this.#waiting.set(key, told);
    });
    end.catch(() => undefined);
    return { end, forget: () => void this.#waiting.delete(key) };
  }

  async stop(): Promise<void> {
    await this.#rounds.stop();
    for (const told of this.#waiting.values()) told(null);
    this.#waiting.clear();
  }

  /** Everything that is to be done now; gives how long there is nothing more. */
  async #round(): Promise<number> {
    const { pool, registry, now } = this.#parts;
    if (registry.watched === null) await registry.reload(pool);
    let nextMs = Infinity;
    for (const schedule of registry.schedules) nextMs = Math.min(nextMs, await this.#tick(schedule));
    const settled = await this.#settle();
    const submitted = await this.#submit();
    if (settled || submitted) return 0;
    await this.#prune();
    return Math.min(LOOK_MS, Math.max(0, nextMs - now()) + TIMER_SLACK_MS);
  }

  /** Writes down the ticks of a schedule that are due, and how far it was looked at, in one transaction; gives the next. */
  async #tick({ trigger, cron }: ActiveSchedule): Promise<number> {
    const { pool, registry, now } = this.#parts;
    const { missed, missedMax } = trigger.source;
    const cursorMs = registry.cursorOf(trigger);
    const due = dueTicks({ cron, missed, missedMax, cursorMs }, now());
    const stepsBack = due.cursorMs < cursorMs;
    if (due.ticks.length > 0 || due.left !== null || stepsBack) {
      await inTransaction(pool, async (client) => {
        await insertEvents(client, eventsOf(trigger, due));
        await setCursor(client, trigger.id, due.cursorMs);
      });
    }
    registry.moveCursor(trigger, due.cursorMs);
    return due.nextMs ?? Infinity;
  }

  /** True: there may be more. */
  async #settle(): Promise<boolean> {
    const { pool, newJobId } = this.#parts;
    const open = await triggersWithPending(pool, TRIGGERS_AT_ONCE);
    for (const id of open) await inTransaction(pool, (client) => settleTrigger(client, id, newJobId));
    return open.length > 0;
  }

  /** True: there may be more. */
  async #submit(): Promise<boolean> {
    const { pool } = this.#parts;
    const events = await acceptedEvents(pool, SUBMITS_MAX);
    if (events.length === 0) return false;
    const ends = await Promise.all(events.map((event) => this.#submitOne(event)));
    await finishEvents(pool, ends);
    for (const end of ends) {
      const key = `${end.trigger} ${end.event}`;
      this.#waiting.get(key)?.(end);
      this.#waiting.delete(key);
    }
    return true;
  }

  async #submitOne(event: EventRow): Promise<FiringEnd> {
    const { trigger, name, job, params, atMs, kind, depth } = event;
    const version = event.version!;
    const stored = await this.#version(name.split(".")[0]!, version);
    const end = { trigger, event: event.event };
    const firing: NewJob = {
      ...stored,
      id: job!,
      params,
      trigger: kind,
      // What makes it one job, however often this line is reached.
      idempotencyKey: `${TRIGGER_KEY_PREFIX}${trigger}:${event.event}`,
      triggeredBy: { trigger: name, kind, event: event.event, atMs, version, depth },
    };
    const pinned = await this.#pin(firing);
    const answer =
      typeof pinned === "string" ? pinned : await this.#parts.submit({ kind: "jobSubmitted", job: pinned });
    if (typeof answer !== "string" && answer.kind === "accepted")
      return { ...end, state: "fired", job: answer.job, reason: "" };
    const reason =
      typeof answer === "string"
        ? answer
        : answer.kind === "refused"
          ? refusal(answer).message
          : `answered with ${answer.kind}`;
    this.#parts.log.warn({ trigger: name, event: event.event, reason }, "a firing was refused");
    return { ...end, state: "refused", job: null, reason };
  }

  /** With its inputs from outside as they are now; a text: why it cannot be. What passes is thrown, and tried again. */
  async #pin(job: NewJob): Promise<NewJob | string> {
    try {
      return await pinSources(job, this.#parts.findData);
    } catch (error) {
      if (error instanceof WeftError && error.code === "invalid") return describeError(error);
      throw error;
    }
  }

  async #version(pipeline: string, number: number): Promise<NewJob> {
    const key = `${pipeline}.${number}`;
    const known = this.#versions.get(key);
    if (known) return known;
    const version = await readVersion(this.#parts.pool, pipeline, number);
    if (!version) throw new Error(`version ${number} of pipeline ${pipeline} is not stored`);
    const job = decodeSubmit(version.submit);
    // A pipeline may have megabytes: only the latest few are of use.
    if (this.#versions.size >= VERSIONS_MAX) this.#versions.delete(this.#versions.keys().next().value!);
    this.#versions.set(key, job);
    return job;
  }

  async #prune(): Promise<void> {
    const { pool, now, log } = this.#parts;
    if (performance.now() - this.#prunedAtMs < PRUNE_EVERY_MS) return;
    this.#prunedAtMs = performance.now();
    const count = await pruneEvents(pool, now() - KEPT_MS, PRUNE_ROWS);
    if (count > 0) log.debug({ count }, "forgot old events of triggers");
  }
}

function eventsOf(trigger: ActiveSchedule["trigger"], due: Due): Parameters<typeof insertEvents>[1] {
  const name = fullName(trigger);
  const common = { trigger: trigger.id, name, kind: "schedule" as const, params: {}, force: false, depth: 1 };
  const ticks = due.ticks.map((atMs) => {
    const event = tickEvent(atMs);
    const context = contextOf(name, "schedule", event, atMs, tickValues(atMs, trigger.source.timezone));
    return { ...common, event, atMs, content: event, context };
  });
  if (due.left === null) return ticks;
  const [from, to] = [tickEvent(due.left.fromMs), tickEvent(due.left.toMs)];
  const event = `missed ${from} to ${to}`;
  const dropped = `nobody was there from ${from} to ${to}, and the policy for missed ticks is "${trigger.source.missed}"`;
  return [{ ...common, event, atMs: due.left.toMs, content: event, context: null, dropped }, ...ticks];
}
