import { attemptKey } from "../../lib/core/ids.ts";
import { orderStop } from "./stop.ts";
import { bestNode, fitsCapacity, freeGpus, misfit } from "./fit.ts";
import { PREFILL_ATTEMPTS_MAX, PREFILL_MS, PREFILL_RUN_MS_MAX, TAKE_BACK_MS } from "./limit.ts";
import { peek, type QueueClass, take } from "./queue.ts";
import { reserve } from "./reservation.ts";
import { type Active, type Instance, type Node, NO_GPUS, type State } from "./state.ts";
import { addTimer } from "./timer.ts";

/**
 * Gives ready instances to nodes: classes by priority, then by the age of their oldest; within a class oldest first.
 * A class that finds no room is passed over and the next is tried. Then short tasks may queue at nodes that are full.
 */
export function place(state: State, nowMs: number): void {
  if (!state.placementDue) return;
  state.placementDue = false;
  const classes = waitingClasses(state);
  for (const queueClass of classes) fill(state, queueClass, nowMs);
  for (const queueClass of classes) if (queueClass.resources.gpus === 0) prefill(state, queueClass, nowMs);
}

function waitingClasses(state: State): QueueClass[] {
  const waiting: { queueClass: QueueClass; sequence: number }[] = [];
  for (const [key, queueClass] of state.queue) {
    const head = peek(queueClass);
    if (head) waiting.push({ queueClass, sequence: head.task.job.sequence });
    else state.queue.delete(key);
  }
  waiting.sort((a, b) => b.queueClass.priority - a.queueClass.priority || a.sequence - b.sequence);
  return waiting.map(({ queueClass }) => queueClass);
}

function fill(state: State, queueClass: QueueClass, nowMs: number): void {
  const asked = queueClass.resources;
  while (peek(queueClass)) {
    const node = bestNode(state.nodes.values(), asked);
    if (!node) return;
    while (peek(queueClass) && misfit(node, asked) === null) {
      assign(state, take(queueClass)!, node, freeGpus(node).slice(0, asked.gpus), false, nowMs);
    }
  }
}

/** Lets short tasks of the class queue at nodes beyond their capacity, by as much as they will do in PREFILL_MS. */
function prefill(state: State, queueClass: QueueClass, nowMs: number): void {
  for (const node of state.nodes.values()) {
    if (misfit(node, NOTHING) !== null || !fitsCapacity(node.capacity, queueClass.resources)) continue;
    for (let head = peek(queueClass); head; head = peek(queueClass)) {
      const meanMs = head.task.job.meanRunMs.get(queueClass.key);
      if (meanMs === undefined || node.prefilled.size >= prefillMax(node, queueClass, meanMs)) break;
      assign(state, take(queueClass)!, node, NO_GPUS, true, nowMs);
    }
  }
}

const NOTHING = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, gpus: 0 };

function prefillMax(node: Node, { resources }: QueueClass, meanMs: number): number {
  if (meanMs > PREFILL_RUN_MS_MAX) return 0;
  const atOnce = Math.floor(node.capacity.cpuMillis / resources.cpuMillis);
  return Math.min(PREFILL_ATTEMPTS_MAX, Math.ceil((atOnce * PREFILL_MS) / Math.max(meanMs, 1)));
}

function assign(
  state: State,
  instance: Instance,
  node: Node,
  gpuUuids: readonly string[],
  prefilled: boolean,
  nowMs: number,
): void {
  const { job, spec } = instance.task;
  instance.attempt += 1;
  const key = attemptKey({ job: job.id, task: spec.name, index: instance.index, attempt: instance.attempt });
  const active: Active = { kind: "active", node, key, gpuUuids, started: false, prefilled, stop: null, silent: 0 };
  instance.state = active;
  instance.lastNode = node.id;
  instance.lastGpus = gpuUuids;
  instance.assignedAtMs = nowMs;
  instance.startedAtMs = null;
  instance.exitCode = null;
  instance.reason = "";
  instance.message = "";
  reserve(instance, active);
  state.out.instances.add(instance);
  state.out.assigned.add(instance);
  if (job.state === "pending") {
    job.state = "running";
    state.out.jobs.add(job);
  }
  if (prefilled)
    addTimer(state.timers, nowMs + TAKE_BACK_MS, { kind: "takeBack", instance, attempt: instance.attempt });
}

/** An attempt still queues at its node though another has room: it is taken back, and no retry is spent. */
export function onTakeBackTimer(state: State, instance: Instance, attempt: number, nowMs: number): void {
  const active = instance.state;
  if (instance.attempt !== attempt || active.kind !== "active" || !active.prefilled || active.stop) return;
  const elsewhere = bestNode(state.nodes.values(), instance.task.spec.resources);
  if (elsewhere) orderStop(state, instance, "fenced");
  else addTimer(state.timers, nowMs + TAKE_BACK_MS, { kind: "takeBack", instance, attempt });
}
