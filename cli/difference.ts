import type { Job } from "../sdk/index.ts";

/** Where a job that was run again came out otherwise. Null: there is none on that side. */
export interface Difference {
  readonly task: string;
  readonly index: number;
  /** Name of the output; "state" and "result" are the task's own. */
  readonly name: string;
  readonly before: string | null;
  readonly now: string | null;
}

/** Of two jobs of one pipeline, instance by instance: states, digests of outputs, and results. */
export function differences(before: Job, now: Job): Difference[] {
  const [old, fresh] = [facts(before), facts(now)];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((key) => old.get(key) !== fresh.get(key))
    .map((key) => {
      const [task, index, , name] = JSON.parse(key) as [string, number, string, string];
      return { task, index, name, before: old.get(key) ?? null, now: fresh.get(key) ?? null };
    });
}

/** An output may be called "state" or "result", too. */
function facts(job: Job): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name: task, index, state, outputs, result } of job.tasks) {
    const note = (of: "task" | "output", name: string, fact: string) =>
      found.set(JSON.stringify([task, index, of, name]), fact);
    note("task", "state", state);
    if (result !== undefined) note("task", "result", JSON.stringify(result));
    for (const { name, digest } of outputs) note("output", name, digest);
  }
  return found;
}
