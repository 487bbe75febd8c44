import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { PROCESS, PROCESS_BYTES, STDERR, STDOUT, WORKSPACE } from "../folder.ts";
import type { Census } from "./census.ts";
import { Container } from "./container.ts";
import type { Cgroup } from "./cgroup.ts";
import { findCommand } from "./find-command.ts";
import { launch, type ProcessExit } from "./launch.ts";
import { isDead, offerToOomKiller, readStat } from "./proc.ts";
import type { ExitRecord, Measured, OutOfMemory, ProcessRecord, StartRequest, StopCause } from "./protocol.ts";
import type { Tree } from "./tree.ts";

/**
 * One attempt whose processes are this runner's.
 *
 *   running   → stopping (asked to, or out of time), → sweeping (its main process ended)
 *   stopping  SIGTERM was sent; at `killAtMs` everything left gets SIGKILL. → ended when nothing is left
 *   sweeping  what the main process left behind gets SIGKILL. → ended when nothing is left
 */
export class RunningAttempt {
  readonly order: StartRequest;
  readonly startedAtMs: number;
  readonly exitFile: number;
  readonly pid: number;
  readonly tree: Tree;
  readonly cgroup: Cgroup | undefined;
  readonly container: Container | undefined;
  /** On the clock of performance.now(). */
  readonly startedNowMs = performance.now();
  stop: { readonly cause: StopCause; killAtMs: number } | null = null;
  /** Of the main process, once it has ended. */
  exit: ProcessExit | null = null;
  outOfMemory: OutOfMemory | null = null;
  samples = 0;
  /** Age at which it is to be looked at next, in milliseconds. */
  sampleAgeMs = 0;
  isRecorded = false;
  timeoutTimer: NodeJS.Timeout | undefined;
  killTimer: NodeJS.Timeout | undefined;
  /** SIGKILL was first sent then; performance.now(). */
  killedNowMs: number | null = null;
  readonly #leftovers = new Set<number>();

  /** `exitFile`: see markStarted. */
  constructor(order: StartRequest, exitFile: number, pid: number, census: Census, cgroup: Cgroup | undefined) {
    this.order = order;
    this.exitFile = exitFile;
    this.pid = pid;
    this.startedAtMs = Date.now();
    this.tree = census.track(order.key, pid);
    this.cgroup = cgroup;
    this.container = order.container && new Container(order.container, order.env, order.folder);
  }

  ageMs(nowMs: number): number {
    return nowMs - this.startedNowMs;
  }

  /** Its processes, besides the main one, that are there now among those known (see Census.refresh). */
  alive(): number[] {
    const members = this.tree.alive().map(({ pid }) => pid);
    if (!this.cgroup) return members;
    const inside = this.cgroup.pids().filter((pid) => pid !== this.pid && !isDead(readStat(pid)));
    return [...new Set([...inside, ...members])];
  }

  /** SIGCONT too: what was stopped could not end itself. */
  terminate(): void {
    signalGroup(this.pid, "SIGTERM");
    signalGroup(this.pid, "SIGCONT");
  }

  /**
   * Those that have left the group; who visits may stay as long as the attempt does. A container's client passes the signal
   * on itself, and the engine's own processes must not have it.
   */
  terminateOutsiders(): void {
    if (this.container) return;
    for (const { pid, pgrp } of this.tree.alive())
      if (pgrp !== this.pid && !this.tree.isVisitor(pid)) signal(pid, "SIGTERM");
  }

  /** What was its own is gone, and only what somebody outside has started in it is there. */
  isLeftToVisitors(alive: readonly number[]): boolean {
    return this.exit !== null && alive.every((pid) => this.tree.isVisitor(pid));
  }

  kill(): void {
    this.killedNowMs ??= performance.now();
    if (this.container && !this.container.gone) {
      // The engine's own processes are left alone until it has cleaned up.
      if (this.exit) this.container.remove(this.exit.code);
      else this.container.halt(() => (this.exit ? undefined : signalGroup(this.pid, "SIGKILL")));
      return;
    }
    // Its number may be somebody else's once the main process was waited for and its group is empty.
    if (!this.exit) signalGroup(this.pid, "SIGKILL");
    for (const pid of this.alive()) {
      if (this.exit && !this.container && !this.tree.isVisitor(pid)) this.#leftovers.add(pid);
      signal(pid, "SIGKILL");
    }
  }

  /** What the runner needs, should this one die, to find the process again. */
  recordProcess(): void {
    this.isRecorded = true;
    const stat = readStat(this.pid);
    if (!stat) return;
    offerToOomKiller(this.pid);
    const record: ProcessRecord = { pid: this.pid, startTicks: stat.startTicks, startedAtMs: this.startedAtMs };
    try {
      // The task runs already, and might have put a link there.
      const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
      const file = openSync(join(this.order.folder, PROCESS), flag, 0o600);
      writeSync(file, JSON.stringify(record).padEnd(PROCESS_BYTES));
      closeSync(file);
    } catch {
      // The disk is full, or it is a link: the marks on the process are enough to find it.
    }
  }

  /** As of the latest look at its processes. */
  measured(): Measured {
    const { cpuMs, residentBytes } = this.tree;
    return { key: this.order.key, cpuMs: Math.max(this.cgroup?.usage().cpuMs ?? 0, cpuMs), residentBytes };
  }

  record(unkillable: number): ExitRecord {
    const exact = this.cgroup?.usage();
    const sampled = {
      cpuMs: Math.max(this.tree.cpuMs, this.exit?.cpuMs ?? 0),
      peakMemoryBytes: Math.max(this.tree.peakMemoryBytes, this.exit?.peakMemoryBytes ?? 0),
    };
    return {
      startedAtMs: this.startedAtMs,
      endedAtMs: Date.now(),
      exitCode: this.exit?.code ?? null,
      signal: this.exit?.signal ?? null,
      stopped: this.stop?.cause ?? null,
      spawnError: null,
      outOfMemory: this.outOfMemory,
      leftovers: this.#leftovers.size,
      unkillable,
      usage: exact
        ? { cpuMs: exact.cpuMs ?? sampled.cpuMs, peakMemoryBytes: exact.peakMemoryBytes, source: "cgroup" }
        : { ...sampled, source: this.samples > 0 || sampled.cpuMs > 0 ? "sampled" : "none" },
    };
  }
}

/**
 * Starts the process as leader of its own session and process group, and gives its pid. Throws errno errors; some are only
 * told later, to `onError`, and then it gives undefined.
 */
export function startProcess(
  order: StartRequest,
  cgroup: Cgroup | undefined,
  onExit: (exit: ProcessExit) => void,
  onError: (error: unknown) => void,
): number | undefined {
  const { argv, env, folder } = order;
  const cwd = join(folder, WORKSPACE);
  if (cgroup && !findCommand(argv[0]!, env["PATH"] ?? "", cwd)) throw errnoError("ENOENT");
  const places = { cwd, stdout: join(folder, STDOUT), stderr: join(folder, STDERR) };
  return launch({ argv: cgroup ? cgroup.enter(argv) : argv, env, ...places }, onExit, onError);
}

function errnoError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  signal(-pid, name);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already: that is what the signal was for.
  }
}
