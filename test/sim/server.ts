import type { AttemptKey, NodeId } from "../../lib/core/ids.ts";
import type { Answer, Capacity, Event, SchedulerConfig, State, StopOrder } from "../../scheduler/core/index.ts";
import type { Agenda } from "./agenda.ts";
import type { Chance } from "./chance.ts";
import { type Clock, Life } from "./host.ts";
import type { Network, Place } from "./network.ts";
import type { Delivery, Queues } from "./queue.ts";
import type { BeatStream } from "./stream.ts";
import { SimReign } from "./reign.ts";
import type { Reign, SimStore } from "./store.ts";

/** As in scheduler/leader.ts and scheduler/intake.ts, in milliseconds. */
const EXPIRY_MARGIN_MS = 20;
const LOOKS_PER_LEASE = 3;
const INTAKE_LOOK_MS = 5_000;
/** What arrives at a server that does not lead any more is for the next leader. */
const LATE_MS = 100;
export const REPORT_QUEUE = "weft.report";

export interface BeatRequest {
  readonly node: NodeId;
  readonly place: Place;
  readonly sequence: number;
  /** Null: as before. */
  readonly capacity: Capacity | null;
  readonly active: readonly AttemptKey[];
  readonly leaving: boolean;
  readonly stream: BeatStream;
  readonly refused: () => void;
  /** Called with each answer on this stream, also unasked ones. */
  readonly answer: (answer: BeatAnswer) => void;
}

export interface BeatAnswer {
  readonly sequence: number;
  readonly leaseMs: number;
  readonly heartbeatIntervalMs: number;
  readonly stop: readonly StopOrder[];
  readonly query: readonly AttemptKey[];
  readonly rejoin: boolean;
  readonly era: number;
}

export interface ServerParts {
  readonly agenda: Agenda;
  readonly network: Network;
  readonly store: SimStore;
  readonly queues: Queues;
  readonly chance: Chance;
  readonly clock: Clock;
  readonly late: Chance;
  readonly lateMsMax: number;
  readonly config: SchedulerConfig;
  readonly heartbeatMs: number;
  readonly leaderLeaseMs: number;
  /** At each commit. */
  readonly crashes: () => boolean;
  readonly afterStep: (server: SimServer, state: State, what: string) => void;
  readonly onCrashed: (server: SimServer) => void;
  /** The others. */
  readonly peers: () => readonly SimServer[];
  readonly tell: (what: string, about: string) => void;
}

/** One `weft server`: a follower that looks who leads, or the leader with its reign. */
export class SimServer {
  readonly place: Place;
  readonly parts: ServerParts;
  life: Life;
  reign: SimReign | null = null;
  #term = 0;
  #leader: Place | null = null;
  #starts = 0;
  #heldUntilMs = 0;
  #streams = new Map<NodeId, BeatRequest>();
  #capacities = new Map<NodeId, string>();

  constructor(number: number, parts: ServerParts) {
    this.place = `server-${number}`;
    this.parts = parts;
    this.life = this.#newLife();
    this.life.end();
  }

  start(): void {
    if (this.life.alive) return;
    this.life = this.#newLife();
    this.#starts += 1;
    this.#term = 0;
    this.#leader = null;
    this.parts.tell("starts", this.place);
    this.#look();
  }

  crash(): void {
    if (!this.life.alive) return;
    this.parts.tell("crashes", this.place);
    this.life.end();
    this.reign?.end();
    this.reign = null;
    this.#streams.clear();
    this.parts.onCrashed(this);
  }

  /** From a client or an agent: handled here if this server leads, else by the one that it takes for the leader. */
  call(from: Place, handle: (server: SimServer, reign: SimReign) => void, forwarded = false): void {
    this.parts.network.send(from, this.place, () =>
      this.life.run(() => {
        if (this.reign) return handle(this, this.reign);
        const leader = this.parts.peers().find(({ place }) => place === this.#leader);
        if (leader && !forwarded) leader.call(this.place, handle, true);
      }),
    );
  }

  /** `make`: a request that comes twice is two events, and two jobs if it makes any. */
  event(from: Place, make: () => Event, reply: (answer: Answer) => void): void {
    this.call(from, (server, reign) =>
      reign.submit(make(), (answer) => {
        if (answer !== null) server.parts.network.send(server.place, from, () => reply(answer));
      }),
    );
  }

  join(from: Place, event: Event & { kind: "nodeJoined" }, reply: (era: number) => void): void {
    this.call(from, (server, reign) =>
      reign.submit(event, (answer) => {
        if (answer === null) return;
        server.#capacities.set(event.node, JSON.stringify(event.capacity));
        const era = eraOf(reign, event.node);
        server.parts.network.send(server.place, from, () => reply(era));
      }),
    );
  }

  beat(request: BeatRequest): void {
    request.stream.send(request.place, this.place, () => {
      if (!this.life.alive) return this.#refuse(request);
      this.life.run(() => this.#takeBeat(request));
    });
  }

  #takeBeat(request: BeatRequest): void {
    if (this.reign) return this.#onBeat(request, this.reign);
    const leader = this.parts.peers().find(({ place }) => place === this.#leader);
    if (!leader || leader === this) return this.#refuse(request);
    request.stream.send(this.place, leader.place, () =>
      leader.life.run(() => (leader.reign ? leader.#onBeat(request, leader.reign) : leader.#refuse(request))),
    );
  }

  /** The stream ends with an error, which the node hears of unless it is cut off. */
  #refuse({ stream, place, refused }: BeatRequest): void {
    stream.send(this.place, place, () => {
      stream.break();
      refused();
    });
  }

  /** As answered to a join or a beat. */
  times(): { readonly leaseMs: number; readonly heartbeatIntervalMs: number } {
    const { config, heartbeatMs, chance } = this.parts;
    const jittered = heartbeatMs * (0.9 + 0.2 * chance.next());
    return { leaseMs: config.leaseMs, heartbeatIntervalMs: Math.min(jittered, config.leaseMs / 3) };
  }

  #newLife(): Life {
    const { agenda, clock, late, lateMsMax } = this.parts;
    return new Life(agenda, clock, late, lateMsMax);
  }

  #onBeat(request: BeatRequest, reign: SimReign): void {
    request.stream.owner ??= reign;
    if (request.stream.owner !== reign) return this.#refuse(request);
    this.#streams.set(request.node, request);
    const said = request.capacity && JSON.stringify(request.capacity);
    const capacity = said !== null && this.#capacities.get(request.node) !== said ? request.capacity : null;
    const { node, active, leaving } = request;
    if (said !== null) this.#capacities.set(node, said);
    reign.submit({ kind: "nodeHeard", node, capacity, active, leaving }, (answer) => {
      if (answer?.kind !== "heard") return this.#refuse(request);
      this.#answer(request, { ...this.times(), ...answer, sequence: request.sequence, era: eraOf(reign, node) });
    });
  }

  #answer(request: BeatRequest, answer: BeatAnswer): void {
    request.stream.send(this.place, request.place, () => request.answer(answer));
  }

  #look(): void {
    const { store, leaderLeaseMs, agenda } = this.parts;
    const again = (ms: number): void => void this.life.after(ms, () => this.#look());
    store.ask(
      this.place,
      () => store.leader && { ...store.leader, remainingMs: store.leader.untilMs - agenda.nowMs },
      (told) =>
        this.life.run(() => {
          if (told.kind === "error") return again(leaderLeaseMs / LOOKS_PER_LEASE);
          const leader = told.what;
          if (!leader || leader.remainingMs <= 0) return this.#claim();
          this.#follow(leader.term, leader.holder.split("/")[0]!);
          again(Math.min(leaderLeaseMs / LOOKS_PER_LEASE, leader.remainingMs + EXPIRY_MARGIN_MS));
        }),
    );
  }

  #follow(term: number, leader: Place): void {
    if (term < this.#term) return;
    this.#term = term;
    this.#leader = leader;
  }

  #claim(): void {
    const { store, leaderLeaseMs, clock } = this.parts;
    const holder = `${this.place}/${this.#starts}`;
    const sentAtMs = clock.monotonicMs();
    store.ask(
      this.place,
      () => store.claim(holder, leaderLeaseMs),
      (told) =>
        this.life.run(() => {
          if (told.kind === "error" || told.what === null) {
            return void this.life.after(EXPIRY_MARGIN_MS, () => this.#look());
          }
          this.#heldUntilMs = sentAtMs + leaderLeaseMs;
          this.#load({ term: told.what, holder, leaseMs: leaderLeaseMs });
        }),
    );
  }

  #load(reign: Reign): void {
    const { store } = this.parts;
    this.#term = reign.term;
    this.#leader = this.place;
    store.ask(
      this.place,
      () => store.load(),
      (told) =>
        this.life.run(() => {
          if (told.kind === "error") return void this.life.after(EXPIRY_MARGIN_MS, () => this.#load(reign));
          this.#lead(reign, told.what);
        }),
    );
  }

  #lead(reign: Reign, rows: ConstructorParameters<typeof SimReign>[1]): void {
    const { parts, place, life } = this;
    const { store, queues, config, clock, crashes, afterStep, tell } = parts;
    tell(`leads, term ${reign.term}`, place);
    this.#streams = new Map();
    this.#capacities = new Map();
    const led = new SimReign(
      {
        reign,
        place,
        life,
        store,
        queues,
        config,
        clock,
        holds: () => clock.monotonicMs() < this.#heldUntilMs,
        renewed: (sentAtMs) => void (this.#heldUntilMs = Math.max(this.#heldUntilMs, sentAtMs + reign.leaseMs)),
        afterStep: (state, what) => afterStep(this, state, what),
        mayCrash: () => {
          if (!crashes()) return false;
          this.crash();
          return true;
        },
        onStops: (stops) => this.#pushStops(stops),
        onLost: () => this.#depose(),
      },
      rows,
    );
    this.reign = led;
    for (const peer of parts.peers()) {
      if (peer !== this)
        parts.network.send(place, peer.place, () => peer.life.run(() => peer.#onNews(reign.term, place)));
    }
    this.#takeReports(led);
    this.#keep(reign, led);
  }

  #onNews(term: number, leader: Place): void {
    if (term <= this.#term) return;
    if (this.reign) this.#depose();
    this.#follow(term, leader);
  }

  #depose(): void {
    this.parts.tell("does not lead any more", this.place);
    this.reign?.end();
    this.reign = null;
    this.#streams.clear();
    this.#stopIntake();
    this.#look();
  }

  #keep(reign: Reign, led: SimReign): void {
    const { store, clock } = this.parts;
    const everyMs = reign.leaseMs / LOOKS_PER_LEASE;
    this.life.after(everyMs, () => {
      if (this.reign !== led) return;
      const sentAtMs = clock.monotonicMs();
      this.#keep(reign, led);
      if (this.#heldUntilMs - sentAtMs > reign.leaseMs - everyMs) return;
      store.ask(
        this.place,
        () => store.hold(reign),
        (told) =>
          this.life.run(() => {
            if (this.reign !== led || told.kind === "error") return;
            if (!told.what) return this.#depose();
            this.#heldUntilMs = Math.max(this.#heldUntilMs, sentAtMs + reign.leaseMs);
          }),
      );
    });
  }

  /** Subscribes, and again whenever NATS has forgotten it. */
  #takeReports(led: SimReign): void {
    const { queues } = this.parts;
    const { life } = this;
    const push = (delivery: Delivery): void =>
      life.run(() => (this.reign === led ? led.report(delivery) : delivery.nak(LATE_MS)));
    const look = (): void => {
      if (this.reign !== led) return queues.unsubscribe(REPORT_QUEUE, this.place, push);
      if (!queues.isSubscribed(REPORT_QUEUE, push)) queues.subscribe(REPORT_QUEUE, this.place, push);
      life.after(INTAKE_LOOK_MS, look);
    };
    look();
    this.#stopIntake = () => queues.unsubscribe(REPORT_QUEUE, this.place, push);
  }

  #stopIntake: () => void = () => {};

  #pushStops(stops: ReadonlyMap<NodeId, readonly StopOrder[]>): void {
    for (const [node, stop] of stops) {
      const stream = this.#streams.get(node);
      const era = this.reign ? eraOf(this.reign, node) : 0;
      if (stream) this.#answer(stream, { ...this.times(), sequence: 0, stop, query: [], rejoin: false, era });
    }
  }
}

function eraOf({ state }: SimReign, node: NodeId): number {
  return state.nodes.get(node)?.era ?? 0;
}
