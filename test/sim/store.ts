import { endInRange } from "../../lib/core/alike.ts";
import type { ArchivedReport } from "../../lib/core/dispatch.ts";
import type { EndedAttempt } from "../../lib/core/execution.ts";
import { attemptKey, type AttemptKey, type JobId, type NodeId, parseAttemptKey } from "../../lib/core/ids.ts";
import { instanceCount, type TaskSpec } from "../../lib/core/pipeline/spec.ts";
import { cacheKey } from "../../scheduler/cache-key.ts";
import {
  type Batch,
  type CacheAnswer,
  type CacheRow,
  type JobProgress,
  type JobRow,
  type Lookup,
  type MapRow,
  type NodeRow,
  type ProjectSettings,
  rangeTasks,
  type RateRow,
  type Restored,
  type TaskRow,
  TERMINAL_TASK_STATES,
} from "../../scheduler/core/index.ts";
import type { Agenda } from "./agenda.ts";
import type { Chance } from "./chance.ts";
import type { Network, Place } from "./network.ts";
import { type Guards, readGuards } from "./statement.ts";

export const POSTGRES = "postgres";

export interface Reign {
  readonly term: number;
  readonly holder: string;
  readonly leaseMs: number;
}

export interface Changes {
  readonly batch: Batch;
  readonly archived: readonly ArchivedReport[];
}

/** `error`: the connection was lost; what was asked may have been done or not. */
export type Told<T> = { readonly kind: "told"; readonly what: T } | { readonly kind: "error" };

/** What is kept of an attempt that has ended. */
export interface Execution extends Pick<EndedAttempt, "state" | "report"> {
  readonly assignment: Pick<EndedAttempt["assignment"], "ref" | "inputs" | "outputs"> &
    Partial<Pick<EndedAttempt["assignment"], "run" | "env">>;
}

export interface StoreFaults {
  /** The connection is lost before the work is done. */
  readonly refuse: number;
  /** … after it is done: nobody knows. */
  readonly unknown: number;
  /** Usual time of a transaction, in milliseconds. */
  readonly workMs: number;
}

export interface LeaderRow {
  readonly term: number;
  readonly holder: string;
  readonly untilMs: number;
}

/** Told of every row that is written, before it is. */
export interface StoreWitness {
  onTerm(before: LeaderRow | null, term: number): void;
  onTransaction(reign: Reign, current: LeaderRow | null, changes: Changes): void;
  onTask(before: TaskRow | undefined, after: TaskRow): void;
  onRefused(before: TaskRow, after: TaskRow): void;
  onJob(row: JobRow, before: JobProgress | undefined, after: JobProgress): void;
  afterTransaction(changes: Changes): void;
}

/** What the store keeps of a batch; anything else in it would be forgotten at the next take-over, unnoticed. */
const KEPT = new Set([
  "jobsNew",
  "jobs",
  "news",
  "tasks",
  "ranges",
  "maps",
  "ended",
  "endedRanges",
  "nodes",
  "projects",
  "rates",
  "cached",
  "lookups",
  "assign",
  "stop",
]);
/** A connection that is gone is noticed after this, in milliseconds. */
const NOTICE_MS = 400;

/** Postgres as the scheduler sees it: transactions one after the other over rows, and connections that break. */
export class SimStore {
  readonly jobs = new Map<JobId, { readonly row: JobRow; progress: JobProgress }>();
  /** By job, task and index. */
  readonly tasks = new Map<JobId, Map<string, Map<number, TaskRow>>>();
  readonly maps = new Map<string, MapRow>();
  readonly nodes = new Map<NodeId, NodeRow>();
  readonly projects = new Map<string, ProjectSettings>();
  readonly rates = new Map<string, RateRow>();
  readonly results = new Map<string, CacheRow>();
  readonly executions = new Map<AttemptKey, Execution>();
  readonly archived = new Set<AttemptKey>();
  readonly keys = new Map<string, JobId>();
  leader: LeaderRow | null = null;
  readonly #agenda: Agenda;
  readonly #network: Network;
  readonly #chance: Chance;
  readonly #witness: StoreWitness;
  readonly #guards: Guards = readGuards();
  #faults: StoreFaults;
  #down = false;

  constructor(parts: { agenda: Agenda; network: Network; chance: Chance; witness: StoreWitness }, faults: StoreFaults) {
    this.#agenda = parts.agenda;
    this.#network = parts.network;
    this.#chance = parts.chance;
    this.#witness = parts.witness;
    this.#faults = faults;
  }

  calm(): void {
    this.#faults = { refuse: 0, unknown: 0, workMs: this.#faults.workMs };
    this.#down = false;
  }

  stop(): void {
    this.#down = true;
  }

  start(): void {
    this.#down = false;
  }

  /** Does the work in one transaction, and tells what came of it unless the connection is lost. */
  ask<T>(from: Place, work: () => T, told: (answer: Told<T>) => void): void {
    const { refuse, unknown, workMs } = this.#faults;
    const fate = this.#chance.next();
    const fail = (): void => this.#agenda.after(this.#chance.tailed(NOTICE_MS / 4), () => told({ kind: "error" }));
    this.#agenda.after(this.#chance.tailed(workMs), () => {
      if (this.#down || fate < refuse || this.#network.isCut(from, POSTGRES)) return fail();
      const what = work();
      if (fate < refuse + unknown || this.#network.isCut(POSTGRES, from)) return fail();
      this.#agenda.after(this.#chance.tailed(workMs / 4), () => told({ kind: "told", what }));
    });
  }

  /** The new term, or null while someone's lease lasts. */
  claim(holder: string, leaseMs: number): number | null {
    if (this.leader && this.leader.untilMs > this.#agenda.nowMs) return null;
    const term = (this.leader?.term ?? 0) + 1;
    this.#witness.onTerm(this.leader, term);
    this.leader = { term, holder, untilMs: this.#agenda.nowMs + leaseMs };
    return term;
  }

  /** False: another leads. */
  hold({ term, holder, leaseMs }: Reign): boolean {
    if (this.#guards.term && (this.leader?.term !== term || this.leader.holder !== holder)) return false;
    this.leader = { ...this.leader!, untilMs: this.#agenda.nowMs + leaseMs };
    return true;
  }

  release({ term, holder }: Reign): void {
    if (this.leader?.term === term && this.leader.holder === holder) this.leader = { ...this.leader, untilMs: 0 };
  }

  commit(reign: Reign, changes: Changes): boolean {
    const { batch, archived } = changes;
    for (const [part, rows] of Object.entries(batch)) {
      if (!KEPT.has(part) && (rows as readonly unknown[]).length > 0)
        throw new Error(`a batch has ${part}, which the simulated store does not keep`);
    }
    if (!this.hold(reign)) return false;
    this.#witness.onTransaction(reign, this.leader, changes);
    const progress = new Map(batch.jobs.map((job) => [job.id, job]));
    for (const row of batch.jobsNew) this.#insertJob(row, progress.get(row.id)!);
    for (const job of batch.jobs) this.#updateJob(job);
    for (const row of batch.ranges.flatMap(rangeTasks)) this.#upsertTask(row);
    for (const row of batch.tasks) this.#upsertTask(row);
    for (const row of batch.maps) this.maps.set(`${row.job}.${row.task}`, row);
    for (const row of batch.nodes) this.nodes.set(row.id, row);
    for (const row of batch.projects) this.projects.set(row.name, row);
    for (const row of batch.rates) this.rates.set(row.key, row);
    for (const row of batch.cached) this.results.set(row.key, row);
    for (const ended of batch.ended) {
      const key = attemptKey(ended.assignment.ref);
      if (!this.executions.has(key)) this.executions.set(key, ended);
    }
    for (const range of batch.endedRanges) this.#insertExecutions(range);
    for (const { key } of archived) if (this.executions.has(key)) this.archived.add(key);
    this.#witness.afterTransaction(changes);
    return true;
  }

  /** As a new leader reads it: what went through the rows and back, and nothing else. */
  load(): Restored {
    const jobs = [...this.jobs.values()].filter(({ progress }) => isLive(progress));
    jobs.sort((a, b) => a.row.submittedAtMs - b.row.submittedAtMs || (a.row.id < b.row.id ? -1 : 1));
    const tasks = jobs.flatMap(({ row }) =>
      [...(this.tasks.get(row.id)?.values() ?? [])].flatMap((rows) => [...rows.values()]),
    );
    const maps = [...this.maps.values()].filter(({ job }) => isLive(this.jobs.get(job)!.progress));
    const rows: Restored = {
      jobs,
      tasks,
      maps,
      nodes: [...this.nodes.values()],
      projects: [...this.projects.values()],
      rates: [...this.rates.values()],
    };
    return JSON.parse(JSON.stringify(rows)) as Restored;
  }

  /** As scheduler/cache-desk.ts finds it. */
  lookUp(lookups: readonly Lookup[], nowMs: number): CacheAnswer[] {
    return lookups.map((lookup) => {
      const { key } = cacheKey(lookup, null);
      const row = this.results.get(key);
      const isFresh = row && (lookup.ttlMs === 0 || row.madeAtMs > nowMs - lookup.ttlMs);
      return answerTo(lookup, { key, why: isFresh ? "" : "miss", hit: isFresh ? row : null });
    });
  }

  task(job: JobId, task: string, index: number): TaskRow | undefined {
    return this.tasks.get(job)?.get(task)?.get(index);
  }

  /** By index. */
  rowsOf(job: JobId, task: string): TaskRow[] {
    const rows = this.tasks.get(job)?.get(task)?.values() ?? [];
    return [...rows].sort((a, b) => a.index - b.index);
  }

  /** How many instances the task has. */
  countOf(job: JobId, task: TaskSpec): number {
    return this.maps.get(`${job}.${task.name}`)?.count ?? instanceCount(task);
  }

  #insertExecutions({ report, inputs }: Batch["endedRanges"][number]): void {
    for (let i = 0; i < report.startedAtMs.length; i += 1) {
      const end = endInRange(report, i);
      if (this.executions.has(end.key)) continue;
      const ref = parseAttemptKey(end.key)!;
      // As its pipeline has them, and not as none: whoever has some must not be told of in this way.
      const spec = this.jobs.get(ref.job)!.row.spec.tasks.find(({ name }) => name === ref.task)!;
      const outputs = Object.entries(spec.outputs).map(([name, path]) => ({ name, path }));
      this.executions.set(end.key, { assignment: { ref, inputs, outputs }, state: "succeeded", report: end });
    }
  }

  #insertJob(row: JobRow, progress: JobProgress): void {
    if (this.jobs.has(row.id)) return;
    this.#witness.onJob(row, undefined, progress);
    this.jobs.set(row.id, { row, progress });
    this.tasks.set(row.id, new Map());
    if (row.idempotencyKey !== null) this.keys.set(row.idempotencyKey, row.id);
  }

  #updateJob(after: JobProgress): void {
    const job = this.jobs.get(after.id);
    if (!job || job.progress === after || (this.#guards.endedJob && !isLive(job.progress))) return;
    this.#witness.onJob(job.row, job.progress, after);
    job.progress = after;
  }

  #upsertTask(row: TaskRow): void {
    const tasks = this.tasks.get(row.job);
    if (!tasks) throw new Error(`a row of a task came without its job ${row.job}`);
    let rows = tasks.get(row.task);
    if (!rows) tasks.set(row.task, (rows = new Map()));
    const before = rows.get(row.index);
    if (before === row) return;
    if (before && this.#isGuarded(before, row)) return this.#witness.onRefused(before, row);
    this.#witness.onTask(before, row);
    rows.set(row.index, row);
  }

  #isGuarded(before: TaskRow, after: TaskRow): boolean {
    if (this.#guards.attempt && before.attempt > after.attempt) return true;
    return this.#guards.endedTask && before.attempt >= after.attempt && TERMINAL_TASK_STATES.has(before.state);
  }
}

export function answerTo(
  { assignment: { ref } }: Lookup,
  found: Pick<CacheAnswer, "key" | "why" | "hit">,
): CacheAnswer {
  return { job: ref.job, task: ref.task, index: ref.index, ...found };
}

function isLive({ state }: JobProgress): boolean {
  return state === "pending" || state === "running";
}
