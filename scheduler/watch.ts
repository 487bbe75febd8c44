import type { JobId } from "../lib/core/ids.ts";
import {
  type Batch,
  type JobProgress,
  type MapRow,
  rangeTasks,
  TERMINAL_TASK_STATES,
  type TaskRow,
} from "./core/index.ts";

/** What changed in a job since the last look: its progress, and the latest row of each instance that has changed. */
export interface JobChange {
  readonly progress: JobProgress | null;
  readonly tasks: readonly TaskRow[];
  readonly maps: readonly MapRow[];
}

/**
 * Who watches which job, during one reign. Each committed batch is laid over what a watcher has not fetched yet, so that
 * a slow reader gets merged state and holds at most one row an instance.
 */
export class WatchHub {
  readonly #watchers = new Map<JobId, Set<Watcher>>();

  onBatch(batch: Batch): void {
    if (this.#watchers.size === 0) return;
    for (const progress of batch.jobs) {
      for (const watcher of this.#watchers.get(progress.id) ?? []) watcher.addProgress(progress);
    }
    for (const row of batch.maps) {
      for (const watcher of this.#watchers.get(row.job) ?? []) watcher.addMap(row);
    }
    // Made only for jobs that are watched.
    const ranges = batch.ranges.filter(({ job }) => this.#watchers.has(job)).flatMap(rangeTasks);
    for (const row of [...ranges, ...batch.tasks]) {
      for (const watcher of this.#watchers.get(row.job) ?? []) watcher.addTask(row);
    }
  }

  watch(job: JobId): Watcher {
    const own = this.#watchers.get(job) ?? new Set();
    const watcher = new Watcher(() => {
      own.delete(watcher);
      if (own.size === 0 && this.#watchers.get(job) === own) this.#watchers.delete(job);
    });
    this.#watchers.set(job, own.add(watcher));
    return watcher;
  }

  /** The reign is over: nobody here learns of further changes. */
  close(): void {
    for (const own of this.#watchers.values()) for (const watcher of own) watcher.close();
  }
}

export class Watcher {
  readonly #onClosed: () => void;
  #progress: JobProgress | null = null;
  #tasks = new Map<string, TaskRow>();
  #maps: MapRow[] = [];
  #wake: (() => void) | null = null;
  #closed = false;

  constructor(onClosed: () => void) {
    this.#onClosed = onClosed;
  }

  addProgress(progress: JobProgress): void {
    this.#progress = progress;
    this.#wake?.();
  }

  addTask(row: TaskRow): void {
    this.#tasks.set(`${row.task}.${row.index}`, row);
    this.#wake?.();
  }

  addMap(row: MapRow): void {
    this.#maps.push(row);
    this.#wake?.();
  }

  /** Forgets changes that a snapshot, read after this watcher was made, already holds or has gone beyond. */
  dropOlder(rows: readonly TaskRow[]): void {
    if (this.#tasks.size === 0) return;
    for (const row of rows) {
      const key = `${row.task}.${row.index}`;
      const change = this.#tasks.get(key);
      if (change && isNoNewer(change, row)) this.#tasks.delete(key);
    }
  }

  /** Waits for a change and takes it; null: closed, or the signal was aborted. */
  async next(signal: AbortSignal): Promise<JobChange | null> {
    while (!this.#closed && !signal.aborted) {
      if (this.#progress !== null || this.#tasks.size > 0 || this.#maps.length > 0) {
        const change = { progress: this.#progress, tasks: [...this.#tasks.values()], maps: this.#maps };
        this.#progress = null;
        this.#tasks = new Map();
        this.#maps = [];
        return change;
      }
      await this.#woken(signal);
    }
    return null;
  }

  close(): void {
    this.#closed = true;
    this.#onClosed();
    this.#wake?.();
  }

  async #woken(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake);
    });
    this.#wake = null;
  }
}

function isNoNewer(change: TaskRow, row: TaskRow): boolean {
  if (age(change) !== age(row)) return age(change) < age(row);
  return (change.service?.changedAtMs ?? 0) <= (row.service?.changedAtMs ?? 0);
}

/** Rises with each move of one instance: attempts are numbered, and a state within an attempt is reached once. */
function age(row: TaskRow): number {
  const phase = TERMINAL_TASK_STATES.has(row.state)
    ? 3
    : row.state === "assigned"
      ? 0
      : row.state === "running"
        ? 1
        : 2;
  return row.attempt * 4 + phase;
}
