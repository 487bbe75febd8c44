import { type GpuDevice, type GpuReading, type GpuUsage, pciKey } from "./device.ts";

export interface Verdict {
  readonly healthy: boolean;
  readonly healthMessage: string;
}

const HEALTHY: Verdict = { healthy: true, healthMessage: "" };

/** What the driver itself says about a card. Zero ECC errors prove nothing, so the recovery action comes first. */
export function recoveryMessage(card: {
  readonly uuid: string;
  /** As the driver writes it ("None", "GPU Reset", …); empty: it does not say. */
  readonly recoveryAction: string;
  readonly rowsPending: boolean;
  readonly rowsFailed: boolean;
  readonly eccUncorrected: number;
}): Verdict {
  const reset = `reset it (nvidia-smi --gpu-reset -i ${card.uuid})`;
  if (card.recoveryAction !== "" && !/^none$/i.test(card.recoveryAction))
    return { healthy: false, healthMessage: `the driver asks for: ${card.recoveryAction}` };
  if (card.rowsFailed)
    return { healthy: false, healthMessage: "remapping a broken row of its memory failed; the card must be replaced" };
  if (card.eccUncorrected > 0) {
    const errors =
      card.eccUncorrected === 1 ? "1 uncorrectable ECC error" : `${card.eccUncorrected} uncorrectable ECC errors`;
    return { healthy: false, healthMessage: `${errors} since the driver was loaded; ${reset}` };
  }
  if (card.rowsPending)
    return { healthy: true, healthMessage: `a broken row of its memory will be remapped at the next reset; ${reset}` };
  return HEALTHY;
}

/**
 * What NVIDIA's XID catalogue says of the errors after which a card must not get new work (docs.nvidia.com/deploy/xid-errors).
 * Errors of the application (13, 31, 43, 45, 68, 94 …) are not here: the task fails by itself and the card is well.
 */
const FATAL_XIDS: Readonly<Record<number, string>> = {
  48: "double-bit ECC error",
  64: "remapping a broken row failed",
  74: "NVLink error",
  79: "fallen off the bus",
  95: "uncontained ECC error",
  109: "context switch timed out; it needs a reset",
  119: "its system processor does not answer",
  120: "its system processor failed",
  140: "unrecovered ECC error",
  154: "the driver asks for a reset",
};

/**
 * How long a card rests after a fatal XID, in milliseconds; then a clean look at it brings it back by itself. Shorter, and
 * a card that is dying gets work between two errors; much longer, and a reset card stays idle.
 */
export const XID_REST_MS = 600_000;

export interface Xid {
  readonly pciBus: string;
  readonly code: number;
  /** On the clock that `judge` is asked with. */
  readonly atMs: number;
}

/** `NVRM: Xid (PCI:0000:3b:00): 79, pid=1234, …` of the kernel's log; undefined when the line is none. */
export function parseXid(line: string, atMs: number): Xid | undefined {
  const match = /NVRM: Xid \((?:PCI:)?([0-9a-f:.]+)\): (\d+)/i.exec(line);
  return match ? { pciBus: pciKey(match[1]!), code: Number(match[2]), atMs } : undefined;
}

/**
 * The devices this node offers: what was read, with XIDs and losses laid over it, and those that were there before and
 * are gone. A device that was never seen healthy and is lost at once is not known by uuid and is left out.
 */
export function judge(
  known: readonly GpuDevice[],
  reading: GpuReading,
  xids: readonly Xid[],
  nowMs: number,
): GpuDevice[] {
  const seen = new Set(reading.devices.map(({ uuid }) => uuid));
  const present = reading.devices.map((device) => withXid(device, xids, nowMs));
  const gone = known.filter(({ uuid }) => !seen.has(uuid)).flatMap((device) => vanished(device, reading));
  return [...present, ...gone].toSorted((a, b) => a.index - b.index || (a.uuid < b.uuid ? -1 : 1));
}

function withXid(device: GpuDevice, xids: readonly Xid[], nowMs: number): GpuDevice {
  if (!device.healthy) return device;
  const bus = pciKey(device.pciBus);
  const fatal = xids.findLast((xid) => xid.pciBus === bus && xid.code in FATAL_XIDS && nowMs - xid.atMs < XID_REST_MS);
  if (!fatal) return device;
  return { ...device, healthy: false, healthMessage: `XID ${fatal.code}: ${FATAL_XIDS[fatal.code]}` };
}

function vanished(device: GpuDevice, reading: GpuReading): GpuDevice[] {
  // Its card is there, cut differently: MIG was turned on or off, or its instances were made anew.
  if (reading.devices.some((other) => pciKey(other.pciBus) === pciKey(device.pciBus))) return [];
  const lost = reading.lost.find(
    ({ index, pciBus }) => pciBus === pciKey(device.pciBus) || (pciBus === null && index === device.index),
  );
  const healthMessage = lost?.message ?? "the driver no longer lists this GPU";
  return [{ ...device, healthy: false, healthMessage }];
}

/** All devices unhealthy for one reason, e.g. a driver that does not answer. */
export function allUnhealthy(known: readonly GpuDevice[], healthMessage: string): GpuDevice[] {
  return known.map((device) => ({ ...device, healthy: false, healthMessage }));
}

/** The usage with the XIDs of each card since the last heartbeat. */
export function withXids(usage: readonly GpuUsage[], devices: readonly GpuDevice[], fresh: readonly Xid[]): GpuUsage[] {
  const buses = new Map(devices.map((device) => [device.uuid, pciKey(device.pciBus)]));
  return usage.map((one) => ({
    ...one,
    xids: fresh.filter((xid) => xid.pciBus === buses.get(one.uuid)).map((xid) => xid.code),
  }));
}
