import type { AttemptKey } from "../lib/core/ids.ts";
import type { Attempt } from "./attempt.ts";
import type { WorkerOptions } from "./index.ts";
import type { Measured } from "./runner/protocol.ts";
import { SystemMetrics } from "./system-metrics.ts";
import { EventFileTails } from "./tensorboard.ts";

/** What attempts' tracking runs are told while they run: what they write for TensorBoard, and what they use of the machine. */
export class RunFeed {
  readonly #tails: EventFileTails | undefined;
  readonly #metrics: SystemMetrics | undefined;

  /** `measure` asks the runner, which answers with `onMeasured`. */
  constructor(
    { eventFiles, systemMetrics, devices, log }: WorkerOptions,
    dir: string,
    waitMsMax: number,
    measure: (keys: readonly AttemptKey[]) => void,
  ) {
    this.#tails = eventFiles && new EventFileTails(eventFiles, log, waitMsMax);
    const usageOf = (uuids: readonly string[]) => devices?.usageOf(uuids) ?? [];
    this.#metrics = systemMetrics && new SystemMetrics({ ...systemMetrics, dir, devices: usageOf, measure, log });
  }

  /** Its process has started. */
  follow(attempt: Attempt): void {
    this.#tails?.follow(attempt);
    this.#metrics?.follow(attempt);
  }

  onMeasured(measured: readonly Measured[]): void {
    void this.#metrics?.onMeasured(measured);
  }

  /** Its processes have ended: sends what they have written. No promise when there is nothing. */
  finish(attempt: Attempt): void | Promise<void> {
    this.#metrics?.finish(attempt.key);
    return this.#tails?.finish(attempt, attempt.abort.signal);
  }

  /** For good. */
  stop(): void {
    this.#tails?.stop();
    this.#metrics?.stop();
  }
}
