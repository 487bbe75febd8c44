import { attemptKey, type AttemptKey, type AttemptRef, parseAttemptKey } from "../../lib/core/ids.ts";
import type { TaskSpec } from "../../lib/core/pipeline/spec.ts";
import { type JobRow, type TaskRow, TERMINAL_TASK_STATES } from "../../scheduler/core/index.ts";
import { AdmissionLaws } from "./admission-laws.ts";
import type { Agenda } from "./agenda.ts";
import type { Process, SimMachine } from "./machine.ts";
import type { SimStore } from "./store.ts";
import type { Tally } from "./tally.ts";
import { Violation } from "./violation.ts";

/** A machine that slept beyond its lease stops what it runs when it wakes: looked at twice a second, and a margin to end. */
const WAKING_MS = 3_000;
const WHOLE = 1000;

/** The laws of what really runs, on whatever machine, whoever knows of it. */
export class ProcessLaws {
  readonly #agenda: Agenda;
  readonly #tally: Tally;
  readonly #admission = new AdmissionLaws();
  #store: SimStore | undefined;
  /** Every process there ever was. */
  readonly #started = new Set<AttemptKey>();
  /** Attempts that came to their own end with exit code 0. */
  readonly #succeeded = new Set<AttemptKey>();
  readonly #failed = new Set<AttemptKey>();
  /** By gang, which for most is an instance. */
  readonly #live = new Map<string, Set<Process>>();
  readonly #machines = new Map<Process, SimMachine>();

  constructor(agenda: Agenda, tally: Tally) {
    this.#agenda = agenda;
    this.#tally = tally;
  }

  see(store: SimStore): void {
    this.#store = store;
  }

  get admission(): AdmissionLaws {
    return this.#admission;
  }

  hasSucceeded(key: AttemptKey): boolean {
    return this.#succeeded.has(key);
  }

  /** How many attempts up to this one failed by themselves; one of a gang fails with any of its members. */
  failures(spec: TaskSpec, { job, task, index, attempt }: AttemptRef): number {
    const first = index - (index % spec.nodes);
    let failed = 0;
    for (let number = 1; number <= attempt; number += 1) {
      for (let member = first; member < first + spec.nodes; member += 1) {
        if (!this.#failed.has(attemptKey({ job, task, index: member, attempt: number }))) continue;
        failed += 1;
        break;
      }
    }
    return failed;
  }

  onStarted(machine: SimMachine, process: Process): void {
    const { key, assignment } = process;
    const { ref } = assignment;
    if (this.#started.has(key)) throw new Violation("I2 one process an attempt", `${key} was started twice`, [key]);
    this.#started.add(key);
    const { row } = this.#store!.jobs.get(ref.job)!;
    const spec = specOf(row, ref.task);
    const gang = gangOf(spec, ref);
    const live = this.#live.get(gang) ?? new Set();
    this.#machines.set(process, machine);
    for (const other of live) this.#checkOverlap(process, machine, other);
    this.#live.set(gang, live.add(process));
    this.#checkCommitted(spec, key, ref);
    checkMachine(machine, key);
    this.#checkNeeds(row, spec, key);
    this.#admission.onStarted(row, process, this.#isStopping);
    if (spec.nodes > 1) this.#tally.saw("a member of a gang runs");
  }

  onGone(machine: SimMachine, process: Process): void {
    const { key, behaviour, assignment } = process;
    const { row } = this.#store!.jobs.get(assignment.ref.job)!;
    this.#live.get(gangOf(specOf(row, assignment.ref.task), assignment.ref))!.delete(process);
    this.#machines.delete(process);
    this.#admission.onGone(row, process);
    const cause = process.stop?.cause;
    if (cause === "timeout" || cause === "unhealthy") this.#failed.add(key);
    if (process.stop === null) (behaviour.exitCode === 0 ? this.#succeeded : this.#failed).add(key);
  }

  /** Its machine slept beyond its lease: it stops what it runs as soon as it wakes. */
  readonly #isStopping = (process: Process): boolean =>
    process.life.paused || this.#agenda.nowMs - this.#machines.get(process)!.wokeAtMs < WAKING_MS;

  #checkOverlap({ key, assignment }: Process, machine: SimMachine, other: Process): void {
    const { ref } = other.assignment;
    const there = this.#machines.get(other)!;
    // Members of one attempt are to run at once.
    if (ref.attempt === assignment.ref.attempt && ref.index !== assignment.ref.index) {
      if (there !== machine) return;
      throw new Violation("P3 gangs are whole", `${key} and ${other.key} share ${machine.node}`, [key]);
    }
    if (this.#isStopping(other)) return;
    const what = `${key} starts on ${machine.node} while ${other.key} runs on ${there.node}`;
    throw new Violation("I2 attempts do not overlap", what, [instanceOf(key), machine.node, there.node]);
  }

  /** What begins was committed before, of a gang for all members. */
  #checkCommitted({ nodes }: TaskSpec, key: AttemptKey, { job, task, index, attempt }: AttemptRef): void {
    const first = index - (index % nodes);
    for (let member = first; member < first + nodes; member += 1) {
      const row = this.#store!.task(job, task, member);
      if (row && row.attempt >= attempt) continue;
      const law = nodes > 1 ? "P3 gangs are whole" : "I10 assignments arrive";
      throw new Violation(law, `${key} starts, and member ${member} is at attempt ${row?.attempt ?? 0}`, [key]);
    }
  }

  #checkNeeds(job: JobRow, spec: TaskSpec, key: AttemptKey): void {
    for (const need of spec.needs) {
      const needed = specOf(job, need);
      const rows = this.#store!.rowsOf(job.id, need);
      const done = rows.filter((row) => isDone(needed, row)).length;
      if (done < this.#store!.countOf(job.id, needed))
        throw new Violation("I3 needs first", `${key} starts before ${need} has ended`, [key, job.id]);
    }
  }
}

/** Of a service those behind it want no more than that it has been ready. */
function isDone({ service }: TaskSpec, row: TaskRow): boolean {
  return TERMINAL_TASK_STATES.has(row.state) || (service !== undefined && row.service?.servedAtMs != null);
}

function checkMachine(machine: SimMachine, key: AttemptKey): void {
  const uses = new Map<string, { share: number; memoryBytes: number }>();
  let cpuMillis = 0;
  for (const { assignment } of machine.processes.values()) {
    cpuMillis += assignment.resources.cpuMillis;
    const share = Math.min(WHOLE, assignment.resources.gpuMillis);
    for (const uuid of assignment.gpuUuids) {
      const use = uses.get(uuid) ?? { share: 0, memoryBytes: 0 };
      use.share += share;
      use.memoryBytes += assignment.gpuMemoryBytes;
      uses.set(uuid, use);
    }
  }
  const { capacity, node } = machine;
  for (const [uuid, { share, memoryBytes }] of uses) {
    const gpu = capacity.gpus.find((one) => one.uuid === uuid);
    if (share > WHOLE) throw new Violation("I4 within capacity", `${uuid} is used ${share / WHOLE} times`, [key, uuid]);
    if (gpu && memoryBytes > gpu.memoryBytes)
      throw new Violation("I4 within capacity", `${memoryBytes} bytes of ${uuid} are given, of ${gpu.memoryBytes}`, [
        key,
        uuid,
      ]);
  }
  if (cpuMillis > capacity.cpuMillis)
    throw new Violation("I4 within capacity", `${node} runs ${cpuMillis} mCPU of ${capacity.cpuMillis}`, [key]);
}

export function specOf({ spec }: JobRow, task: string): TaskSpec {
  return spec.tasks.find(({ name }) => name === task)!;
}

function gangOf({ nodes }: TaskSpec, { job, task, index }: AttemptRef): string {
  return `${job}.${task}.${index - (index % nodes)}`;
}

export function instanceOf(key: AttemptKey): string {
  const { job, task, index } = parseAttemptKey(key)!;
  return `${job}.${task}.${index}`;
}
