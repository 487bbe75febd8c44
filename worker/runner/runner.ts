import type { AttemptKey } from "../../lib/core/ids.ts";
import { RunningAttempt, startProcess } from "./attempt.ts";
import { Census } from "./census.ts";
import type { Enclosure } from "./enclosure.ts";
import type { Cgroup, CgroupHost } from "./cgroup.ts";
import { finishExit, markStarted, readExit, recordUnstarted, writeExit } from "./exit.ts";
import type { ProcessExit } from "./launch.ts";
import { Fence } from "../core/fence.ts";
import { bootNowMs } from "./proc.ts";
import type { ExitRecord, LiveAttempt, Notice, StartRequest, StopCause, VisitRequest } from "./protocol.ts";
import { Visits } from "./visits.ts";
import { Watch } from "./watch.ts";

/** How often the lease is looked at, beside the timer: a machine that slept sees only then that it ran out. */
const LEASE_CHECK_MS = 500;
/** While something is left to die. */
const SWEEP_MS_MIN = 5;
const SWEEP_MS_MAX = 100;
/** A process in uninterruptible sleep (a dead NFS server, a hung driver) outlives SIGKILL; the attempt then ends without it. */
const UNKILLABLE_MS_MAX = 60_000;
/** The record of an end that the disk did not take is written again this often. */
const EXIT_RETRY_MS = 1000;
/** A notice waits so long for others while at least so many starts wait, which take longer (1 ms each): one wake-up of the agent for ten. */
const HOLD_MS = 10;
const HOLD_QUEUE_MIN = 16;
/** setTimeout fires at once beyond 2^31-1 ms. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Starts, watches and ends the processes of attempts. Says what happens through `notify`, and by `exit.json`. */
export class Runner {
  readonly visits: Visits;
  readonly #census: Census;
  readonly #watch: Watch;
  readonly #cgroups: CgroupHost | undefined;
  readonly #tell: (notice: Notice, withinMs: number) => void;
  readonly #onIdle: () => void;
  readonly #queue: StartRequest[] = [];
  readonly #attempts = new Map<AttemptKey, RunningAttempt>();
  readonly #unwritten = new Map<AttemptKey, { readonly folder: string; readonly exit: ExitRecord }>();
  /** To be removed: the kernel may hold one for a moment after its last process has died. */
  #emptied: Cgroup[] = [];
  readonly #fence = new Fence();
  #fenceTimer: NodeJS.Timeout | undefined;
  #leaseTimer: NodeJS.Timeout | undefined;

  constructor(parts: {
    readonly attemptsDir: string;
    readonly cgroups: CgroupHost | undefined;
    readonly enclosure: Enclosure | undefined;
    readonly notify: (notice: Notice, withinMs: number) => void;
    /** No attempt is left. */
    readonly onIdle: () => void;
  }) {
    this.#census = new Census(parts.attemptsDir, parts.enclosure);
    this.#watch = new Watch(
      this.#census,
      () => this.#attempts.values(),
      (attempt) => this.#holdToLimit(attempt),
    );
    this.visits = new Visits(this.#census, (notice) => parts.notify(notice, 0));
    this.#cgroups = parts.cgroups;
    this.#tell = parts.notify;
    this.#onIdle = parts.onIdle;
  }

  get idle(): boolean {
    return this.#attempts.size + this.#queue.length + this.#unwritten.size === 0;
  }

  list(): LiveAttempt[] {
    return [
      ...this.#queue.map(({ key }) => ({ key, startedAtMs: null, stopping: false, exit: null })),
      ...[...this.#attempts].map(([key, { startedAtMs, stop }]) => ({
        key,
        startedAtMs,
        stopping: stop !== null,
        exit: null,
      })),
      ...[...this.#unwritten].map(([key, { exit }]) => ({ key, startedAtMs: exit.startedAtMs, stopping: false, exit })),
    ];
  }

  /** A key that is known is ignored: it was started. */
  start(order: StartRequest): void {
    if (this.#attempts.has(order.key) || this.#unwritten.has(order.key)) return;
    if (this.#queue.some(({ key }) => key === order.key)) return;
    // One a turn of the loop: starting blocks for about a millisecond, and ends and stops must get in between.
    if (this.#queue.push(order) === 1) setImmediate(() => this.#startNext());
  }

  stop(key: AttemptKey, cause: StopCause, graceMs: number): void {
    const waiting = this.#queue.findIndex((order) => order.key === key);
    if (waiting >= 0) {
      const [order] = this.#queue.splice(waiting, 1);
      this.#publish(order!.key, order!.folder, recordUnstarted(cause, null));
      return;
    }
    const attempt = this.#attempts.get(key);
    if (attempt) this.#stop(attempt, cause, graceMs);
  }

  visit(request: VisitRequest): void {
    this.visits.begin(this.#attempts.get(request.key), request);
  }

  measure(keys: readonly AttemptKey[]): void {
    const attempts = keys.flatMap((key) => this.#attempts.get(key)?.measured() ?? []);
    this.#notify({ kind: "measured", attempts });
  }

  stopAll(cause: StopCause, graceMs?: number): void {
    for (const order of this.#queue.slice()) this.stop(order.key, cause, 0);
    for (const attempt of this.#attempts.values()) this.#stop(attempt, cause, graceMs ?? attempt.order.graceMs);
  }

  renewLease(untilBootMs: number, marginMs: number): void {
    this.#fence.renew({ untilMs: untilBootMs, marginMs });
    this.#armFence();
  }

  #armFence(): void {
    clearTimeout(this.#fenceTimer);
    const waitMs = this.#fence.stopAtMs - bootNowMs();
    // It keeps nothing alive: the runner may leave while a lease lasts.
    this.#fenceTimer = setTimeout(() => this.#checkLease(), Math.min(Math.max(1, waitMs), TIMER_MS_MAX)).unref();
  }

  #startNext(): void {
    const order = this.#queue.shift();
    if (!order) return;
    if (this.#queue.length > 0) setImmediate(() => this.#startNext());
    if (!this.#fence.mayStart(bootNowMs())) {
      this.#publish(order.key, order.folder, recordUnstarted("lease-lost", null));
      return;
    }
    let exitFile: number;
    try {
      exitFile = markStarted(order.folder);
    } catch (error) {
      return this.#onNotStarted(order, error);
    }
    const cgroup =
      order.memoryBytes > 0 && !order.container ? this.#cgroups?.create(order.key, order.memoryBytes) : undefined;
    const fail = (error: unknown) => {
      cgroup?.remove();
      this.#publish(order.key, order.folder, recordUnstarted(null, errno(error)), exitFile);
    };
    try {
      let attempt: RunningAttempt | undefined;
      // Without an attempt it could not be taken up (a container's record on a full disk), and was told as not started.
      const onExit = (exit: ProcessExit): void => (attempt ? this.#onExit(attempt, exit) : undefined);
      const pid = startProcess(order, cgroup, onExit, fail);
      if (pid === undefined) return;
      attempt = new RunningAttempt(order, exitFile, pid, this.#census, cgroup);
      this.#onStarted(attempt);
    } catch (error) {
      fail(error);
    }
  }

  #onNotStarted(order: StartRequest, error: unknown): void {
    const code = errno(error);
    if (code !== "EEXIST") return this.#publish(order.key, order.folder, recordUnstarted(null, code));
    // It was started before, by this runner or an earlier one; its end, if that is known, is on disk.
    const exit = readExit(order.folder);
    if (exit) this.#notify({ kind: "ended", key: order.key, exit });
    else this.#publish(order.key, order.folder, recordUnstarted("runner-lost", null));
  }

  #onStarted(attempt: RunningAttempt): void {
    const { order } = attempt;
    this.#attempts.set(order.key, attempt);
    this.#notify({ kind: "started", key: order.key, atMs: attempt.startedAtMs });
    if (order.timeoutMs > 0) this.#armTimeout(attempt);
    this.#leaseTimer ??= setInterval(() => this.#checkLease(), LEASE_CHECK_MS);
    this.#watch.begin();
  }

  #armTimeout(attempt: RunningAttempt): void {
    const leftMs = attempt.order.timeoutMs - attempt.ageMs(performance.now());
    if (leftMs <= 0) this.#stop(attempt, "timeout", attempt.order.graceMs);
    else attempt.timeoutTimer = setTimeout(() => this.#armTimeout(attempt), Math.min(leftMs, TIMER_MS_MAX));
  }

  #checkLease(): void {
    const nowMs = bootNowMs();
    // The clock shows hundredths of a second: when the timer fires it may still show the time before.
    if (this.#fence.mayStart(nowMs)) return this.#armFence();
    for (const order of this.#queue.slice()) this.stop(order.key, "lease-lost", 0);
    for (const attempt of this.#attempts.values()) {
      this.#stop(attempt, "lease-lost", this.#fence.graceMs(attempt.order.graceMs, nowMs));
    }
  }

  #stop(attempt: RunningAttempt, cause: StopCause, graceMs: number): void {
    const { stop } = attempt;
    const killAtMs = performance.now() + graceMs;
    if (stop && stop.killAtMs <= killAtMs) return;
    // The main process has ended by itself and only its leftovers are being killed: that is no stop.
    if (!stop && attempt.exit) return;
    attempt.stop = { cause: stop?.cause ?? cause, killAtMs };
    clearTimeout(attempt.killTimer);
    if (graceMs <= 0) return this.#kill(attempt);
    attempt.killTimer = setTimeout(() => this.#kill(attempt), Math.min(graceMs, TIMER_MS_MAX));
    if (stop) return;
    attempt.terminate();
    this.#census.refresh();
    attempt.terminateOutsiders();
  }

  #kill(attempt: RunningAttempt): void {
    this.#census.refresh();
    attempt.kill();
    this.#sweepIn(attempt, SWEEP_MS_MIN);
  }

  #onExit(attempt: RunningAttempt, exit: ProcessExit): void {
    attempt.exit = exit;
    clearTimeout(attempt.timeoutTimer);
    this.visits.endAllOf(attempt.order.key);
    this.#noteOutOfMemory(attempt);
    this.#sweep(attempt, SWEEP_MS_MIN);
  }

  #sweepIn(attempt: RunningAttempt, pauseMs: number): void {
    clearTimeout(attempt.killTimer);
    attempt.killTimer = setTimeout(() => this.#sweep(attempt, Math.min(pauseMs * 2, SWEEP_MS_MAX)), pauseMs);
  }

  /** Looks who is left; in time of grace lets them be, else kills; comes back until nobody is. */
  #sweep(attempt: RunningAttempt, pauseMs: number): void {
    this.#census.refresh();
    const alive = attempt.alive();
    const { exit, container } = attempt;
    if (exit) container?.remove(exit.code);
    if (exit && alive.length === 0 && (container?.gone ?? true)) return this.#end(attempt, 0);
    const nowMs = performance.now();
    if (attempt.killedNowMs !== null && nowMs - attempt.killedNowMs > UNKILLABLE_MS_MAX) {
      return this.#end(attempt, alive.length + (attempt.exit ? 0 : 1));
    }
    if (!attempt.stop || nowMs >= attempt.stop.killAtMs || attempt.isLeftToVisitors(alive)) attempt.kill();
    this.#sweepIn(attempt, pauseMs);
  }

  #end(attempt: RunningAttempt, unkillable: number): void {
    const { key, folder } = attempt.order;
    clearTimeout(attempt.killTimer);
    clearTimeout(attempt.timeoutTimer);
    if (attempt.container?.outOfMemory && attempt.order.memoryBytes > 0 && !attempt.stop)
      attempt.outOfMemory = { limitBytes: attempt.order.memoryBytes, seenBy: "cgroup" };
    const record = attempt.record(unkillable);
    this.#attempts.delete(key);
    this.#census.untrack(attempt.tree);
    if (attempt.cgroup) this.#emptied.push(attempt.cgroup);
    this.#emptied = this.#emptied.filter((cgroup) => !cgroup.remove());
    if (this.#attempts.size === 0) {
      clearInterval(this.#leaseTimer);
      this.#leaseTimer = undefined;
    }
    this.#publish(key, folder, record, attempt.exitFile);
  }

  #publish(key: AttemptKey, folder: string, exit: ExitRecord, file?: number): void {
    try {
      if (file === undefined) writeExit(folder, exit);
      else finishExit(file, folder, exit);
    } catch (error) {
      // A folder that is gone has nobody who waits for it. Else the disk is full: it may not be for ever.
      if (errno(error) !== "ENOENT") {
        this.#unwritten.set(key, { folder, exit });
        setTimeout(() => this.#rewrite(key), EXIT_RETRY_MS);
      }
    }
    this.#notify({ kind: "ended", key, exit });
    if (this.idle) this.#onIdle();
  }

  #rewrite(key: AttemptKey): void {
    const waiting = this.#unwritten.get(key);
    if (!waiting) return;
    try {
      writeExit(waiting.folder, waiting.exit);
    } catch (error) {
      if (errno(error) !== "ENOENT") {
        setTimeout(() => this.#rewrite(key), EXIT_RETRY_MS);
        return;
      }
    }
    this.#unwritten.delete(key);
    if (this.idle) this.#onIdle();
  }

  /** While many wait to be started the machine does not idle for want of another. */
  #notify(notice: Notice): void {
    this.#tell(notice, this.#queue.length >= HOLD_QUEUE_MIN ? HOLD_MS : 0);
  }

  #noteOutOfMemory(attempt: RunningAttempt): void {
    const limitBytes = attempt.order.memoryBytes;
    if ((attempt.cgroup?.oomKills() ?? 0) > 0) attempt.outOfMemory = { limitBytes, seenBy: "cgroup" };
    // 137: a shell's word for a child that got SIGKILL.
    const killed = attempt.killedNowMs === null && (attempt.exit?.signal === "SIGKILL" || attempt.exit?.code === 137);
    if (!killed || attempt.outOfMemory) return;
    if (this.#watch.kernelKilledSince()) attempt.outOfMemory = { limitBytes, seenBy: "kernel" };
  }

  #holdToLimit(attempt: RunningAttempt): void {
    const { memoryBytes } = attempt.order;
    if (attempt.cgroup || attempt.container || memoryBytes === 0 || attempt.stop || attempt.exit) return;
    if (attempt.tree.residentBytes <= memoryBytes) return;
    attempt.outOfMemory = { limitBytes: memoryBytes, seenBy: "sampling" };
    this.#stop(attempt, "out-of-memory", 0);
  }
}

function errno(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
