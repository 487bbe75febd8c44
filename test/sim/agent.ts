import { assignSubject, type Assignment, type Report } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey } from "../../lib/core/ids.ts";
import { type AssignmentCounts, parseAssignMessage, sortAssignments, toStart } from "../../agent/core/assignment.ts";
import { backoffMs } from "../../agent/core/backoff.ts";
import { Era } from "../../agent/core/era.ts";
import { HeartbeatWriter, type NodeState, Unanswered } from "../../agent/core/heartbeat.ts";
import {
  endsAtMs,
  jittered,
  lastGraceMs,
  type Lease,
  marginMs,
  renew,
  silenceMs,
  stopAtMs,
} from "../../agent/core/lease.ts";
import { type OrderAct, OrderBook } from "../../agent/core/orders.ts";
import { Outbox, type OutboxBatch } from "../../agent/core/outbox.ts";
import type { Chance } from "./chance.ts";
import type { Life } from "./host.ts";
import { JournalWriter } from "./journal.ts";
import { nodeCapacity, type SimMachine } from "./machine.ts";
import type { Network, Place } from "./network.ts";
import type { Delivery, Queues } from "./queue.ts";
import { type BeatAnswer, REPORT_QUEUE, type SimServer } from "./server.ts";
import { BeatStream } from "./stream.ts";
import { SimWorker } from "./worker.ts";

/** As in agent/assignments.ts, agent/heartbeat.ts, agent/join.ts, agent/reports.ts and agent/main.ts, in milliseconds. */
const REFUSED_MS = 2_000;
const BEAT_RETRY_MS = { first: 100, most: 2_000 };
const JOIN_RETRY_MS = { first: 200, most: 3_000, deadline: 5_000 };
const PUBLISH_MS_MAX = 5_000;
const PUBLISH_RETRY_MS = { first: 100, most: 3_000 };
const CAUGHT_UP_MS = 3_000;
const IDLE_HEARTBEAT_MS = 5_000;
/** Usual time to store a log. */
const ARCHIVE_MS = 20;
const PACE_MS = 20;

export interface AgentParts {
  readonly machine: SimMachine;
  readonly place: Place;
  readonly queues: Queues;
  readonly network: Network;
  readonly servers: readonly SimServer[];
  readonly chance: Chance;
  readonly labels: Readonly<Record<string, string>>;
  readonly tell: (what: string, about: string) => void;
}

/** One life of `weft agent` on a machine: the agent's core, wired as agent/main.ts wires it. */
export class SimAgent {
  readonly life: Life;
  readonly journal: JournalWriter;
  readonly outbox = new Outbox(() => PACE_MS);
  readonly worker: SimWorker;
  readonly counts: AssignmentCounts = { started: 0, known: 0, older: 0, invalid: 0 };
  readonly #parts: AgentParts;
  readonly #run: string;
  readonly #orders = new OrderBook();
  readonly #era = new Era();
  #server: SimServer;
  #intervalMs = 1_000;
  #lease: Lease | undefined;
  #callOffLease: () => void = () => {};
  #callOffPump: () => void = () => {};
  #stream: BeatStream | null = null;
  /** On the monotonic clock; undefined: NATS is not connected. */
  #connectedSinceMs: number | undefined;
  #joined = false;
  /** Of the last batch of reports that the queue has taken. */
  #settledId = 0;
  #inbox: Delivery[] = [];

  constructor(parts: AgentParts, run: number) {
    this.#parts = parts;
    const { machine, chance, servers } = parts;
    this.life = machine.newLife();
    this.#run = `${parts.place}/${run}`;
    this.#server = chance.pick(servers);
    this.journal = new JournalWriter(machine.journal, this.life, chance);
    this.worker = new SimWorker(machine, this.life, { onReport: (report, kept) => this.#reported(report, kept) });
  }

  start(): void {
    const { open, unreported, ended } = this.journal.records.unfinished();
    for (const report of unreported) this.#tell(report);
    const keep = ended.map(({ key }) => key);
    this.worker.open(open, keep, () => {
      for (const key of keep) this.#archive(key);
      this.#join(1, () => {
        this.#joined = true;
        this.onNatsBack();
        this.#converse();
      });
    });
  }

  /** Killed: what it remembers is gone, its runner and the tasks are not. */
  crash(): void {
    if (!this.life.alive) return;
    this.life.end();
    const { runner } = this.#parts.machine;
    if (runner) runner.listener = null;
  }

  get leased(): boolean {
    return this.#lease !== undefined && this.#nowMs() < stopAtMs(this.#lease);
  }

  onNatsLost(): void {
    this.#connectedSinceMs = undefined;
  }

  onNatsBack(): void {
    if (!this.#joined) return;
    this.#connectedSinceMs = this.#nowMs();
    this.#subscribe();
  }

  #nowMs(): number {
    return this.#parts.machine.parts.clock.monotonicMs();
  }

  #atMs(): number {
    return this.#parts.machine.parts.clock.wallMs();
  }

  #join(attempt: number, joined: () => void): void {
    const { machine, place, servers, chance, labels } = this.#parts;
    const sentAtMs = this.#nowMs();
    const again = this.life.after(
      JOIN_RETRY_MS.deadline + backoffMs(attempt, JOIN_RETRY_MS.first, JOIN_RETRY_MS.most, chance.next()),
      () => {
        this.#server = chance.pick(servers);
        this.#join(attempt + 1, joined);
      },
    );
    const { node, capacity } = machine;
    const server = this.#server;
    let answered = false;
    const event = { kind: "nodeJoined", node, name: place, labels, address: place, capacity } as const;
    server.join(place, event, (era) =>
      this.life.run(() => {
        if (answered) return;
        answered = true;
        again();
        const { leaseMs, heartbeatIntervalMs } = server.times();
        this.#intervalMs = heartbeatIntervalMs;
        this.#onEra(era);
        this.#renewed(sentAtMs, leaseMs);
        joined();
      }),
    );
  }

  /** One stream of heartbeats, until it fails or falls silent; then the next, for ever. */
  #converse(failures = 0): void {
    const { chance, servers, place, machine, network } = this.#parts;
    const stream = new BeatStream(machine.parts.agenda, network);
    this.#stream = stream;
    const writer = new HeartbeatWriter();
    const unanswered = new Unanswered();
    let callOffSilence = (): void => {};
    let heard = false;
    const end = (): boolean => {
      if (this.#stream !== stream) return false;
      callOffSilence();
      stream.break();
      this.#stream = null;
      return true;
    };
    const failed = (): void => {
      if (!end()) return;
      this.#server = chance.pick(servers);
      const times = heard ? 1 : failures + 1;
      const waitMs = backoffMs(times, BEAT_RETRY_MS.first, BEAT_RETRY_MS.most, chance.next());
      this.life.after(waitMs, () => this.#converse(times));
    };
    const listen = (): void => {
      callOffSilence();
      callOffSilence = this.life.after(silenceMs(this.#intervalMs), failed);
    };
    const answer = (told: BeatAnswer): void =>
      this.life.run(() => {
        if (this.#stream !== stream) return;
        heard = true;
        listen();
        this.#answered(told, unanswered);
        if (told.rejoin && end()) this.#join(1, () => this.#converse());
      });
    const send = (): void => {
      if (this.#stream !== stream) return;
      this.life.after(jittered(this.#intervalMs, chance.next()), send);
      if (unanswered.full) return;
      const beat = writer.next(this.#state());
      unanswered.sent(beat.sequence, this.#nowMs());
      const capacity = beat.capacity ? machine.capacity : null;
      const active = beat.active.map(({ key }) => key as AttemptKey);
      const { sequence, leaving } = beat;
      const refused = (): void => this.life.run(failed);
      this.#server.beat({ node: machine.node, place, stream, refused, sequence, capacity, active, leaving, answer });
    };
    listen();
    send();
  }

  #state(): NodeState {
    const { machine } = this.#parts;
    return {
      node: machine.node,
      capacity: nodeCapacity(machine.capacity),
      usage: { gpus: [], problems: [] },
      active: this.worker.active(),
      incarnation: "one",
      leaving: false,
    };
  }

  #answered(told: BeatAnswer, unanswered: Unanswered): void {
    if (told.heartbeatIntervalMs > 0) this.#intervalMs = told.heartbeatIntervalMs;
    const sentAtMs = unanswered.answered(told.sequence);
    this.#onEra(told.era);
    const acts = this.#orders.follow(told, {
      records: this.journal.records,
      active: new Set<string>(this.worker.active().map(({ key }) => key)),
      caughtUp: () => this.#connectedSinceMs !== undefined && this.#nowMs() - this.#connectedSinceMs > CAUGHT_UP_MS,
      nowMs: this.#nowMs(),
      atMs: this.#atMs(),
    });
    for (const act of acts) this.#do(act);
    // Now the server has heard what is here.
    if (told.sequence > 0) this.worker.admit();
    if (sentAtMs !== undefined && told.leaseMs > 0) this.#renewed(sentAtMs, told.leaseMs);
  }

  #onEra(era: number): void {
    if (!this.#era.learn(era)) return;
    for (const { key } of this.worker.active()) {
      const record = this.journal.records.get(key);
      if (record?.kind === "open") this.#fence(record.assignment);
    }
  }

  #fence(assignment: Assignment): void {
    if (this.#era.isOver(assignment)) this.worker.stop(attemptKey(assignment.ref), "fenced", 0);
  }

  #do(act: OrderAct): void {
    switch (act.kind) {
      case "stop":
        return this.worker.stop(act.key, act.reason, act.graceMs);
      case "tell":
        return this.#tell(act.report);
      case "refuse": {
        const { key } = act;
        return this.journal.secure({ kind: "refused", atMs: this.#atMs(), key }, () =>
          this.#tell({ kind: "unknown", key }),
        );
      }
      case "lose": {
        const { report } = act;
        return this.journal.note([{ kind: "ended", atMs: report.endedAtMs, report }], () => this.#tell(report));
      }
      case "nonsense":
        throw new Error(`the server asked for "${act.key}"`);
    }
  }

  #renewed(sentAtMs: number, leaseMs: number): void {
    this.#lease = renew(this.#lease, sentAtMs, leaseMs);
    const nowMs = this.#nowMs();
    this.worker.renewLease(Math.max(0, endsAtMs(this.#lease) - nowMs), marginMs(this.#lease));
    this.#callOffLease();
    this.#callOffLease = this.life.after(stopAtMs(this.#lease) - nowMs, () => this.#leaseEnding());
  }

  #leaseEnding(): void {
    if (!this.#lease) return;
    const remainingMs = Math.max(0, endsAtMs(this.#lease) - this.#nowMs());
    this.#parts.tell("its lease ends", this.#parts.place);
    for (const { key } of this.worker.active()) {
      const record = this.journal.records.get(key);
      const graceMs = record?.kind === "open" ? record.assignment.stopGraceMs : remainingMs;
      this.worker.stop(key, "lease-lost", lastGraceMs(graceMs, remainingMs));
    }
  }

  #subscribe(): void {
    const { queues, machine, place } = this.#parts;
    const queue = assignSubject(machine.node);
    const push = (delivery: Delivery): void =>
      this.life.run(() => {
        this.#inbox.push(delivery);
        if (this.#inbox.length === 1) this.life.after(0, () => this.#take(this.#inbox.splice(0)));
      });
    const sinceMs = this.#connectedSinceMs;
    const look = (): void => {
      if (this.#connectedSinceMs !== sinceMs) return;
      if (!queues.isSubscribed(queue, push)) queues.subscribe(queue, place, push);
      this.life.after(2 * IDLE_HEARTBEAT_MS, look);
    };
    look();
  }

  #take(deliveries: readonly Delivery[]): void {
    if (!this.leased) return deliveries.forEach((delivery) => delivery.nak(REFUSED_MS));
    const fresh = new Map<AttemptKey, Assignment>();
    for (const { payload } of deliveries) {
      const parsed = parseAssignMessage(payload);
      if ("invalid" in parsed) throw new Error(`the scheduler sent what is no assignment: ${parsed.invalid}`);
      sortAssignments(parsed.assignments, fresh, this.journal.records, this.counts);
    }
    const taken = (): void => {
      for (const delivery of deliveries) delivery.ack();
      for (const assignment of toStart(fresh.values(), this.journal.records)) {
        this.counts.started += 1;
        this.worker.start(assignment);
        this.#fence(assignment);
      }
    };
    if (fresh.size === 0) return taken();
    const atMs = this.#atMs();
    this.journal.append(
      [...fresh.values()].map((assignment) => ({ kind: "assigned", atMs, assignment })),
      taken,
    );
  }

  #reported(report: Parameters<ConstructorParameters<typeof SimWorker>[2]["onReport"]>[0], kept: () => void): void {
    const { journal } = this;
    if (journal.records.get(report.key)?.kind === "ended") return kept();
    if (report.kind === "ready") return this.#tell(report);
    if (report.kind === "started") {
      journal.jot({ kind: "started", atMs: report.atMs, key: report.key });
      return this.#tell(report);
    }
    journal.note([{ kind: "ended", atMs: this.#atMs(), report }], () => {
      this.#tell(report);
      kept();
      this.#archive(report.key);
    });
  }

  #archive(key: AttemptKey): void {
    this.life.after(this.#parts.chance.tailed(ARCHIVE_MS), () =>
      this.#tell({ kind: "archived", key, stdout: null, stderr: null }),
    );
  }

  #tell(report: Report): void {
    this.outbox.add(report, this.#nowMs());
    this.#pump();
  }

  #pump(): void {
    this.#callOffPump();
    const dueAtMs = this.outbox.dueAtMs();
    if (dueAtMs === undefined) return;
    const waitMs = dueAtMs - this.#nowMs();
    if (waitMs > 0.5) {
      this.#callOffPump = this.life.after(waitMs, () => this.#pump());
      return;
    }
    const batch = this.outbox.take(this.#nowMs() + 1);
    if (batch) this.#send(batch, 1);
  }

  #send(batch: OutboxBatch, attempt: number): void {
    const { queues, place, machine, chance } = this.#parts;
    const payload = `{"node":${JSON.stringify(machine.node)},"reports":[${batch.json.join(",")}]}`;
    const waitMs = backoffMs(attempt, PUBLISH_RETRY_MS.first, PUBLISH_RETRY_MS.most, chance.next());
    const again = this.life.after(PUBLISH_MS_MAX + waitMs, () => this.#send(batch, attempt + 1));
    let settled = false;
    queues.publish(place, REPORT_QUEUE, payload, `${this.#run}.${batch.id}`, () =>
      this.life.run(() => {
        if (settled || batch.id <= this.#settledId) return;
        settled = true;
        again();
        this.#settled(batch);
      }),
    );
  }

  #settled(batch: OutboxBatch): void {
    this.#settledId = batch.id;
    this.outbox.settled();
    const keys = batch.reports.filter(({ kind }) => kind === "ended").map(({ key }) => key);
    const atMs = this.#atMs();
    if (keys.length > 0) this.journal.jot({ kind: "reported", atMs, keys });
    for (const { kind, key } of batch.reports) {
      if (kind !== "archived") continue;
      this.journal.jot({ kind: "archived", atMs, key });
      this.worker.forget(key);
    }
    this.#pump();
  }
}
