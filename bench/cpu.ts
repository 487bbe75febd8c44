import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ is 100 on every architecture that Node is built for. */
const MS_PER_TICK = 10;

/** CPU milliseconds, user and system, of each part of a cluster. */
export interface CpuTimes {
  readonly server: number;
  readonly agent: number;
  /** Of the process alone, without the tasks it started. */
  readonly runner: number;
  /** What runners have waited for. */
  readonly tasks: number;
  readonly nats: number;
  readonly postgres: number;
}

/**
 * What the processes of a cluster have used so far: those whose command line names a path in its folders, and the
 * children of its Postgres. Wall time tells little on a machine that others use; this does.
 */
export function cpuTimes(folders: readonly string[]): CpuTimes {
  const times = { server: 0, agent: 0, runner: 0, tasks: 0, nats: 0, postgres: 0 };
  for (const pid of readdirSync("/proc")) {
    const process = /^\d+$/.test(pid) ? look(pid) : undefined;
    const part = process && partOf(process, folders);
    if (!process || !part) continue;
    times[part] += process.ownMs;
    if (part === "postgres") times.postgres += process.waitedForMs;
    if (part === "runner") times.tasks += process.waitedForMs;
  }
  return times;
}

/** E.g. "server 0.91, agent 1.2, …: 4.1 ms a task". */
export function cpuPerTask(before: CpuTimes, after: CpuTimes, tasks: number, task = "task"): string {
  const parts = Object.entries(after).map(
    ([name, ms]) => [name, (ms - before[name as keyof CpuTimes]) / tasks] as const,
  );
  const sum = parts.reduce((total, [, ms]) => total + ms, 0);
  return `CPU time a ${task}: ${parts.map(([name, ms]) => `${name} ${ms.toFixed(3)}`).join(", ")}; ${sum.toFixed(3)} ms together`;
}

interface Process {
  readonly command: string;
  readonly parentCommand: () => string;
  readonly ownMs: number;
  readonly waitedForMs: number;
}

function look(pid: string): Process | undefined {
  try {
    const command = commandLine(pid);
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may hold spaces and brackets itself.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const ms = (from: number): number => (Number(fields[from]) + Number(fields[from + 1])) * MS_PER_TICK;
    return { command, parentCommand: () => commandLine(fields[1]!), ownMs: ms(11), waitedForMs: ms(13) };
  } catch {
    return undefined;
  }
}

function commandLine(pid: string): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
}

function partOf({ command, parentCommand }: Process, folders: readonly string[]): keyof CpuTimes | undefined {
  const isOurs = (text: string): boolean => folders.some((folder) => text.includes(folder));
  // A backend's command line is its title.
  if (command.startsWith("postgres: ")) return isOurs(parentCommand()) ? "postgres" : undefined;
  // The watcher beside each program (see guard.ts) names the same paths.
  if (!isOurs(command) || command.startsWith("sh ")) return undefined;
  if (/postgres\S* -D/.test(command)) return "postgres";
  if (command.includes("nats-server")) return "nats";
  if (command.includes("runner/main.js")) return "runner";
  if (command.includes("main.js server")) return "server";
  return command.includes("main.js agent") ? "agent" : undefined;
}
