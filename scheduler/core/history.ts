import type { PastAttempt } from "../../lib/core/execution.ts";
import { type AttemptKey, attemptKey, type AttemptRef, type JobId } from "../../lib/core/ids.ts";
import type { TaskState } from "./batch.ts";
import { peek } from "./queue.ts";
import { closePage, note, pageOf } from "./reason-book.ts";
import { rangeWith } from "./range.ts";
import type { Instance, Job, JobTask, State } from "./state.ts";
import { placementReason, type Reason } from "./why.ts";

/** What a task was in, and why, for a time. */
export interface Past extends Reason {
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the instance, or of an attempt that ended: lost. */
  readonly state: TaskState | "lost";
}

/** Between two looks at one class, in milliseconds: what changes and changes back in less is not noted. */
const CLASS_LOOK_MS = 1_000;
/** Nodes looked at in one go, at most, but for one class; a look at a node takes a fraction of a microsecond. */
const LOOKS_MAX = 10_000;
/** Nodes, and pages of the book, looked at in a millisecond on average: with that, looking takes about a hundredth of the time. */
const LOOKS_PER_MS = 40;
/** Entries of one history; the latest are kept. */
const HISTORY_MAX = 50;

/** Notes why classes wait that a round of placement has left waiting. */
export function noteReasons(state: State, nowMs: number): void {
  const { reasons: book } = state;
  book.sinceMs ??= nowMs;
  if (nowMs >= book.nextCloseMs) {
    for (const [key, page] of book.pages) {
      const queueClass = state.queue.get(key);
      if (!queueClass || !peek(queueClass)) closePage(page, nowMs);
    }
    book.nextCloseMs = nowMs + Math.floor(book.pages.size / LOOKS_PER_MS);
  }
  if (nowMs < book.nextLookMs) return;
  let looks = 0;
  for (const [key, queueClass] of state.queue) {
    if (looks >= LOOKS_MAX) break;
    if (nowMs - (book.pages.get(key)?.lookedAtMs ?? -Infinity) < CLASS_LOOK_MS || !peek(queueClass)) continue;
    note(pageOf(book, key), placementReason(state, queueClass.ask, nowMs), nowMs);
    looks += state.nodes.size + 1;
  }
  book.nextLookMs = nowMs + looks / LOOKS_PER_MS;
}

/** Of an instance of a job that has not ended, up to what `explain` says of now; undefined: there is none such. */
export function historyOf(
  state: State,
  id: JobId,
  taskName: string,
  index: number,
  attempts: readonly PastAttempt[],
): readonly Past[] | undefined {
  const job = state.jobs.get(id);
  const task = job?.tasks.find(({ spec }) => spec.name === taskName);
  if (!job || !task) return undefined;
  const instance = task.instances?.get(index);
  const all = [...jobWaits(job), ...dependencies(task, startMs(job))];
  const approval = approvalOf(task, instance);
  if (approval) all.push(approval);
  if (task.readyAtMs !== null && !task.spec.flow.approve) all.push(...waitsAndRuns(state, task, index, attempts));
  return all.slice(-HISTORY_MAX);
}

/** Of the attempts it has had, the last ones, the current one among them. */
export function attemptKeysOf(state: State, job: JobId, taskName: string, index: number): AttemptKey[] {
  const task = state.jobs.get(job)?.tasks.find(({ spec }) => spec.name === taskName);
  // Those of a range are in their first attempt, or have succeeded in it.
  const attempt = task?.instances?.get(index)?.attempt ?? (task && index < task.fresh ? 1 : 0);
  return attemptKeys({ job, task: taskName, index, attempt });
}

/** That attempt and those before it, as many as a history shows. */
export function attemptKeys(last: AttemptRef): AttemptKey[] {
  const count = Math.min(last.attempt, HISTORY_MAX);
  return Array.from({ length: count }, (_, i) => attemptKey({ ...last, attempt: last.attempt - count + 1 + i }));
}

/** Of an instance of a job that has ended: how its attempts went. */
export function historyOfEnded(submittedAtMs: number, attempts: readonly PastAttempt[]): readonly Past[] {
  const [first] = attempts;
  if (!first) return [];
  const why = "waited; what for is known as long as its job runs";
  const waited = past(submittedAtMs, first.startedAtMs ?? first.endedAtMs, "pending", "unknown", why);
  return [...(first.attempt === 1 ? [waited] : []), ...attempts.map((run) => attemptEntry(run, 0))].slice(-HISTORY_MAX);
}

/** Why its class waited since; null: nothing is known yet. */
export function historySinceMs({ reasons }: State): number | null {
  return reasons.sinceMs;
}

const past = (fromMs: number, toMs: number, state: Past["state"], kind: string, message: string): Past => ({
  fromMs,
  toMs,
  state,
  kind,
  message,
  nodesFailing: {},
});

/** When its first tasks could have begun. */
function startMs(job: Job): number {
  return job.waits.at(-1)?.untilMs ?? job.submittedAtMs;
}

function jobWaits({ submittedAtMs, waits }: Job): Past[] {
  return waits.flatMap(({ for: kind, untilMs }, i): Past[] => {
    const fromMs = waits[i - 1]?.untilMs ?? submittedAtMs;
    const message = kind === "rate" ? "the job waited for its turn" : "the job waited for its concurrency group";
    return fromMs < untilMs ? [past(fromMs, untilMs, "pending", kind, message)] : [];
  });
}

/** Each of the last ends of what it needs, and what was missing until then. */
const DEPENDENCIES_MAX = 10;

function dependencies(task: JobTask, sinceMs: number): Past[] {
  const ends = task.needs.filter(({ endedAtMs }) => endedAtMs !== null).toSorted((a, b) => a.endedAtMs! - b.endedAtMs!);
  const left = task.needs.length - ends.length;
  let fromMs = sinceMs;
  return ends.flatMap((need, i): Past[] => {
    const toMs = Math.max(fromMs, need.endedAtMs!);
    if (i < ends.length - DEPENDENCIES_MAX || toMs === fromMs) return [];
    const missing = left + ends.length - i;
    const others = missing === 1 ? "" : `, and ${missing - 1} more`;
    const entry = past(fromMs, toMs, "pending", "dependency", `waited for ${need.spec.name}${others} to end`);
    fromMs = toMs;
    return [entry];
  });
}

function approvalOf(task: JobTask, instance: Instance | undefined): Past | undefined {
  if (!task.spec.flow.approve || task.readyAtMs === null || instance?.state.kind !== "ended") return undefined;
  return past(task.readyAtMs, instance.state.atMs, "waiting", "approval", instance.message);
}

function waitsAndRuns(state: State, task: JobTask, index: number, attempts: readonly PastAttempt[]): Past[] {
  const found: Past[] = [];
  let atMs = task.readyAtMs!;
  for (const run of attempts) {
    const beganMs = run.startedAtMs ?? run.endedAtMs;
    found.push(...waitedOf(state, task, atMs, beganMs));
    found.push(attemptEntry(run, atMs));
    atMs = run.endedAtMs;
  }
  return [...found, ...waitedOf(state, task, atMs, waitedUntilMs(task, index) ?? atMs)];
}

/** Infinity: it waits now; undefined: not since its last attempt. */
function waitedUntilMs(task: JobTask, index: number): number | undefined {
  const instance = task.instances?.get(index);
  if (!instance) return index < task.fresh ? rangeWith(task, index)?.assignedAtMs : Infinity;
  if (instance.state.kind === "ready") return Infinity;
  return instance.state.kind === "active" ? (instance.assignedAtMs ?? undefined) : undefined;
}

function attemptEntry(run: PastAttempt, sinceMs: number): Past {
  const why = [run.reason, run.message].filter((text) => text !== "").join(": ");
  const message = `attempt ${run.attempt} on node ${run.node} ${run.state}${why === "" ? "" : ` (${why})`}`;
  const fromMs = Math.max(sinceMs, run.startedAtMs ?? run.endedAtMs);
  return past(fromMs, Math.max(fromMs, run.endedAtMs), run.state, "attempt", message);
}

/** Why its class waited in that time; the reason that holds now is told by `explain`. */
function waitedOf(state: State, { ask }: JobTask, fromMs: number, toMs: number): Past[] {
  const notes = state.reasons.pages.get(ask.key)?.notes ?? [];
  return notes.flatMap((noted): Past[] => {
    if (noted.toMs === null && toMs === Infinity) return [];
    const [from, to] = [Math.max(fromMs, noted.fromMs), Math.min(toMs, noted.toMs ?? toMs)];
    return from < to ? [{ ...noted.reason, fromMs: from, toMs: to, state: "ready" }] : [];
  });
}
