import { readdir, readFile, statfs } from "node:fs/promises";
import os from "node:os";
import type { Log } from "../lib/log.ts";
import type { NodeCapacity, NodeUsage } from "./core/heartbeat.ts";
import type { GpuProbe } from "./gpu/probe.ts";
import { machineLimits } from "./machine-limits.ts";

/** Of the open files this process may have: over it an attempt's logs or a connection may fail at any moment. */
const DESCRIPTORS_FRACTION_MAX = 0.9;
/** Between two measurements of CPU, memory and disk, in milliseconds; heartbeats carry the latest. */
const MEASURE_MS = 5_000;

export interface InventoryOptions {
  readonly dir: string;
  /** Instead of what the machine has. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly gpus: Pick<GpuProbe, "devices" | "takeUsage">;
  /** What keeps the agent from taking work, for people. */
  readonly problem: () => string | undefined;
  readonly log: Log;
}

/** What the machine has and how busy it is. It measures by itself, so that asking never waits. */
export interface Inventory {
  capacity(): NodeCapacity;
  usage(): NodeUsage;
  close(): void;
}

/** Quick: the proper names of system and CPU follow when other programs have told them. */
export async function takeInventory(options: InventoryOptions): Promise<Inventory> {
  const [limits, disk] = await Promise.all([machineLimits(), statfs(options.dir)]);
  const fixed = {
    cpus: options.cpus ?? Math.round(limits.cpus * 1_000) / 1_000,
    memoryBytes: options.memoryBytes ?? limits.memoryBytes,
    diskBytes: disk.blocks * disk.bsize,
  };
  let names = plainNames();
  void properNames().then((proper) => (names = { ...names, ...proper }));
  let problem: string | undefined;
  let measured: Omit<NodeUsage, "gpus" | "problems"> = { diskBytesFree: disk.bavail * disk.bsize };
  let before = cpuTimes();
  const measure = async (): Promise<void> => {
    const now = cpuTimes();
    const cpuFraction = now.all > before.all ? (now.busy - before.busy) / (now.all - before.all) : undefined;
    before = now;
    const [used, free] = await Promise.all([memoryBytesUsed(), diskBytesFree(options.dir)]);
    problem = await descriptorProblem();
    measured = {
      ...(cpuFraction === undefined ? {} : { cpuFraction }),
      ...(used === undefined ? {} : { memoryBytesUsed: used }),
      ...(free === undefined ? {} : { diskBytesFree: free }),
    };
  };
  const timer = setInterval(() => void measure(), MEASURE_MS);
  return {
    capacity: () => ({ ...fixed, ...names, gpus: options.gpus.devices }),
    usage: () => ({
      ...measured,
      gpus: options.gpus.takeUsage(),
      problems: [options.problem(), problem].filter((one) => one !== undefined),
    }),
    close: () => clearInterval(timer),
  };
}

type Names = Pick<NodeCapacity, "os" | "arch" | "cpuModel" | "hostname">;

function plainNames(): Names {
  return {
    os: `${os.type()} ${os.release()}`,
    arch: os.arch(),
    cpuModel: os.cpus()[0]?.model ?? "",
    hostname: os.hostname(),
  };
}

/** Of `systeminformation`, never its graphics(): that calls nvidia-smi synchronously and without a deadline. */
async function properNames(): Promise<Partial<Names>> {
  try {
    const { default: information } = await import("systeminformation");
    const [system, cpu] = await Promise.all([information.osInfo(), information.cpu()]);
    const name = [system.distro, system.release].filter((part) => part && part !== "unknown").join(" ");
    const model = [cpu.manufacturer, cpu.brand].filter(Boolean).join(" ");
    return { ...(name && { os: name }), ...(model && { cpuModel: model }) };
  } catch {
    return {};
  }
}

function cpuTimes(): { busy: number; all: number } {
  const sum = { busy: 0, all: 0 };
  for (const { times } of os.cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    sum.all += all;
    sum.busy += all - times.idle;
  }
  return sum;
}

/** What is not available to a new process; the page cache is. */
async function memoryBytesUsed(): Promise<number | undefined> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
  const used = (kib("MemTotal") - kib("MemAvailable")) * 1024;
  return Number.isFinite(used) ? used : os.totalmem() - os.freemem();
}

async function diskBytesFree(dir: string): Promise<number | undefined> {
  const disk = await statfs(dir).catch(() => undefined);
  return disk && disk.bavail * disk.bsize;
}

/** Where there is no /proc this is not watched. */
async function descriptorProblem(): Promise<string | undefined> {
  const limit = Number(
    /^Max open files\s+(\d+)/m.exec(await readFile("/proc/self/limits", "utf8").catch(() => ""))?.[1],
  );
  const open = await readdir("/proc/self/fd").then(
    (names) => names.length,
    (error: NodeJS.ErrnoException) => (error.code === "EMFILE" ? Infinity : 0),
  );
  if (!(open > limit * DESCRIPTORS_FRACTION_MAX)) return undefined;
  return `the agent has nearly all the files open that it may (${Math.min(open, limit)} of ${limit}); raise the limit (ulimit -n)`;
}
