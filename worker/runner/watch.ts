import type { RunningAttempt } from "./attempt.ts";
import type { Census } from "./census.ts";
import { kernelOomKills } from "./proc.ts";

/** Ages at which an attempt is looked at: most tasks end young; after the last, each SAMPLE_MS. */
const FIRST_SAMPLE_MS = 25;
const SAMPLE_AGES_MS = [FIRST_SAMPLE_MS, 100, 400];
const SAMPLE_MS = 1000;
/** With a limit and no cgroup to enforce it: a task that allocates 1 GB/s overshoots by 100 MB. */
const SAMPLE_LIMITED_MS = 100;
/** Looking who is due is cheap, but not free with hundreds of attempts. */
const TICK_MS_MIN = 10;
/** A scan of /proc takes 1 to 5 ms; at most this share of the runner's time goes into it. */
const SCAN_SHARE_MAX = 0.1;

/** Has the census scan when an attempt is due to be looked at, and when somebody must know who is there. */
export class Watch {
  readonly #census: Census;
  readonly #attempts: () => Iterable<RunningAttempt>;
  readonly #onSampled: (attempt: RunningAttempt) => void;
  #waiting: (() => void)[] = [];
  #scanAllowedNowMs = 0;
  #tickTimer: NodeJS.Timeout | undefined;
  #tickDueNowMs = Infinity;
  #oomKills = kernelOomKills();

  constructor(census: Census, attempts: () => Iterable<RunningAttempt>, onSampled: (attempt: RunningAttempt) => void) {
    this.#census = census;
    this.#attempts = attempts;
    this.#onSampled = onSampled;
  }

  /** An attempt has just been started. */
  begin(): void {
    this.#tickIn(FIRST_SAMPLE_MS);
  }

  /** Runs `then` after a scan that began after now. Scans are shared, and spaced so that they stay within their share. */
  afterScan(then: () => void): void {
    if (this.#waiting.push(then) > 1) return;
    const waitMs = Math.max(0, this.#scanAllowedNowMs - performance.now());
    setTimeout(() => {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#scan();
      for (const run of waiting) run();
    }, waitMs);
  }

  /** Has the kernel killed a process for want of memory since the last look? */
  kernelKilledSince(): boolean {
    const before = this.#oomKills;
    this.#oomKills = kernelOomKills();
    return this.#oomKills > before;
  }

  #tickIn(ms: number): void {
    const dueNowMs = performance.now() + ms;
    // One that comes a little early is as good, and saves a timer for each attempt.
    if (this.#tickDueNowMs <= dueNowMs + TICK_MS_MIN) return;
    clearTimeout(this.#tickTimer);
    this.#tickDueNowMs = dueNowMs;
    this.#tickTimer = setTimeout(() => this.#tick(), ms);
  }

  #tick(): void {
    this.#tickDueNowMs = Infinity;
    const nowMs = performance.now();
    let dueInMs = Infinity;
    let due = false;
    for (const attempt of this.#attempts()) {
      const ageMs = attempt.ageMs(nowMs);
      if (ageMs >= FIRST_SAMPLE_MS && !attempt.isRecorded) attempt.recordProcess();
      if (ageMs >= Math.max(attempt.sampleAgeMs, FIRST_SAMPLE_MS)) {
        due = true;
        const pauseMs = attempt.order.memoryBytes > 0 && !attempt.cgroup ? SAMPLE_LIMITED_MS : SAMPLE_MS;
        attempt.sampleAgeMs = SAMPLE_AGES_MS.find((age) => age > ageMs) ?? ageMs + pauseMs;
      }
      dueInMs = Math.min(dueInMs, Math.max(attempt.sampleAgeMs, FIRST_SAMPLE_MS) - ageMs);
    }
    if (due) {
      this.#scan();
      this.#oomKills = kernelOomKills();
    }
    if (dueInMs < Infinity) this.#tickIn(Math.max(dueInMs, TICK_MS_MIN));
  }

  #scan(): void {
    const beganMs = performance.now();
    this.#census.scan();
    const endedMs = performance.now();
    this.#scanAllowedNowMs = endedMs + (endedMs - beganMs) * (1 / SCAN_SHARE_MAX - 1);
    for (const attempt of this.#attempts()) {
      attempt.samples += 1;
      this.#onSampled(attempt);
    }
  }
}
