import type { Books, Host, Run } from "./books.ts";
import { fragmentMillis, type Typical, typicalOf } from "./fragmentation.ts";
import type { Workload } from "./workload.ts";

/** The loaded interval starts when this share of the jobs has arrived: before, the machines fill up. It ends with the last arrival. */
const WARM_UP_SHARE = 0.1;
/** Points of a curve over time. */
export const BINS = 240;

/** Means over the loaded interval, by time. Shares of all GPUs unless said otherwise. */
export interface Measured {
  readonly utilisation: number;
  /** Over the part of the interval in which a job with GPUs waited; null: none ever did. */
  readonly utilisationWhileWaiting: number | null;
  readonly fragmentation: number;
  /** Of what was free. */
  readonly fragmentationOfFree: number;
  /** For each project that wanted GPUs: GPU time it had over GPU time it wanted. */
  readonly satisfaction: ReadonlyMap<string, number>;
  readonly fromMs: number;
  readonly toMs: number;
  readonly utilisationCurve: readonly number[];
  readonly fragmentationCurve: readonly number[];
}

interface Account {
  held: number;
  wanted: number;
  heldMs: number;
  wantedMs: number;
}

/** Integrates over virtual time what the books show. `advance` comes before each change. */
export class Meter {
  readonly #books: Books;
  readonly #typical: readonly Typical[];
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #accounts = new Map<string, Account>();
  readonly #fragments: Float64Array;
  #fragmentSum = 0;
  #used = 0;
  #waiting = 0;
  #nowMs = 0;
  readonly #sum = { used: 0, usedWaiting: 0, waitingMs: 0, fragments: 0, free: 0 };
  readonly #usedBins = new Float64Array(BINS);
  readonly #fragmentBins = new Float64Array(BINS);

  constructor(books: Books, workload: Workload) {
    this.#books = books;
    this.#typical = typicalOf(workload);
    const { jobs } = workload;
    this.#fromMs = jobs[Math.floor(jobs.length * WARM_UP_SHARE)]!.arrivalMs;
    this.#toMs = Math.max(this.#fromMs + 1, jobs.at(-1)!.arrivalMs);
    this.#fragments = new Float64Array(books.hosts.length);
    for (const host of books.hosts) this.hostChanged(host);
  }

  advance(nowMs: number): void {
    const from = Math.max(this.#nowMs, this.#fromMs);
    const to = Math.min(nowMs, this.#toMs);
    if (to > from) this.#integrate(from, to);
    this.#nowMs = nowMs;
  }

  hostChanged(host: Host): void {
    const now = fragmentMillis(host, host, this.#typical);
    this.#fragmentSum += now - this.#fragments[host.index]!;
    this.#fragments[host.index] = now;
  }

  arrived(run: Run): void {
    const gpuMillis = gpusOf(run);
    if (gpuMillis === 0) return;
    this.#account(run).wanted += gpuMillis;
    this.#waiting += 1;
  }

  started(run: Run): void {
    const gpuMillis = gpusOf(run);
    if (gpuMillis === 0) return;
    this.#account(run).held += gpuMillis;
    this.#used += gpuMillis;
    this.#waiting -= 1;
  }

  /** `ended`: it wants no more; else it waits again. */
  stopped(run: Run, ended: boolean): void {
    const gpuMillis = gpusOf(run);
    if (gpuMillis === 0) return;
    const account = this.#account(run);
    account.held -= gpuMillis;
    this.#used -= gpuMillis;
    if (ended) account.wanted -= gpuMillis;
    else this.#waiting += 1;
  }

  read(): Measured {
    const total = this.#books.gpuMillis || 1;
    const { used, usedWaiting, waitingMs, fragments, free } = this.#sum;
    const lengthMs = this.#toMs - this.#fromMs;
    const curve = (bins: Float64Array): number[] => [...bins].map((sum) => sum / ((lengthMs / BINS) * total));
    const satisfied = [...this.#accounts].filter(([, { wantedMs }]) => wantedMs > 0);
    return {
      utilisation: used / (lengthMs * total),
      utilisationWhileWaiting: waitingMs === 0 ? null : usedWaiting / (waitingMs * total),
      fragmentation: fragments / (lengthMs * total),
      fragmentationOfFree: free === 0 ? 0 : fragments / free,
      satisfaction: new Map(satisfied.map(([name, { heldMs, wantedMs }]) => [name, heldMs / wantedMs])),
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      utilisationCurve: curve(this.#usedBins),
      fragmentationCurve: curve(this.#fragmentBins),
    };
  }

  #account({ job: { project } }: Run): Account {
    let account = this.#accounts.get(project);
    if (!account) this.#accounts.set(project, (account = { held: 0, wanted: 0, heldMs: 0, wantedMs: 0 }));
    return account;
  }

  #integrate(from: number, to: number): void {
    const ms = to - from;
    const sum = this.#sum;
    sum.used += this.#used * ms;
    sum.fragments += this.#fragmentSum * ms;
    sum.free += (this.#books.gpuMillis - this.#used) * ms;
    if (this.#waiting > 0) {
      sum.usedWaiting += this.#used * ms;
      sum.waitingMs += ms;
    }
    for (const account of this.#accounts.values()) {
      account.heldMs += account.held * ms;
      account.wantedMs += account.wanted * ms;
    }
    this.#addToBins(from, to);
  }

  #addToBins(from: number, to: number): void {
    const binMs = (this.#toMs - this.#fromMs) / BINS;
    const last = Math.min(BINS - 1, Math.floor((to - this.#fromMs) / binMs));
    for (let bin = Math.floor((from - this.#fromMs) / binMs); bin <= last; bin += 1) {
      const startMs = this.#fromMs + bin * binMs;
      const ms = Math.min(to, startMs + binMs) - Math.max(from, startMs);
      if (ms <= 0) continue;
      this.#usedBins[bin]! += this.#used * ms;
      this.#fragmentBins[bin]! += this.#fragmentSum * ms;
    }
  }
}

/** Of all members together, in thousandths. */
export function gpusOf({ job: { shape } }: Run): number {
  return shape.gpuMillis * shape.members;
}
