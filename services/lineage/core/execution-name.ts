/** A job, or what of it is meant. */
export interface ExecutionName {
  readonly job: string;
  readonly task?: string;
  readonly index?: number;
  readonly attempt?: number;
}

const NAME = /^([0-9a-z]+)(?:\.([A-Za-z][A-Za-z0-9_-]*)(?:\.(\d{1,9})|\[(\d{1,9})\])?(?:\.([1-9]\d{0,8}))?)?$/;

/** `job`, `job.task`, `job.task.index` and whole ids; of a task, `task[3]` is as good as `task.3`. Undefined: it is none of these. */
export function parseExecutionName(text: string): ExecutionName | undefined {
  const match = NAME.exec(text);
  if (match === null) return undefined;
  const [, job, task, dotted, bracketed, attempt] = match;
  const index = dotted ?? bracketed;
  return {
    job: job!,
    ...(task === undefined ? {} : { task }),
    ...(index === undefined ? {} : { index: Number(index) }),
    ...(attempt === undefined ? {} : { attempt: Number(attempt) }),
  };
}
