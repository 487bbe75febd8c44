import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import os from "node:os";
import type { Logger } from "pino";
import { describeError, WeftError } from "../lib/core/error.ts";
import type { AttemptKey } from "../lib/core/ids.ts";
import { type Sample, SAMPLES_MAX } from "../lib/core/sample.ts";
import type { SampleClient } from "../lib/samples.ts";
import { taskRunId } from "../lib/task-run.ts";
import type { Attempt } from "./attempt.ts";
import { type DeviceUsage, type Machine, type Reading, systemMetrics } from "./core/system-metrics.ts";
import type { Measured } from "./runner/protocol.ts";
import { trackingVariables } from "./tracking.ts";

/** Kept while nobody answers, over all attempts: ten hours of ten attempts, in some 40 MB. Then the oldest go. */
const WAITING_MAX = 36_000;
/** A task that sets this says itself whether its own client records them. */
const CHOSEN = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING";

export interface SystemMetricsOptions {
  readonly client: SampleClient;
  /** Between two samples, and the age at which an attempt has its first: none is taken of what ends before. */
  readonly everyMs: number;
  /** A folder on the disk that attempts use. */
  readonly dir: string;
  /** Tags that say what the machine is. */
  readonly machineTags: () => Readonly<Record<string, string>>;
  readonly devices: (uuids: readonly string[]) => readonly DeviceUsage[];
  /** Asks the runner, which answers with `onMeasured`. */
  readonly measure: (keys: readonly AttemptKey[]) => void;
  readonly log: Logger;
}

/** An attempt that is old enough to be sampled. */
interface Sampled {
  readonly attempt: Attempt;
  before: Reading;
  tagged: boolean;
}

/**
 * Samples what attempts use, for their runs, without a line in their code. One message a machine and interval; short attempts
 * cost an entry in a map. Never stands in a task's way.
 */
export class SystemMetrics {
  readonly #options: SystemMetricsOptions;
  /** Too young, or not to be sampled. */
  readonly #followed = new Map<AttemptKey, Attempt>();
  readonly #sampled = new Map<AttemptKey, Sampled>();
  #waiting: Sample[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending = false;

  constructor(options: SystemMetricsOptions) {
    this.#options = options;
  }

  /** Its process has started. */
  follow(attempt: Attempt): void {
    this.#followed.set(attempt.key, attempt);
    this.#timer ??= setInterval(() => this.#tick(), this.#options.everyMs).unref();
  }

  finish(key: AttemptKey): void {
    this.#followed.delete(key);
    this.#sampled.delete(key);
  }

  /** For good. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#followed.clear();
    this.#sampled.clear();
  }

  async onMeasured(measured: readonly Measured[]): Promise<void> {
    const atMs = Date.now();
    const machine = await readMachine(this.#options.dir);
    for (const { key, cpuMs, residentBytes } of measured) {
      const sampled = this.#sampled.get(key);
      if (sampled !== undefined) this.#add(sampled, { atMs, cpuMs, residentBytes }, machine);
    }
    void this.#send();
  }

  #tick(): void {
    const { everyMs, measure } = this.#options;
    const oldMs = Date.now() - everyMs;
    for (const [key, attempt] of this.#followed) {
      const { assignment, startedAtMs } = attempt;
      if (startedAtMs === null || startedAtMs > oldMs || !isRecorded(assignment)) continue;
      this.#followed.delete(key);
      // Of an attempt of an earlier agent the first span is all the time since its start.
      this.#sampled.set(key, { attempt, before: { atMs: startedAtMs, cpuMs: 0 }, tagged: false });
    }
    if (this.#sampled.size > 0) measure([...this.#sampled.keys()]);
    else void this.#send();
  }

  #add(sampled: Sampled, now: Reading & { readonly residentBytes: number }, machine: Machine): void {
    const { everyMs, devices, machineTags, log } = this.#options;
    const { startedAtMs, assignment, claim } = sampled.attempt;
    this.#waiting.push({
      run: taskRunId(assignment.ref),
      atMs: now.atMs,
      step: Math.max(Math.floor((now.atMs - startedAtMs!) / everyMs), 0),
      values: systemMetrics(sampled.before, now, machine, devices(claim.gpuUuids)),
      ...(sampled.tagged ? {} : { tags: machineTags() }),
    });
    sampled.before = now;
    sampled.tagged = true;
    const over = this.#waiting.length - WAITING_MAX;
    if (over <= 0) return;
    this.#waiting.splice(0, over);
    log.warn({ samples: over }, "nobody takes the system metrics of tasks: the oldest are dropped");
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#waiting.length > 0) {
        const some = this.#waiting.slice(0, SAMPLES_MAX);
        await this.#sendOrDrop(some);
        // What was dropped meanwhile to make room went from the front.
        const sent = new Set(some);
        this.#waiting = this.#waiting.filter((sample) => !sent.has(sample));
      }
    } catch (error) {
      this.#options.log.debug({ err: error }, `system metrics wait: ${describeError(error)}`);
    } finally {
      this.#sending = false;
    }
  }

  async #sendOrDrop(samples: readonly Sample[]): Promise<void> {
    try {
      await this.#options.client.send(samples);
    } catch (error) {
      if (error instanceof WeftError && error.code === "unavailable") throw error;
      // They would be refused again.
      this.#options.log.warn({ err: error }, `system metrics are not taken: ${describeError(error)}`);
    }
  }
}

/** The attempt logs to its own run, and leaves these to us. */
function isRecorded(assignment: Attempt["assignment"]): boolean {
  return assignment.env[CHOSEN] === undefined && trackingVariables(assignment, "")["MLFLOW_RUN_ID"] !== undefined;
}

async function readMachine(dir: string): Promise<Machine> {
  const disk = await statfs(dir).catch(() => undefined);
  const { received, sent } = readNetwork();
  return {
    cpus: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    diskBytes: disk === undefined ? 0 : disk.blocks * disk.bsize,
    diskBytesFree: disk === undefined ? 0 : disk.bavail * disk.bsize,
    networkBytesReceived: received,
    networkBytesSent: sent,
  };
}

/** Of all interfaces but the loopback one, since the machine's start; 0 where there is no /proc (man 5 proc_pid_net). */
function readNetwork(): { readonly received: number; readonly sent: number } {
  const sum = { received: 0, sent: 0 };
  let text = "";
  try {
    text = readFileSync("/proc/net/dev", "utf8");
  } catch {
    // Another system.
  }
  for (const line of text.split("\n")) {
    const [name, rest = ""] = line.split(":");
    if (name!.trim() === "lo") continue;
    const counts = rest.trim().split(/\s+/).map(Number);
    if (counts.length < 9) continue;
    sum.received += counts[0]!;
    sum.sent += counts[8]!;
  }
  return sum;
}
