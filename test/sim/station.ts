import type { Capacity } from "../../scheduler/core/index.ts";
import { SimAgent, type AgentParts } from "./agent.ts";
import type { Agenda } from "./agenda.ts";
import type { Chance } from "./chance.ts";
import type { SimMachine } from "./machine.ts";
import type { Place } from "./network.ts";

/** A machine and whoever looks after its agent: starts it again when it is gone. */
export class Station {
  readonly machine: SimMachine;
  readonly place: Place;
  agent: SimAgent | null = null;
  readonly #parts: AgentParts;
  readonly #agenda: Agenda;
  readonly #chance: Chance;
  /** What it had before it lost some. */
  readonly #whole: Capacity;
  #runs = 0;
  /** Asleep or without power. */
  #out = false;
  #healed = false;

  constructor(parts: AgentParts, agenda: Agenda, chance: Chance) {
    this.#parts = parts;
    this.#agenda = agenda;
    this.#chance = chance;
    this.machine = parts.machine;
    this.place = parts.place;
    this.#whole = parts.machine.capacity;
  }

  startAgent(): void {
    if (this.agent?.life.alive || this.#out) return;
    this.#runs += 1;
    this.#parts.tell("its agent starts", this.place);
    this.agent = new SimAgent(this.#parts, this.#runs);
    this.agent.start();
  }

  crashAgent(forMs: number): void {
    if (!this.agent?.life.alive || this.#out) return;
    this.#parts.tell("its agent is killed", this.place);
    this.agent.crash();
    this.#agenda.after(forMs, () => this.startAgent());
  }

  pauseAgent(forMs: number): void {
    const life = this.agent?.life;
    if (!life?.alive || life.paused || this.#out) return;
    this.#parts.tell("its agent is stopped (SIGSTOP)", this.place);
    life.pause();
    this.#agenda.after(forMs, () => life.resume());
  }

  /** The tasks' processes are left to nobody until the agent has started another, so without an agent nobody would. */
  killRunner(): void {
    const { runner } = this.machine;
    const { agent } = this;
    if (!runner?.life.alive || !agent?.life.alive || agent.life.paused || this.#out) return;
    this.#parts.tell("its runner is killed", this.place);
    runner.life.end();
    agent.worker.onRunnerGone();
  }

  crashMachine(forMs: number, after: Capacity): void {
    if (this.#out) return;
    this.#parts.tell("the machine loses power", this.place);
    this.#out = true;
    this.agent?.crash();
    this.machine.loseProcesses();
    this.machine.journal.crash(this.#chance);
    this.#agenda.after(forMs, () => {
      this.#out = false;
      this.machine.capacity = this.#healed ? this.#whole : after;
      this.startAgent();
    });
  }

  sleep(forMs: number): void {
    const life = this.agent?.life;
    if (this.#out || !life?.alive || life.paused) return;
    this.#parts.tell("the machine sleeps", this.place);
    this.#out = true;
    life.pause();
    this.machine.sleep();
    this.#agenda.after(forMs, () => {
      this.#out = false;
      this.#parts.tell("the machine wakes", this.place);
      this.machine.wake();
      life.resume();
    });
  }

  /** What it has lost it gets back; its agent runs. */
  heal(): void {
    this.#healed = true;
    this.machine.capacity = this.#whole;
    this.startAgent();
  }

  /** Nothing is left to be done or told here. */
  get unfinished(): string | null {
    const { agent, machine } = this;
    if (!agent?.life.alive) return "no agent runs";
    if (machine.processes.size > 0) return `runs ${[...machine.processes.keys()].join(", ")}`;
    if (agent.worker.active().length > 0)
      return `holds ${agent.worker
        .active()
        .map(({ key }) => key)
        .join(", ")}`;
    if (agent.outbox.size > 0) return `has ${agent.outbox.size} reports in its outbox`;
    const { open, unreported } = agent.journal.records.unfinished();
    if (open.length + unreported.length > 0)
      return `has ${open.length} open and ${unreported.length} unreported attempts in its journal`;
    return null;
  }
}
