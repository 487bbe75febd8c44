import type { Assignment, LossReason, StopReason } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type NodeId } from "../../lib/core/ids.ts";
import type { NodeState } from "../../agent/core/heartbeat.ts";
import type { Capacity } from "../../scheduler/core/index.ts";
import { Fence } from "../../worker/core/fence.ts";
import type { Exit } from "../../worker/core/outcome.ts";
import type { Agenda } from "./agenda.ts";
import type { Behaviour } from "./behaviour.ts";
import type { Chance } from "./chance.ts";
import { type Clock, Life } from "./host.ts";
import { SimJournal } from "./journal.ts";

type StopCause = StopReason | LossReason | "timeout" | "unhealthy";

/** What exit.json of an attempt's folder says. */
interface Folder {
  started: boolean;
  exit: Exit | null;
}

/** A task's process with all that it started. */
export interface Process {
  readonly key: AttemptKey;
  readonly assignment: Assignment;
  readonly behaviour: Behaviour;
  /** By the machine's own clock. */
  readonly startedAtMs: number;
  readonly life: Life;
  stop: { readonly cause: StopCause; readonly killAtMs: number } | null;
}

export interface MachineParts {
  readonly agenda: Agenda;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly late: Chance;
  readonly lateMsMax: number;
  /** Longest time from a SIGKILL to the end of the last process, in milliseconds. */
  readonly killMsMax: number;
  readonly behaviourOf: (assignment: Assignment) => Behaviour;
  readonly onStarted: (machine: SimMachine, process: Process) => void;
  readonly onGone: (machine: SimMachine, process: Process) => void;
}

/** How often the runner looks at the lease beside its timer, as in worker/runner/runner.ts. */
const LEASE_CHECK_MS = 500;

/** A machine: its disk, the runner that outlives agents, and the tasks' processes. */
export class SimMachine {
  readonly node: NodeId;
  readonly parts: MachineParts;
  readonly journal: SimJournal;
  readonly folders = new Map<AttemptKey, Folder>();
  readonly processes = new Map<AttemptKey, Process>();
  capacity: Capacity;
  runner: SimRunner | null = null;
  /** When it last woke up; what should have ended while it slept ends a moment after. */
  wokeAtMs = -Infinity;

  constructor(number: number, capacity: Capacity, parts: MachineParts) {
    this.node = `node-0000-${number}` as NodeId;
    this.capacity = capacity;
    this.parts = parts;
    this.journal = new SimJournal();
  }

  newLife(): Life {
    const { agenda, clock, late, lateMsMax } = this.parts;
    return new Life(agenda, clock, late, lateMsMax);
  }

  folder(key: AttemptKey): Folder {
    let folder = this.folders.get(key);
    if (!folder) this.folders.set(key, (folder = { started: false, exit: null }));
    return folder;
  }

  /** The runner that is there, or a new one, which kills what another has left. */
  openRunner(): SimRunner {
    if (this.runner?.life.alive) return this.runner;
    this.#killAll();
    this.runner = new SimRunner(this);
    return this.runner;
  }

  /** Without power nothing runs, and what was not synced is gone. */
  loseProcesses(): void {
    this.runner?.life.end();
    this.runner = null;
    this.#killAll();
  }

  #killAll(): void {
    for (const process of this.processes.values()) {
      process.stop ??= { cause: "runner-lost", killAtMs: 0 };
      this.end(process);
    }
  }

  sleep(): void {
    this.runner?.life.pause();
    for (const { life } of this.processes.values()) life.pause();
  }

  wake(): void {
    this.wokeAtMs = this.parts.agenda.nowMs;
    this.runner?.life.resume();
    for (const { life } of this.processes.values()) life.resume();
  }

  begin(assignment: Assignment): Process {
    const process: Process = {
      key: attemptKey(assignment.ref),
      assignment,
      behaviour: this.parts.behaviourOf(assignment),
      startedAtMs: this.parts.clock.wallMs(),
      life: this.newLife(),
      stop: null,
    };
    this.processes.set(process.key, process);
    this.parts.onStarted(this, process);
    return process;
  }

  end(process: Process): void {
    if (!process.life.alive) return;
    process.life.end();
    this.processes.delete(process.key);
    this.parts.onGone(this, process);
  }
}

/** Called when an attempt's process has started, or when all of them are gone. */
export interface RunnerListener {
  onStarted(key: AttemptKey, atMs: number): void;
  onEnded(key: AttemptKey, exit: Exit): void;
}

/** As worker/runner/runner.ts: starts once, stops on order or when the lease ends, and writes down how it ended. */
export class SimRunner {
  readonly life: Life;
  /** The agent that is connected. */
  listener: RunnerListener | null = null;
  readonly #machine: SimMachine;
  readonly #fence = new Fence();
  #callOffFence: () => void = () => {};

  constructor(machine: SimMachine) {
    this.#machine = machine;
    this.life = machine.newLife();
    this.#look();
  }

  start(assignment: Assignment): void {
    const key = attemptKey(assignment.ref);
    const { clock } = this.#machine.parts;
    if (this.#machine.processes.has(key)) return;
    const folder = this.#machine.folder(key);
    if (!this.#fence.mayStart(clock.monotonicMs())) return this.#publish(key, this.#unstarted("lease-lost"));
    if (folder.started) return this.#publish(key, folder.exit ?? this.#unstarted("runner-lost"));
    folder.started = true;
    const process = this.#machine.begin(assignment);
    const { durationMs } = process.behaviour;
    process.life.after(durationMs, () => this.#die(process, process.behaviour.exitCode));
    if (assignment.timeoutMs > 0)
      this.life.after(assignment.timeoutMs, () => this.#stop(process, "timeout", assignment.stopGraceMs));
    this.listener?.onStarted(key, process.startedAtMs);
  }

  stop(key: AttemptKey, cause: StopCause, graceMs: number): void {
    const process = this.#machine.processes.get(key);
    if (process) this.#stop(process, cause, graceMs);
  }

  renewLease(untilMs: number, marginMs: number): void {
    this.#fence.renew({ untilMs, marginMs });
    this.#armFence();
  }

  #armFence(): void {
    this.#callOffFence();
    const { stopAtMs } = this.#fence;
    if (stopAtMs === Infinity) return;
    this.#callOffFence = this.life.after(stopAtMs - this.#machine.parts.clock.monotonicMs(), () => this.#checkLease());
  }

  #look(): void {
    this.life.after(LEASE_CHECK_MS, () => {
      this.#look();
      if (this.#machine.processes.size > 0) this.#checkLease();
    });
  }

  #checkLease(): void {
    const nowMs = this.#machine.parts.clock.monotonicMs();
    if (this.#fence.mayStart(nowMs)) return this.#armFence();
    for (const process of this.#machine.processes.values())
      this.#stop(process, "lease-lost", this.#fence.graceMs(process.assignment.stopGraceMs, nowMs));
  }

  #stop(process: Process, cause: StopCause, graceMs: number): void {
    const { clock, chance, killMsMax } = this.#machine.parts;
    const killAtMs = clock.monotonicMs() + graceMs;
    const before = process.stop;
    if (before && before.killAtMs <= killAtMs) return;
    process.stop = { cause: before?.cause ?? cause, killAtMs };
    this.life.after(graceMs, () => {
      if (process.stop?.killAtMs === killAtMs)
        process.life.after(chance.between(0, killMsMax), () => this.#die(process, null));
    });
    const { termMs } = process.behaviour;
    if (!before && termMs !== null) process.life.after(termMs, () => this.#die(process, null));
  }

  /** `exitCode` null: a signal ended it. */
  #die(process: Process, exitCode: number | null): void {
    if (!process.life.alive) return;
    this.#machine.end(process);
    // Nobody is there to see it end.
    if (!this.life.alive) return;
    this.life.run(() =>
      this.#publish(process.key, {
        ...this.#unstarted(process.stop?.cause ?? null),
        startedAtMs: process.startedAtMs,
        exitCode,
        signal: exitCode === null ? "SIGKILL" : null,
      }),
    );
  }

  #publish(key: AttemptKey, exit: Exit): void {
    this.#machine.folder(key).exit = exit;
    this.listener?.onEnded(key, exit);
  }

  #unstarted(stopped: StopCause | null): Exit {
    return {
      startedAtMs: null,
      endedAtMs: this.#machine.parts.clock.wallMs(),
      exitCode: null,
      signal: null,
      stopped,
      spawnError: null,
      outOfMemory: null,
      leftovers: 0,
      unkillable: 0,
      usage: { peakMemoryBytes: 1 },
    };
  }
}

/** As a heartbeat tells it; only whether it has changed matters here. */
export function nodeCapacity({ cpuMillis, memoryBytes, diskBytes, gpus }: Capacity): NodeState["capacity"] {
  const devices = gpus.map(({ uuid, healthy }) => ({ uuid, healthy })) as unknown as NodeState["capacity"]["gpus"];
  const about = { os: "", arch: "", cpuModel: "", hostname: "" };
  return { cpus: cpuMillis / 1000, memoryBytes, diskBytes, gpus: devices, ...about };
}
