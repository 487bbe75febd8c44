import { type AttemptKey, attemptKey, type AttemptRef, parseAttemptKey } from "../../lib/core/ids.ts";
import { isMapped, type Resources } from "../../lib/core/pipeline/spec.ts";
import { RANGE_INSTANCES_MIN, TAKE_BACK_MS } from "./limit.ts";
import { bookRange, makeRoom } from "./reservation.ts";
import { type Job, type JobTask, newActive, newInstance, type Node, NO_GPUS, type Range, type State } from "./state.ts";
import { addTimer } from "./timer.ts";

/**
 * Ranges: neighbouring instances of a mapped task on their way through their first attempt as one record. Nothing that
 * sets an instance apart is kept here: when one does something of its own, the whole range falls apart into instances
 * (`breakRange`), and from then on is what it would have been from the start. So there are three moves only:
 *
 *   assigned   many fresh instances are given to one node at once        (assignRange, called by place)
 *   ended      some of them ended alike, told by one report               (onRangeEnded, see range-end.ts)
 *   broken     anything else: started, failed, lost, cancelled, drained   (breakRange)
 */

/** Whether instances of the task may travel together: nothing about one attempt is chosen, kept or looked up for it alone. */
function mayRange({ spec, ask }: JobTask): boolean {
  return (
    isMapped(spec) &&
    ask.nodes === 1 &&
    ask.requests.length === 1 &&
    ask.requests[0]!.gpuMillis === 0 &&
    !ask.preemptible &&
    !spec.service &&
    !spec.checkpoint &&
    !spec.flow.cache &&
    !spec.flow.rate
  );
}

/** How many of `most` to take at once: 1 when ranges are not for this task, or would be too short to be worth it. */
export function rangeSize(task: JobTask, most: number): number {
  const count = Math.min(most, task.count - task.fresh);
  return count >= RANGE_INSTANCES_MIN && mayRange(task) ? count : 1;
}

interface Given {
  readonly node: Node;
  readonly asked: Resources;
  readonly prefilled?: boolean;
}

/** Gives the task's next `count` fresh instances to the node. */
export function assignRange(state: State, task: JobTask, count: number, given: Given, nowMs: number): void {
  const { node, asked, prefilled = false } = given;
  const from = task.fresh;
  const range: Range = { task, from, to: from + count, node, asked, assignedAtMs: nowMs, reserved: 0, silent: 0 };
  task.fresh += count;
  keep(range);
  if (!prefilled) bookRange(state, range, count);
  else addTimer(state.timers, nowMs + TAKE_BACK_MS, { kind: "takeBackRange", range });
  state.out.ranges.add(range);
  if (task.job.state !== "pending") return;
  task.job.state = "running";
  state.out.jobs.add(task.job);
}

function keep(range: Range): void {
  (range.task.ranges ??= new Set()).add(range);
  range.node.ranges.add(range);
}

function drop(range: Range): void {
  range.task.ranges!.delete(range);
  range.node.ranges.delete(range);
}

/** The range of the node that the attempt is in. */
export function rangeOf(node: Node, { job, task, index, attempt }: AttemptRef): Range | undefined {
  if (attempt !== 1) return undefined;
  for (const range of node.ranges) {
    if (index < range.from || index >= range.to) continue;
    if (range.task.spec.name === task && range.task.job.id === job) return range;
  }
  return undefined;
}

/** The range of the task that the instance is in. */
export function rangeWith({ ranges }: JobTask, index: number): Range | undefined {
  for (const range of ranges ?? []) if (index >= range.from && index < range.to) return range;
  return undefined;
}

/** Its instances go their own ways from here. */
export function breakRange(state: State, range: Range): void {
  const { task, node, asked, assignedAtMs } = range;
  const isNew = state.out.ranges.delete(range);
  drop(range);
  for (let index = range.from; index < range.to; index += 1) {
    const key = attemptKey({ job: task.job.id, task: task.spec.name, index, attempt: 1 });
    const prefilled = index - range.from >= range.reserved;
    const active = newActive({ node, key, gpuUuids: NO_GPUS, choice: 0, asked, prefilled, silent: range.silent });
    const instance = newInstance(task, index, active);
    instance.attempt = 1;
    instance.lastNode = node.id;
    instance.assignedAtMs = assignedAtMs;
    node.attempts.set(key, instance);
    if (prefilled) {
      node.prefilled.add(instance);
      addTimer(state.timers, assignedAtMs + TAKE_BACK_MS, { kind: "takeBack", instance, attempt: 1 });
    }
    if (!isNew) continue;
    state.out.instances.add(instance);
    state.out.assigned.add(instance);
  }
}

/** Everything on the node is an instance of its own afterwards. */
export function breakRangesOf(state: State, of: Node | JobTask): void {
  for (const range of of.ranges ?? []) breakRange(state, range);
}

export function breakRangesOfJob(state: State, job: Job): void {
  for (const task of job.tasks) if (task.ranges) breakRangesOf(state, task);
}

/** Takes [from, to) out of the range, and off the books of its node. */
export function cutOut(state: State, range: Range, from: number, to: number): void {
  bookRange(state, range, -Math.min(to - from, range.reserved));
  drop(range);
  const { reserved } = range;
  const before = from - range.from;
  const kept: Range[] = [];
  if (before > 0) kept.push({ ...range, to: from, reserved: Math.min(reserved, before) });
  if (to < range.to) kept.push({ ...range, from: to, reserved: Math.max(0, reserved - before) });
  for (const part of kept) {
    keep(part);
    if (part.reserved < part.to - part.from)
      addTimer(state.timers, range.assignedAtMs + TAKE_BACK_MS, { kind: "takeBackRange", range: part });
  }
  makeRoom(state, range.node);
}

/**
 * What a node names in a heartbeat, held against its ranges. Returns the keys that are in none of them. A range of which
 * something has not been named for as many heartbeats as an attempt may be silent is broken, so that it is asked for.
 */
export function reconcileRanges(state: State, node: Node, named: readonly AttemptKey[]): AttemptKey[] {
  const counts = new Map<Range, number>();
  const strangers: AttemptKey[] = [];
  for (const key of named) {
    if (node.attempts.has(key)) continue;
    const ref = parseAttemptKey(key);
    const range = ref && rangeOf(node, ref);
    if (range) counts.set(range, (counts.get(range) ?? 0) + 1);
    else strangers.push(key);
  }
  for (const range of node.ranges) {
    const whole = (counts.get(range) ?? 0) >= range.to - range.from;
    if (whole) range.silent = 0;
    else if (range.silent + 1 >= state.config.silentHeartbeatsMax) breakRange(state, range);
    else range.silent += 1;
  }
  return strangers;
}
