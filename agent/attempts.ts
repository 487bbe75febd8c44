import { join } from "node:path";
import type { ArtifactClient } from "../lib/artifacts.ts";
import type { EventFileClient } from "../lib/event-files.ts";
import {
  type ArchivedReport,
  type Assignment,
  type CheckpointReport,
  type EndedReport,
  type Report,
  reportSubject,
  type ReadyReport,
  type StartedReport,
} from "../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type NodeId } from "../lib/core/ids.ts";
import type { Log } from "../lib/log.ts";
import {
  createWorker,
  type DeviceGuard,
  type Engine,
  type Worker,
  type WorkerCapacity,
  type WorkerOptions,
} from "../worker/index.ts";
import { Archive } from "./archive.ts";
import { Era } from "./core/era.ts";
import { lastGraceMs } from "./core/lease.ts";
import { messagePaceMs, watchAfterMs } from "./core/pace.ts";
import type { Journal } from "./journal.ts";
import { LogShipper } from "./log-shipper.ts";
import { openReports, type Publish, type Reports } from "./reports.ts";

/** On the way down, how long reports and logs may take to leave, in milliseconds; what stays is sent by the next agent. */
const LEAVE_MS_MAX = 5_000;
/** The same when the attempts go on: their next reports would not wait for it either. */
const LEAVE_RUNNING_MS_MAX = 1_000;

export interface AttemptsOptions {
  readonly node: NodeId;
  /** Absolute path of the agent's folder. */
  readonly dir: string;
  readonly journal: Journal;
  readonly artifacts: ArtifactClient;
  readonly eventFiles: EventFileClient;
  readonly systemMetrics: WorkerOptions["systemMetrics"];
  readonly publish: Publish;
  readonly capacity: () => WorkerCapacity;
  readonly log: Log;
  readonly devices: DeviceGuard;
  /** Default: the built one of this package. */
  readonly runnerProgram?: string;
  readonly engine?: Engine | undefined;
  /** Of the server's HTTP. */
  readonly serverUrl: () => string;
}

/**
 * The attempts of this node on their way from the journal to the end: processes in the worker, reports to the queue, logs
 * to the store. What the journal holds happens, after any restart.
 */
export class Attempts {
  readonly reports: Reports;
  readonly #options: AttemptsOptions;
  readonly #archive: Archive;
  readonly #logs: LogShipper;
  #worker: Worker | undefined;
  readonly #era = new Era();

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.reports = openReports({
      node: options.node,
      subject: reportSubject(options.node),
      publish: options.publish,
      paceMs: () => messagePaceMs(this.queued),
      onTaken: (reports) => this.#taken(reports),
      log: options.log,
    });
    this.#archive = new Archive(options.artifacts, options.log);
    this.#logs = new LogShipper({
      publish: options.publish,
      archive: this.#archive,
      onArchived: (key, report) => this.#archived(key, report),
      watchAfterMs: () => watchAfterMs(this.queued),
      log: options.log,
    });
  }

  /** Those that wait for room on this machine. */
  get queued(): number {
    return this.#worker?.queued ?? 0;
  }

  get worker(): Worker {
    if (!this.#worker) throw new Error("open() comes before any attempt");
    return this.#worker;
  }

  /** Finds or starts the runner and takes up what an earlier agent left. */
  async open(): Promise<void> {
    const { dir, capacity, artifacts, eventFiles, log, journal, runnerProgram, systemMetrics } = this.#options;
    this.#worker = await createWorker({
      dir,
      held: true,
      capacity,
      artifacts,
      eventFiles,
      log,
      ...(runnerProgram === undefined ? {} : { runnerProgram }),
      engine: this.#options.engine,
      trackingUrl: this.#options.serverUrl,
      devices: this.#options.devices,
      ...(systemMetrics === undefined ? {} : { systemMetrics }),
      onReport: (report) => this.#reported(report),
      onSpool: (key, { ended }) => (ended ? undefined : this.#logs.begin(key, this.#folder(key))),
    });
    const { open, unreported, ended } = journal.records.unfinished();
    for (const report of unreported) this.reports.add(report);
    if (open.length > 0) log.info({ attempts: open.length }, "taking up the attempts of an earlier agent");
    this.#logs.resume([...open.map(({ ref }) => attemptKey(ref)), ...ended.map(({ key }) => key)]);
    await this.#worker.recover(
      open,
      ended.map(({ key }) => key),
    );
    for (const report of ended) this.#logs.end(report, this.#folder(report.key));
  }

  /**
   * The lease is held, and the server has heard which attempts are here and has said what must not run: the rest may start.
   * A machine that crashed may have lost the end of one that the server knows to have ended.
   */
  admit(): void {
    this.worker.admit();
  }

  /** The server says in which era the node is: what was assigned in an earlier one stops, or does not start. */
  onEra(era: number): void {
    if (!this.#era.learn(era)) return;
    for (const { key } of this.worker.active()) {
      const record = this.#options.journal.records.get(key);
      if (record?.kind === "open") this.#fence(record.assignment);
    }
  }

  start(assignment: Assignment): void {
    this.worker.start(assignment);
    this.#fence(assignment);
  }

  #fence(assignment: Assignment): void {
    if (this.#era.isOver(assignment)) this.worker.stop(attemptKey(assignment.ref), "fenced", 0);
  }

  /** Everything that runs must be gone within `remainingMs`. */
  stopAll(remainingMs: number): void {
    for (const { key } of this.worker.active()) {
      const record = this.#options.journal.records.get(key);
      const graceMs = record?.kind === "open" ? record.assignment.stopGraceMs : remainingMs;
      this.worker.stop(key, "lease-lost", lastGraceMs(graceMs, remainingMs));
    }
  }

  async close(stopAttempts: boolean): Promise<void> {
    await this.#worker?.close({ stopAttempts });
    const limitMs = stopAttempts ? LEAVE_MS_MAX : LEAVE_RUNNING_MS_MAX;
    await Promise.all([this.reports.drained(limitMs), this.#logs.drained(limitMs)]);
    // The last `archived` reports.
    await this.reports.drained(LEAVE_RUNNING_MS_MAX);
    this.#archive.close();
    await this.#logs.close();
    this.reports.close();
  }

  #folder(key: AttemptKey): string {
    return join(this.#options.dir, "attempts", key);
  }

  async #reported(report: StartedReport | ReadyReport | CheckpointReport | EndedReport): Promise<void> {
    const { journal } = this.#options;
    if (journal.records.get(report.key)?.kind === "ended") return;
    // Asked anew by the next agent: no need to remember it.
    if (report.kind === "ready" || report.kind === "checkpoint") return this.reports.add(report);
    if (report.kind === "started") {
      journal.jot({ kind: "started", atMs: report.atMs, key: report.key });
      this.reports.add(report);
      return;
    }
    await journal.note([{ kind: "ended", atMs: Date.now(), report }]);
    this.reports.add(report);
    // After the worker has heard that the report is safe.
    setImmediate(() => this.#logs.end(report, this.#folder(report.key)));
  }

  #taken(reports: readonly Report[]): void {
    const { journal } = this.#options;
    const keys = reports.filter(({ kind }) => kind === "ended").map(({ key }) => key);
    const atMs = Date.now();
    if (keys.length > 0) journal.jot({ kind: "reported", atMs, keys });
    for (const report of reports) if (report.kind === "archived") this.#forget(report.key);
  }

  #archived(key: AttemptKey, report: ArchivedReport | null): void {
    if (report) this.reports.add(report);
    else this.worker.forget(key);
  }

  #forget(key: AttemptKey): void {
    this.#options.journal.jot({ kind: "archived", atMs: Date.now(), key });
    this.worker.forget(key);
  }
}
