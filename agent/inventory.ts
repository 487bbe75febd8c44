import { readFile, statfs } from "node:fs/promises";
import os from "node:os";
import type { Log } from "../lib/log.ts";
import type { NodeCapacity, NodeUsage } from "./core/heartbeat.ts";
import type { GpuProbe } from "./gpu/probe.ts";
import { machineLimits } from "./machine-limits.ts";

/** systeminformation asks other programs; one that hangs must not hold up the start, in milliseconds. */
const NAMES_MS_MAX = 5_000;
/** Between two measurements of CPU, memory and disk, in milliseconds; heartbeats carry the latest. */
const MEASURE_MS = 5_000;

export interface InventoryOptions {
  readonly dir: string;
  /** Instead of what the machine has. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly gpus: Pick<GpuProbe, "devices" | "takeUsage">;
  readonly log: Log;
}

/** What the machine has and how busy it is. It measures by itself, so that asking never waits. */
export interface Inventory {
  capacity(): NodeCapacity;
  usage(): NodeUsage;
  close(): void;
}

export async function takeInventory(options: InventoryOptions): Promise<Inventory> {
  const [limits, names, disk] = await Promise.all([machineLimits(), machineNames(), statfs(options.dir)]);
  const fixed = {
    cpus: options.cpus ?? Math.round(limits.cpus * 1_000) / 1_000,
    memoryBytes: options.memoryBytes ?? limits.memoryBytes,
    diskBytes: disk.blocks * disk.bsize,
    ...names,
  };
  let measured: Omit<NodeUsage, "gpus"> = { diskBytesFree: disk.bavail * disk.bsize };
  let before = cpuTimes();
  const measure = async (): Promise<void> => {
    const now = cpuTimes();
    const cpuFraction = now.all > before.all ? (now.busy - before.busy) / (now.all - before.all) : undefined;
    before = now;
    const [used, free] = await Promise.all([memoryBytesUsed(), diskBytesFree(options.dir)]);
    measured = {
      ...(cpuFraction === undefined ? {} : { cpuFraction }),
      ...(used === undefined ? {} : { memoryBytesUsed: used }),
      ...(free === undefined ? {} : { diskBytesFree: free }),
    };
  };
  const timer = setInterval(() => void measure(), MEASURE_MS);
  return {
    capacity: () => ({ ...fixed, gpus: options.gpus.devices }),
    usage: () => ({ ...measured, gpus: options.gpus.takeUsage() }),
    close: () => clearInterval(timer),
  };
}

/** Of `systeminformation`, never its graphics(): that calls nvidia-smi synchronously and without a deadline. */
async function machineNames(): Promise<Pick<NodeCapacity, "os" | "arch" | "cpuModel" | "hostname">> {
  const plain = {
    os: `${os.type()} ${os.release()}`,
    arch: os.arch(),
    cpuModel: os.cpus()[0]?.model ?? "",
    hostname: os.hostname(),
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), NAMES_MS_MAX)));
  const asked = (async () => {
    const { default: information } = await import("systeminformation");
    return Promise.all([information.osInfo(), information.cpu()]);
  })();
  const answer = await Promise.race([asked.catch(() => undefined), late]);
  clearTimeout(timer);
  if (!answer) return plain;
  const [system, cpu] = answer;
  const name = [system.distro, system.release].filter((part) => part && part !== "unknown").join(" ");
  return {
    ...plain,
    os: name || plain.os,
    cpuModel: [cpu.manufacturer, cpu.brand].filter(Boolean).join(" ") || plain.cpuModel,
  };
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
