import { WeftError } from "../../lib/core/error.ts";
import { popHeap, pushHeap } from "../../scheduler/core/heap.ts";
import { Books, type Run } from "./books.ts";
import { type Measured, Meter } from "./meter.ts";
import type { Desk, Policy, PolicyKind } from "./policy.ts";
import type { Workload } from "./workload.ts";

/** What starting again after a stop costs: the checkpoint is read, the process warms up. */
export const RESUME_MS = 60_000;

export interface Replayed {
  readonly policy: string;
  readonly runs: readonly Run[];
  readonly measured: Measured;
  /** Wall time of each round of placement, in milliseconds. */
  readonly roundMs: readonly number[];
  readonly wallMs: number;
  readonly preemptions: number;
}

export interface ReplayOptions {
  /** Wall time in milliseconds, from any origin. */
  readonly wallClock: () => number;
  /** Told now and then. */
  readonly onProgress?: (ended: number, nowMs: number) => void;
}

interface End {
  readonly atMs: number;
  readonly run: Run;
  /** Start of the attempt that ends then: an attempt that was stopped does not end. */
  readonly startedMs: number;
}

const sooner = (a: End, b: End): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.run.index < b.run.index);

/** Runs all jobs of the workload under one policy, in virtual time. */
export function replay(workload: Workload, kind: PolicyKind, options: ReplayOptions): Replayed {
  if (workload.jobs.length === 0)
    throw new WeftError("invalid", "no job is left to replay: these machines could hold none; give more --nodes");
  return new Replay(workload, kind, options).run();
}

/** Looks for progress after so many moments: often enough to see, seldom enough to cost nothing. */
const PROGRESS_MOMENTS = 256;

class Replay implements Desk {
  readonly books: Books;
  readonly #kind: PolicyKind;
  readonly #options: ReplayOptions;
  readonly #policy: Policy;
  readonly #meter: Meter;
  readonly #runs: readonly Run[];
  readonly #ends: End[] = [];
  readonly #roundMs: number[] = [];
  #arrived = 0;
  #ended = 0;
  #preemptions = 0;
  #nowMs = 0;

  constructor(workload: Workload, kind: PolicyKind, options: ReplayOptions) {
    this.#kind = kind;
    this.#options = options;
    this.books = new Books(workload.machines);
    this.#meter = new Meter(this.books, workload);
    this.books.onChange = (host) => this.#meter.hostChanged(host);
    this.#runs = workload.jobs.map((job, index) => ({
      job,
      index,
      places: [],
      startedMs: 0,
      leftMs: job.runMs,
      endedMs: null,
      preemptions: 0,
    }));
    this.#policy = kind.make(this, workload);
  }

  run(): Replayed {
    const { wallClock, onProgress } = this.#options;
    const startedMs = wallClock();
    for (let moments = 1; this.#ended < this.#runs.length; moments += 1) {
      this.#moveOn();
      this.#takeEnds();
      this.#takeArrivals();
      const beforeMs = wallClock();
      this.#policy.round(this.#nowMs);
      this.#roundMs.push(wallClock() - beforeMs);
      if (onProgress && moments % PROGRESS_MOMENTS === 0) onProgress(this.#ended, this.#nowMs);
    }
    return {
      policy: this.#kind.name,
      runs: this.#runs,
      measured: this.#meter.read(),
      roundMs: this.#roundMs,
      wallMs: wallClock() - startedMs,
      preemptions: this.#preemptions,
    };
  }

  start(run: Run, places: Run["places"]): void {
    this.books.take(run, places);
    this.#meter.started(run);
    run.startedMs = this.#nowMs;
    pushHeap(this.#ends, { atMs: this.#nowMs + run.leftMs, run, startedMs: this.#nowMs }, sooner);
  }

  stop(run: Run): void {
    this.books.give(run);
    this.#meter.stopped(run, false);
    run.leftMs -= this.#nowMs - run.startedMs;
    run.leftMs += RESUME_MS;
    run.preemptions += 1;
    this.#preemptions += 1;
    // One that starts again in the same moment must not be ended by the attempt before.
    run.startedMs = NaN;
  }

  #moveOn(): void {
    const arrival = this.#runs[this.#arrived]?.job.arrivalMs ?? Infinity;
    const end = this.#nextEnd()?.atMs ?? Infinity;
    const wish = this.#policy.nextMs(this.#nowMs) ?? Infinity;
    const next = Math.max(this.#nowMs, Math.min(arrival, end, wish));
    if (next === Infinity) {
      const waiting = this.#runs.length - this.#ended;
      throw new WeftError(
        "internal",
        `policy ${this.#kind.name} leaves ${waiting} jobs waiting for ever, the first of them ${this.#firstWaiting()}`,
      );
    }
    this.#meter.advance(next);
    this.#nowMs = next;
  }

  #firstWaiting(): string {
    return this.#runs.find(({ endedMs }) => endedMs === null)?.job.name ?? "";
  }

  #nextEnd(): End | undefined {
    for (let end = this.#ends[0]; end; end = this.#ends[0]) {
      if (end.run.startedMs === end.startedMs && end.run.endedMs === null) return end;
      popHeap(this.#ends, sooner);
    }
    return undefined;
  }

  #takeEnds(): void {
    for (let end = this.#nextEnd(); end && end.atMs <= this.#nowMs; end = this.#nextEnd()) {
      popHeap(this.#ends, sooner);
      const { run } = end;
      const { places } = run;
      this.books.give(run);
      this.#meter.stopped(run, true);
      run.endedMs = this.#nowMs;
      this.#ended += 1;
      this.#policy.ended(run, places, this.#nowMs);
    }
  }

  #takeArrivals(): void {
    for (
      let run = this.#runs[this.#arrived];
      run && run.job.arrivalMs <= this.#nowMs;
      run = this.#runs[this.#arrived]
    ) {
      this.#arrived += 1;
      this.#meter.arrived(run);
      this.#policy.submitted(run, this.#nowMs);
    }
  }
}
