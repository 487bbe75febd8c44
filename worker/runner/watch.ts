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

/** Measures what attempts use, often while they are young. Descendants that it sees are known from then on. */
export class Watch {
  readonly #census: Census;
  readonly #attempts: () => Iterable<RunningAttempt>;
  readonly #onSampled: (attempt: RunningAttempt) => void;
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
    const due: RunningAttempt[] = [];
    let dueInMs = Infinity;
    for (const attempt of this.#attempts()) {
      const ageMs = attempt.ageMs(nowMs);
      const atMs = Math.max(attempt.sampleAgeMs, FIRST_SAMPLE_MS);
      if (ageMs >= atMs) {
        due.push(attempt);
        const pauseMs = attempt.order.memoryBytes > 0 && !attempt.cgroup ? SAMPLE_LIMITED_MS : SAMPLE_MS;
        attempt.sampleAgeMs = SAMPLE_AGES_MS.find((age) => age > ageMs) ?? ageMs + pauseMs;
      }
      dueInMs = Math.min(dueInMs, Math.max(attempt.sampleAgeMs, FIRST_SAMPLE_MS) - ageMs);
    }
    if (due.length > 0) this.#sample(due);
    if (dueInMs < Infinity) this.#tickIn(Math.max(dueInMs, TICK_MS_MIN));
  }

  #sample(due: readonly RunningAttempt[]): void {
    this.#census.refresh();
    this.#oomKills = kernelOomKills();
    for (const attempt of due) {
      if (!attempt.isRecorded) attempt.recordProcess();
      attempt.tree.measure();
      attempt.samples += 1;
      this.#onSampled(attempt);
    }
  }
}
