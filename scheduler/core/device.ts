import type { GpuRequest, Resources } from "../../lib/core/pipeline/spec.ts";
import type { AttemptKey } from "../../lib/core/ids.ts";
import type { GpuCapacity } from "./event.ts";
import type { Node } from "./state.ts";

export interface DeviceRoom {
  /** Devices that nobody holds. */
  readonly whole: number;
  /** Thousandths that are not taken, of each device of which a part is. */
  readonly shares: readonly number[];
  /** Thousandths that are not taken, of all. */
  readonly millis: number;
}

/** What is taken of one device: all of it by one attempt, or shares by several. */
export interface DeviceUse {
  shareMillis: number;
  memoryBytes: number;
  readonly holders: Map<AttemptKey, { readonly shareMillis: number; readonly memoryBytes: number }>;
}

/** A whole device, in thousandths. */
const WHOLE = 1000;

export type DeviceMisfit = "gpus" | "gpu-model" | "gpu-memory" | "gpu-capability" | "gpu-driver" | "gpu-mig";

/** Why a device is not what is asked for, whoever holds it; null: it is. */
export function deviceMisfit(gpu: GpuCapacity, asked: Resources): DeviceMisfit | null {
  const wanted = asked.gpu;
  if (gpu.mig !== (wanted?.mig ?? "")) return "gpu-mig";
  if (!wanted) return null;
  if (wanted.models.length > 0 && !isModel(gpu.model, wanted)) return "gpu-model";
  if (wanted.computeCapability !== "" && !isAtLeast(gpu.computeCapability, wanted.computeCapability))
    return "gpu-capability";
  if (wanted.driver !== "" && !isAtLeast(gpu.driver, wanted.driver)) return "gpu-driver";
  // A card that does not say how much it has is taken for none that has enough.
  if (wanted.memoryBytes > 0 && wanted.memoryBytes > gpu.memoryBytes) return "gpu-memory";
  return null;
}

function isModel(model: string, { models }: GpuRequest): boolean {
  const name = model.toLowerCase();
  return models.some((part) => name.includes(part.toLowerCase()));
}

/** Versions as numbers with dots: "8.6" is at least "8", and "535.104" at least "535.54.1". */
function isAtLeast(version: string, least: string): boolean {
  if (version === "") return false;
  const has = version.split(".").map(Number);
  const needs = least.split(".").map(Number);
  for (let i = 0; i < Math.max(has.length, needs.length); i += 1) {
    const difference = (has[i] ?? 0) - (needs[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** How much of a device's memory the request takes: the task's share of it, or what it asks for if that is more. */
export function memoryShare(gpu: GpuCapacity, asked: Resources): number {
  if (asked.gpuMillis >= WHOLE) return gpu.memoryBytes;
  return Math.max(Math.floor((gpu.memoryBytes * asked.gpuMillis) / WHOLE), asked.gpu?.memoryBytes ?? 0);
}

/** Devices whose whole is asked for, or 1 for a share. */
export function deviceCount(asked: Resources): number {
  return Math.ceil(asked.gpuMillis / WHOLE);
}

function isUsable(node: Node, gpu: GpuCapacity): boolean {
  return gpu.healthy && node.settings.quarantined[gpu.uuid] === undefined;
}

/** Its devices that are given to nobody, and why. */
export function devicesAway(node: Node): string[] {
  return node.capacity.gpus.flatMap((gpu) => {
    if (isUsable(node, gpu)) return [];
    const quarantined = node.settings.quarantined[gpu.uuid];
    const why = gpu.healthy ? `in quarantine (${quarantined})` : (gpu.healthMessage ?? "unhealthy");
    return [`${gpu.uuid} of ${node.name}: ${why}`];
  });
}

/**
 * The devices to give, by uuid: whole ones that nobody holds, or for a share the fullest device that has room for it.
 * Undefined: there are not so many. `keep`: free devices that must be left over.
 */
export function chooseDevices(node: Node, asked: Resources, keep = 0): readonly string[] | undefined {
  if (asked.gpuMillis === 0) return NONE;
  const room = deviceRoom(node);
  if (room.millis < asked.gpuMillis) return undefined;
  if (asked.gpuMillis < WHOLE) return chooseShared(node, asked, keep);
  const count = deviceCount(asked);
  if (room.whole < count + keep) return undefined;
  const free: string[] = [];
  for (const gpu of node.capacity.gpus) {
    if (!node.devices.has(gpu.uuid) && isUsable(node, gpu) && deviceMisfit(gpu, asked) === null) free.push(gpu.uuid);
  }
  return free.length < count + keep ? undefined : free.slice(0, count);
}

const NONE: readonly string[] = Object.freeze([]);

function chooseShared(node: Node, asked: Resources, keep: number): readonly string[] | undefined {
  let best: string | undefined;
  let most = -1;
  let free = 0;
  for (const gpu of node.capacity.gpus) {
    if (!isUsable(node, gpu) || deviceMisfit(gpu, asked) !== null) continue;
    const use = node.devices.get(gpu.uuid);
    if (!use) free += 1;
    else if (use.shareMillis + asked.gpuMillis > WHOLE) continue;
    else if (use.memoryBytes + memoryShare(gpu, asked) > gpu.memoryBytes) continue;
    const taken = use?.shareMillis ?? 0;
    if (taken <= most) continue;
    [best, most] = [gpu.uuid, taken];
  }
  if (best === undefined || (most === 0 && free <= keep)) return undefined;
  return [best];
}

/** What is free of its usable devices. */
export function deviceRoom(node: Node): DeviceRoom {
  if (node.deviceRoom) return node.deviceRoom;
  let whole = 0;
  let millis = 0;
  const shares: number[] = [];
  for (const gpu of node.capacity.gpus) {
    if (!isUsable(node, gpu)) continue;
    const use = node.devices.get(gpu.uuid);
    if (!use) whole += 1;
    millis += WHOLE - (use?.shareMillis ?? 0);
    if (use && use.shareMillis < WHOLE) shares.push(WHOLE - use.shareMillis);
  }
  return (node.deviceRoom = { whole, millis, shares });
}

/** Why an empty node could never give the devices; null: it could. The reason is that of the nearest miss. */
export function capacityMisfit(gpus: readonly GpuCapacity[], asked: Resources): DeviceMisfit | null {
  if (asked.gpuMillis === 0) return null;
  const count = deviceCount(asked);
  if (gpus.length < count) return "gpus";
  let right = 0;
  let why: DeviceMisfit = "gpus";
  for (const gpu of gpus) {
    const misfit = deviceMisfit(gpu, asked);
    if (misfit === null) right += 1;
    else why = misfit;
  }
  return right >= count ? null : why;
}

export function bookDevices(node: Node, uuids: readonly string[], key: AttemptKey, asked: Resources): void {
  const shareMillis = Math.min(asked.gpuMillis, WHOLE);
  if (uuids.length > 0) node.deviceRoom = null;
  for (const uuid of uuids) {
    // 0 for a device that is gone, or whose driver does not say: then its share alone is counted.
    const gpu = node.capacity.gpus.find((one) => one.uuid === uuid);
    const memoryBytes = gpu ? memoryShare(gpu, asked) : 0;
    let use = node.devices.get(uuid);
    if (!use) node.devices.set(uuid, (use = { shareMillis: 0, memoryBytes: 0, holders: new Map() }));
    use.shareMillis += shareMillis;
    use.memoryBytes += memoryBytes;
    use.holders.set(key, { shareMillis, memoryBytes });
  }
}

/** What is held of a device that was not there when it was booked is known when it is back. */
export function recountDevices(node: Node): void {
  node.deviceRoom = null;
  for (const [uuid, use] of node.devices) {
    const gpu = node.capacity.gpus.find((one) => one.uuid === uuid);
    if (!gpu) continue;
    use.memoryBytes = 0;
    for (const [key, { shareMillis }] of use.holders) {
      const holder = node.attempts.get(key)?.state;
      const memoryBytes = holder?.kind === "active" ? memoryShare(gpu, holder.asked) : 0;
      use.holders.set(key, { shareMillis, memoryBytes });
      use.memoryBytes += memoryBytes;
    }
  }
}

export function unbookDevices(node: Node, uuids: readonly string[], key: AttemptKey): void {
  if (uuids.length > 0) node.deviceRoom = null;
  for (const uuid of uuids) {
    const use = node.devices.get(uuid);
    const held = use?.holders.get(key);
    if (!use || !held) continue;
    use.shareMillis -= held.shareMillis;
    use.memoryBytes -= held.memoryBytes;
    use.holders.delete(key);
    if (use.holders.size === 0) node.devices.delete(uuid);
  }
}
