/** Ids are branded so that one cannot be passed for another; they are made only at edges. */
type Brand<T, B extends string> = T & { readonly __brand: B };

/** 12 characters of 0-9a-z, sortable by time of submission. */
export type JobId = Brand<string, "JobId">;
/** UUID, made by the agent at its first start. */
export type NodeId = Brand<string, "NodeId">;
/** `sha256:` and 64 hex digits. */
export type Digest = Brand<string, "Digest">;
/** `job.task.index.attempt`: names one try of one task instance. The attempt is the fencing token. */
export type AttemptKey = Brand<string, "AttemptKey">;

export interface AttemptRef {
  readonly job: JobId;
  readonly task: string;
  readonly index: number;
  /** From 1. */
  readonly attempt: number;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** Names of pipelines, tasks, inputs, outputs, map dimensions: they become NATS subjects, folders and environment variables. */
export const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

export function attemptKey(ref: AttemptRef): AttemptKey {
  return `${ref.job}.${ref.task}.${ref.index}.${ref.attempt}` as AttemptKey;
}

/** Undefined when the text is no attempt key. */
export function parseAttemptKey(text: string): AttemptRef | undefined {
  const match = /^([0-9a-z]+)\.([A-Za-z][A-Za-z0-9_-]*)\.(\d+)\.([1-9]\d*)$/.exec(text);
  if (!match) return undefined;
  return { job: match[1] as JobId, task: match[2]!, index: Number(match[3]), attempt: Number(match[4]) };
}
