import type { LossReason, StopReason, Usage } from "../../lib/core/dispatch.ts";
import type { AttemptKey } from "../../lib/core/ids.ts";

/**
 * What the worker and the runner say to each other over the unix socket: one JSON object a line. The runner serves one
 * worker at a time. Raise PROTOCOL when a message changes its meaning: a runner outlives the program that started it.
 */
export const PROTOCOL = 3;

export type StopCause = StopReason | LossReason | "timeout" | "out-of-memory" | "unhealthy";

/** worker → runner */
export type Request =
  /** First line. The pid tells a worker that is gone from one that is there. */
  | { readonly kind: "hello"; readonly protocol: number; readonly pid: number }
  | StartRequest
  | { readonly kind: "stop"; readonly key: AttemptKey; readonly reason: StopCause; readonly graceMs: number }
  | VisitRequest
  /** Nobody waits for it any more. */
  | { readonly kind: "unvisit"; readonly visit: string }
  /** Answered by one `measured`; a runner of an older version says nothing. */
  | { readonly kind: "measure"; readonly keys: readonly AttemptKey[] }
  /** The moment, on the clock of `bootNowMs`, after which nothing may run here; stopping begins `marginMs` before. */
  | { readonly kind: "lease"; readonly untilBootMs: number; readonly marginMs?: number }
  /** End once no attempt is left. */
  | { readonly kind: "quit" };

export interface StartRequest {
  readonly kind: "start";
  readonly key: AttemptKey;
  /** The attempt's folder; `workspace` in it is the cwd. */
  readonly folder: string;
  readonly argv: readonly string[];
  /** All of the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** 0: none. */
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** 0: no limit. */
  readonly memoryBytes: number;
  /** `argv` is the client of an engine that runs this container, and holds it to the memory limit. */
  readonly container?: ContainerOrder;
}

export interface ContainerOrder {
  /** Absolute path of the engine's client. */
  readonly engine: string;
  readonly name: string;
}

/** container.json in the attempt's folder. */
export interface ContainerRecord extends ContainerOrder {
  readonly env: Readonly<Record<string, string>>;
}

/** Something to run in an attempt that runs already. It is counted with the attempt, and ends with it at the latest. */
export interface VisitRequest {
  readonly kind: "visit";
  readonly key: AttemptKey;
  /** Names the visit in its notice. */
  readonly visit: string;
  /**
   * command: `argv` itself, without input and output, in the attempt's environment. host: a program of ours that starts a
   * command for somebody outside, and reads a HostPlace from its stdin; only what it starts belongs to the attempt.
   */
  readonly what: "command" | "host";
  readonly argv: readonly string[];
  /** Killed after; 0: none. */
  readonly timeoutMs: number;
}

/** Where a host is to start its command. */
export interface HostPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** To be put before an argument list, so that it runs in the attempt's cgroup; empty: there is none. */
  readonly enter: readonly string[];
  /** It runs in a container: with these instead of `enter`, and for a terminal the second. */
  readonly container: { readonly enter: readonly string[]; readonly enterTerminal: readonly string[] } | null;
}

/** runner → worker */
export type Notice =
  | {
      readonly kind: "welcome";
      readonly protocol: number;
      readonly pid: number;
      readonly attempts: readonly LiveAttempt[];
    }
  | { readonly kind: "busy"; readonly pid: number }
  | { readonly kind: "started"; readonly key: AttemptKey; readonly atMs: number }
  | VisitedNotice
  /** What they use, those of them that run; at most a second old. */
  | { readonly kind: "measured"; readonly attempts: readonly Measured[] }
  /** Every process of the attempt is gone. */
  | { readonly kind: "ended"; readonly key: AttemptKey; readonly exit: ExitRecord };

export interface Measured {
  readonly key: AttemptKey;
  /** User and system time since its start, in milliseconds. */
  readonly cpuMs: number;
  /** Of all its processes together; pages that they share count for each. */
  readonly residentBytes: number;
}

/** A visit is over. */
export interface VisitedNotice {
  readonly kind: "visited";
  readonly visit: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** errno name, or what else kept it from being started; null: it was started. */
  readonly error: string | null;
}

export interface LiveAttempt {
  readonly key: AttemptKey;
  /** Null: about to be started. */
  readonly startedAtMs: number | null;
  readonly stopping: boolean;
  /** Ended, and the disk would not take the record. */
  readonly exit: ExitRecord | null;
}

/** exit.json in the attempt's folder, after `key`, the attempt's. */
export interface ExitRecord {
  /** Null: the process could not be started, see `spawnError`. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why Weft ended it; null: it ended by itself. */
  readonly stopped: StopCause | null;
  /** errno name. */
  readonly spawnError: string | null;
  readonly outOfMemory: OutOfMemory | null;
  /** Processes that were still there when the main one had ended, and were killed. */
  readonly leftovers: number;
  /** Processes that could not be killed within UNKILLABLE_MS_MAX. */
  readonly unkillable: number;
  readonly usage: Usage;
}

export interface OutOfMemory {
  /** The attempt's own limit; 0: the machine had no more. */
  readonly limitBytes: number;
  readonly seenBy: "cgroup" | "sampling" | "kernel";
}

/** process.json in the attempt's folder. */
export interface ProcessRecord {
  readonly pid: number;
  readonly startTicks: number;
  readonly startedAtMs: number;
}

/** runner.pid in the agent's folder. */
export interface RunnerRecord {
  readonly pid: number;
  readonly startTicks: number;
  readonly socket: string;
}
