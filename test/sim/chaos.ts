import type { Capacity } from "../../scheduler/core/index.ts";
import type { Chance } from "./chance.ts";
import { POSTGRES } from "./store.ts";
import { NATS } from "./queue.ts";
import type { Fault, Plan } from "./plan.ts";
import type { Station } from "./station.ts";
import type { World } from "./world.ts";

/** Brings the faults of the plan about, one after the other, until it is told to stop. */
export class Chaos {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #chance: Chance;
  #over = false;

  constructor(world: World, chance: Chance) {
    this.#world = world;
    this.#plan = world.plan;
    this.#chance = chance;
  }

  begin(): void {
    if (this.#plan.faults.length === 0) return;
    const { agenda } = this.#world;
    agenda.after(this.#chance.tailed(this.#plan.faultEveryMs), () => {
      if (this.#over) return;
      this.#cause(this.#chance.pick(this.#plan.faults));
      this.begin();
    });
  }

  stop(): void {
    this.#over = true;
  }

  /** The system is watched over: what falls over is started again, also now. */
  #later(ms: number, act: () => void): void {
    this.#world.agenda.after(ms, act);
  }

  #cause(fault: Fault): void {
    const { world, lease } = { world: this.#world, lease: this.#plan.leaseMs };
    const chance = this.#chance;
    const station = chance.pick(world.stations);
    switch (fault) {
      case "server crashes":
        return chance.pick(world.servers).crash();
      case "server pauses":
        return this.#pauseServer();
      case "postgres stops":
        world.tell("stops", POSTGRES);
        world.store.stop();
        return this.#later(chance.scaled(100, 6_000), () => world.store.start());
      case "nats stops":
      case "nats forgets":
        return this.#stopNats(fault === "nats forgets" ? chance.scaled(10, 10_000) : 0);
      case "link is cut":
        return this.#cutLink(station);
      case "node is cut off":
        return this.#cutOff(station);
      case "agent crashes":
        return station.crashAgent(chance.scaled(50, 1.5 * lease));
      case "agent pauses":
        return station.pauseAgent(chance.scaled(200, 2 * lease));
      case "runner is killed":
        return station.killRunner();
      case "machine crashes":
        return station.crashMachine(chance.scaled(1_000, 2 * lease), station.machine.capacity);
      case "machine comes back smaller":
        return station.crashMachine(chance.scaled(1_000, 2 * lease), smaller(station.machine.capacity, chance));
      case "machine sleeps":
        return station.sleep(chance.scaled(500, 2 * lease));
      case "gpu is lost":
        return this.#loseGpu(station);
      case "wall clock is set":
        world.tell("its wall clock is set", station.place);
        station.machine.parts.clock.wallOffsetMs += chance.between(-600_000, 600_000);
    }
  }

  #pauseServer(): void {
    const { world } = { world: this.#world };
    const server = this.#chance.pick(world.servers);
    const { life } = server;
    if (!life.alive || life.paused) return;
    world.tell("pauses", server.place);
    life.pause();
    this.#later(this.#chance.scaled(200, 4 * this.#plan.leaderLeaseMs), () => {
      world.tell("goes on", server.place);
      life.resume();
    });
  }

  #stopNats(lostMs: number): void {
    const { queues, stations, tell } = this.#world;
    tell(`stops${lostMs > 0 ? `, and forgets ${Math.round(lostMs)} ms` : ""}`, NATS);
    queues.stop();
    for (const { agent } of stations) agent?.onNatsLost();
    this.#later(this.#chance.scaled(50, 8_000), () => {
      queues.start(lostMs);
      for (const { agent } of stations) agent?.onNatsBack();
    });
  }

  #cutLink(station: Station): void {
    const { network, servers, tell } = this.#world;
    const chance = this.#chance;
    const server = chance.pick(servers).place;
    const [a, b] = chance.pick([
      [station.place, server],
      [server, station.place],
      [station.place, NATS],
      [NATS, station.place],
      [server, POSTGRES],
      [POSTGRES, server],
      [server, NATS],
      [NATS, server],
    ] as const);
    tell("cannot be reached by it", `${b}<${a}`);
    network.cut(a, b);
    this.#later(chance.scaled(200, 2.5 * this.#plan.leaseMs), () => network.mend(a, b));
  }

  /** From all servers and perhaps from NATS, in one direction or in both, for about as long as its lease. */
  #cutOff(station: Station): void {
    const { network, servers, tell } = this.#world;
    const chance = this.#chance;
    const forMs = this.#plan.leaseMs * chance.between(0.5, 2);
    const [out, back] = chance.pick([
      [true, false],
      [false, true],
      [true, true],
    ] as const);
    tell(`is cut off for ${Math.round(forMs)} ms`, station.place);
    // Without NATS it cannot tell either what it stopped; the servers have nothing but the lease to go by.
    const places = [...servers.map(({ place }) => place), ...(chance.happens(0.6) ? [NATS] : [])];
    for (const place of places) {
      if (out) network.cut(station.place, place);
      if (back) network.cut(place, station.place);
      this.#later(forMs, () => {
        network.mend(station.place, place);
        network.mend(place, station.place);
      });
    }
  }

  #loseGpu(station: Station): void {
    const { machine } = station;
    const gpus = machine.capacity.gpus;
    if (gpus.length === 0) return;
    const lost = this.#chance.pick(gpus);
    this.#world.tell(`${lost.uuid} fails`, station.place);
    const gone = this.#chance.happens(0.5);
    machine.capacity = {
      ...machine.capacity,
      gpus: gone
        ? gpus.filter((gpu) => gpu !== lost)
        : gpus.map((gpu) => (gpu === lost ? { ...gpu, healthy: false } : gpu)),
    };
  }
}

function smaller(capacity: Capacity, chance: Chance): Capacity {
  return {
    ...capacity,
    cpuMillis: Math.max(1_000, capacity.cpuMillis - chance.whole(0, 2) * 1_000),
    gpus: capacity.gpus.slice(chance.whole(0, 1)),
  };
}
