import { groupKey } from "../../scheduler/core/admission.ts";
import type { Batch, JobRow, RateRow, TaskRow } from "../../scheduler/core/index.ts";
import { taskRateKey } from "../../scheduler/core/rate.ts";
import type { Job, JobTask } from "../../scheduler/core/state.ts";
import type { Process } from "./machine.ts";
import { Violation } from "./violation.ts";

/** Jobs of a group do not run together beyond its limit, and no more starts than are allowed in a time. */
export class AdmissionLaws {
  /** By group and job. */
  readonly #live = new Map<string, Map<string, Set<Process>>>();

  /** `isStopping`: of a process that would be gone, had its machine not slept. */
  onStarted({ spec, id, params }: JobRow, process: Process, isStopping: (other: Process) => boolean): void {
    if (!spec.concurrency) return;
    const key = groupKey({ spec, params } as Job);
    const jobs = this.#live.get(key) ?? new Map<string, Set<Process>>();
    this.#live.set(key, jobs);
    jobs.set(id, (jobs.get(id) ?? new Set()).add(process));
    const running = [...jobs].filter(([, processes]) => [...processes].some((one) => !isStopping(one)));
    if (running.length <= spec.concurrency.limit) return;
    const what = `${running.map(([job]) => job).join(", ")} of group ${key} run together, which may have ${spec.concurrency.limit}`;
    throw new Violation("I16 limits of starts hold", what, [...jobs.keys()]);
  }

  onGone({ spec, id, params }: JobRow, process: Process): void {
    if (!spec.concurrency) return;
    const jobs = this.#live.get(groupKey({ spec, params } as Job))!;
    const processes = jobs.get(id)!;
    processes.delete(process);
    if (processes.size === 0) jobs.delete(id);
  }

  /** `rows`: of attempts that begin with this commit. */
  onBatch(batch: Batch, rows: readonly { readonly row: TaskRow; readonly job: JobRow }[]): void {
    for (const rate of batch.rates) checkRate(rate, rows);
    for (const { row, job } of rows) {
      const spec = job.spec.tasks.find(({ name }) => name === row.task)!;
      if (!spec.flow.rate) continue;
      const key = taskRateKey({ job, spec } as unknown as JobTask);
      const log = batch.rates.find((rate) => rate.key === key);
      if (log?.starts.includes(row.assignedAtMs!)) continue;
      throw new Violation("I16 limits of starts hold", `the start of ${row.job}.${row.task} is counted nowhere`, [
        row.job,
      ]);
    }
  }
}

function checkRate({ key, starts }: RateRow, rows: readonly { readonly job: JobRow }[]): void {
  const newest = starts.at(-1);
  const { limit, perMs } = LIMITS[key.split("/")[1]!]!;
  const inTime = newest === undefined ? 0 : starts.filter((atMs) => atMs > newest - perMs).length;
  if (inTime > limit)
    throw new Violation(
      "I16 limits of starts hold",
      `${inTime} starts of ${key} in ${perMs} ms, allowed ${limit}`,
      rows.map(({ job }) => job.id),
    );
}

/** As the workload gives them (see traits/admission.ts). */
const LIMITS: Readonly<Record<string, { readonly limit: number; readonly perMs: number }>> = {
  starts: { limit: 2, perMs: 3_000 },
  jobs: { limit: 2, perMs: 8_000 },
};
