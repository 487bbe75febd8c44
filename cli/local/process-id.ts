import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process, told apart from a later one that got the same number. */
export interface ProcessId {
  readonly pid: number;
  /** When it started, in the system's own words. */
  readonly started: string;
}

const ask = (pid: number, column: string): string =>
  execFileSync("ps", ["-o", `${column}=`, "-p", String(pid)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();

/** "" when it is gone, or only its zombie is left. */
function startedOf(pid: number): string {
  try {
    if (process.platform !== "linux") return ask(pid, "lstart");
    // proc(5): after the name in brackets, which may hold anything, come state (3rd field) … starttime (22nd).
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? "" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

export function processId(pid: number): ProcessId {
  return { pid, started: startedOf(pid) };
}

/** Whether that very process still runs. */
export function isRunning(id: ProcessId): boolean {
  return id.started !== "" && startedOf(id.pid) === id.started;
}

/** Number of the parent, 0 when the process is gone. */
function parentOf(pid: number): number {
  try {
    if (process.platform !== "linux") return Number(ask(pid, "ppid"));
    return Number(/^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Between npm and the program it runs lies at most a shell, and the shell of a script in that script. */
const LAUNCHER_DEPTH = 4;

/** The npm that runs us as a script (`npm start`), null when none does. */
export function launcher(env: NodeJS.ProcessEnv): ProcessId | null {
  if (env["npm_lifecycle_event"] === undefined) return null;
  let pid = process.ppid;
  for (let depth = 0; depth < LAUNCHER_DEPTH && pid > 1; depth += 1) {
    if (/\bnpm\b/.test(commandOf(pid))) return processId(pid);
    pid = parentOf(pid);
  }
  return null;
}

/** The command line of a process, "" when it is gone or may not be read. */
export function commandOf(pid: number): string {
  try {
    return process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
      : ask(pid, "command");
  } catch {
    return "";
  }
}

/** Sends a signal, should the process be there still. False: it is another user's. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EPERM") return false;
  }
  return true;
}

/** Between two looks at a process that is not our child: the system tells only parents. */
const LOOK_MS = 25;

/** True once it is gone. */
export async function goneWithin(id: ProcessId, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (isRunning(id)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return true;
}
