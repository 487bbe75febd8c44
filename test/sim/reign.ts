import type { ArchivedReport, EndedReport, ReportMessage } from "../../lib/core/dispatch.ts";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import {
  type Answer,
  drain,
  type Event,
  isEmpty,
  type Lookup,
  nextTimerMs,
  place,
  restore,
  type Restored,
  type SchedulerConfig,
  type State,
  type StopOrder,
  step,
} from "../../scheduler/core/index.ts";
import { decodeReports, reportEvent } from "../../scheduler/report.ts";
import type { Clock, Life } from "./host.ts";
import type { Place } from "./network.ts";
import { SimPostman } from "./post.ts";
import type { Delivery, Queues } from "./queue.ts";
import { answerTo, type Changes, type Reign, type SimStore } from "./store.ts";

/** As in scheduler/store.ts and scheduler/intake.ts, in milliseconds. */
const RETRY_MS = 50;
const RETRY_MS_MAX = 2_000;
const REFUSED_MS = 1_000;
/** As in scheduler/run.ts. */
const CLOCK_STEP_MS = 20;

type Entry = { readonly done: (answer: Answer | null) => void } & (
  | { readonly kind: "event"; readonly event: Event }
  | { readonly kind: "archived"; readonly report: ArchivedReport }
);

export interface ReignParts {
  readonly reign: Reign;
  readonly place: Place;
  readonly life: Life;
  readonly clock: Clock;
  readonly config: SchedulerConfig;
  readonly store: SimStore;
  readonly queues: Queues;
  readonly holds: () => boolean;
  readonly renewed: (sentAtMs: number) => void;
  /** The laws are checked after everything that changes the state. */
  readonly afterStep: (state: State, what: string) => void;
  /** A chance to crash just before a commit is sent, or just after it was done; true: it did. */
  readonly mayCrash: () => boolean;
  readonly onStops: (stops: ReadonlyMap<NodeId, readonly StopOrder[]>) => void;
  readonly onLost: () => void;
}

/** One reign of the scheduler, as scheduler/run.ts makes it: gather, step, place, commit, and only then let out. */
export class SimReign {
  readonly state: State;
  readonly postman: SimPostman;
  /** The wall clock ahead of the steady one, at the last look. */
  #apartMs: number;
  readonly #parts: ReignParts;
  #inbox: Entry[] = [];
  #busy = false;
  #tickDue = false;
  #over = false;
  #callOffTimer: () => void = () => {};
  readonly #unacknowledged = new Set<Delivery>();

  constructor(parts: ReignParts, rows: Restored) {
    this.#parts = parts;
    this.state = restore(parts.config, rows, parts.clock.wallMs());
    this.#apartMs = parts.clock.wallMs() - parts.clock.monotonicMs();
    parts.afterStep(this.state, "restore");
    this.postman = new SimPostman({ ...parts, term: parts.reign.term });
    this.#setTimer();
    this.#wake();
  }

  submit(event: Event, done: (answer: Answer | null) => void): void {
    this.#put({ kind: "event", event, done });
  }

  /** Acknowledged when all that was reported is committed. */
  report(delivery: Delivery): void {
    const decoded = decodeReports(Buffer.from(delivery.payload));
    if ("fault" in decoded) throw new Error(`an agent sent what is no report: ${decoded.fault}`);
    const { node, reports } = decoded.message;
    this.#unacknowledged.add(delivery);
    let left = reports.length;
    const done = (answer: Answer | null): void => {
      if (answer === null) {
        if (this.#unacknowledged.delete(delivery)) delivery.nak(this.#over ? 0 : REFUSED_MS);
      } else if ((left -= 1) === 0 && this.#unacknowledged.delete(delivery)) delivery.ack();
    };
    for (const report of reports) this.#put(entryOf(node, report, done));
  }

  end(): void {
    this.#over = true;
    this.#callOffTimer();
    this.postman.stop();
    for (const { done } of this.#inbox.splice(0)) done(null);
  }

  #put(entry: Entry): void {
    if (this.#over) return entry.done(null);
    this.#inbox.push(entry);
    this.#wake();
  }

  #wake(): void {
    if (this.#busy || this.#over) return;
    this.#busy = true;
    this.#parts.life.after(0, () => this.#round());
  }

  #round(): void {
    if (this.#over) return;
    const entries = this.#inbox.splice(0);
    const keys = entries.flatMap(keyOf);
    if (keys.length === 0) return this.#decide(entries, new Map());
    this.#untilThrough(
      () =>
        new Map(
          keys.flatMap((key) => (this.#parts.store.keys.has(key) ? [[key, this.#parts.store.keys.get(key)!]] : [])),
        ),
      (known) => this.#decide(entries, known),
    );
  }

  #decide(entries: readonly Entry[], known: ReadonlyMap<string, JobId>): void {
    const { clock, afterStep } = this.#parts;
    const byMs = clock.wallMs() - clock.monotonicMs() - this.#apartMs;
    this.#apartMs += byMs;
    if (Math.abs(byMs) >= CLOCK_STEP_MS) {
      step(this.state, { kind: "clockStepped", byMs }, clock.wallMs());
      afterStep(this.state, "clockStepped");
    }
    const answers = entries.map((entry): Answer => {
      if (entry.kind === "archived") return { kind: "done" };
      const before = keyOf(entry).map((key) => known.get(key))[0];
      if (before !== undefined) return { kind: "accepted", job: before, existing: true, instances: 0 };
      const answer = step(this.state, entry.event, clock.wallMs());
      afterStep(this.state, entry.event.kind);
      return answer;
    });
    if (this.#tickDue) {
      this.#tickDue = false;
      step(this.state, { kind: "clockTicked" }, clock.wallMs());
      afterStep(this.state, "clockTicked");
    }
    place(this.state, clock.wallMs());
    afterStep(this.state, "place");
    const batch = drain(this.state);
    afterStep(this.state, "drain");
    const archived = entries.flatMap((entry) => (entry.kind === "archived" ? [entry.report] : []));
    this.#commit({ batch, archived }, () => {
      this.#letOut({ batch, archived });
      entries.forEach(({ done }, at) => done(answers[at]!));
      this.#busy = false;
      this.#setTimer();
      // One round places only so many: what is left is not waited for.
      if (this.#inbox.length > 0 || this.#tickDue || this.state.placementDue) this.#wake();
    });
    // What was in the batch is told that it was not committed, when the reign ends before.
    this.#onEnd = () => entries.forEach(({ done }) => done(null));
  }

  #onEnd: () => void = () => {};

  #commit(changes: Changes, through: () => void): void {
    const { store, reign, clock, holds, renewed, mayCrash } = this.#parts;
    if (isEmpty(changes.batch) && changes.archived.length === 0 && holds()) return through();
    if (mayCrash()) return;
    const sentAtMs = clock.monotonicMs();
    this.#untilThrough(
      () => store.commit(reign, changes),
      (held) => {
        if (!held) {
          this.#onEnd();
          return this.#parts.onLost();
        }
        renewed(sentAtMs);
        if (!mayCrash()) through();
      },
    );
  }

  #letOut({ batch }: Changes): void {
    const { queues, place: here, onStops } = this.#parts;
    for (const node of nodesLost(batch.ended.map(({ report, node: { id } }) => ({ report, id }))))
      queues.purge(here, `weft.assign.${node}`);
    this.postman.post(batch);
    if (batch.lookups.length > 0) this.#askCache(batch.lookups);
    if (batch.stop.length === 0) return;
    const byNode = new Map<NodeId, StopOrder[]>();
    for (const { node, order } of batch.stop) byNode.set(node, [...(byNode.get(node) ?? []), order]);
    onStops(byNode);
  }

  /** What could not be found out is run, and not kept. */
  #askCache(lookups: readonly Lookup[]): void {
    const { store, place: here, life, clock } = this.#parts;
    store.ask(
      here,
      () => store.lookUp(lookups, clock.wallMs()),
      (told) =>
        life.run(() => {
          const answers =
            told.kind === "told"
              ? told.what
              : lookups.map((lookup) => answerTo(lookup, { key: null, why: "not asked", hit: null }));
          this.submit({ kind: "cacheAnswered", answers }, () => {});
        }),
    );
  }

  /** Postgres is asked until it answers. */
  #untilThrough<T>(work: () => T, through: (what: T) => void, waitMs = RETRY_MS): void {
    const { store, place: here, life } = this.#parts;
    store.ask(here, work, (told) =>
      life.run(() => {
        if (this.#over) return this.#onEnd();
        if (told.kind === "told") return through(told.what);
        life.after(waitMs, () => this.#untilThrough(work, through, Math.min(waitMs * 2, RETRY_MS_MAX)));
      }),
    );
  }

  #setTimer(): void {
    this.#callOffTimer();
    const dueMs = nextTimerMs(this.state);
    if (dueMs === null || this.#over) return;
    this.#callOffTimer = this.#parts.life.after(dueMs - this.#parts.clock.wallMs(), () => {
      this.#tickDue = true;
      this.#wake();
    });
  }
}

function entryOf(node: NodeId, report: ReportMessage["reports"][number], done: Entry["done"]): Entry {
  if (report.kind === "archived") return { kind: "archived", report, done };
  return { kind: "event", event: reportEvent(node, report), done };
}

function keyOf(entry: Entry): string[] {
  if (entry.kind !== "event" || entry.event.kind !== "jobSubmitted") return [];
  const { idempotencyKey } = entry.event.job;
  return idempotencyKey === null ? [] : [idempotencyKey];
}

function nodesLost(ended: readonly { readonly report: EndedReport; readonly id: NodeId }[]): Set<NodeId> {
  const lost = ended.filter(({ report }) => report.outcome.kind === "lost" && report.outcome.reason === "node-lost");
  return new Set(lost.map(({ id }) => id));
}
