import type { Replayed } from "./replay.ts";
import type { Run } from "./books.ts";
import { offeredLoad, type Workload } from "./workload.ts";

/** What a replay is reported as; shares are between 0 and 1. docs/replay.md defines each. */
export interface Figures {
  readonly policy: string;
  readonly jobs: number;
  readonly gpuUtilisation: number;
  readonly gpuUtilisationWhileWaiting: number | null;
  readonly waitMeanSeconds: number;
  readonly waitP50Seconds: number;
  readonly waitP99Seconds: number;
  readonly jobCompletionMeanSeconds: number;
  readonly jobCompletionP50Seconds: number;
  readonly jobCompletionP99Seconds: number;
  readonly makespanSeconds: number;
  readonly fragmentation: number;
  readonly fragmentationOfFree: number;
  readonly fairnessJain: number;
  readonly preemptions: number;
  readonly rounds: number;
  readonly roundP50Ms: number;
  readonly roundP99Ms: number;
  readonly wallSeconds: number;
}

/** What was replayed: the same for all policies of a run. */
export interface Setting {
  readonly trace: string;
  readonly machines: number;
  readonly gpus: number;
  readonly load: number;
  readonly seed: number;
  readonly offeredLoad: number;
  readonly notes: readonly string[];
}

export function settingOf(workload: Workload, load: number, seed: number): Setting {
  return {
    trace: workload.name,
    machines: workload.machines.length,
    gpus: workload.machines.reduce((sum, { gpus }) => sum + gpus, 0),
    load,
    seed,
    offeredLoad: round(offeredLoad(workload)),
    notes: workload.notes,
  };
}

export function figuresOf({ policy, runs, measured, roundMs, wallMs, preemptions }: Replayed): Figures {
  const waits = waitsOf(runs);
  const completions = sorted(runs.map(({ job, endedMs }) => endedMs! - job.arrivalMs));
  const rounds = sorted(roundMs);
  const seconds = (ms: number): number => round(ms / 1000);
  return {
    policy,
    jobs: runs.length,
    gpuUtilisation: round(measured.utilisation),
    gpuUtilisationWhileWaiting:
      measured.utilisationWhileWaiting === null ? null : round(measured.utilisationWhileWaiting),
    waitMeanSeconds: seconds(mean(waits)),
    waitP50Seconds: seconds(quantile(waits, 0.5)),
    waitP99Seconds: seconds(quantile(waits, 0.99)),
    jobCompletionMeanSeconds: seconds(mean(completions)),
    jobCompletionP50Seconds: seconds(quantile(completions, 0.5)),
    jobCompletionP99Seconds: seconds(quantile(completions, 0.99)),
    makespanSeconds: seconds(runs.reduce((last, { endedMs }) => Math.max(last, endedMs!), 0)),
    fragmentation: round(measured.fragmentation),
    fragmentationOfFree: round(measured.fragmentationOfFree),
    fairnessJain: round(jain([...measured.satisfaction.values()])),
    preemptions,
    rounds: rounds.length,
    roundP50Ms: round(quantile(rounds, 0.5)),
    roundP99Ms: round(quantile(rounds, 0.99)),
    wallSeconds: round(wallMs / 1000),
  };
}

/** Time in the system that a job did not need for itself, in milliseconds, ascending. What preemption costs is in it. */
export function waitsOf(runs: readonly Run[]): number[] {
  return sorted(runs.map(({ job, endedMs }) => endedMs! - job.arrivalMs - job.runMs));
}

/** Jain's index: 1 when all have the same, 1/n when one has everything (Jain, Chiu, Hawe 1984). */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((a, b) => a + b, 0);
  const squares = values.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** The smallest value that at least the share `of` of them does not pass (nearest rank). */
export function quantile(ascending: readonly number[], of: number): number {
  return ascending[Math.max(0, Math.ceil(of * ascending.length) - 1)] ?? 0;
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
}

/** Four significant digits, and whole above ten thousand. */
function round(value: number): number {
  return Math.abs(value) >= 10_000 ? Math.round(value) : Number(value.toPrecision(4));
}
