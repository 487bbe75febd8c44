import {
  type Batch,
  type JobProgress,
  type JobRow,
  type MapRow,
  type NodeRow,
  rangeTasks,
  restore,
  type Restored,
  type TaskRow,
} from "../../scheduler/core/index.ts";
import { Bench } from "./build.ts";

/** The store, as far as a new leader reads it: what batches have left there. */
export class Saved {
  readonly #jobs = new Map<string, { row: JobRow; progress: JobProgress }>();
  readonly #tasks = new Map<string, TaskRow>();
  readonly #maps = new Map<string, MapRow>();
  readonly #rates = new Map<string, Batch["rates"][number]>();
  readonly #projects = new Map<string, Batch["projects"][number]>();
  readonly #nodes = new Map<string, NodeRow>();

  take(batch: Batch): Batch {
    for (const row of batch.jobsNew)
      this.#jobs.set(row.id, { row, progress: batch.jobs.find((progress) => progress.id === row.id)! });
    for (const progress of batch.jobs) this.#jobs.get(progress.id)!.progress = progress;
    for (const row of [...batch.ranges.flatMap(rangeTasks), ...batch.tasks])
      this.#tasks.set(`${row.job}.${row.task}.${row.index}`, row);
    for (const row of batch.maps) this.#maps.set(`${row.job}.${row.task}`, row);
    for (const row of batch.rates) this.#rates.set(row.key, row);
    for (const row of batch.projects) this.#projects.set(row.name, row);
    for (const row of batch.nodes) this.#nodes.set(row.id, row);
    return batch;
  }

  /** What a new leader makes of it, so much later. */
  next({ state, nowMs }: Bench, afterMs = 0): Bench {
    return new Bench({}, restore(state.config, this.rows(), nowMs + afterMs), nowMs + afterMs);
  }

  /** As it comes out of Postgres: other objects, of jobs that have not ended. */
  rows(): Restored {
    const jobs = [...this.#jobs.values()].filter(({ progress }) => progress.finishedAtMs === null);
    const live = new Set(jobs.map(({ row }) => row.id));
    const rows: Restored = {
      jobs,
      tasks: [...this.#tasks.values()].filter(({ job }) => live.has(job)),
      maps: [...this.#maps.values()].filter(({ job }) => live.has(job)),
      nodes: [...this.#nodes.values()],
      projects: [...this.#projects.values()],
      rates: [...this.#rates.values()],
    };
    return JSON.parse(JSON.stringify(rows)) as Restored;
  }
}
