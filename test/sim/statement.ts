import type { ClientBase } from "pg";
import { updateJobs } from "../../scheduler/job-store.ts";
import { holdLeadership } from "../../scheduler/leader-store.ts";
import { upsertTasks } from "../../scheduler/task-store.ts";

/**
 * The conditions that the scheduler's statements put on what they write, read from the statements themselves: the
 * simulated Postgres checks what the real one is asked to check, and no more.
 */
export interface Guards {
  /** Nothing is written in a term that is over. */
  readonly term: boolean;
  /** A row does not go back to an earlier attempt. */
  readonly attempt: boolean;
  /** A task that has ended stays as it is. */
  readonly endedTask: boolean;
  readonly endedJob: boolean;
}

export function readGuards(): Guards {
  const term = textOf((client) => holdLeadership(client, { term: 1, holder: "", leaseMs: 1 }));
  const tasks = textOf((client) => upsertTasks(client, []));
  const jobs = textOf((client) => updateJobs(client, []));
  return {
    term: says(term, "id = 1", "term = $1 and holder = $2"),
    attempt: says(tasks, "on conflict (job, task, index) do update", "tasks.attempt < excluded.attempt"),
    endedTask: says(tasks, "tasks.attempt", "tasks.state not in ('succeeded', 'failed', 'cancelled', 'skipped')"),
    endedJob: says(jobs, "jobs.id = row.id", "jobs.state in ('pending', 'running')"),
  };
}

/** `known`: what the statement says in any case; without it, it is another statement than the simulator knows. */
function says(text: string, known: string, condition: string): boolean {
  if (!text.includes(known)) throw new Error(`the simulated Postgres does not know this statement: ${text}`);
  return text.includes(condition);
}

function textOf(call: (client: ClientBase) => Promise<unknown>): string {
  let text = "";
  const query = (asked: string | { text: string }): Promise<unknown> => {
    text = typeof asked === "string" ? asked : asked.text;
    return Promise.resolve({ rows: [], rowCount: 1 });
  };
  void call({ query } as unknown as ClientBase);
  return text.replaceAll(/\s+/g, " ");
}
