import { expandAssignment } from "../../lib/core/alike.ts";
import type { ArtifactRef } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type JobId } from "../../lib/core/ids.ts";
import {
  check,
  type JobProgress,
  type JobRow,
  rangeTasks,
  type State,
  type TaskRow,
  TERMINAL_TASK_STATES,
} from "../../scheduler/core/index.ts";
import type { JobTask } from "../../scheduler/core/state.ts";
import { CACHED } from "../../scheduler/core/cache.ts";
import type { Agenda } from "./agenda.ts";
import { ApprovalLaws } from "./approval-laws.ts";
import type { Process, SimMachine } from "./machine.ts";
import { PlacingLaws } from "./placing-laws.ts";
import { instanceOf, ProcessLaws, specOf } from "./process-laws.ts";
import type { Changes, LeaderRow, Reign, SimStore, StoreWitness } from "./store.ts";
import type { Tally } from "./tally.ts";
import { Violation } from "./violation.ts";
import { outputsOf } from "./worker.ts";

/** Sees all of the world, also what no part of the system can, and says when a law is broken. */
export class Witness implements StoreWitness {
  readonly approvals = new ApprovalLaws();
  readonly processes: ProcessLaws;
  readonly #placing: PlacingLaws;
  readonly #tally: Tally;
  readonly #tell: (what: string, about: string) => void;
  #store: SimStore | undefined;
  #term = 0;
  /** By idempotency key, the job that its callers were told of. */
  readonly #told = new Map<string, JobId>();
  readonly #accepted = new Set<JobId>();
  readonly #cancelled = new Set<JobId>();
  /** By instance, what its last attempt that left something has left. */
  readonly #checkpoints = new Map<string, ArtifactRef>();
  /** Attempts that the transaction under way begins. */
  #beginning: TaskRow[] = [];
  #steps = 0;
  /** Looked at for the last time. */
  readonly #ended = new WeakSet<JobTask>();

  constructor(agenda: Agenda, tally: Tally, tell: (what: string, about: string) => void) {
    this.processes = new ProcessLaws(agenda, tally);
    this.#placing = new PlacingLaws(tally);
    this.#tally = tally;
    this.#tell = tell;
  }

  see(store: SimStore): void {
    this.#store = store;
    this.approvals.see(store);
    this.processes.see(store);
  }

  afterStep(state: State, what: string, nowMs: number): void {
    if (what === "place") this.#placing.afterPlace(state, nowMs);
    this.#steps += 1;
    if (this.#steps % stepsBetween(state) > 0) return;
    const [fault] = check(state, this.#ended);
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
    this.#placing.forget();
  }

  onTransaction({ term, holder }: Reign, _current: LeaderRow | null, { batch }: Changes): void {
    if (term !== this.#term) {
      const what = `${holder} committed in term ${term} while term ${this.#term} lasts`;
      throw new Violation("I12 numbers only grow", what, [holder.split("/")[0]!]);
    }
    this.#beginning = [];
    for (const { assignment, node } of batch.assign) {
      if (assignment.alike?.tasks) this.#tally.saw("a bundle is given");
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
    const spec = specOf(job.row, after.task);
    this.approvals.onTask(spec, after);
    if (after.attempt > (before?.attempt ?? 0)) this.#beginning.push(after);
    const isOfProcess = !spec.service && !spec.flow.approve && after.reason !== CACHED;
    if (after.state === "succeeded" && isOfProcess && !this.processes.hasSucceeded(key))
      throw new Violation("I5 results stay", `${key} is said to have succeeded, and its process has not`, [key]);
    const failed = this.processes.failures(spec, after);
    if (after.failures > failed) {
      const what = `${key} counts ${after.failures} failures, and ${failed} attempts failed by themselves`;
      throw new Violation("I8 only its own failures spend retries", `${what}: ${after.message}`, [key]);
    }
    if (after.reason !== "" && before?.reason !== after.reason) this.#tally.saw(`${after.state}: ${after.reason}`);
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
    this.processes.admission.onBatch(
      batch,
      this.#beginning.map((row) => ({ row, job: this.#store!.jobs.get(row.job)!.row })),
    );
    for (const { report, assignment } of batch.ended)
      if (report.checkpoint) this.#checkpoints.set(instanceOf(attemptKey(assignment.ref)), report.checkpoint);
    this.#checkStops(batch);
    for (const row of [...batch.ranges.flatMap(rangeTasks), ...batch.tasks])
      if (row.state === "succeeded") this.#checkLineage(row);
    for (const job of batch.jobs) if (job.finishedAtMs !== null) this.#checkWhole(job.id);
    for (const assignment of batch.assign.flatMap((one) => expandAssignment(one.assignment))) {
      const { job, task, index, attempt } = assignment.ref;
      this.#checkCheckpoint(assignment);
      const row = this.#store!.task(job, task, index);
      if (row?.attempt === attempt && row.state === "assigned") continue;
      const key = attemptKey(assignment.ref);
      throw new Violation("I10 assignments arrive", `${key} is sent, and the row says ${row?.state}`, [key]);
    }
  }

  /** Nobody is stopped for a reason that is not in Postgres. */
  #checkStops({ stop, nodes }: Changes["batch"]): void {
    for (const { order, node } of stop) {
      const [id, task] = order.key.split(".") as [JobId, string];
      const { row, progress } = this.#store!.jobs.get(id)!;
      this.#tally.saw(`told to stop: ${order.reason}`);
      const others = row.spec.tasks.filter(({ service }) => !service);
      const isRight =
        order.reason === "cancelled"
          ? progress.cancelRequested
          : order.reason === "preempted"
            ? specOf(row, task).preemptible
            : order.reason === "drained"
              ? // Drained and cordoned again in one round: the row knows the end only.
                this.#store!.nodes.get(node)?.state === "draining" || nodes.some(({ id }) => id === node)
              : order.reason === "gang"
                ? specOf(row, task).nodes > 1
                : order.reason !== "finished" || others.every((other) => this.#hasEnded(id, other.name));
      if (isRight) continue;
      throw new Violation("I10 assignments arrive", `${order.key} is told to stop (${order.reason}) without cause`, [
        order.key,
        node,
      ]);
    }
  }

  #hasEnded(job: JobId, task: string): boolean {
    const spec = specOf(this.#store!.jobs.get(job)!.row, task);
    const ended = this.#store!.rowsOf(job, task).filter(({ state }) => TERMINAL_TASK_STATES.has(state));
    return ended.length === this.#store!.countOf(job, spec);
  }

  #checkCheckpoint({ ref, checkpoint }: Changes["batch"]["assign"][number]["assignment"]): void {
    if (!checkpoint) return;
    const left = this.#checkpoints.get(instanceOf(attemptKey(ref)));
    if (left) this.#tally.saw("goes on from a checkpoint");
    if (left?.digest === checkpoint.from?.digest) return;
    const key = attemptKey(ref);
    throw new Violation("I18 checkpoints are handed on", `${key} is not given what the attempt before it left`, [key]);
  }

  #checkLineage(row: TaskRow): void {
    const { executions } = this.#store!;
    const key = keyOf(row);
    const job = this.#store!.jobs.get(row.job)!.row;
    const spec = specOf(job, row.task);
    // A word has no execution; and whoever stops a service that is not needed calls that an end like any other.
    if (spec.flow.approve || spec.service) return;
    const execution = executions.get(key);
    const fault = (what: string): Violation => new Violation("I9 lineage is complete", `${key} ${what}`, [key]);
    if (execution?.state !== "succeeded")
      throw fault(`has succeeded, its execution is ${execution?.state ?? "not there"}`);
    const expected = row.reason === CACHED ? this.#checkCached(row) : outputsOf(execution.assignment);
    const kept = (outputs: TaskRow["outputs"]): string => outputs.map(({ digest }) => digest).join();
    if (kept(row.outputs) !== kept(expected) || kept(execution.report.outputs) !== kept(expected))
      throw new Violation("I5 results stay", `${key} has outputs of another attempt`, [key]);
    for (const [name, { task, output }] of Object.entries(spec.inputs)) {
      const inputs = execution.assignment.inputs.filter((input) => input.name === name);
      const made = this.#store!
        .rowsOf(row.job, task)
        .flatMap((producer) =>
          producer.state === "succeeded" ? producer.outputs.filter((one) => one.name === output) : [],
        );
      if (inputs.map(({ digest }) => digest).join() !== made.map(({ digest }) => digest).join())
        throw fault(`had other inputs "${name}" than ${task} made`);
    }
  }

  /** Outputs of the attempt that did the same work before. */
  #checkCached(row: TaskRow): TaskRow["outputs"] {
    const key = keyOf(row);
    const fault = (what: string): Violation =>
      new Violation("I17 results are taken for the same work", `${key} ${what}`, [key]);
    const made = this.#store!.executions.get((row.cache?.why ?? "").replace(/^hit: /, "") as AttemptKey);
    if (made?.state !== "succeeded") throw fault(`takes the result of ${row.cache?.why}, which did not succeed`);
    const { assignment } = this.#store!.executions.get(key)!;
    // Where a service is depends on who asks.
    const said = (env: Readonly<Record<string, string>>): [string, string][] =>
      Object.entries(env).filter(([name]) => !name.startsWith("WEFT_SERVICE_"));
    const workOf = ({ run, env, inputs, outputs }: typeof assignment): string =>
      JSON.stringify([
        run,
        said(env ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)),
        inputs.map(({ digest }) => digest),
        outputs,
      ]);
    if (workOf(assignment) !== workOf(made.assignment)) throw fault("takes the result of other work");
    this.#tally.saw("a result is taken from the cache");
    return made.report.outputs;
  }

  /** A job that has ended has a row for each instance, and each says how it ended. */
  #checkWhole(id: JobId): void {
    const { row } = this.#store!.jobs.get(id)!;
    for (const task of row.spec.tasks) {
      const rows = this.#store!.rowsOf(id, task.name);
      const count = this.#store!.countOf(id, task);
      const ended = rows.filter(({ state }) => TERMINAL_TASK_STATES.has(state));
      if (ended.length !== count || rows.length !== count) {
        const what = `job ${id} has ended, and of ${count} instances of ${task.name} ${ended.length} have`;
        throw new Violation("I1 nothing is lost", what, [id]);
      }
      for (let first = 0; task.nodes > 1 && first < count; first += task.nodes) {
        const states = new Set(rows.slice(first, first + task.nodes).map(({ state }) => state));
        if (states.has("succeeded") && states.size > 1)
          throw new Violation("P3 gangs are whole", `a part of the gang ${id}.${task.name}.${first} succeeded`, [id]);
      }
    }
  }

  onStarted(machine: SimMachine, process: Process): void {
    this.#tell(`process started on ${machine.node}`, process.key);
    this.processes.onStarted(machine, process);
  }

  onGone(machine: SimMachine, process: Process): void {
    this.#tell(`process gone from ${machine.node}`, process.key);
    this.processes.onGone(machine, process);
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

function isSame(a: TaskRow, b: TaskRow): boolean {
  return (
    a === b ||
    (a.state === b.state && a.attempt === b.attempt && JSON.stringify(a.outputs) === JSON.stringify(b.outputs))
  );
}

/** Looking through thousands of instances after each event would take longer than all else. */
const LOOKED_AT_ONCE = 80;

function stepsBetween(state: State): number {
  let instances = 0;
  for (const { tasks } of state.jobs.values()) for (const task of tasks) instances += (task.instances?.size ?? 0) + 1;
  return 1 + Math.floor(instances / LOOKED_AT_ONCE);
}

/** Jobs, attempts and nodes that a sentence speaks of. */
function idsIn(text: string): string[] {
  return text.match(/\bj\d+[\w.-]*|\bnode-[\w-]+/g) ?? [];
}
