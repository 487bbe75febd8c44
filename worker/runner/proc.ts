import { closeSync, openSync, readdirSync, readlinkSync, readSync, writeFileSync } from "node:fs";

/**
 * The one outside thing here is Linux' /proc (man 5 proc). Every reader answers undefined when the process is gone,
 * is not ours to look at, or the system has no /proc: then process groups alone are used.
 */
export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  /** It has a controlling terminal: somebody sits there. */
  readonly onTerminal: boolean;
  /** User and system time of the process and of the children it waited for. */
  readonly cpuMs: number;
  /** Clock ticks after boot: with the pid, the identity of a process. */
  readonly startTicks: number;
}

/** USER_HZ is 100 on every architecture that Node is built for. */
const MS_PER_TICK = 10;
const buffer = Buffer.allocUnsafe(128);
let loadavg: number | undefined;

export function readStat(pid: number | "self"): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name, in brackets, may hold spaces and brackets itself.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0]!,
    ppid: Number(fields[1]),
    pgrp: Number(fields[2]),
    session: Number(fields[3]),
    onTerminal: fields[4] !== "0",
    cpuMs: ticks * MS_PER_TICK,
    startTicks: Number(fields[19]),
  };
}

/** Dead but not waited for: it holds nothing and cannot be killed again. */
export function isDead(stat: ProcessStat | undefined): boolean {
  return stat === undefined || stat.state === "Z" || stat.state === "X";
}

export function isSame(pid: number, startTicks: number): boolean {
  const stat = readStat(pid);
  return !isDead(stat) && stat!.startTicks === startTicks;
}

export interface ProcessMemory {
  readonly residentBytes: number;
  /** The most it ever was. */
  readonly peakBytes: number;
}

export function readMemory(pid: number): ProcessMemory | undefined {
  const text = read(`/proc/${pid}/status`);
  if (text === undefined) return undefined;
  return { residentBytes: kilobytes(text, "VmRSS:"), peakBytes: kilobytes(text, "VmHWM:") };
}

/** Pids of all processes (not threads); empty without /proc. */
export function listPids(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => name.charCodeAt(0) <= 57 && name.charCodeAt(0) >= 48)
      .map(Number);
  } catch {
    return [];
  }
}

/** The number given to the process or thread made last, by anybody; NaN when the system does not say. */
export function lastPid(): number {
  try {
    loadavg ??= openSync("/proc/loadavg", "r");
    const text = buffer.toString("latin1", 0, readSync(loadavg, buffer, 0, buffer.length, 0));
    return Number(text.slice(text.lastIndexOf(" ") + 1));
  } catch {
    return NaN;
  }
}

/** Of a machine with few CPUs, should the system not say; numbers are less than it. */
const PID_MAX = 32_768;
let highestPid: number | undefined;

/** The highest number that is given out. */
export function pidMax(): number {
  highestPid ??= Number.parseInt(read("/proc/sys/kernel/pid_max") ?? String(PID_MAX), 10) - 1;
  return highestPid;
}

/** Threads have numbers too, and are found by them, though not listed. */
export function isThread(pid: number): boolean {
  return Number(/^Tgid:\s(\d+)$/m.exec(read(`/proc/${pid}/status`) ?? "")?.[1] ?? pid) !== pid;
}

/** Values of these variables as the process was started with them. */
export function readEnvironment(pid: number, names: readonly string[]): (string | undefined)[] {
  const entries = read(`/proc/${pid}/environ`)?.split("\0") ?? [];
  return names.map((name) => entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1));
}

/** Where a link of the process leads: "cwd", "fd/1". */
export function readLink(pid: number, name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}

/** How many processes the kernel has killed for want of memory since boot; 0 when it does not say. */
export function kernelOomKills(): number {
  return Number(/^oom_kill (\d+)$/m.exec(read("/proc/vmstat") ?? "")?.[1] ?? 0);
}

/** Lets the kernel, when memory runs out, take this process before those that run the machine (man 5 proc_pid_oom_score_adj). */
export function offerToOomKiller(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, "500");
  } catch {
    // Gone, or not allowed: nothing depends on it.
  }
}

/**
 * Milliseconds of a clock that all processes of the machine share, that nobody can set, and that goes on while the
 * machine sleeps (a lease runs out in sleep too). Without /proc: one that may stand still in sleep.
 */
export function bootNowMs(): number {
  const text = read("/proc/uptime");
  return text === undefined ? Number(process.hrtime.bigint() / 1_000_000n) : Math.round(Number.parseFloat(text) * 1000);
}

function kilobytes(status: string, name: string): number {
  const at = status.indexOf(name);
  return at < 0 ? 0 : Number.parseInt(status.slice(at + name.length), 10) * 1024;
}

/** As readFileSync, with two system calls less. */
function read(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    return readAll(file);
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

const WHOLE_BYTES_MAX = 2048;
const chunk = Buffer.allocUnsafe(64 * 1024);

function readAll(file: number): string {
  let text = "";
  for (;;) {
    const bytes = readSync(file, chunk, 0, chunk.length, null);
    text += chunk.toString("utf8", 0, bytes);
    // A file of /proc comes in pieces of about a page; one that is far smaller is whole, which saves the read of nothing.
    if (bytes === 0 || (bytes < WHOLE_BYTES_MAX && text.endsWith("\n"))) return text;
  }
}
