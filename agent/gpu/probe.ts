import type { Log } from "../../lib/log.ts";
import type { DeviceUsage } from "../../worker/index.ts";
import type { GpuDevice, GpuUsage } from "../core/gpu/device.ts";
import { allUnhealthy, judge, withXids, type Xid, XID_REST_MS } from "../core/gpu/health.ts";
import { occupied } from "../core/gpu/occupancy.ts";
import { pause } from "../pause.ts";
import { AmdTool } from "./amd.ts";
import type { CommandOptions } from "./command.ts";
import { KernelLog } from "./kernel-log.ts";
import { type Look, NvidiaTool } from "./nvidia.ts";

/** Between two looks, in milliseconds: as often as monitoring systems ask; each costs a process and some driver time. */
const LOOK_MS = 15_000;
/** The same while a device is to become empty. */
const LOOK_SOON_MS = 1_000;
/** What was killed may need so long, in milliseconds, to give its memory back: until then its device is not said to be in trouble. */
const SETTLE_MS = 3_000;
/** How long a task waits for its device to become empty, in milliseconds, before it goes elsewhere. */
const EMPTY_MS_MAX = 10_000;
/** The same while no tool is installed: one may be installed later. */
const ABSENT_MS = 600_000;

export interface GpuProbeOptions extends CommandOptions {
  readonly log: Log;
  readonly lookMs?: number;
  /** How long a task waits for its device to become empty; default EMPTY_MS_MAX. */
  readonly emptyMs?: number;
  readonly kernelLog?: string;
  /** The devices or their health are others than before. */
  readonly onChange?: () => void;
}

interface Vendor {
  readonly name: "nvidia" | "amd";
  readonly tool: { look(): Promise<Look> };
  devices: readonly GpuDevice[];
  usage: readonly GpuUsage[];
  /** What is on devices that are to be empty. */
  occupied: ReadonlyMap<string, string>;
  /** The driver's hold on the tool: nothing more is started until it lets go. */
  stuck: boolean;
  absent: boolean;
}

/**
 * Looks at the GPUs again and again, beside everything else: whoever asks gets the latest look at once. At most one tool
 * runs at a time for each vendor; one that the driver does not let go makes all its cards unhealthy until it is gone.
 */
export class GpuProbe {
  readonly #options: GpuProbeOptions;
  readonly #vendors: readonly Vendor[];
  readonly #kernelLog: KernelLog;
  #xids: Xid[] = [];
  #freshXids: Xid[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  readonly #stopping = new AbortController();
  /** Devices that processes of ours may be using; undefined: that is not known yet. */
  #held: (() => ReadonlySet<string>) | undefined;
  /** When ours left devices that no look has begun at since. */
  readonly #left = new Map<string, number>();
  /** When ours left devices, until they had the time to become empty. */
  readonly #settling = new Map<string, number>();
  #before = "[]";

  constructor(options: GpuProbeOptions) {
    this.#options = options;
    const vendor = { devices: [], usage: [], occupied: new Map<string, string>(), stuck: false, absent: false };
    this.#vendors = [
      { ...vendor, name: "nvidia", tool: new NvidiaTool(options) },
      { ...vendor, name: "amd", tool: new AmdTool(options) },
    ];
    this.#kernelLog = new KernelLog(options.kernelLog);
  }

  /** Resolves when the first look is done; a driver that hangs makes that the deadline and a second. Then it goes on by itself. */
  async start(): Promise<void> {
    await this.look();
    this.#again();
  }

  /** As of the latest look. One that is not empty and should be is given to nobody. */
  get devices(): GpuDevice[] {
    return this.#vendors.flatMap(({ devices, occupied: on }) =>
      devices.map((device) => {
        const what = device.healthy && !this.#settling.has(device.uuid) ? on.get(device.uuid) : undefined;
        return what === undefined ? device : { ...device, healthy: false, healthMessage: what };
      }),
    );
  }

  /** From now on devices are to be empty but for those that processes of ours may be using. */
  watch(held: () => ReadonlySet<string>): void {
    this.#held = held;
  }

  /** The processes of ours that used them have ended. */
  left(uuids: readonly string[]): void {
    for (const uuid of uuids) {
      this.#left.set(uuid, performance.now());
      this.#settling.set(uuid, performance.now());
    }
    void this.#lookAnew().then(() => this.#again());
  }

  /** Undefined when the devices are empty, as seen after ours left them; else, after some seconds, what is on them. */
  async free(uuids: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const giveUpAtMs = performance.now() + (this.#options.emptyMs ?? EMPTY_MS_MAX);
    while (uuids.some((uuid) => this.#left.has(uuid))) await this.#lookAnew();
    for (;;) {
      const what = this.#occupied(uuids);
      if (what === undefined || signal.aborted || performance.now() >= giveUpAtMs) return what;
      await pause(this.#soonMs, signal);
      await this.#lookAnew();
    }
  }

  #occupied(uuids: readonly string[]): string | undefined {
    for (const { occupied: on } of this.#vendors)
      for (const uuid of uuids) if (on.has(uuid)) return `GPU ${uuid} is ${on.get(uuid)!}`;
    return undefined;
  }

  /** One that begins after now. */
  async #lookAnew(): Promise<void> {
    await this.#looking;
    await this.look();
  }

  get #soonMs(): number {
    return Math.min(LOOK_SOON_MS, this.#options.lookMs ?? LOOK_MS);
  }

  usageOf(uuids: readonly string[]): DeviceUsage[] {
    const all = this.#vendors.flatMap(({ usage }) => usage);
    const devices = this.devices;
    return uuids.flatMap((uuid) => {
      const usage = all.find((one) => one.uuid === uuid);
      return usage ? [{ ...usage, memoryBytes: devices.find((one) => one.uuid === uuid)?.memoryBytes ?? 0 }] : [];
    });
  }

  /** As of the latest look; each XID is given once. */
  takeUsage(): GpuUsage[] {
    const usage = withXids(
      this.#vendors.flatMap((vendor) => vendor.usage),
      this.devices,
      this.#freshXids,
    );
    this.#freshXids = [];
    return usage;
  }

  /** One look now, or the one that is under way. */
  look(): Promise<void> {
    this.#looking ??= this.#lookAll().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#kernelLog.close();
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (this.#stopping.signal.aborted) return;
    const isSoon = this.#settling.size > 0 || this.#vendors.some(({ occupied: on }) => on.size > 0);
    const usualMs = this.#options.lookMs ?? LOOK_MS;
    const ms = this.#vendors.every(({ absent }) => absent) ? ABSENT_MS : isSoon ? this.#soonMs : usualMs;
    this.#timer = setTimeout(() => void this.look().then(() => this.#again()), ms);
  }

  async #lookAll(): Promise<void> {
    const left = new Map(this.#left);
    await Promise.all(this.#vendors.map((vendor) => this.#lookAt(vendor)));
    for (const [uuid, atMs] of left) if (this.#left.get(uuid) === atMs) this.#left.delete(uuid);
    const nowMs = performance.now();
    for (const [uuid, atMs] of this.#settling)
      if (nowMs - atMs >= SETTLE_MS || this.#occupied([uuid]) === undefined) this.#settling.delete(uuid);
    this.#say();
  }

  async #lookAt(vendor: Vendor): Promise<void> {
    if (vendor.stuck) return;
    const heldBefore = this.#held?.();
    const look = await vendor.tool.look();
    vendor.absent = look.kind === "absent" && vendor.devices.length === 0;
    switch (look.kind) {
      case "seen":
        if (vendor.name === "nvidia" && look.reading.devices.length + vendor.devices.length > 0) await this.#readXids();
        vendor.devices = judge(vendor.devices, look.reading, this.#xids, Date.now());
        vendor.usage = look.reading.usage;
        // What has begun meanwhile may be seen or not.
        vendor.occupied = heldBefore
          ? occupied(vendor.devices, look.reading, new Set([...heldBefore, ...this.#held!()]))
          : new Map();
        return;
      case "stuck":
        this.#onStuck(vendor, look.gone);
        return;
      case "failed":
      case "absent":
        vendor.usage = [];
        vendor.occupied = new Map();
        vendor.devices = allUnhealthy(vendor.devices, look.kind === "failed" ? look.message : "the GPU tool is gone");
        if (look.kind === "failed")
          this.#options.log.warn({ vendor: vendor.name, reason: look.message }, "GPUs cannot be read");
    }
  }

  #onStuck(vendor: Vendor, gone: Promise<void>): void {
    vendor.stuck = true;
    vendor.usage = [];
    vendor.occupied = new Map();
    vendor.devices = allUnhealthy(
      vendor.devices,
      "the GPU driver is unresponsive: its tool hangs and cannot be killed",
    );
    this.#options.log.error(
      { vendor: vendor.name },
      "the GPU driver is unresponsive; its GPUs get no new work until it answers",
    );
    void gone.then(() => {
      vendor.stuck = false;
      return this.#stopping.signal.aborted ? undefined : this.look();
    });
  }

  async #readXids(): Promise<void> {
    const fresh = await this.#kernelLog.xids();
    this.#freshXids.push(...fresh);
    this.#xids = [...this.#xids, ...fresh].filter(({ atMs }) => Date.now() - atMs < XID_REST_MS);
  }

  #say(): void {
    const now = JSON.stringify(this.devices);
    if (now === this.#before) return;
    this.#before = now;
    this.#options.onChange?.();
  }
}
