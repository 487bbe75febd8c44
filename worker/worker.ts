import { mkdirSync, readdirSync, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type {
  Assignment,
  CheckpointReport,
  EndedReport,
  LossReason,
  ReadyReport,
  StartedReport,
  StopReason,
} from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import { attemptKey, type AttemptKey } from "../lib/core/ids.ts";
import {
  conclude,
  lostWithRunner,
  newAttempt,
  prepare,
  repin,
  startRequest,
  unpinAll,
  unstartedReport,
  type Attempt,
  type Tools,
} from "./attempt.ts";
import { Cache, CACHE_BYTES_MAX, STORE_WAIT_MS_MAX } from "./cache.ts";
import { judgeStop, lost, type Verdict } from "./core/outcome.ts";
import { beyond, Room } from "./core/room.ts";
import { Checkpointer } from "./checkpointer.ts";
import { baseEnvironment } from "./environment/base.ts";
import { AttemptStopped } from "./environment/failure.ts";
import { Shelf } from "./environment/shelf.ts";
import { attemptDir, attemptsDir, STDERR, STDOUT } from "./folder.ts";
import { Folders } from "./folders.ts";
import type { ActiveAttempt, Worker, WorkerOptions } from "./index.ts";
import { Link, runnerProgram, type RunnerNotice } from "./link.ts";
import { type CommandSpec, Sessions, type TaskCommand } from "./sessions.ts";
import { Prober } from "./prober.ts";
import { readExit, wasStarted } from "./runner/exit.ts";
import { bootNowMs } from "./runner/proc.ts";
import type { ExitRecord, LiveAttempt } from "./runner/protocol.ts";
import { RunFeed } from "./run-feed.ts";

/** Before a report that could not be kept is offered again: its disk is full, most likely. */
const REPORT_PAUSE_MS = 1000;
/** Reasons by which nobody wants the outputs any more. */
const STOP_IN_COLLECTION_AT_ONCE: ReadonlySet<string> = new Set(["cancelled", "fenced"]);

export async function openWorker(options: WorkerOptions): Promise<Worker> {
  mkdirSync(attemptsDir(options.dir), { recursive: true });
  // The marks by which processes are found again are paths as the kernel says them.
  const dir = realpathSync(options.dir);
  const cache = await Cache.open(join(dir, "cache"), options.artifacts, options.cacheBytesMax ?? CACHE_BYTES_MAX);
  const shelf = await Shelf.open(join(dir, "cache/environments"), options.environmentBytesMax);
  const worker = new LocalWorker(dir, options, cache, shelf);
  await worker.open();
  return worker;
}

class LocalWorker implements Worker {
  readonly #dir: string;
  readonly #options: WorkerOptions;
  readonly #tools: Tools;
  readonly #link: Link;
  readonly #sessions: Sessions;
  readonly #feed: RunFeed;
  readonly #room = new Room<Attempt>();
  /** Those not reported ended. */
  readonly #attempts = new Map<AttemptKey, Attempt>();
  /** Those reported ended, whose folder is there, with the end of what is being done in it. */
  readonly #ended = new Map<AttemptKey, Promise<void>>();
  /** What the runner had when it was found; until `recover` says whose it is. */
  #live: readonly LiveAttempt[] = [];
  #admitting = false;
  #held: boolean;
  #closing: "no" | "stopping" | "leaving" = "no";
  #onEmpty: () => void = () => {};

  constructor(dir: string, options: WorkerOptions, cache: Cache, shelf: Shelf) {
    this.#dir = dir;
    this.#options = options;
    this.#held = options.held ?? false;
    this.#tools = {
      cache,
      shelf,
      engine: options.engine,
      devices: options.devices,
      folders: new Folders(dir),
      artifacts: options.artifacts,
      env: options.env ?? baseEnvironment(),
      trackingUrl: options.trackingUrl ?? (() => null),
      storeWaitMsMax: options.storeWaitMsMax ?? STORE_WAIT_MS_MAX,
    };
    this.#feed = new RunFeed(options, dir, this.#tools.storeWaitMsMax, (keys) =>
      this.#link.send({ kind: "measure", keys }),
    );
    const program = options.runnerProgram ?? runnerProgram();
    this.#sessions = new Sessions(dir, program, (request) => this.#link.send(request));
    this.#link = new Link({
      dir,
      program,
      log: options.log,
      onNotice: (notice) => this.#onNotice(notice),
      onGone: () => this.#sessions.onRunnerGone(),
      onRestart: (live) => this.#onRunnerRestarted(live),
    });
  }

  async open(): Promise<void> {
    this.#live = await this.#link.open();
    await this.#sessions.open();
  }

  async recover(assignments: readonly Assignment[], keep: readonly AttemptKey[]): Promise<void> {
    const live = new Map(this.#live.map((attempt) => [attempt.key, attempt]));
    this.#live = [];
    const attempts = assignments.map((assignment) => newAttempt(this.#dir, assignment));
    for (const attempt of attempts) this.#attempts.set(attempt.key, attempt);
    for (const key of keep) this.#ended.set(key, Promise.resolve());
    // Nobody has asked for these, and nobody would hear of them.
    for (const key of live.keys())
      if (!this.#attempts.has(key)) this.#link.send({ kind: "stop", key, reason: "fenced", graceMs: 0 });
    for (const attempt of attempts) {
      if (!live.has(attempt.key) && !wasStarted(attempt.folder)) this.#enqueue(attempt);
      else {
        this.#room.take(attempt.claim);
        attempt.phase = "running";
        await repin(attempt, this.#tools);
        // Unless its end was told meanwhile.
        if (attempt.phase === "running") this.#reconcile(attempt, live.get(attempt.key));
      }
    }
    for (const name of readdirSync(attemptsDir(this.#dir)) as AttemptKey[]) {
      if (this.#attempts.has(name) || this.#ended.has(name) || live.has(name)) continue;
      await rm(attemptDir(this.#dir, name), { recursive: true, force: true });
    }
    // All that is in use is pinned now. Nothing waits for it.
    this.#tools.shelf
      .sweep()
      .catch((error: unknown) => this.#options.log.warn({ err: error }, "cannot remove environments"));
  }

  admit(): void {
    this.#held = false;
    this.#admitSoon();
  }

  start(assignment: Assignment): void {
    const key = attemptKey(assignment.ref);
    if (this.#closing !== "no" || this.#attempts.has(key) || this.#ended.has(key)) return;
    const attempt = newAttempt(this.#dir, assignment);
    this.#attempts.set(key, attempt);
    this.#enqueue(attempt);
  }

  stop(key: AttemptKey, reason: StopReason | LossReason, graceMs: number): void {
    const attempt = this.#attempts.get(key);
    if (!attempt || (attempt.stop && attempt.stop.graceMs <= graceMs)) return;
    attempt.stop = { reason: attempt.stop?.reason ?? reason, graceMs };
    switch (attempt.phase) {
      case "queued":
        this.#room.withdraw(attempt);
        return this.#endUnstarted(
          attempt,
          judgeStop({ outOfMemory: null, usage: { peakMemoryBytes: 0 } }, attempt.stop.reason, attempt.assignment),
        );
      case "preparing":
        return attempt.abort.abort(new AttemptStopped());
      case "running":
        return this.#link.send({ kind: "stop", key, reason: attempt.stop.reason, graceMs });
      case "collecting": {
        // The work is done; only one who does not want it any more ends it at once.
        const waitMs = STOP_IN_COLLECTION_AT_ONCE.has(reason) ? 0 : graceMs;
        setTimeout(() => attempt.abort.abort(new AttemptStopped()), waitMs).unref();
        return;
      }
      case "ended":
    }
  }

  get queued(): number {
    return this.#room.waiting.length;
  }

  active(): ActiveAttempt[] {
    return [...this.#attempts.values()].map(({ key, phase, stop }) => ({
      key,
      phase: stop && phase !== "collecting" ? "stopping" : phase === "ended" ? "collecting" : phase,
    }));
  }

  devicesInUse(): ReadonlySet<string> {
    const running = [...this.#attempts.values()].filter(({ phase }) => phase === "running");
    return new Set(running.flatMap(({ claim }) => claim.gpuUuids));
  }

  renewLease(remainingMs: number, marginMs = 0): void {
    this.#link.renewLease(bootNowMs() + remainingMs, marginMs);
  }

  forget(key: AttemptKey): void {
    const busy = this.#ended.get(key);
    if (!busy) return;
    const gone = busy.then(() => this.#tools.folders.give(attemptDir(this.#dir, key)));
    this.#ended.set(key, gone);
    gone.then(
      () => this.#ended.delete(key),
      (error: unknown) => this.#options.log.warn({ err: error, key }, "cannot remove the attempt's folder"),
    );
  }

  exec(key: AttemptKey, spec: CommandSpec): Promise<TaskCommand> {
    const phase = this.#attempts.get(key)?.phase;
    if (phase === "running") return this.#sessions.exec(key, spec);
    const what = phase === undefined || phase === "ended" ? "is not on this node any more" : `is ${phase} there`;
    return Promise.reject(new WeftError("failed_precondition", `attempt ${key} ${what}; it has no process`));
  }

  async close({ stopAttempts }: { readonly stopAttempts: boolean }): Promise<void> {
    this.#closing = stopAttempts ? "stopping" : "leaving";
    for (const { key, assignment, abort, phase } of this.#attempts.values()) {
      if (stopAttempts) this.stop(key, "node-stopped", assignment.stopGraceMs);
      else if (phase !== "running") abort.abort(new AttemptStopped());
    }
    if (stopAttempts && this.#attempts.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
    for (const { prober, checkpointer } of this.#attempts.values()) {
      prober?.stop();
      checkpointer?.stop();
    }
    this.#feed.stop();
    await Promise.allSettled(this.#ended.values());
    this.#sessions.close();
    await this.#link.close(stopAttempts);
  }

  #enqueue(attempt: Attempt): void {
    const unfit = beyond(attempt.claim, this.#options.capacity());
    if (unfit !== undefined) return this.#endUnstarted(attempt, lost("node-changed", `cannot run here: ${unfit}`));
    this.#room.add(attempt);
    this.#admitSoon();
  }

  #admitSoon(): void {
    if (this.#admitting) return;
    this.#admitting = true;
    queueMicrotask(() => {
      this.#admitting = false;
      if (this.#closing !== "no" || this.#held) return;
      for (const attempt of this.#room.admit(this.#options.capacity())) this.#prepare(attempt);
    });
  }

  #prepare(attempt: Attempt): void {
    attempt.phase = "preparing";
    const result = prepare(attempt, this.#tools, () => this.#showSpool(attempt));
    if (result instanceof Promise) void result.then((verdict) => this.#onPrepared(attempt, verdict));
    else this.#onPrepared(attempt, result);
  }

  #onPrepared(attempt: Attempt, verdict: Verdict | undefined): void {
    if (this.#closing === "leaving") return;
    if (verdict) {
      this.#leave(attempt);
      return this.#endUnstarted(attempt, verdict);
    }
    attempt.phase = "running";
    this.#link.send(startRequest(attempt, this.#tools));
  }

  #onNotice(notice: RunnerNotice): void {
    if (notice.kind === "visited") return this.#sessions.onVisited(notice);
    if (notice.kind === "measured") return this.#feed.onMeasured(notice.attempts);
    const attempt = this.#attempts.get(notice.key);
    if (!attempt || attempt.phase !== "running") return;
    if (notice.kind === "started") this.#onStarted(attempt, notice.atMs);
    else this.#onProcessesEnded(attempt, notice.exit);
  }

  #onStarted(attempt: Attempt, atMs: number): void {
    attempt.startedAtMs = atMs;
    this.#showSpool(attempt);
    void this.#report({ kind: "started", key: attempt.key, atMs });
    this.#feed.follow(attempt);
    this.#probe(attempt);
    this.#saveAgain(attempt);
  }

  #saveAgain(attempt: Attempt): void {
    const { key, assignment, folder } = attempt;
    const everyMs = assignment.checkpoint?.everyMs;
    if (everyMs === undefined || attempt.checkpointer) return;
    attempt.checkpointer = new Checkpointer({
      artifacts: this.#tools.artifacts,
      folder,
      everyMs,
      onStored: (checkpoint) => void this.#report({ kind: "checkpoint", key, atMs: Date.now(), checkpoint }),
    });
  }

  #probe(attempt: Attempt): void {
    const { key, assignment, prober } = attempt;
    const { service } = assignment;
    if (!service || prober) return;
    attempt.prober = new Prober({
      service,
      run: (argv, timeoutMs) => this.#sessions.run(key, argv, timeoutMs),
      onReady: (ready, message) => void this.#report({ kind: "ready", key, atMs: Date.now(), ready, message }),
      onUnhealthy: (message) => {
        attempt.unhealthy = message;
        this.#link.send({ kind: "stop", key, reason: "unhealthy", graceMs: assignment.stopGraceMs });
      },
    });
  }

  #onProcessesEnded(attempt: Attempt, exit: ExitRecord): void {
    attempt.phase = "collecting";
    attempt.prober?.stop();
    attempt.checkpointer?.stop();
    const { gpuUuids } = attempt.claim;
    if (gpuUuids.length > 0) this.#options.devices?.left(gpuUuids);
    this.#leave(attempt);
    const shown = this.#feed.finish(attempt);
    const ended = shown ? shown.then(() => conclude(attempt, exit, this.#tools)) : conclude(attempt, exit, this.#tools);
    if (ended instanceof Promise) void ended.then((report) => this.#end(attempt, report));
    else this.#end(attempt, ended);
  }

  #endUnstarted(attempt: Attempt, verdict: Verdict): void {
    this.#end(attempt, unstartedReport(attempt, verdict));
  }

  #end(attempt: Attempt, report: EndedReport): void {
    if (this.#closing === "leaving" && attempt.abort.signal.aborted) return;
    attempt.phase = "ended";
    this.#showSpool(attempt, true);
    this.#ended.set(attempt.key, this.#finish(attempt, report));
  }

  async #finish(attempt: Attempt, report: EndedReport): Promise<void> {
    // The attempt may be forgotten by whoever hears the report, so it is known as ended before.
    await Promise.resolve();
    await this.#report(report);
    this.#attempts.delete(attempt.key);
    if (this.#attempts.size === 0) this.#onEmpty();
    await this.#tools.folders
      .clean(attempt.folder)
      .catch((error: unknown) => this.#options.log.warn({ err: error, key: attempt.key }, "cannot clean up"));
  }

  /** The machine is free for others again. */
  #leave(attempt: Attempt): void {
    unpinAll(attempt, this.#tools.cache);
    this.#room.leave(attempt.claim);
    this.#admitSoon();
  }

  #showSpool(attempt: Attempt, ended = false): void {
    if (attempt.spoolShown && !ended) return;
    attempt.spoolShown = true;
    const [stdout, stderr] = [STDOUT, STDERR].map((name) => join(attempt.folder, name)) as [string, string];
    this.#options.onSpool(attempt.key, { stdout, stderr, ended });
  }

  /** Ends when the report is kept; or, on the way down, when it is left to the next `recover`. */
  async #report(report: StartedReport | ReadyReport | CheckpointReport | EndedReport): Promise<void> {
    for (;;) {
      try {
        return await this.#options.onReport(report);
      } catch (error) {
        this.#options.log.error({ err: error, key: report.key, kind: report.kind }, "cannot keep a report");
      }
      if (this.#closing !== "no") return;
      await delay(REPORT_PAUSE_MS);
    }
  }

  #onRunnerRestarted(live: readonly LiveAttempt[]): void {
    const byKey = new Map(live.map((attempt) => [attempt.key, attempt]));
    for (const attempt of this.#attempts.values()) {
      if (attempt.phase === "running") this.#reconcile(attempt, byKey.get(attempt.key));
    }
  }

  /** Brings an attempt that a runner was given in line with what the runner, and the folder, say now. */
  #reconcile(attempt: Attempt, live: LiveAttempt | undefined): void {
    // Its end may have come after the runner said that it runs, and before anybody here was there to hear of it.
    const exit = live?.exit ?? readExit(attempt.folder);
    if (exit) return this.#onProcessesEnded(attempt, exit);
    if (live) {
      if (live.startedAtMs !== null) this.#onStarted(attempt, live.startedAtMs);
      if (attempt.stop)
        this.#link.send({ kind: "stop", key: attempt.key, reason: attempt.stop.reason, graceMs: attempt.stop.graceMs });
      return;
    }
    if (wasStarted(attempt.folder)) this.#onProcessesEnded(attempt, lostWithRunner(attempt));
    else this.#link.send(startRequest(attempt, this.#tools));
  }
}
