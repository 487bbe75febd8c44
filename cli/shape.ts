import type { Job, TaskInstance } from "../sdk/index.ts";

/** What `--json` prints; scripts rely on it (README), so it is written out rather than taken from the client's types. */
export function jobJson(job: Job): object {
  const { resting } = job;
  return { ...jobHeadJson(job), tasks: job.tasks.map(taskJson), ...(resting.length > 0 ? { resting } : {}) };
}

export function jobHeadJson(job: Job): object {
  return {
    id: job.id,
    pipeline: job.pipeline,
    state: job.state,
    trigger: job.trigger,
    triggeredBy: job.triggeredBy && { ...job.triggeredBy, at: iso(job.triggeredBy.at) },
    priority: job.priority,
    project: job.project,
    params: job.params,
    code: job.code,
    submittedAt: iso(job.submittedAt),
    startedAt: iso(job.startedAt),
    finishedAt: iso(job.finishedAt),
    reason: job.reason,
    cancelRequested: job.cancelRequested,
    waitsFor: job.waitsFor,
    counts: job.counts,
  };
}

function taskJson(task: TaskInstance): object {
  return {
    name: task.name,
    index: task.index,
    state: task.state,
    attempt: task.attempt,
    node: task.node,
    startedAt: iso(task.startedAt),
    finishedAt: iso(task.finishedAt),
    exitCode: task.exitCode,
    reason: task.reason,
    message: task.message,
    map: task.map,
    needs: task.needs,
    outputs: task.outputs,
    result: task.result ?? null,
    cache: task.cache,
    failures: task.failures,
    losses: task.losses,
    ...(task.service ? { service: { ...task.service, changedAt: iso(task.service.changedAt) } } : {}),
    crashes: task.crashes,
  };
}

const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined)}\n`);
}

/** `train[3]`, or `train` when it is not mapped. */
export function instanceName(task: Pick<TaskInstance, "name" | "index">, mapped: boolean): string {
  return mapped ? `${task.name}[${task.index}]` : task.name;
}

/** Names of the tasks that have more than one instance, or values of a map. */
export function mappedTasks(job: Job): ReadonlySet<string> {
  const instances = job.tasks.filter((task) => task.index > 0 || Object.keys(task.map).length > 0);
  const ranges = job.resting.filter(({ first, count }) => first + count > 1);
  return new Set([...instances, ...ranges].map(({ name }) => name));
}
