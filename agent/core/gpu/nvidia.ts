import { type GpuDevice, type GpuReading, type GpuUsage, MIB, pciKey, readNumber, readText } from "./device.ts";
import { recoveryMessage } from "./health.ts";

/** Asked for when `nvidia-smi --help-query-gpu` lists them: one that it does not know fails the whole call. */
export const NVIDIA_FIELDS = [
  "index",
  "uuid",
  "name",
  "pci.bus_id",
  "driver_version",
  "memory.total",
  "compute_cap",
  "mig.mode.current",
  "ecc.mode.current",
  "memory.used",
  "utilization.gpu",
  "temperature.gpu",
  "power.draw",
  "ecc.errors.uncorrected.volatile.total",
  "remapped_rows.pending",
  "remapped_rows.failure",
  "gpu_recovery_action",
] as const;
export type NvidiaField = (typeof NVIDIA_FIELDS)[number];

/** The fields to ask this driver for. Its help names each property in quotes at the start of a line, with its aliases. */
export function knownFields(help: string): NvidiaField[] {
  const listed = new Set<string>();
  for (const line of help.split("\n")) {
    if (!line.startsWith('"')) continue;
    for (const match of line.matchAll(/"([a-z0-9_.]+)"/g)) listed.add(match[1]!);
  }
  return NVIDIA_FIELDS.filter((field) => listed.has(field));
}

export function queryArguments(fields: readonly NvidiaField[]): string[] {
  return [`--query-gpu=${fields.join(",")}`, "--format=csv,noheader,nounits"];
}

type Row = Partial<Record<NvidiaField, string>>;

/**
 * The answer to `queryArguments(fields)`, and to `nvidia-smi -L` where MIG is enabled. Memory comes in MiB. A card that has
 * fallen off the bus is a line of words instead of a row, or a row whose cells say so.
 */
export function parseNvidia(fields: readonly NvidiaField[], csv: string, list = ""): GpuReading {
  const devices: GpuDevice[] = [];
  const usage: GpuUsage[] = [];
  const lost: GpuReading["lost"][number][] = [];
  const instances = parseMigList(list);
  for (const line of csv.split("\n")) {
    if (line.trim() === "" || /no devices were found/i.test(line)) continue;
    const cells = line.split(",").map((cell) => cell.trim());
    const row: Row = Object.fromEntries(fields.map((field, i) => [field, cells[i]]));
    const failure = lostFrom(line, row, cells.length === fields.length);
    if (failure) {
      lost.push(failure);
      continue;
    }
    const whole = device(row);
    const slices = instances.get(whole.uuid) ?? [];
    devices.push(...(whole.migMode === "enabled" ? migDevices(whole, slices) : [whole]));
    usage.push(usageOf(row));
  }
  return { devices, usage, processes: [], lost };
}

function lostFrom(line: string, row: Row, complete: boolean): GpuReading["lost"][number] | undefined {
  if (complete && readText(row.uuid) !== "" && !/gpu is lost/i.test(line)) return undefined;
  const pci = /GPU\s?([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f])/i.exec(line)?.[1] ?? readText(row["pci.bus_id"]);
  const message = /gpu is lost/i.test(line)
    ? "the GPU is lost (fallen off the bus); reboot the machine to recover it"
    : `nvidia-smi cannot read the GPU: ${line.trim().slice(0, 200)}`;
  return { index: complete ? (readNumber(row.index) ?? null) : null, pciBus: pci === "" ? null : pciKey(pci), message };
}

function device(row: Row): GpuDevice {
  const message = recoveryMessage({
    uuid: row.uuid!,
    recoveryAction: readText(row.gpu_recovery_action),
    rowsPending: isYes(row["remapped_rows.pending"]),
    rowsFailed: isYes(row["remapped_rows.failure"]),
    eccUncorrected: readNumber(row["ecc.errors.uncorrected.volatile.total"]) ?? 0,
  });
  return {
    uuid: row.uuid!,
    index: readNumber(row.index) ?? 0,
    vendor: "nvidia",
    model: readText(row.name),
    memoryBytes: (readNumber(row["memory.total"]) ?? 0) * MIB,
    computeCapability: readText(row.compute_cap),
    driver: readText(row.driver_version),
    pciBus: readText(row["pci.bus_id"]),
    migMode: readText(row["mig.mode.current"]).toLowerCase(),
    migProfile: "",
    eccMode: readText(row["ecc.mode.current"]).toLowerCase(),
    ...message,
  };
}

/** What is 0 is 0, and not absent. */
function usageOf(row: Row): GpuUsage {
  const utilization = readNumber(row["utilization.gpu"]);
  const memory = readNumber(row["memory.used"]);
  const temperature = readNumber(row["temperature.gpu"]);
  const power = readNumber(row["power.draw"]);
  const ecc = readNumber(row["ecc.errors.uncorrected.volatile.total"]);
  return {
    uuid: row.uuid!,
    ...(utilization === undefined ? {} : { utilizationFraction: utilization / 100 }),
    ...(memory === undefined ? {} : { memoryBytesUsed: memory * MIB }),
    ...(temperature === undefined ? {} : { temperatureCelsius: temperature }),
    ...(power === undefined ? {} : { powerWatts: power }),
    ...(ecc === undefined ? {} : { eccUncorrected: ecc }),
    xids: [],
  };
}

interface MigInstance {
  readonly uuid: string;
  readonly profile: string;
}

/** MIG instances by the uuid of their card, from `nvidia-smi -L`. */
export function parseMigList(list: string): Map<string, MigInstance[]> {
  const instances = new Map<string, MigInstance[]>();
  let card: MigInstance[] = [];
  for (const line of list.split("\n")) {
    const whole = /^GPU \d+:.*\(UUID: (GPU-[^)]+)\)/.exec(line);
    if (whole) {
      card = [];
      instances.set(whole[1]!, card);
    }
    const slice = /^\s+MIG (\S+)\s+Device\s+\d+:\s+\(UUID: (MIG-[^)]+)\)/.exec(line);
    if (slice) card.push({ profile: slice[1]!, uuid: slice[2]! });
  }
  return instances;
}

/** With MIG on, work runs on the instances; CUDA gives a process that names the card only its first instance. */
function migDevices(card: GpuDevice, instances: readonly MigInstance[]): GpuDevice[] {
  if (instances.length === 0) {
    const healthMessage = "MIG is enabled but the card has no instance; make one (nvidia-smi mig -cgi) or turn MIG off";
    return [{ ...card, healthy: false, healthMessage: card.healthy ? healthMessage : card.healthMessage }];
  }
  return instances.map(({ uuid, profile }) => ({
    ...card,
    uuid,
    model: `${card.model} MIG ${profile}`,
    migProfile: profile,
    memoryBytes: profileBytes(profile),
  }));
}

/** "1g.10gb" names its memory in GB, rounded up a little; 0 when it does not. */
function profileBytes(profile: string): number {
  return Number(/\.(\d+)gb/.exec(profile)?.[1] ?? 0) * 1024 * MIB;
}

function isYes(text: string | undefined): boolean {
  return /^(yes|1)$/i.test(text?.trim() ?? "");
}
