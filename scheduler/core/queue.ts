import type { Ask } from "./ask.ts";
import { popHeap, pushHeap } from "./heap.ts";
import { type Instance, type JobTask, newInstance } from "./state.ts";

/**
 * Ready instances wait by class: those that ask for the same. A class is a heap by age of job, then place in the job,
 * so a round of placement looks at classes and not at tasks. A task whose instances have never run is one entry.
 */
export interface QueueClass {
  readonly ask: Ask;
  readonly heap: Entry[];
  /** Found no room on any node: only those that are freed from then on (State.freed) need to be looked at. */
  tried: boolean;
}

/** A whole task (its fresh instances), or one instance that comes back after an attempt; of a gang its first member. */
export type Entry = { readonly task: JobTask; readonly instance: Instance | null };

export type Queue = Map<string, QueueClass>;

export function enqueueTask(queue: Queue, task: JobTask): void {
  pushHeap(classOf(queue, task).heap, { task, instance: null }, isBefore);
}

export function enqueueInstance(queue: Queue, instance: Instance): void {
  pushHeap(classOf(queue, instance.task).heap, { task: instance.task, instance }, isBefore);
}

function classOf(queue: Queue, { ask }: JobTask): QueueClass {
  let found = queue.get(ask.key);
  if (!found) queue.set(ask.key, (found = { ask, heap: [], tried: false }));
  return found;
}

/** The next instance that would be taken, without taking it; entries that no longer wait are dropped on the way. */
export function peek(queueClass: QueueClass): Entry | undefined {
  const { heap } = queueClass;
  while (heap.length > 0 && !waits(heap[0]!)) popHeap(heap, isBefore);
  return heap[0];
}

/** Takes the next instance, in state ready; of a gang the first member, with the others behind it (see gangOf). */
export function take(queueClass: QueueClass): Instance | undefined {
  const entry = peek(queueClass);
  if (!entry) return undefined;
  if (entry.instance) {
    popHeap(queueClass.heap, isBefore);
    return entry.instance;
  }
  const { task } = entry;
  const instance = newInstance(task, task.fresh, { kind: "ready", sinceMs: task.readyAtMs! });
  task.fresh += task.spec.nodes;
  if (task.fresh === task.count) popHeap(queueClass.heap, isBefore);
  return instance;
}

/** How many instances wait in a class. */
export function countWaiting(queueClass: QueueClass): number {
  let waiting = 0;
  for (const entry of queueClass.heap) {
    if (waits(entry)) waiting += entry.instance ? entry.task.spec.nodes : entry.task.count - entry.task.fresh;
  }
  return waiting;
}

/** Since when the head of the class waits, in epoch milliseconds; Infinity: nothing waits. */
export function headSinceMs(queueClass: QueueClass): number {
  const head = peek(queueClass);
  if (!head) return Infinity;
  return head.instance?.state.kind === "ready" ? head.instance.state.sinceMs : head.task.readyAtMs!;
}

function waits(entry: Entry): boolean {
  if (entry.instance) return entry.instance.state.kind === "ready";
  return entry.task.fresh < entry.task.count && entry.task.readyAtMs !== null;
}

function isBefore(a: Entry, b: Entry): boolean {
  const jobs = a.task.job.sequence - b.task.job.sequence;
  if (jobs !== 0) return jobs < 0;
  const tasks = a.task.number - b.task.number;
  if (tasks !== 0) return tasks < 0;
  return (a.instance?.index ?? a.task.fresh) < (b.instance?.index ?? b.task.fresh);
}
