import type { Code as CodeProto, Code__Output } from "../proto/gen/weft/v1/Code.ts";
import type { Job__Output } from "../proto/gen/weft/v1/Job.ts";
import type { JobEvent__Output } from "../proto/gen/weft/v1/JobEvent.ts";
import type { Task__Output } from "../proto/gen/weft/v1/Task.ts";
import type { TriggeredBy__Output } from "../proto/gen/weft/v1/TriggeredBy.ts";
import type { Value__Output } from "../proto/gen/google/protobuf/Value.ts";
import { fromProtoValue, type Scalar } from "../proto/value.ts";

export type JobState = "pending" | "running" | "succeeded" | "failed" | "cancelled";
export type TaskState =
  | "pending"
  | "ready"
  | "waiting"
  | "assigned"
  | "ending"
  | "running"
  | "succeeded"
  | "failed"
  | "cancelled"
  | "skipped";

export interface Code {
  /** Digest of the submitted folder. */
  readonly digest: string;
  readonly commit: string | null;
  /** The work tree differed from the commit. */
  readonly dirty: boolean;
  /** Of the work tree; null: none was checked out. */
  readonly branch: string | null;
  /** URL of the repository that the branch follows, without what signs in there. */
  readonly remote: string | null;
  /** What differed, as a patch in the artifact store; null: nothing did, or it is not kept. */
  readonly diff: { readonly digest: string; readonly bytes: number } | null;
}

/** What is said of the submitted folder; absent and null mean the same. */
export type CodeOptions = Pick<Code, "digest"> & { readonly [Name in keyof Omit<Code, "digest">]?: Code[Name] | null };

export interface OutputArtifact {
  readonly name: string;
  readonly digest: string;
  readonly bytes: number;
  readonly kind: "file" | "tree";
  readonly fileName: string;
}

/** One instance of a task, as it stands. */
export interface TaskInstance {
  readonly name: string;
  readonly index: number;
  readonly state: TaskState;
  /** 0: none yet. */
  readonly attempt: number;
  /** Name of the node of the current or last attempt. */
  readonly node: string | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly exitCode: number | null;
  /** Why it is in this state; null when there is nothing to say. */
  readonly reason: string | null;
  readonly message: string;
  readonly needs: readonly string[];
  readonly outputs: readonly OutputArtifact[];
  readonly map: Readonly<Record<string, Scalar>>;
  /** What it wrote to $WEFT_RESULT; undefined: nothing, or more than 4 KiB (then it is the output "result"). */
  readonly result: unknown;
  /** Of a task with a result cache: why a result was found (`hit: …`) or not (`miss: …`). */
  readonly cache: string | null;
  readonly failures: number;
  readonly losses: number;
  /** Null: no service, or not begun. */
  readonly service: {
    readonly ready: boolean;
    readonly changedAt: Date | null;
    /** By its restart policy; losses of its machine count apart. */
    readonly restarts: number;
    /** What the last probe said when it is not ready. */
    readonly message: string;
    readonly port: number | null;
  } | null;
  /** Losses that the task may have caused. */
  readonly crashes: number;
}

export interface TriggeredBy {
  /** PIPELINE.NAME */
  readonly trigger: string;
  /** schedule, nats, webhook, data, job, manual */
  readonly kind: string;
  /** Which tick, message, delivery or job. */
  readonly event: string;
  readonly at: Date;
  /** Of the stored pipeline. */
  readonly version: number;
}

export interface Job {
  readonly id: string;
  readonly pipeline: string;
  readonly state: JobState;
  readonly trigger: string;
  readonly priority: number;
  readonly project: string;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly code: Code | null;
  readonly submittedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly reason: string | null;
  /** What keeps it from starting: its concurrency group, or a rate limit. */
  readonly waitsFor: "concurrency" | "rate" | null;
  /** Instances by state. */
  readonly counts: Readonly<Record<string, number>>;
  readonly cancelRequested: boolean;
  /** The firing that it comes from; null: somebody submitted it. */
  readonly triggeredBy: TriggeredBy | null;
  /** Empty in lists. Of a job of more than 30,000 instances only those that have run: the others are in `resting`. */
  readonly tasks: readonly TaskInstance[];
  /** Of a large job, what has not run. */
  readonly resting: readonly InstanceRange[];
}

/** Neighbouring instances that have not run and are in one state. */
export interface InstanceRange {
  readonly name: string;
  /** Index of the first. */
  readonly first: number;
  readonly count: number;
  readonly state: TaskState;
  readonly needs: readonly string[];
}

export function isEnded(state: string): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

/** 0 stands for never. */
export const dateOf = (ms: number): Date | null => (ms === 0 ? null : new Date(ms));
export const said = (text: string): string | null => (text === "" ? null : text);

export function scalarsOf(values: Readonly<Record<string, Value__Output>>): Record<string, Scalar> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fromProtoValue(value) ?? null]));
}

/** Null: nothing was submitted with the pipeline. */
export function codeOf(code: Code__Output | null): Code | null {
  if (!code || code.digest === "") return null;
  return {
    digest: code.digest,
    commit: said(code.commit),
    dirty: code.dirty,
    branch: said(code.branch),
    remote: said(code.remote),
    diff: code.diff === "" ? null : { digest: code.diff, bytes: code.diffBytes },
  };
}

export function codeToProto(code: CodeOptions | undefined): CodeProto | null {
  if (!code) return null;
  return {
    digest: code.digest,
    commit: code.commit ?? "",
    dirty: code.dirty ?? false,
    branch: code.branch ?? "",
    remote: code.remote ?? "",
    diff: code.diff?.digest ?? "",
    diffBytes: code.diff?.bytes ?? 0,
  };
}

function triggeredByOf(by: TriggeredBy__Output | null): TriggeredBy | null {
  return by && { trigger: by.trigger, kind: by.kind, event: by.event, at: new Date(by.atMs), version: by.version };
}

export function jobOf(job: Job__Output): Job {
  return {
    id: job.id,
    pipeline: job.pipeline,
    state: job.state as JobState,
    trigger: job.trigger,
    priority: job.priority,
    project: job.project,
    params: scalarsOf(job.params),
    code: codeOf(job.code),
    submittedAt: new Date(job.submittedAtMs),
    startedAt: dateOf(job.startedAtMs),
    finishedAt: dateOf(job.finishedAtMs),
    reason: said(job.reason),
    counts: job.counts,
    cancelRequested: job.cancelRequested,
    waitsFor: (job.waitsFor || null) as Job["waitsFor"],
    triggeredBy: triggeredByOf(job.triggeredBy),
    ...instancesOf(job, new Map()),
  };
}

/** `known`: what tasks of earlier pages need. */
function instancesOf(
  job: Pick<Job__Output, "tasks" | "resting">,
  known: Map<string, readonly string[]>,
): Pick<Job, "tasks" | "resting"> {
  for (const { name, needs } of job.resting) if (needs.length > 0) known.set(name, needs);
  const tasks = withNeeds(job.tasks.map(taskOf), known);
  const resting = job.resting.map(({ name, first, count, state }) => {
    return { name, first, count, state: state as TaskState, needs: known.get(name) ?? [] };
  });
  return { tasks, resting };
}

/** The pages of one job together; its head is that of the first. A range that a page's end parted is whole again. */
export function jobOfPages(pages: readonly Job__Output[]): Job {
  const known = new Map<string, readonly string[]>();
  const parts = pages.map((page) => instancesOf(page, known));
  const resting: InstanceRange[] = [];
  for (const range of parts.flatMap((part) => part.resting)) {
    const before = resting.at(-1);
    const isNext = before?.name === range.name && before.state === range.state;
    if (isNext && before.first + before.count === range.first)
      resting[resting.length - 1] = { ...before, count: before.count + range.count };
    else resting.push(range);
  }
  return { ...jobOf(pages[0]!), tasks: parts.flatMap((part) => part.tasks), resting };
}

/** Of the instances of one task only the first carries what the task needs; here each does. */
function withNeeds(tasks: readonly TaskInstance[], known: Map<string, readonly string[]>): TaskInstance[] {
  for (const { name, needs } of tasks) if (needs.length > 0) known.set(name, needs);
  return tasks.map((task) => (task.needs.length > 0 ? task : { ...task, needs: known.get(task.name) ?? [] }));
}

export function taskOf(task: Task__Output): TaskInstance {
  return {
    name: task.name,
    index: task.index,
    state: task.state as TaskState,
    attempt: task.attempt,
    node: said(task.node),
    startedAt: dateOf(task.startedAtMs),
    finishedAt: dateOf(task.finishedAtMs),
    exitCode: task.exitCode ?? null,
    reason: said(task.reason),
    message: task.message,
    needs: task.needs,
    outputs: task.outputs.map((output) => ({ ...output, kind: output.kind as "file" | "tree" })),
    map: scalarsOf(task.map),
    result: task.result === "" ? undefined : (JSON.parse(task.result) as unknown),
    cache: said(task.cache),
    failures: task.failures,
    losses: task.losses,
    service: task.service && {
      ready: task.service.ready,
      changedAt: dateOf(task.service.changedAtMs),
      restarts: task.service.restarts,
      message: task.service.message,
      port: task.service.port === 0 ? null : task.service.port,
    },
    crashes: task.crashes,
  };
}

/** What a watch yields: the job's head where it changed, and the instances that changed. */
export interface JobChange {
  readonly job: Omit<Job, "tasks"> | null;
  readonly tasks: readonly TaskInstance[];
  /** The stream began (again): what was known before may be old. */
  readonly first: boolean;
}

/**
 * A job put together from its changes. The first change carries the whole head; a later one only what can change, so that
 * the rest is kept.
 */
export class JobPicture {
  #head: Omit<Job, "tasks"> | undefined;
  readonly #tasks = new Map<string, TaskInstance>();
  readonly #needs = new Map<string, readonly string[]>();

  /** The instances whose state, attempt or node are others than before. */
  take(change: JobChange): TaskInstance[] {
    if (change.job) this.#head = this.#head && !change.first ? merge(this.#head, change.job) : change.job;
    return withNeeds(change.tasks, this.#needs).filter((task) => {
      const key = `${task.name}.${task.index}`;
      const before = this.#tasks.get(key);
      this.#tasks.set(key, task);
      return before?.state !== task.state || before.attempt !== task.attempt;
    });
  }

  get job(): Job | undefined {
    return this.#head && { ...this.#head, tasks: [...this.#tasks.values()] };
  }

  get state(): JobState {
    return this.#head?.state ?? "pending";
  }
}

function merge(before: Omit<Job, "tasks">, now: Omit<Job, "tasks">): Omit<Job, "tasks"> {
  return {
    ...before,
    state: now.state,
    startedAt: now.startedAt ?? before.startedAt,
    finishedAt: now.finishedAt ?? before.finishedAt,
    reason: now.reason,
    cancelRequested: now.cancelRequested,
    waitsFor: now.waitsFor,
    counts: Object.keys(now.counts).length > 0 ? now.counts : before.counts,
  };
}

export function changeOf(event: JobEvent__Output, first: boolean): JobChange {
  // The whole job carries its tasks inside, a change beside it.
  const job = event.job === null ? null : jobOf(event.job);
  return { job, tasks: [...(job?.tasks ?? []), ...event.tasks.map(taskOf)], first };
}
