import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Exits } from "./exits.ts";
import { LOG_FLAGS, LOG_MODE, openPosixSpawn } from "./posix-spawn.ts";

/** A program to be started as leader of its own session and process group. */
export interface Launch {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Paths of files that it appends to. */
  readonly stdout: string;
  readonly stderr: string;
}

/** Of a process that was waited for. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** What it used, with those that it waited for itself; null: the system did not say. */
  readonly cpuMs: number | null;
  /** The most that one of them had; 0: not known. */
  readonly peakMemoryBytes: number;
}

const posixSpawn = openPosixSpawn();
const exits = posixSpawn && new Exits(posixSpawn);
const devNull = openSync("/dev/null", "r");

/**
 * Starts the process and gives its pid. Undefined: it could not be started, and `onError` will say so with an errno error.
 * Throws other errno errors.
 *
 * By posix_spawn where it is there: to start `true` costs 0.7 ms of CPU, of which 0.6 are its own. Node's spawn forks, which
 * copies the page tables of this process twice (for the child, and back at the first write to each page): 1.7 ms. Whatever
 * posix_spawn cannot do, Node's spawn does or explains.
 */
export function launch(
  { argv, env, cwd, stdout, stderr }: Launch,
  onExit: (exit: ProcessExit) => void,
  onError: (error: NodeJS.ErrnoException) => void,
): number | undefined {
  const pid = posixSpawn?.start(argv, env, { cwd, stdin: devNull, stdout, stderr });
  if (pid !== undefined) {
    exits!.expect(pid, onExit);
    return pid;
  }
  const out = openSync(stdout, LOG_FLAGS, LOG_MODE);
  try {
    const err = openSync(stderr, LOG_FLAGS, LOG_MODE);
    try {
      const child = spawn(argv[0]!, argv.slice(1), { cwd, env, detached: true, stdio: [devNull, out, err] });
      child.once("exit", (code, signal) => onExit({ code, signal, cpuMs: null, peakMemoryBytes: 0 }));
      // Of a child that was started only a kill that failed is told this way as well; only the exit counts.
      child.on("error", (error) => (child.pid === undefined ? onError(error) : undefined));
      return child.pid;
    } finally {
      closeSync(err);
    }
  } finally {
    closeSync(out);
  }
}
