import { capacity } from "../support/build.ts";
import { Agenda } from "./agenda.ts";
import { Approvers } from "./approvers.ts";
import { behaviourOf } from "./behaviour.ts";
import { Callers } from "./callers.ts";
import { Chance, type Concern } from "./chance.ts";
import { Chaos } from "./chaos.ts";
import { Clock } from "./host.ts";
import { SimMachine } from "./machine.ts";
import { Network } from "./network.ts";
import { Operators } from "./operators.ts";
import { type Plan, planOf } from "./plan.ts";
import { Queues } from "./queue.ts";
import { SimServer } from "./server.ts";
import { Station } from "./station.ts";
import { SimStore } from "./store.ts";
import { Tally } from "./tally.ts";
import { Violation } from "./violation.ts";
import { Witness } from "./witness.ts";
import { Workload } from "./workload.ts";

/** After the healing all must be done within this, in milliseconds: the longest waits in the system, several times over. */
const LIVENESS_MS_MAX = 20 * 60_000;
/** How often it is looked whether all is done, in milliseconds. */
const LOOK_MS = 500;
/** A server that fell over is started again after this, in milliseconds. */
const RESTART_MS = { least: 100, most: 6_000 };

export type Tell = (what: string, about: string) => void;

/** One seed: a cluster with all that surrounds it, in one thread, on one clock. */
export class World {
  readonly plan: Plan;
  readonly agenda = new Agenda();
  readonly network: Network;
  readonly store: SimStore;
  readonly queues: Queues;
  readonly servers: SimServer[];
  readonly stations: Station[];
  readonly witness: Witness;
  readonly tell: Tell;
  readonly #callers: Callers;
  readonly #workload: Workload;
  readonly #operators: Operators;
  readonly #chaos: Chaos;
  #healed = false;

  constructor(seed: number, tell: (atMs: number, what: string, about: string) => void, tally = new Tally()) {
    this.plan = planOf(seed);
    this.tell = (what, about) => tell(this.agenda.nowMs, what, about);
    const { agenda, plan } = this;
    const stream = (concern: Concern): Chance => new Chance(seed, concern);
    this.network = new Network(agenda, stream("net"), plan.link);
    this.witness = new Witness(agenda, tally, this.tell);
    const { network, witness } = this;
    this.store = new SimStore({ agenda, network, chance: stream("store"), witness }, plan.store);
    witness.see(this.store);
    this.queues = new Queues(agenda, network);
    const clocks = stream("clocks");
    const late = stream("late");
    const crash = stream("crash");
    this.servers = Array.from({ length: plan.servers }, (_, i) => this.#newServer(i, clocks, late, crash));
    const process = stream("process");
    this.stations = Array.from({ length: plan.machines }, (_, i) =>
      this.#newStation(i, { clocks, late, process, crash }),
    );
    const machines = this.stations.map(({ machine }) => machine);
    const callers = new Callers(agenda, this.servers);
    this.#callers = callers;
    const approvers = new Approvers({ agenda, chance: stream("approvals"), callers, witness });
    const onAccepted = approvers.onJob.bind(approvers);
    const chance = stream("workload");
    this.#workload = new Workload({ agenda, chance, plan, callers, witness, tell: this.tell, onAccepted });
    this.#operators = new Operators({ agenda, plan, callers, machines, tell: this.tell });
    this.#chaos = new Chaos(this, crash);
  }

  /** Throws a Violation. */
  run(): void {
    const { agenda, plan } = this;
    for (const server of this.servers) server.start();
    for (const station of this.stations) station.startAgent();
    // Jobs that come before any node has joined are not refused for want of one.
    this.#workload.begin(plan.safetyMs);
    this.#operators.begin(plan.safetyMs);
    this.#chaos.begin();
    this.#setClocks();
    while (agenda.step(plan.safetyMs));
    this.#heal();
    const untilMs = agenda.nowMs + LIVENESS_MS_MAX;
    for (;;) {
      const lookAtMs = agenda.nowMs + LOOK_MS;
      while (agenda.step(lookAtMs));
      const left = this.#left();
      if (left === null) break;
      if (agenda.nowMs > untilMs)
        throw new Violation(
          "I13 work gets done",
          `${LIVENESS_MS_MAX / 60_000} minutes after all was healed: ${left.what}`,
          left.about,
        );
    }
    this.witness.atTheEnd();
  }

  /** By people, and by programs that know better. */
  #setClocks(): void {
    const { agenda, plan, servers, tell } = this;
    const chance = new Chance(plan.seed, "clock steps");
    for (let i = 0; i < plan.clockSteps; i += 1) {
      const { clock } = chance.pick(servers).parts;
      const byMs = chance.pick([-1, 1]) * chance.scaled(200, 600_000);
      agenda.after(chance.between(0, plan.safetyMs), () => {
        tell(`clocks of a server are set by ${Math.round(byMs)} ms`, "server");
        clock.wallOffsetMs += byMs;
      });
    }
  }

  #heal(): void {
    this.tell("all is healed", "");
    this.#healed = true;
    this.#chaos.stop();
    this.network.calm();
    this.store.calm();
    for (const server of this.servers) server.start();
    for (const station of this.stations) station.heal();
    this.#operators.heal();
  }

  /** What is not done yet; null: nothing. */
  #left(): { readonly what: string; readonly about: readonly string[] } | null {
    if (this.#callers.waiting > 0) return { what: "callers have no answer", about: ["client"] };
    for (const { row, progress } of this.store.jobs.values()) {
      if (progress.finishedAtMs === null) return { what: `job ${row.id} is ${progress.state}`, about: [row.id] };
    }
    for (const station of this.stations) {
      const what = station.unfinished;
      if (what !== null)
        return { what: `${station.place} ${what}`, about: [station.place, ...(what.match(/j\d+[\w.]*/g) ?? [])] };
    }
    const reign = this.servers.find((server) => server.reign)?.reign;
    if (!reign) return { what: "nobody leads", about: this.servers.map(({ place }) => place) };
    if (reign.state.jobs.size > 0)
      return { what: "the leader remembers jobs that have ended", about: [...reign.state.jobs.keys()] };
    for (const node of reign.state.nodes.values()) {
      const { attempts, reserved, devices, lost } = node;
      if (attempts.size + reserved.cpuMillis + devices.size > 0 || lost)
        return { what: `node ${node.id} is not free`, about: [node.id] };
    }
    if (reign.postman.unsent > 0) return { what: "assignments were not published", about: [] };
    return this.queues.waiting > 0 ? { what: `${this.queues.waiting} messages wait in NATS`, about: ["nats"] } : null;
  }

  #newServer(number: number, clocks: Chance, late: Chance, crash: Chance): SimServer {
    const { agenda, network, store, queues, plan, tell } = this;
    const { leaseMs, skewMs, heartbeatMs, leaderLeaseMs, lateMsMax } = plan;
    const chance = new Chance(plan.seed, `server-${number}`);
    return new SimServer(number, {
      agenda,
      network,
      store,
      queues,
      chance,
      late,
      lateMsMax,
      heartbeatMs,
      leaderLeaseMs,
      tell,
      clock: this.#newClock(clocks, 1),
      config: { leaseMs, skewMs, silentHeartbeatsMax: 3, random: new Chance(plan.seed, "scheduler").next },
      crashes: () => !this.#healed && plan.crashAtCommit > 0 && crash.happens(plan.crashAtCommit),
      afterStep: (server, state, what) => this.witness.afterStep(state, what, server.parts.clock.wallMs()),
      onCrashed: (server) => agenda.after(crash.scaled(RESTART_MS.least, RESTART_MS.most), () => server.start()),
      peers: () => this.servers,
    });
  }

  #newStation(
    number: number,
    { clocks, late, process, crash }: Readonly<Record<"clocks" | "late" | "process" | "crash", Chance>>,
  ): Station {
    const { agenda, plan, queues, network, servers, tell, witness } = this;
    const shape = new Chance(plan.seed, `machine-${number}`);
    const { lateMsMax, killMsMax } = plan;
    // The first two can run anything there is in the workload.
    const gpus = number < 2 ? 2 : shape.whole(0, 2);
    const has = capacity(number < 2 ? shape.whole(3, 6) : shape.whole(1, 4), gpus);
    const machine = new SimMachine(
      number,
      { ...has, gpus: has.gpus.map((gpu) => ({ ...gpu, uuid: `GPU-${number}-${gpu.uuid}` })) },
      {
        agenda,
        clock: this.#newClock(clocks, -1),
        chance: process,
        late,
        lateMsMax,
        killMsMax,
        behaviourOf: (assignment) => behaviourOf(plan, assignment),
        onStarted: (...what) => witness.onStarted(...what),
        onGone: (...what) => witness.onGone(...what),
      },
    );
    const chance = new Chance(plan.seed, `agent-${number}`);
    return new Station(
      { machine, place: machine.node, queues, network, servers, chance, labels: {}, tell },
      agenda,
      crash,
    );
  }

  /** `worst`: servers that run fast give up early, agents that run slow let go late. */
  #newClock(clocks: Chance, worst: 1 | -1): Clock {
    const { rateError, focus } = this.plan;
    // At the ends of what is allowed: between them nothing is tried that is not tried there.
    return new Clock(
      this.agenda,
      1 + (focus === "lease" ? worst : clocks.pick([-1, 0, 1])) * rateError,
      clocks.between(-30_000, 30_000),
    );
  }
}
