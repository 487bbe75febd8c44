import { expandAssignment } from "../../lib/core/alike.ts";
import { attemptKey, type AttemptKey, type JobId, parseAttemptKey } from "../../lib/core/ids.ts";
import { instanceCount, type TaskSpec } from "../../lib/core/pipeline/spec.ts";
import {
  check,
  type JobProgress,
  type JobRow,
  rangeTasks,
  type State,
  type TaskRow,
  TERMINAL_TASK_STATES,
} from "../../scheduler/core/index.ts";
import type { Agenda } from "./agenda.ts";
import type { Process, SimMachine } from "./machine.ts";
import type { Changes, LeaderRow, Reign, SimStore, StoreWitness } from "./store.ts";
import { Violation } from "./violation.ts";
import { outputsOf } from "./worker.ts";

/** A machine that slept beyond its lease stops what it runs when it wakes: looked at twice a second, and a margin to end. */
const WAKING_MS = 3_000;

/** Sees all of the world, also what no part of the system can, and says when a law is broken. */
export class Witness implements StoreWitness {
  readonly #agenda: Agenda;
  readonly #tell: (what: string, about: string) => void;
  #store: SimStore | undefined;
  #term = 0;
  /** Every process there ever was. */
  readonly #started = new Set<AttemptKey>();
  /** Attempts that came to their own end with exit code 0. */
  readonly #succeeded = new Set<AttemptKey>();
  readonly #failed = new Set<AttemptKey>();
  readonly #live = new Map<string, Set<{ readonly machine: SimMachine; readonly process: Process }>>();
  /** By idempotency key, the job that its callers were told of. */
  readonly #told = new Map<string, JobId>();
  readonly #accepted = new Set<JobId>();
  readonly #cancelled = new Set<JobId>();

  constructor(agenda: Agenda, tell: (what: string, about: string) => void) {
    this.#agenda = agenda;
    this.#tell = tell;
  }

  see(store: SimStore): void {
    this.#store = store;
  }

  get processes(): number {
    return [...this.#live.values()].reduce((sum, { size }) => sum + size, 0);
  }

  afterStep(state: State, what: string): void {
    const [fault] = check(state);
    if (fault !== undefined) throw new Violation("core laws", `after ${what}: ${fault}`, idsIn(fault));
  }

  onAccepted(job: JobId, key: string | null): void {
    this.#accepted.add(job);
    if (!this.#store!.jobs.has(job))
      throw new Violation("I1 nothing is lost", `${job} was accepted and is not stored`, [job]);
    if (key === null) return;
    const told = this.#told.get(key);
    if (told !== undefined && told !== job)
      throw new Violation("I14 one key, one job", `key ${key} made ${told} and ${job}`, [told, job]);
    this.#told.set(key, job);
  }

  onCancelAccepted(job: JobId): void {
    this.#cancelled.add(job);
    const progress = this.#store!.jobs.get(job)?.progress;
    if (progress && !progress.cancelRequested && progress.finishedAtMs === null)
      throw new Violation("I7 cancel wins", `the cancel of ${job} was accepted and is not stored`, [job]);
  }

  onTerm(before: LeaderRow | null, term: number): void {
    if (before && term <= before.term)
      throw new Violation("I12 numbers only grow", `term ${term} after ${before.term}`);
    this.#term = term;
  }

  onTransaction({ term, holder }: Reign, _current: LeaderRow | null, { batch }: Changes): void {
    if (term !== this.#term) {
      const what = `${holder} committed in term ${term} while term ${this.#term} lasts`;
      throw new Violation("I12 numbers only grow", what, [holder.split("/")[0]!]);
    }
    for (const { assignment, node } of batch.assign) {
      for (const { ref } of expandAssignment(assignment)) this.#tell(`assigned to ${node}`, attemptKey(ref));
    }
  }

  onTask(before: TaskRow | undefined, after: TaskRow): void {
    const key = keyOf(after);
    this.#tell(`${after.state}${after.reason === "" ? "" : ` (${after.reason})`}, committed`, key);
    if (before && after.attempt < before.attempt)
      throw new Violation("I12 numbers only grow", `${key} after attempt ${before.attempt}`, [key]);
    if (before && TERMINAL_TASK_STATES.has(before.state) && !isSame(before, after))
      throw new Violation("I6 ends are final", `${key} was ${before.state} and becomes ${after.state}`, [key]);
    const job = this.#store!.jobs.get(after.job)!;
    if (job.progress.cancelRequested && after.attempt > (before?.attempt ?? 0))
      throw new Violation("I7 cancel wins", `${key} was begun though its job is cancelled`, [key]);
    if (after.state === "succeeded" && !this.#succeeded.has(key))
      throw new Violation("I5 results stay", `${key} is said to have succeeded, and its process has not`, [key]);
    this.#checkFailures(job.row, after);
  }

  /** What the store refused to write, and is not the same again. */
  onRefused(before: TaskRow, after: TaskRow): void {
    if (isSame(before, after)) return;
    const key = keyOf(after);
    throw new Violation(
      "I6 ends are final",
      `${keyOf(before)} is ${before.state}; the scheduler wants ${key} ${after.state}`,
      [key],
    );
  }

  #checkFailures({ spec }: JobRow, row: TaskRow): void {
    const task = spec.tasks.find(({ name }) => name === row.task)!;
    // A gang's members count the failure of any of them.
    if (task.nodes > 1) return;
    let failed = 0;
    for (let attempt = 1; attempt <= row.attempt; attempt += 1)
      if (this.#failed.has(keyOf({ ...row, attempt }))) failed += 1;
    if (row.failures <= failed) return;
    const what = `${keyOf(row)} counts ${row.failures} failures, and ${failed} attempts failed by themselves`;
    throw new Violation("I8 only its own failures spend retries", `${what}: ${row.message}`, [keyOf(row)]);
  }

  onJob({ id, idempotencyKey }: JobRow, before: JobProgress | undefined, after: JobProgress): void {
    this.#tell(`${after.state}${after.cancelRequested ? ", cancel requested" : ""}, committed`, id);
    if (!before && idempotencyKey !== null && this.#store!.keys.has(idempotencyKey))
      throw new Violation("I14 one key, one job", `key ${idempotencyKey} makes ${id}, too`, [id]);
    if (!before) return;
    if (before.finishedAtMs !== null && before.state !== after.state)
      throw new Violation("I6 ends are final", `job ${id} was ${before.state} and becomes ${after.state}`, [id]);
    if (before.cancelRequested && !after.cancelRequested)
      throw new Violation("I7 cancel wins", `the cancel of job ${id} is forgotten`, [id]);
    if (before.cancelRequested && after.finishedAtMs !== null && after.state !== "cancelled")
      throw new Violation("I7 cancel wins", `job ${id} was cancelled and ends ${after.state}`, [id]);
  }

  afterTransaction({ batch }: Changes): void {
    for (const row of [...batch.ranges.flatMap(rangeTasks), ...batch.tasks])
      if (row.state === "succeeded") this.#checkLineage(row);
    for (const job of batch.jobs) if (job.finishedAtMs !== null) this.#checkWhole(job.id);
    for (const assignment of batch.assign.flatMap((one) => expandAssignment(one.assignment))) {
      const { job, task, index, attempt } = assignment.ref;
      const row = this.#store!.task(job, task, index);
      if (row?.attempt === attempt && row.state === "assigned") continue;
      const key = attemptKey(assignment.ref);
      throw new Violation("I10 assignments arrive", `${key} is sent, and the row says ${row?.state}`, [key]);
    }
  }

  #checkLineage(row: TaskRow): void {
    const { executions } = this.#store!;
    const key = keyOf(row);
    const execution = executions.get(key);
    const fault = (what: string): Violation => new Violation("I9 lineage is complete", `${key} ${what}`, [key]);
    if (execution?.state !== "succeeded")
      throw fault(`has succeeded, its execution is ${execution?.state ?? "not there"}`);
    const expected = outputsOf(execution.assignment);
    const kept = (outputs: TaskRow["outputs"]): string => outputs.map(({ digest }) => digest).join();
    if (kept(row.outputs) !== kept(expected) || kept(execution.report.outputs) !== kept(expected))
      throw new Violation("I5 results stay", `${key} has outputs of another attempt`, [key]);
    const job = this.#store!.jobs.get(row.job)!.row;
    const wanted = job.spec.tasks.find(({ name }) => name === row.task)!.inputs;
    for (const [name, { task, output }] of Object.entries(wanted)) {
      const inputs = execution.assignment.inputs.filter((input) => input.name === name);
      const made = this.#rowsOf(row.job, task).flatMap((producer) =>
        producer.state === "succeeded" ? producer.outputs.filter((one) => one.name === output) : [],
      );
      if (inputs.map(({ digest }) => digest).join() !== made.map(({ digest }) => digest).join())
        throw fault(`had other inputs "${name}" than ${task} made`);
    }
  }

  #rowsOf(job: JobId, task: string): TaskRow[] {
    const rows = [...(this.#store!.tasks.get(job)?.values() ?? [])].filter((row) => row.task === task);
    return rows.toSorted((a, b) => a.index - b.index);
  }

  /** A job that has ended has a row for each instance, and each says how it ended. */
  #checkWhole(id: JobId): void {
    const { row } = this.#store!.jobs.get(id)!;
    for (const task of row.spec.tasks) {
      const rows = this.#rowsOf(id, task.name);
      const ended = rows.filter(({ state }) => TERMINAL_TASK_STATES.has(state)).length;
      if (ended === this.#countOf(id, task) && ended === rows.length) continue;
      const what = `job ${id} has ended, and of ${this.#countOf(id, task)} instances of ${task.name} ${ended} have`;
      throw new Violation("I1 nothing is lost", what, [id]);
    }
  }

  #countOf(job: JobId, task: TaskSpec): number {
    return this.#store!.maps.get(`${job}.${task.name}`)?.count ?? instanceCount(task);
  }

  onStarted(machine: SimMachine, process: Process): void {
    const { key } = process;
    this.#tell(`process started on ${machine.node}`, key);
    if (this.#started.has(key)) throw new Violation("I2 one process an attempt", `${key} was started twice`, [key]);
    this.#started.add(key);
    const instance = instanceOf(key);
    const live = this.#live.get(instance) ?? new Set();
    for (const other of live) {
      if (other.process.life.paused || this.#agenda.nowMs - other.machine.wokeAtMs < WAKING_MS) continue;
      const what = `${key} starts on ${machine.node} while ${other.process.key} runs on ${other.machine.node}`;
      throw new Violation("I2 attempts do not overlap", what, [instance, machine.node, other.machine.node]);
    }
    live.add({ machine, process });
    this.#live.set(instance, live);
    this.#checkMachine(machine, key);
    this.#checkNeeds(process);
  }

  onGone(machine: SimMachine, process: Process): void {
    const { key, behaviour } = process;
    this.#tell(`process gone from ${machine.node}`, key);
    for (const one of this.#live.get(instanceOf(key)) ?? []) {
      if (one.process === process) this.#live.get(instanceOf(key))!.delete(one);
    }
    if (process.stop?.cause === "timeout") this.#failed.add(key);
    if (process.stop === null) (behaviour.exitCode === 0 ? this.#succeeded : this.#failed).add(key);
  }

  #checkMachine(machine: SimMachine, key: AttemptKey): void {
    const shares = new Map<string, number>();
    let cpuMillis = 0;
    for (const { assignment } of machine.processes.values()) {
      cpuMillis += assignment.resources.cpuMillis;
      const share = Math.min(1000, assignment.resources.gpuMillis);
      for (const uuid of assignment.gpuUuids) shares.set(uuid, (shares.get(uuid) ?? 0) + share);
    }
    for (const [uuid, share] of shares) {
      if (share > 1000) throw new Violation("I4 within capacity", `${uuid} is used ${share / 1000} times`, [key, uuid]);
    }
    if (cpuMillis > machine.capacity.cpuMillis)
      throw new Violation(
        "I4 within capacity",
        `${machine.node} runs ${cpuMillis} mCPU of ${machine.capacity.cpuMillis}`,
        [key],
      );
  }

  #checkNeeds({ key, assignment }: Process): void {
    const { job, task } = assignment.ref;
    const { spec } = this.#store!.jobs.get(job)!.row;
    for (const need of spec.tasks.find(({ name }) => name === task)!.needs) {
      const needed = spec.tasks.find(({ name }) => name === need)!;
      const ended = this.#rowsOf(job, need).filter(({ state }) => TERMINAL_TASK_STATES.has(state)).length;
      if (ended < this.#countOf(job, needed))
        throw new Violation("I3 needs first", `${key} starts before ${need} has ended`, [key, job]);
    }
  }

  /** When all is calm again: what was accepted has ended. */
  atTheEnd(): void {
    for (const job of this.#accepted) {
      const progress = this.#store!.jobs.get(job)?.progress;
      if (!progress || progress.finishedAtMs === null)
        throw new Violation("I1 nothing is lost", `${job} was accepted and has not ended`, [job]);
    }
    for (const job of this.#cancelled) {
      const state = this.#store!.jobs.get(job)?.progress.state;
      if (state !== "cancelled") throw new Violation("I7 cancel wins", `${job} was cancelled and is ${state}`, [job]);
    }
  }
}

function keyOf(row: {
  readonly job: JobId;
  readonly task: string;
  readonly index: number;
  readonly attempt: number;
}): AttemptKey {
  return attemptKey(row);
}

function instanceOf(key: AttemptKey): string {
  const { job, task, index } = parseAttemptKey(key)!;
  return `${job}.${task}.${index}`;
}

function isSame(a: TaskRow, b: TaskRow): boolean {
  return (
    a === b ||
    (a.state === b.state && a.attempt === b.attempt && JSON.stringify(a.outputs) === JSON.stringify(b.outputs))
  );
}

/** Jobs, attempts and nodes that a sentence speaks of. */
function idsIn(text: string): string[] {
  return text.match(/\bj\d+[\w.-]*|\bnode-[\w-]+/g) ?? [];
}
