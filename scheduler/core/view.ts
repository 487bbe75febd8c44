import type { JobId, NodeId } from "../../lib/core/ids.ts";
import type { Resources } from "../../lib/core/pipeline/spec.ts";
import type { NodeState, TaskState } from "./batch.ts";
import type { Capacity } from "./event.ts";
import { fitsCapacity, misfit } from "./fit.ts";
import { countWaiting, peek } from "./queue.ts";
import { type Instance, type JobTask, nodeState, type State } from "./state.ts";

export interface Reason {
  /** dependency, backoff, capacity, no_nodes, unsatisfiable, running, done, cancelling */
  readonly kind: string;
  readonly message: string;
  /** For capacity: how many nodes failed which predicate. */
  readonly nodesFailing: Readonly<Record<string, number>>;
}

export interface Explanation {
  readonly state: TaskState;
  readonly sinceMs: number;
  readonly reasons: readonly Reason[];
}

export interface NodeView {
  readonly id: NodeId;
  readonly name: string;
  readonly state: NodeState;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Capacity;
  readonly reserved: Resources;
  readonly gpusReserved: readonly string[];
  readonly heardAtMs: number;
  readonly attempts: number;
}

export interface QueueClassView {
  readonly priority: number;
  readonly resources: Resources;
  readonly waiting: number;
  readonly oldestReadyAtMs: number;
  /** job.task.index */
  readonly head: string;
  readonly reason: string;
}

/** Undefined: no such job (among those not ended) or task. */
export function explain(
  state: State,
  job: JobId,
  taskName: string,
  index: number,
  nowMs: number,
): Explanation | undefined {
  const task = state.jobs.get(job)?.tasks.find((candidate) => candidate.spec.name === taskName);
  if (!task || index < 0 || index >= task.count) return undefined;
  const instance = task.instances?.get(index);
  return instance ? explainInstance(state, instance, nowMs) : explainWaiting(state, task);
}

function explainInstance(state: State, instance: Instance, nowMs: number): Explanation {
  const held = instance.state;
  switch (held.kind) {
    case "ready":
      return { state: "ready", sinceMs: held.sinceMs, reasons: [placementReason(state, instance.task.spec.resources)] };
    case "backoff": {
      const what = instance.message || instance.reason;
      const message = `attempt ${instance.attempt} ended (${what}); the next is tried in ${Math.ceil((held.untilMs - nowMs) / 1000)} s`;
      return { state: "ready", sinceMs: nowMs, reasons: [reason("backoff", message)] };
    }
    case "active": {
      const where = `attempt ${instance.attempt} on node ${held.node.name}`;
      const reasons = held.stop ? [reason("cancelling", `${where} was told to stop (${held.stop.reason})`)] : [];
      if (held.started)
        return {
          state: "running",
          sinceMs: instance.startedAtMs ?? nowMs,
          reasons: [reason("running", where), ...reasons],
        };
      const queued = held.prefilled ? "queues there behind other short tasks" : "has not started yet";
      return {
        state: "assigned",
        sinceMs: instance.assignedAtMs ?? nowMs,
        reasons: [reason("running", `${where} ${queued}`), ...reasons],
      };
    }
    case "ended":
      return { state: held.as, sinceMs: held.atMs, reasons: [reason("done", instance.message || held.as)] };
  }
}

function explainWaiting(state: State, task: JobTask): Explanation {
  if (task.readyAtMs !== null) {
    return { state: "ready", sinceMs: task.readyAtMs, reasons: [placementReason(state, task.spec.resources)] };
  }
  const waitingFor = task.needs.filter((need) => need.outcome === null);
  const reasons = waitingFor.map((need) => {
    const done = need.count === 1 ? "" : ` (${need.ended} of ${need.count} instances have)`;
    return reason("dependency", `${need.spec.name} has not ended yet${done}`);
  });
  return { state: "pending", sinceMs: task.job.submittedAtMs, reasons };
}

function placementReason(state: State, asked: Resources): Reason {
  const nodes = [...state.nodes.values()];
  if (nodes.length === 0)
    return reason("no_nodes", "no node has joined the cluster; start one with `weft agent --server HOST:PORT`");
  if (!nodes.some((node) => fitsCapacity(node.capacity, asked))) {
    return reason("unsatisfiable", "no node of the cluster has as much as it asks for, even when empty");
  }
  const nodesFailing: Record<string, number> = {};
  for (const node of nodes) {
    const why = misfit(node, asked);
    if (why !== null) nodesFailing[why] = (nodesFailing[why] ?? 0) + 1;
  }
  const counts = Object.entries(nodesFailing).map(([what, count]) => `${what}: ${count}`);
  if (counts.length === 0) return reason("capacity", "is about to be placed");
  return {
    kind: "capacity",
    message: `waits for capacity; of ${nodes.length} nodes, ${counts.join(", ")} stand in the way`,
    nodesFailing,
  };
}

function reason(kind: string, message: string): Reason {
  return { kind, message, nodesFailing: {} };
}

export function listNodes(state: State): NodeView[] {
  return Array.from(state.nodes.values(), (node) => ({
    id: node.id,
    name: node.name,
    state: nodeState(node),
    labels: node.labels,
    capacity: node.capacity,
    reserved: { ...node.reserved, gpus: node.gpusReserved.size },
    gpusReserved: [...node.gpusReserved.keys()],
    heardAtMs: node.heardAtMs,
    attempts: node.attempts.size,
  }));
}

export function listQueue(state: State): QueueClassView[] {
  const views = [...state.queue.values()].flatMap((queueClass) => {
    const head = peek(queueClass);
    if (!head) return [];
    const index = head.instance?.index ?? head.task.fresh;
    const since = head.instance?.state.kind === "ready" ? head.instance.state.sinceMs : head.task.readyAtMs;
    return {
      priority: queueClass.priority,
      resources: queueClass.resources,
      waiting: countWaiting(queueClass),
      oldestReadyAtMs: since ?? 0,
      head: `${head.task.job.id}.${head.task.spec.name}.${index}`,
      reason: placementReason(state, queueClass.resources).message,
    };
  });
  return views.toSorted((a, b) => b.priority - a.priority || a.oldestReadyAtMs - b.oldestReadyAtMs);
}
