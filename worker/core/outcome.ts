import type { Assignment, FailureReason, LossReason, Outcome, StopReason } from "../../lib/core/dispatch.ts";

/** What is known when every process of an attempt is gone; the shape is that of the runner's exit.json. */
export interface Exit {
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stopped: StopReason | LossReason | "timeout" | "out-of-memory" | "unhealthy" | null;
  readonly spawnError: string | null;
  readonly outOfMemory: { readonly limitBytes: number; readonly seenBy: "cgroup" | "sampling" | "kernel" } | null;
  readonly leftovers: number;
  readonly unkillable: number;
  readonly usage: { readonly peakMemoryBytes: number };
}

export interface Surroundings {
  /** Last line of what it printed to stderr; empty: nothing. */
  readonly stderrLine: string;
  /** Undefined: not known. */
  readonly diskBytesFree: number | undefined;
  readonly folder: string;
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly message: string;
}

/** With less left than this on its disk, a task that failed most likely failed for that. */
export const DISK_FULL_BYTES = 1024 * 1024;
/** Of the last line of stderr that goes into the message. */
const LINE_CHARS_MAX = 300;

export function failed(reason: FailureReason, message: string): Verdict {
  return { outcome: { kind: "failed", reason }, message };
}

export function lost(reason: LossReason, message: string): Verdict {
  return { outcome: { kind: "lost", reason }, message };
}

/** How the attempt went, as far as its processes tell: whether the outputs are there is another question. */
export function judge(exit: Exit, assignment: Assignment, around: Surroundings): Verdict {
  const verdict = judgeEnd(exit, assignment, around);
  const notes = [
    exit.leftovers > 0 && exit.stopped === null ? leftoverNote(exit.leftovers) : "",
    exit.unkillable > 0
      ? `${plural(exit.unkillable, "process")} of it could not be killed: stuck in the kernel, see dmesg`
      : "",
  ];
  return { ...verdict, message: [verdict.message, ...notes].filter(Boolean).join("; ") };
}

function judgeEnd(exit: Exit, assignment: Assignment, around: Surroundings): Verdict {
  if (exit.stopped !== null) return judgeStop(exit, exit.stopped, assignment);
  if (exit.spawnError !== null) return judgeSpawnError(exit.spawnError, assignment, around);
  if (exit.exitCode === 0) return { outcome: { kind: "succeeded" }, message: "" };
  if (exit.outOfMemory) return outOfMemory(exit, exit.outOfMemory);
  if (around.diskBytesFree !== undefined && around.diskBytesFree < DISK_FULL_BYTES) return diskFull(around);
  if (exit.signal !== null) {
    return failed("signal", `killed by ${exit.signal}, which Weft did not send${quote(around.stderrLine)}`);
  }
  return failed("exit", `exit code ${exit.exitCode}${meaning(exit.exitCode!, assignment)}${quote(around.stderrLine)}`);
}

export function judgeStop(
  exit: Pick<Exit, "outOfMemory" | "usage">,
  cause: NonNullable<Exit["stopped"]>,
  assignment: Assignment,
): Verdict {
  switch (cause) {
    case "finished":
      return {
        outcome: { kind: "stopped", reason: "finished" },
        message: "stopped: nothing of its job is left that could need it",
      };
    case "unhealthy":
      return failed("unhealthy", "its liveness probe failed");
    case "cancelled":
      return { outcome: { kind: "stopped", reason: "cancelled" }, message: "cancelled" };
    case "fenced":
      return {
        outcome: { kind: "stopped", reason: "fenced" },
        message: "stopped: a later attempt, or none, is to run instead",
      };
    case "timeout":
      if (assignment.service) return failed("timeout", `its time of ${assignment.timeoutMs / 1000} s is over`);
      return failed("timeout", `ran longer than its timeout of ${assignment.timeoutMs / 1000} s`);
    case "out-of-memory":
      return outOfMemory(
        exit,
        exit.outOfMemory ?? { limitBytes: assignment.resources.memoryBytes, seenBy: "sampling" },
      );
    case "lease-lost":
      return lost(cause, "stopped: the node could not renew its lease, so the task may run elsewhere");
    case "node-stopped":
      return lost(cause, "stopped: the agent of its node was shut down");
    case "preempted":
      return lost(cause, "stopped: it made room for work that goes before it");
    case "gang":
      return { outcome: { kind: "stopped", reason: "gang" }, message: "stopped: another member of its gang ended" };
    case "drained":
      return lost(cause, "stopped: its node is being drained");
    case "runner-lost":
      return lost(cause, "its exit status is gone: the runner process of its node ended while it ran; it was killed");
    case "gpu-busy":
    case "node-changed":
    case "node-lost":
    case "unknown":
    case "disk-full":
    case "store-unreachable":
      return lost(cause, `stopped: ${cause}`);
  }
}

export function diskFull({ folder, diskBytesFree }: Pick<Surroundings, "folder" | "diskBytesFree">): Verdict {
  const free = diskBytesFree === undefined ? "" : `: ${diskBytesFree} bytes are free`;
  return lost(
    "disk-full",
    `the disk of ${folder} is full${free}; free space there, or start the agent with its folder on a larger disk`,
  );
}

function judgeSpawnError(code: string, assignment: Assignment, around: Surroundings): Verdict {
  const name = commandName(assignment);
  switch (code) {
    case "ENOENT":
      return failed(
        "command-not-found",
        `there is no command ${name} on this node: not in its PATH, or, with a "/", not in the workspace`,
      );
    case "EACCES":
      return failed("command-not-found", `${name} cannot be executed: no permission; is its executable bit set?`);
    case "ENOEXEC":
      return failed("command-not-found", `${name} is no program of this machine; does a script begin with #!?`);
    case "E2BIG":
      return failed(
        "exit",
        `the arguments and variables of ${name} are larger than the system takes (128 KiB each, about 2 MiB in all); put them in a file`,
      );
    case "ENOSPC":
    case "EDQUOT":
      return diskFull(around);
    default:
      return lost("node-stopped", `the node could not start ${name}: ${code}`);
  }
}

function outOfMemory(exit: Pick<Exit, "usage">, { limitBytes, seenBy }: NonNullable<Exit["outOfMemory"]>): Verdict {
  const peak = `it used up to ${mebibytes(exit.usage.peakMemoryBytes)}`;
  if (seenBy === "kernel") {
    return failed(
      "out-of-memory",
      `the machine had no memory left and the kernel killed it; ${peak}${limitBytes > 0 ? ` of the ${mebibytes(limitBytes)} it asked for` : "; ask for what it needs under resources.memory"}`,
    );
  }
  return failed(
    "out-of-memory",
    `reached its memory limit of ${mebibytes(limitBytes)}; ${peak}; raise resources.memory, or let it use less`,
  );
}

function meaning(code: number, { run }: Assignment): string {
  if (code === 127)
    return run.kind === "script" ? " (the shell did not find a command)" : " (by convention: a command was not found)";
  if (code === 126) return " (by convention: a command could not be executed)";
  if (code > 128 && code <= 192) return ` (by convention: a process it waited for was killed by signal ${code - 128})`;
  return "";
}

function commandName({ run }: Assignment): string {
  return run.kind === "script" ? "/bin/sh" : JSON.stringify(run.argv[0]);
}

function leftoverNote(count: number): string {
  return `${plural(count, "process")} that it had left running ${count === 1 ? "was" : "were"} killed`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : noun.endsWith("s") ? "es" : "s"}`;
}

function quote(line: string): string {
  return line === "" ? "" : `: ${line.slice(0, LINE_CHARS_MAX)}`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 3 : 0)} MiB`;
}
