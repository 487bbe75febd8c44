import { SYSTEM_PREFIX } from "../../lib/core/sample.ts";

/** A device of an attempt as it was seen last, by whomever it is used. */
export interface DeviceUsage {
  readonly uuid: string;
  /** 0: the driver does not say. */
  readonly memoryBytes: number;
  /** Absent: it could not be read. */
  readonly utilizationFraction?: number;
  readonly memoryBytesUsed?: number;
  readonly powerWatts?: number;
}

/** What an attempt has used of the machine by a moment. */
export interface Reading {
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly cpuMs: number;
}

/** What the machine has. */
export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly diskBytesFree: number;
  /** Since the machine's start, by anybody. */
  readonly networkBytesReceived: number;
  readonly networkBytesSent: number;
}

const MEGABYTE = 1_000_000;

/**
 * The metrics of one attempt, by the names that MLflow's client gives to those of a machine. CPU and memory are what the attempt's own processes
 * use, in parts of the whole machine; devices are those it was given, numbered as its process sees them; disk and network are the machine's.
 */
export function systemMetrics(
  before: Reading,
  now: Reading & { readonly residentBytes: number },
  machine: Machine,
  devices: readonly DeviceUsage[],
): Record<string, number> {
  const spentMs = Math.max(now.atMs - before.atMs, 1);
  const diskUsed = machine.diskBytes - machine.diskBytesFree;
  const values: Record<string, number> = {
    cpu_utilization_percentage: (100 * Math.max(now.cpuMs - before.cpuMs, 0)) / spentMs / machine.cpus,
    system_memory_usage_megabytes: now.residentBytes / MEGABYTE,
    system_memory_usage_percentage: percentage(now.residentBytes, machine.memoryBytes),
    disk_usage_percentage: percentage(diskUsed, machine.diskBytes),
    disk_usage_megabytes: diskUsed / MEGABYTE,
    disk_available_megabytes: machine.diskBytesFree / MEGABYTE,
    network_receive_megabytes: machine.networkBytesReceived / MEGABYTE,
    network_transmit_megabytes: machine.networkBytesSent / MEGABYTE,
  };
  for (const [index, device] of devices.entries()) Object.assign(values, deviceMetrics(index, device));
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [SYSTEM_PREFIX + name, rounded(value)]));
}

function deviceMetrics(index: number, device: DeviceUsage): Record<string, number> {
  const { memoryBytes, memoryBytesUsed, utilizationFraction, powerWatts } = device;
  return {
    ...(utilizationFraction !== undefined && { [`gpu_${index}_utilization_percentage`]: 100 * utilizationFraction }),
    ...(memoryBytesUsed !== undefined && { [`gpu_${index}_memory_usage_megabytes`]: memoryBytesUsed / MEGABYTE }),
    ...(memoryBytesUsed !== undefined &&
      memoryBytes > 0 && { [`gpu_${index}_memory_usage_percentage`]: percentage(memoryBytesUsed, memoryBytes) }),
    ...(powerWatts !== undefined && { [`gpu_${index}_power_usage_watts`]: powerWatts }),
  };
}

const percentage = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : 0);
/** Three digits behind the point: what is measured is not more exact than that. */
const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;
