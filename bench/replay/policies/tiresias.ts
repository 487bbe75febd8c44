import { popHeap, pushHeap } from "../../../scheduler/core/heap.ts";
import { fit, type Host, type Place, type Run } from "../books.ts";
import { gpusOf } from "../meter.ts";
import type { Desk, Policy } from "../policy.ts";
import { RESUME_MS } from "../replay.ts";
import type { Shape } from "../workload.ts";
import { QueuePolicy } from "./queue.ts";
import { bestFit } from "./rank.ts";

/** A run that has had more than this goes behind all that have not: one GPU for an hour. Tiresias tunes it to the trace. */
export const DEMOTED_AT_GPU_MS = 3_600_000;

interface Demotion {
  readonly atMs: number;
  readonly run: Run;
  readonly startedMs: number;
}

const sooner = (a: Demotion, b: Demotion): boolean => a.atMs < b.atMs;

/**
 * Least attained service in two dimensions, discretised to two queues (Gu et al., "Tiresias", NSDI 2019): service is GPUs
 * times time; the first queue stops runs of the second to make room; within a queue first come first served, without
 * stops. Nobody is promoted again. Machines are chosen by best fit. Runs without GPUs stop nobody.
 */
export class Tiresias implements Policy {
  readonly #desk: Desk;
  readonly #queue: QueuePolicy;
  readonly #demoted = new Set<Run>();
  readonly #demotions: Demotion[] = [];
  #nowMs = 0;
  #stopped = false;

  constructor(desk: Desk) {
    const noted: Desk = { books: desk.books, stop: (run) => desk.stop(run), start: (run, at) => this.#start(run, at) };
    this.#desk = desk;
    this.#queue = new QueuePolicy(noted, {
      rank: bestFit,
      order: (run) => this.#level(run),
      level: (run) => this.#level(run),
      makeRoom: (run, hosts) => this.#makeRoom(run, hosts),
    });
  }

  submitted(run: Run): void {
    this.#queue.submitted(run);
  }

  ended(run: Run, places: readonly Place[]): void {
    this.#queue.ended(run, places);
  }

  round(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#stopped = false;
    for (let due = this.#demotions[0]; due && due.atMs <= nowMs; due = this.#demotions[0]) {
      popHeap(this.#demotions, sooner);
      if (due.run.startedMs !== due.startedMs || due.run.places.length === 0) continue;
      this.#demoted.add(due.run);
      for (const { host } of due.run.places) this.#queue.freed(host);
    }
    this.#queue.round();
  }

  nextMs(nowMs: number): number | null {
    // Those that were stopped may find room elsewhere at once.
    return this.#stopped ? nowMs : (this.#demotions[0]?.atMs ?? null);
  }

  #level(run: Run): number {
    return this.#demoted.has(run) ? 1 : 0;
  }

  #start(run: Run, places: readonly Place[]): void {
    this.#desk.start(run, places);
    const gpus = gpusOf(run) / 1000;
    if (gpus === 0 || this.#demoted.has(run)) return;
    const atMs = this.#nowMs + DEMOTED_AT_GPU_MS / gpus - attainedMs(run);
    pushHeap(this.#demotions, { atMs, run, startedMs: run.startedMs }, sooner);
  }

  #makeRoom(run: Run, hosts: Iterable<Host>): Place[] | undefined {
    const { shape } = run.job;
    if (shape.gpuMillis === 0 || this.#demoted.has(run)) return undefined;
    const options: { readonly host: Host; readonly victims: readonly Run[]; readonly cost: number }[] = [];
    for (const host of hosts) {
      const victims = this.#victims(host, shape);
      if (victims) options.push({ host, victims, cost: victims.reduce((sum, victim) => sum + gpusOf(victim), 0) });
    }
    if (options.length < shape.members) return undefined;
    options.sort((a, b) => a.cost - b.cost || a.host.index - b.host.index);
    const chosen = options.slice(0, shape.members);
    for (const victim of new Set(chosen.flatMap(({ victims }) => victims))) this.#queue.stop(victim);
    this.#stopped = true;
    return chosen.map(({ host }) => ({ host, devices: fit(host, shape)! }));
  }

  /** Whom to stop for one member, those that have had most first; undefined: all of the second queue would not do. */
  #victims(host: Host, shape: Shape): readonly Run[] | undefined {
    if (fit(host, shape)) return [];
    const trial: Host = { ...host, devices: host.devices.slice() };
    const victims: Run[] = [];
    const able = [...host.runs].filter((run) => this.#demoted.has(run));
    for (const run of able.toSorted((a, b) => this.#attainedNow(b) - this.#attainedNow(a))) {
      victims.push(run);
      const { shape: held } = run.job;
      trial.cpuMillis += held.cpuMillis;
      trial.memoryBytes += held.memoryBytes;
      trial.gpuMillis += held.gpuMillis;
      const place = run.places.find((one) => one.host === host)!;
      for (const device of place.devices) trial.devices[device]! += Math.min(held.gpuMillis, 1000);
      if (fit(trial, shape)) return victims;
    }
    return undefined;
  }

  #attainedNow(run: Run): number {
    return (attainedMs(run) + this.#nowMs - run.startedMs) * gpusOf(run);
  }
}

/** How long it had run when its present attempt started, in milliseconds. */
function attainedMs({ job, leftMs, preemptions }: Run): number {
  return job.runMs + preemptions * RESUME_MS - leftMs;
}
