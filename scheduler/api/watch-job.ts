import { setTimeout as delay } from "node:timers/promises";
import type { MapValues, TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { CallContext, Sink } from "../../lib/grpc.ts";
import type { Job as JobProto } from "../../proto/gen/weft/v1/Job.ts";
import type { JobEvent } from "../../proto/gen/weft/v1/JobEvent.ts";
import type { Task as TaskProto } from "../../proto/gen/weft/v1/Task.ts";
import type { WatchJobRequest__Output } from "../../proto/gen/weft/v1/WatchJobRequest.ts";
import { type MapRow, type TaskRow, TERMINAL_TASK_STATES } from "../core/index.ts";
import { knownInstances } from "../shape.ts";
import type { JobChange } from "../watch.ts";
import { countStates, freshToProto, headToProto, tasksToProto, taskToProto } from "./job.ts";
import type { JobFinder } from "./job-finder.ts";
import { ENTRIES_PER_PAGE_MAX } from "./job-page.ts";
import type { WholeJob } from "./parts.ts";
import { leaderMoved, type Reign } from "./reign.ts";

/** Changes within this time of the last event go out as one: a job of many short tasks changes a thousand times a second. */
const COALESCE_MS = 10;

/** JobService.Watch: the whole job, then what changed, until it ends. */
export async function watchJob(
  finder: JobFinder,
  request: WatchJobRequest__Output,
  sink: Sink<JobEvent>,
  context: CallContext,
  reign: Reign,
): Promise<void> {
  const id = await finder.resolve(request.jobId);
  // Before the job is read, so that no change falls in between.
  const watcher = reign.watches.watch(id);
  try {
    const job = await finder.get(id);
    watcher.dropOlder(job.tasks);
    const names = await finder.nodeNames(job.tasks.map((row) => row.node));
    await sendTasks(sink, { ...headToProto(job), counts: countStates(job) }, tasksToProto(job, names));
    if (job.progress.finishedAtMs !== null) return;
    const teller = new ChangeTeller(finder, job);
    for (;;) {
      const change = await watcher.next(context.signal);
      context.signal.throwIfAborted();
      if (!change) throw leaderMoved();
      await teller.tell(change, sink);
      if (change.progress && change.progress.finishedAtMs !== null) return;
      await delay(COALESCE_MS);
    }
  } finally {
    watcher.close();
  }
}

/** The job with the first of its tasks, the rest of them in further events. */
async function sendTasks(sink: Sink<JobEvent>, job: JobProto | null, tasks: Iterable<TaskProto>): Promise<void> {
  let first = job;
  let some: TaskProto[] = [];
  for (const task of tasks) {
    some.push(task);
    if (some.length < ENTRIES_PER_PAGE_MAX) continue;
    await sink.write(eventOf(first, some));
    first = null;
    some = [];
  }
  if (first || some.length > 0) await sink.write(eventOf(first, some));
}

/** The tasks of a whole job are in the job; those that changed are beside it. */
function eventOf(job: JobProto | null, tasks: TaskProto[]): JobEvent {
  return job?.counts ? { job: { ...job, tasks }, tasks: [] } : { job, tasks };
}

/** Turns changed rows into events, and works out which instances became ready: those have no rows. */
class ChangeTeller {
  readonly #finder: JobFinder;
  readonly #job: WholeJob;
  readonly #specs: ReadonlyMap<string, TaskSpec>;
  /** Instances of each task that have not ended, and those known to have, so that none is counted twice. */
  readonly #left = new Map<string, number>();
  readonly #ended = new Map<string, Set<number>>();
  readonly #withRow = new Map<string, Set<number>>();
  readonly #maps: Map<string, MapRow | { count: number; values: MapValues }>;

  constructor(finder: JobFinder, job: WholeJob) {
    this.#finder = finder;
    this.#job = job;
    this.#specs = new Map(job.row.spec.tasks.map((spec) => [spec.name, spec]));
    this.#maps = new Map(job.maps);
    for (const spec of job.row.spec.tasks) this.#left.set(spec.name, knownInstances(spec, this.#maps));
    for (const row of job.tasks) this.#count(row);
  }

  async tell(change: JobChange, sink: Sink<JobEvent>): Promise<void> {
    const { row } = this.#job;
    const job = change.progress && headToProto({ row, progress: change.progress });
    const names = await this.#finder.nodeNames(change.tasks.map(({ node }) => node));
    for (const row of change.maps) this.#learn(row);
    const completed: string[] = [];
    for (const task of change.tasks) if (this.#count(task)) completed.push(task.task);
    const changed = change.tasks.map((task) => taskToProto(task, this.#specs.get(task.task)!, names, this.#maps));
    await sendTasks(sink, job, [...changed, ...this.#nowReady(completed)]);
  }

  #learn(row: MapRow): void {
    if (this.#maps.has(row.task)) return;
    const before = knownInstances(this.#specs.get(row.task)!, this.#maps);
    this.#maps.set(row.task, row);
    this.#left.set(row.task, this.#left.get(row.task)! + row.count - before);
  }

  /** True when this row completes its task, or makes a service ready for the first time. */
  #count(row: TaskRow): boolean {
    addTo(this.#withRow, row.task, row.index);
    const answers = TERMINAL_TASK_STATES.has(row.state) || (row.service?.servedAtMs ?? null) !== null;
    if (!answers || !addTo(this.#ended, row.task, row.index)) return false;
    const left = this.#left.get(row.task)! - 1;
    this.#left.set(row.task, left);
    return left === 0;
  }

  *#nowReady(completed: readonly string[]): Generator<TaskProto> {
    if (completed.length === 0) return;
    for (const spec of this.#specs.values()) {
      if (!spec.needs.some((need) => completed.includes(need))) continue;
      if (!spec.needs.every((need) => this.#left.get(need) === 0)) continue;
      const withRow = this.#withRow.get(spec.name);
      for (let index = 0; index < knownInstances(spec, this.#maps); index += 1) {
        if (!withRow?.has(index)) yield freshToProto(spec, index, "ready", this.#maps);
      }
    }
  }
}

/** True when it was not there. */
function addTo(sets: Map<string, Set<number>>, key: string, value: number): boolean {
  const own = sets.get(key) ?? new Set<number>();
  sets.set(key, own);
  if (own.has(value)) return false;
  own.add(value);
  return true;
}
