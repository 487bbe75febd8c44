import { formatDuration, formatSize } from "../../proto/units.ts";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import type { Resources } from "../../lib/core/pipeline/spec.ts";
import { whyConcurrency } from "./admission.ts";
import type { NodeState, TaskState } from "./batch.ts";
import type { Ask } from "./ask.ts";
import type { Capacity, NodeSettings } from "./event.ts";
import { countWaiting, peek } from "./queue.ts";
import type { Amounts, ProjectSettings } from "./share.ts";
import { type Starter, taskRateKey, whyRate } from "./rate.ts";
import { rangeWith } from "./range.ts";
import { hasIndex } from "./span.ts";
import { placementReason, type Reason, reason } from "./why.ts";
import { type Instance, type JobTask, type Node, nodeState, type Range, type State } from "./state.ts";

export type { Reason } from "./why.ts";

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
  readonly settings: NodeSettings;
  readonly address: string;
  /** Key of the class that it is kept for; empty: for none. */
  readonly heldFor: string;
  readonly capacity: Capacity;
  readonly reserved: Resources;
  readonly gpusReserved: readonly string[];
  readonly heardAtMs: number;
  readonly attempts: number;
}

export interface ProjectView extends ProjectSettings {
  readonly usage: Readonly<Amounts>;
  /** Instances. */
  readonly waiting: number;
}

export interface QueueClassView {
  readonly priority: number;
  readonly project: string;
  /** Members of a gang. */
  readonly nodes: number;
  readonly resources: Resources;
  readonly waiting: number;
  /** Instances with an attempt on a node. */
  readonly running: number;
  /** 0: nothing waits; then head and reason are empty. */
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
  if (!instance) return explainRange(task, index) ?? explainWaiting(state, task, nowMs);
  const found = explainInstance(state, instance, nowMs);
  return instance.cache ? { ...found, reasons: [...found.reasons, reason("cache", instance.cache.why)] } : found;
}

/** Of an instance that is on its way with others, or was. */
function explainRange(task: JobTask, index: number): Explanation | undefined {
  // When each of them ended is in the store.
  if (hasIndex(task.done, index))
    return { state: "succeeded", sinceMs: task.readyAtMs!, reasons: [reason("done", "succeeded")] };
  const range = rangeWith(task, index);
  if (!range) return undefined;
  const { from, node, assignedAtMs, reserved } = range;
  const queued = index - from >= reserved ? "queues there behind other short tasks" : "has not started yet";
  const message = `attempt 1 on node ${node.name} ${queued}`;
  return { state: "assigned", sinceMs: assignedAtMs, reasons: [reason("running", message)] };
}

function explainInstance(state: State, instance: Instance, nowMs: number): Explanation {
  const held = instance.state;
  switch (held.kind) {
    case "ready":
      return {
        state: "ready",
        sinceMs: held.sinceMs,
        reasons: [readyReason(state, { kind: "instance", instance }, nowMs)],
      };
    case "backoff": {
      const what = instance.message || instance.reason;
      const message = `attempt ${instance.attempt} ended (${what}); the next is tried in ${Math.ceil((held.untilMs - nowMs) / 1000)} s`;
      return { state: "ready", sinceMs: nowMs, reasons: [reason("backoff", message)] };
    }
    case "waiting": {
      const left = formatDuration(Math.max(0, held.untilMs - nowMs));
      const message = `${instance.message}; in ${left} it fails (weft approve ${instance.task.job.id} ${instance.task.spec.name})`;
      const sinceMs = held.untilMs - instance.task.spec.flow.approve!.timeoutMs;
      return { state: "waiting", sinceMs, reasons: [reason("approval", message)] };
    }
    case "active": {
      const where = `attempt ${instance.attempt} on node ${held.node.name}`;
      const reasons = held.stop ? [reason("cancelling", `${where} was told to stop (${held.stop.reason})`)] : [];
      if (held.started)
        return {
          state: "running",
          sinceMs: instance.startedAtMs ?? nowMs,
          reasons: [
            reason("running", where),
            ...readinessReasons(instance),
            ...checkpointReasons(instance, nowMs),
            ...reasons,
          ],
        };
      const queued = held.prefilled ? "queues there behind other short tasks" : "has not started yet";
      return {
        state: "assigned",
        sinceMs: instance.assignedAtMs ?? nowMs,
        reasons: [reason("running", `${where} ${queued}`), ...reasons],
      };
    }
    case "held":
      return {
        state: "ending",
        sinceMs: held.atMs,
        reasons: [reason("gang", "its own processes have ended; others of its gang have not")],
      };
    case "ended":
      return { state: held.as, sinceMs: held.atMs, reasons: [reason("done", instance.message || held.as)] };
  }
}

/** How much is lost if its machine dies now. */
function checkpointReasons({ task, checkpoint }: Instance, nowMs: number): Reason[] {
  if (!task.spec.checkpoint || !checkpoint) return [];
  // By the node's clock.
  const ageMs = Math.max(0, nowMs - (checkpoint.atMs ?? nowMs));
  const age = formatDuration(Math.floor(ageMs / 1000) * 1000);
  return [reason("checkpoint", `its last checkpoint is kept, ${formatSize(checkpoint.bytes)}, ${age} old`)];
}

function readinessReasons({ task, service }: Instance): Reason[] {
  if (!task.spec.service) return [];
  const restarts = service && service.restarts > 0 ? `; restarted ${service.restarts} times` : "";
  if (service?.ready) return [reason("ready", `is ready${restarts}`)];
  const why = service?.message ? `: ${service.message}` : "";
  return [reason("not_ready", `is not ready${why}${restarts}`)];
}

function explainWaiting(state: State, task: JobTask, nowMs: number): Explanation {
  if (task.readyAtMs !== null) {
    return { state: "ready", sinceMs: task.readyAtMs, reasons: [readyReason(state, { kind: "task", task }, nowMs)] };
  }
  const { job } = task;
  if (job.waitsFor !== "") {
    const message =
      job.waitsFor === "rate" ? `the job ${whyRate(state, { kind: "job", job }, nowMs)}` : whyConcurrency(state, job);
    return { state: "pending", sinceMs: job.submittedAtMs, reasons: [reason(job.waitsFor, message)] };
  }
  const waitingFor = task.needs.filter((need) => need.outcome === null && !need.served);
  const reasons = waitingFor.map((need) => {
    const done = need.count === 1 ? "" : ` (${need.ended} of ${need.count} instances have)`;
    if (need.spec.service) return reason("dependency", `service ${need.spec.name} has not been ready yet`);
    return reason("dependency", `${need.spec.name} has not ended yet${done}`);
  });
  return { state: "pending", sinceMs: task.job.submittedAtMs, reasons };
}

/** It waits for its turn, or for a node. */
function readyReason(state: State, starter: Starter & { kind: "task" | "instance" }, nowMs: number): Reason {
  const task = starter.kind === "task" ? starter.task : starter.instance.task;
  if (state.lookups.has(task) && starter.kind === "task")
    return reason("cache", "the result cache is asked whether it has run before");
  if (task.spec.flow.rate) {
    const released = state.rates.get(taskRateKey(task))?.released;
    if (starter.kind === "task" || !released?.has(starter.instance))
      return reason("rate", whyRate(state, starter, nowMs));
  }
  return placementReason(state, task.ask, nowMs);
}

export function listNodes(state: State): NodeView[] {
  return Array.from(state.nodes.values(), (node) => ({
    id: node.id,
    name: node.name,
    state: nodeState(node),
    labels: node.labels,
    settings: node.settings,
    address: node.address,
    heldFor: node.hold?.ask.key ?? "",
    capacity: node.capacity,
    reserved: { ...node.reserved, gpuMillis: gpuMillisReserved(node), gpu: null },
    gpusReserved: [...node.devices.keys()],
    heardAtMs: node.heardAtMs,
    attempts: node.attempts.size + sizeOf(node.ranges),
  }));
}

function sizeOf(ranges: Iterable<Range>): number {
  let size = 0;
  for (const { from, to } of ranges) size += to - from;
  return size;
}

function gpuMillisReserved({ devices }: Node): number {
  let millis = 0;
  for (const { shareMillis } of devices.values()) millis += shareMillis;
  return millis;
}

export function listProjects(state: State): ProjectView[] {
  const waiting = new Map<string, number>();
  for (const queueClass of state.queue.values()) {
    const { project } = queueClass.ask;
    waiting.set(project, (waiting.get(project) ?? 0) + countWaiting(queueClass));
  }
  return Array.from(state.projects.values(), ({ settings, usage }) => ({
    ...settings,
    usage: { ...usage },
    waiting: waiting.get(settings.name) ?? 0,
  }));
}

/** Classes of which something waits; with `running` also those of which something is only on nodes. */
export function listQueue(state: State, nowMs: number, { running = false } = {}): QueueClassView[] {
  const onNodes = runningByAsk(state);
  const views = [...state.queue.values()].flatMap((queueClass): QueueClassView[] => {
    const head = peek(queueClass);
    if (!head) return [];
    const index = head.instance?.index ?? head.task.fresh;
    const since = head.instance?.state.kind === "ready" ? head.instance.state.sinceMs : head.task.readyAtMs;
    const counted = onNodes.get(queueClass.ask.key)?.count ?? 0;
    onNodes.delete(queueClass.ask.key);
    return [
      {
        ...asked(queueClass.ask),
        waiting: countWaiting(queueClass),
        running: counted,
        oldestReadyAtMs: since ?? 0,
        head: `${head.task.job.id}.${head.task.spec.name}.${index}`,
        reason: placementReason(state, queueClass.ask, nowMs).message,
      },
    ];
  });
  if (running)
    for (const { ask, count } of onNodes.values())
      views.push({ ...asked(ask), waiting: 0, running: count, oldestReadyAtMs: 0, head: "", reason: "" });
  return views.toSorted((a, b) => b.priority - a.priority || a.oldestReadyAtMs - b.oldestReadyAtMs);
}

function asked({ priority, project, nodes, requests }: Ask) {
  return { priority, project, nodes, resources: requests[0]! };
}

/** By key: asks that were forgotten while attempts of theirs ran have been made again. */
function runningByAsk(state: State): Map<string, { readonly ask: Ask; count: number }> {
  const found = new Map<string, { readonly ask: Ask; count: number }>();
  const count = ({ ask }: JobTask, more: number): void => {
    const entry = found.get(ask.key);
    if (entry) entry.count += more;
    else found.set(ask.key, { ask, count: more });
  };
  for (const node of state.nodes.values()) {
    for (const { task } of node.attempts.values()) count(task, 1);
    for (const range of node.ranges) count(range.task, sizeOf([range]));
  }
  return found;
}
