import type { GpuProcess } from "./occupancy.ts";

/** One GPU as this node offers it; the fields of weft.v1.Gpu. */
export interface GpuDevice {
  readonly uuid: string;
  readonly index: number;
  readonly vendor: "nvidia" | "amd";
  readonly model: string;
  /** 0: the driver does not say (unified memory). */
  readonly memoryBytes: number;
  /** "9.0", or AMD's "gfx90a"; empty: the driver does not say. */
  readonly computeCapability: string;
  readonly driver: string;
  readonly pciBus: string;
  /** enabled, disabled or empty. */
  readonly migMode: string;
  /** Of a slice, as "1g.10gb"; empty: a whole card. */
  readonly migProfile: string;
  readonly eccMode: string;
  readonly healthy: boolean;
  /** Why it is not healthy, or what to know about one that is; empty: nothing. */
  readonly healthMessage: string;
}

/** Measured now; what could not be read is absent. The fields of weft.v1.GpuUsage. */
export interface GpuUsage {
  readonly uuid: string;
  readonly utilizationFraction?: number;
  readonly memoryBytesUsed?: number;
  readonly temperatureCelsius?: number;
  readonly powerWatts?: number;
  readonly eccUncorrected?: number;
  readonly xids: readonly number[];
}

/** What one look at the driver gave. */
export interface GpuReading {
  readonly devices: readonly GpuDevice[];
  readonly usage: readonly GpuUsage[];
  /** Those that compute on a device; empty where the tool cannot be asked. */
  readonly processes: readonly GpuProcess[];
  /** Devices that the tool names but cannot read, by index or PCI bus. */
  readonly lost: readonly { readonly index: number | null; readonly pciBus: string | null; readonly message: string }[];
}

export const EMPTY_READING: GpuReading = { devices: [], usage: [], processes: [], lost: [] };

export const MIB = 1024 * 1024;

/** Undefined for everything the tools write instead of a number: `[N/A]`, `[Not Supported]`, `[Unknown Error]`, nothing. */
export function readNumber(text: unknown): number | undefined {
  if (typeof text === "number") return Number.isFinite(text) ? text : undefined;
  if (typeof text !== "string") return undefined;
  const match = /^\s*(-?\d+(?:\.\d+)?)/.exec(text);
  return match ? Number(match[1]) : undefined;
}

/** Empty for the same set of non-values. */
export function readText(text: unknown): string {
  if (typeof text !== "string") return "";
  const trimmed = text.trim();
  return /^\[?(n\/a|not supported|unknown error|not found|gpu is lost|requested functionality.*|insufficient permissions)\]?$/i.test(
    trimmed,
  )
    ? ""
    : trimmed;
}

/** A PCI bus as "3b:00.0" with its domain when it is not 0, lower case: the kernel and the tools pad it differently. */
export function pciKey(text: string): string {
  const match = /(?:([0-9a-f]+):)?([0-9a-f]{2}):([0-9a-f]{2})(?:\.([0-9a-f]))?/i.exec(text);
  if (!match) return text.toLowerCase();
  const domain = Number.parseInt(match[1] ?? "0", 16);
  return `${domain === 0 ? "" : `${domain.toString(16)}:`}${match[2]}:${match[3]}.${match[4] ?? "0"}`.toLowerCase();
}
