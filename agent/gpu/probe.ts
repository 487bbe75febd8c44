import type { Log } from "../../lib/log.ts";
import type { GpuDevice, GpuUsage } from "../core/gpu/device.ts";
import { allUnhealthy, judge, withXids, type Xid, XID_REST_MS } from "../core/gpu/health.ts";
import { AmdTool } from "./amd.ts";
import type { CommandOptions } from "./command.ts";
import { KernelLog } from "./kernel-log.ts";
import { type Look, NvidiaTool } from "./nvidia.ts";

/** Between two looks, in milliseconds: as often as monitoring systems ask; each costs a process and some driver time. */
const LOOK_MS = 15_000;
/** The same while no tool is installed: one may be installed later. */
const ABSENT_MS = 600_000;

export interface GpuProbeOptions extends CommandOptions {
  readonly log: Log;
  readonly lookMs?: number;
  readonly kernelLog?: string;
  /** The devices or their health are others than before. */
  readonly onChange?: () => void;
}

interface Vendor {
  readonly name: "nvidia" | "amd";
  readonly tool: { look(): Promise<Look> };
  devices: readonly GpuDevice[];
  usage: readonly GpuUsage[];
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
  #closed = false;
  #before = "[]";

  constructor(options: GpuProbeOptions) {
    this.#options = options;
    const vendor = { devices: [], usage: [], stuck: false, absent: false };
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

  /** As of the latest look. */
  get devices(): GpuDevice[] {
    return this.#vendors.flatMap((vendor) => vendor.devices);
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
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#looking;
    await this.#kernelLog.close();
  }

  #again(): void {
    if (this.#closed) return;
    const ms = this.#vendors.every(({ absent }) => absent) ? ABSENT_MS : (this.#options.lookMs ?? LOOK_MS);
    this.#timer = setTimeout(() => void this.look().then(() => this.#again()), ms);
  }

  async #lookAll(): Promise<void> {
    await Promise.all(this.#vendors.map((vendor) => this.#lookAt(vendor)));
    this.#say();
  }

  async #lookAt(vendor: Vendor): Promise<void> {
    if (vendor.stuck) return;
    const look = await vendor.tool.look();
    vendor.absent = look.kind === "absent" && vendor.devices.length === 0;
    switch (look.kind) {
      case "seen":
        if (vendor.name === "nvidia" && look.reading.devices.length + vendor.devices.length > 0) await this.#readXids();
        vendor.devices = judge(vendor.devices, look.reading, this.#xids, Date.now());
        vendor.usage = look.reading.usage;
        return;
      case "stuck":
        this.#onStuck(vendor, look.gone);
        return;
      case "failed":
      case "absent":
        vendor.usage = [];
        vendor.devices = allUnhealthy(vendor.devices, look.kind === "failed" ? look.message : "the GPU tool is gone");
        if (look.kind === "failed")
          this.#options.log.warn({ vendor: vendor.name, reason: look.message }, "GPUs cannot be read");
    }
  }

  #onStuck(vendor: Vendor, gone: Promise<void>): void {
    vendor.stuck = true;
    vendor.usage = [];
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
      return this.#closed ? undefined : this.look();
    });
  }

  async #readXids(): Promise<void> {
    const fresh = await this.#kernelLog.xids();
    this.#freshXids.push(...fresh);
    this.#xids = [...this.#xids, ...fresh].filter(({ atMs }) => Date.now() - atMs < XID_REST_MS);
  }

  #say(): void {
    const now = JSON.stringify(this.#vendors.map(({ devices }) => devices));
    if (now === this.#before) return;
    this.#before = now;
    this.#options.onChange?.();
  }
}
