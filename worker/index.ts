import type { Logger } from "pino";
import type { ArtifactClient } from "../lib/artifacts.ts";
import type {
  Assignment,
  CheckpointReport,
  EndedReport,
  LossReason,
  ReadyReport,
  StartedReport,
  StopReason,
} from "../lib/core/dispatch.ts";
import type { AttemptKey } from "../lib/core/ids.ts";
import type { EventFileClient } from "../lib/event-files.ts";
import type { SampleClient } from "../lib/samples.ts";
import type { DeviceUsage } from "./core/system-metrics.ts";
import type { CommandSpec, TaskCommand } from "./sessions.ts";
import { baseEnvironment } from "./environment/base.ts";
import { type Engine, ENGINE_LABEL, findEngine } from "./environment/engine.ts";
import { openWorker } from "./worker.ts";

export { NO_TERMINAL, type CommandOutput, type CommandSpec, type TaskCommand, type WindowSize } from "./sessions.ts";

/**
 * Makes attempts on this machine. The processes belong to the runner (see docs/adr/0004-runner-process.md), so
 * they outlive whoever holds a Worker.
 */
export interface Worker {
  /**
   * Once, before `start`, with every assignment the journal holds that has not ended: adopts what still runs, reports
   * what ended meanwhile, starts what was never started. What runs here without an assignment is killed. Folders of
   * attempts in neither `assignments` nor `keep` (ended, their logs not yet archived) are removed.
   */
  recover(assignments: readonly Assignment[], keep: readonly AttemptKey[]): Promise<void>;
  /** With `held`: from now on attempts are started. */
  admit(): void;
  /** Returns at once; the attempt waits for room in order of (priority, arrival). One that is known already is ignored. */
  start(assignment: Assignment): void;
  /** Also of one that is still queued. The first reason given stays; a shorter grace shortens. Unknown keys are ignored. */
  stop(key: AttemptKey, reason: StopReason | LossReason, graceMs: number): void;
  /** How many wait for room. */
  readonly queued: number;
  /** Those that have not been reported ended. */
  active(): ActiveAttempt[];
  /**
   * Runs a command in the environment of a running attempt, counted with it and ended with it. Errors: `failed_precondition`
   * when the attempt has no process here, `unavailable`.
   */
  exec(key: AttemptKey, spec: CommandSpec): Promise<TaskCommand>;
  /**
   * The node may run what it runs for this long from now. The runner keeps it, also when nobody is there to ask, and
   * begins to stop everything `marginMs` (default 0) before the end.
   */
  renewLease(remainingMs: number, marginMs?: number): void;
  /**
   * The attempt's logs are archived: its folder goes. To be called once for each attempt that was reported ended,
   * when nobody reads its spool any more.
   */
  forget(key: AttemptKey): void;
  /** Devices that processes of attempts may be using now. */
  devicesInUse(): ReadonlySet<string>;
  /**
   * `stopAttempts`: stops everything (as "node-stopped", with each attempt's own grace), waits for the reports and
   * ends the runner. Else leaves the attempts running for the next worker in this folder.
   */
  close(options: { readonly stopAttempts: boolean }): Promise<void>;
}

export interface ActiveAttempt {
  readonly key: AttemptKey;
  readonly phase: "queued" | "preparing" | "running" | "stopping" | "collecting";
}

/** What attempts may use together on this machine. */
export interface WorkerCapacity {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly gpuUuids: readonly string[];
}

/** Files that hold what the attempt's process printed; they grow until `ended`. */
export interface Spool {
  readonly stdout: string;
  readonly stderr: string;
  /** No byte will be added any more. */
  readonly ended: boolean;
}

/** Knows what is on the machine's devices. */
export interface DeviceGuard {
  /** Undefined: they are empty; else what is on them, in words. */
  free(gpuUuids: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  /** The processes of an attempt that used them have ended. */
  left(gpuUuids: readonly string[]): void;
  /** As of the latest look, in the order of their ids here; without those that could not be read. */
  usageOf(gpuUuids: readonly string[]): readonly DeviceUsage[];
}

export interface WorkerOptions {
  /** Absolute path of the agent's folder. */
  readonly dir: string;
  /** Nothing is started before `admit`: what an earlier agent left may have gone to others. Default: false. */
  readonly held?: boolean;
  readonly capacity: () => WorkerCapacity;
  readonly artifacts: ArtifactClient;
  /** Takes what attempts write under $WEFT_TENSORBOARD; default: nobody does. */
  readonly eventFiles?: EventFileClient;
  /** Takes what attempts use of the machine, every `everyMs`; default: nobody does. */
  readonly systemMetrics?: {
    readonly client: SampleClient;
    readonly everyMs: number;
    /** Tags of runs that say what the machine is. */
    readonly machineTags: () => Readonly<Record<string, string>>;
  };
  /**
   * Reports of one attempt come in order; `ended` may come again after a recovery. The workspace of an ended attempt is
   * kept until the promise for its report is fulfilled (it is in the journal then).
   */
  readonly onReport: (report: StartedReport | ReadyReport | CheckpointReport | EndedReport) => void | Promise<void>;
  /** Called when an attempt begins (or is adopted), and once more with `ended` before its ended report. */
  readonly onSpool: (key: AttemptKey, spool: Spool) => void;
  readonly log: Logger;
  /** Undefined: devices are given as they are. */
  readonly devices?: DeviceGuard | undefined;
  /** Variables every process sees, under its own; default: PATH, HOME, USER, LANG of this process and nothing else. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where MLflow clients of tasks find the server; default: they are told nothing. */
  readonly trackingUrl?: () => string | null;
  /** Bytes the cache of code and inputs may hold; default CACHE_BYTES_MAX. */
  readonly cacheBytesMax?: number;
  /** Bytes of built environments; default SHELF_BYTES_MAX. */
  readonly environmentBytesMax?: number;
  /** Runs tasks in containers, see findContainerEngine; default: none does. */
  readonly engine?: Engine | undefined;
  /** The runner's program; default: the built one of this package. */
  readonly runnerProgram?: string;
  /** How long code, inputs and outputs may wait for the store before the attempt counts as lost; default STORE_WAIT_MS_MAX. */
  readonly storeWaitMsMax?: number;
}

/** Starts or finds the folder's runner. Errors: `conflict` when another live worker uses the folder, `unavailable`. */
export function createWorker(options: WorkerOptions): Promise<Worker> {
  return openWorker(options);
}

export type { DeviceUsage, Engine };

/** The container engine of this machine that works, and the label that says so. */
export async function findContainerEngine(): Promise<{
  readonly engine?: Engine;
  readonly labels: Record<string, string>;
}> {
  const engine = await findEngine(baseEnvironment());
  return engine ? { engine, labels: { [ENGINE_LABEL]: engine.name } } : { labels: {} };
}
