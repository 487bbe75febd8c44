import type { AttemptKey, NodeId } from "../../lib/core/ids.ts";
import { recountDevices } from "./device.ts";
import { loseAttempt } from "./attempt.ts";
import { shiftHolds } from "./hold.ts";
import { breakRangesOf, reconcileRanges } from "./range.ts";
import { stopAll } from "./stop.ts";
import type { Answer, Capacity, Event, NodeSettings, StopOrder } from "./event.ts";
import { MASS_LOSS_NODES_MIN } from "./limit.ts";
import { shiftLooks } from "./reason-book.ts";
import type { JobTask, Node, State, Timer } from "./state.ts";
import { addTimer, shiftTimers } from "./timer.ts";

type Joined = Event & { kind: "nodeJoined" };
type Heard = Event & { kind: "nodeHeard" };

export const PLAIN_SETTINGS: NodeSettings = {
  pool: "",
  taints: [],
  maintenance: [],
  quarantined: {},
  drainAtMs: null,
};

export function newNode(row: {
  id: NodeId;
  name: string;
  labels: Node["labels"];
  capacity: Capacity;
  settings?: NodeSettings;
  address?: string;
  era?: number;
}): Node {
  return {
    id: row.id,
    name: row.name,
    labels: row.labels,
    address: row.address ?? "",
    capacity: row.capacity,
    capacityBefore: row.capacity,
    settings: row.settings ?? PLAIN_SETTINGS,
    mode: "ready",
    lost: false,
    era: row.era ?? 0,
    leaving: false,
    heardAtMs: 0,
    leaseEndsMs: 0,
    attempts: new Map(),
    ranges: new Set(),
    reserved: { cpuMillis: 0, memoryBytes: 0, diskBytes: 0 },
    devices: new Map(),
    deviceRoom: null,
    prefilled: new Set(),
    hold: null,
  };
}

export function onNodeJoined(state: State, event: Joined, nowMs: number): Answer {
  let node = state.nodes.get(event.node);
  if (!node) {
    node = newNode({ id: event.node, name: event.name, labels: event.labels, capacity: event.capacity });
    state.nodes.set(node.id, node);
  }
  node.name = event.name;
  node.labels = event.labels;
  node.address = event.address;
  changeCapacity(node, event.capacity);
  node.leaving = false;
  renewLease(state, node, nowMs);
  state.out.nodes.add(node);
  noteFreed(state, node);
  return { kind: "done" };
}

/** It may have room that it had not at the last round. */
function noteFreed(state: State, node: Node): void {
  state.freed.add(node);
  state.placementDue = true;
}

function changeCapacity(node: Node, capacity: Capacity): void {
  if (node.attempts.size + node.ranges.size === 0) node.capacityBefore = capacity;
  else node.capacityBefore = largest(node.capacityBefore, node.capacity);
  node.capacity = capacity;
  recountDevices(node);
}

function largest(a: Capacity, b: Capacity): Capacity {
  return {
    cpuMillis: Math.max(a.cpuMillis, b.cpuMillis),
    memoryBytes: Math.max(a.memoryBytes, b.memoryBytes),
    diskBytes: Math.max(a.diskBytes, b.diskBytes),
    gpus: a.gpus,
  };
}

/** Gives the node a full lease from now and, if it had been given up, takes it back into service. */
export function renewLease(state: State, node: Node, nowMs: number): void {
  const hadTimer = node.leaseEndsMs > 0 && !node.lost;
  node.heardAtMs = nowMs;
  node.leaseEndsMs = nowMs + state.config.leaseMs;
  if (node.lost) {
    node.lost = false;
    state.out.nodes.add(node);
    noteFreed(state, node);
  }
  if (!hadTimer) addTimer(state.timers, node.leaseEndsMs + state.config.skewMs, { kind: "lease", node });
}

export function onNodeHeard(state: State, event: Heard, nowMs: number): Answer {
  const node = state.nodes.get(event.node);
  if (!node) return { kind: "heard", stop: [], query: [], rejoin: true };
  renewLease(state, node, nowMs);
  if (event.capacity) {
    changeCapacity(node, event.capacity);
    state.out.nodes.add(node);
    noteFreed(state, node);
  }
  if (node.leaving !== event.leaving) {
    node.leaving = event.leaving;
    noteFreed(state, node);
  }
  return reconcile(state, node, event.active);
}

/**
 * What the node holds against what we believe it holds. It must stop what is not ours to run any more (fenced), and say
 * what became of what it no longer names.
 */
function reconcile(state: State, node: Node, named: readonly AttemptKey[]): Answer {
  const stop: StopOrder[] = [];
  const query: AttemptKey[] = [];
  for (const key of reconcileRanges(state, node, named)) stop.push({ key, graceMs: 0, reason: "fenced" });
  const names = new Set(named);
  for (const [key, instance] of node.attempts) {
    if (instance.state.kind !== "active") continue;
    if (instance.state.stop) stop.push(instance.state.stop);
    instance.state.silent = names.has(key) ? 0 : instance.state.silent + 1;
    if (instance.state.silent >= state.config.silentHeartbeatsMax) query.push(key);
  }
  return { kind: "heard", stop, query, rejoin: false };
}

export function onNodeMode(state: State, id: NodeId, mode: Node["mode"]): Answer {
  const node = state.nodes.get(id);
  if (!node) return { kind: "refused", code: "not_found", message: `no node ${id}`, issues: [] };
  node.mode = mode;
  // A deadline belongs to the drain it was given with.
  if (node.settings.drainAtMs !== null) node.settings = { ...node.settings, drainAtMs: null };
  state.out.nodes.add(node);
  noteFreed(state, node);
  if (mode === "draining") stopAll(state, node, "drained");
  return { kind: "done" };
}

/** `drainAtMs` begins a drain that lets what runs go on until then. */
export function onNodeSettings(state: State, id: NodeId, change: Partial<NodeSettings>, nowMs: number): Answer {
  const node = state.nodes.get(id);
  if (!node) return { kind: "refused", code: "not_found", message: `no node ${id}`, issues: [] };
  node.settings = { ...node.settings, ...change };
  node.deviceRoom = null;
  if (change.drainAtMs != null) node.mode = "draining";
  armSettings(state, node, nowMs);
  state.out.nodes.add(node);
  noteFreed(state, node);
  return { kind: "done" };
}

/** Wakes the scheduler when a window of maintenance is over, or a drain has waited long enough. */
export function armSettings(state: State, node: Node, nowMs: number): void {
  const { maintenance, drainAtMs } = node.settings;
  for (const { toMs } of maintenance) if (toMs > nowMs) addTimer(state.timers, toMs, { kind: "node", node });
  if (drainAtMs !== null) addTimer(state.timers, drainAtMs, { kind: "node", node });
}

export function onNodeTimer(state: State, node: Node, nowMs: number): void {
  const { maintenance, drainAtMs } = node.settings;
  const left = maintenance.filter(({ toMs }) => toMs > nowMs);
  if (left.length < maintenance.length) {
    node.settings = { ...node.settings, maintenance: left };
    state.out.nodes.add(node);
    noteFreed(state, node);
  }
  if (node.mode === "draining" && drainAtMs !== null && drainAtMs <= nowMs) stopAll(state, node, "drained");
}

const KEPT_WAITS: ReadonlySet<Timer["kind"]> = new Set(["lease", "backoff", "rate", "takeBack", "takeBackRange"]);

/**
 * What was granted or waits for a length of time keeps that: no node has been silent for longer because somebody set the clock. Deadlines that people
 * think of as times of day (approvals, maintenance, drains) follow the clock.
 */
export function onClockStepped(state: State, byMs: number): void {
  for (const node of state.nodes.values()) {
    node.heardAtMs += byMs;
    node.leaseEndsMs += byMs;
    // A window that was near may be far now.
    if (node.settings.maintenance.length > 0) noteFreed(state, node);
  }
  for (const log of state.rates.values()) {
    log.starts = log.starts.map((atMs) => atMs + byMs);
    log.armedMs += byMs;
    state.out.rates.add(log);
  }
  shiftTimers(state.timers, byMs, ({ kind }) => KEPT_WAITS.has(kind));
  shiftHolds(state, byMs);
  shiftLooks(state.reasons, byMs);
  for (const job of state.jobs.values()) for (const task of job.tasks) shiftWaits(state, task, byMs);
}

function shiftWaits(state: State, task: JobTask, byMs: number): void {
  if (task.outcome === null && task.readyAtMs !== null) task.readyAtMs += byMs;
  for (const instance of task.instances?.values() ?? []) {
    const { state: held } = instance;
    if (held.kind === "ready") instance.state = { ...held, sinceMs: held.sinceMs + byMs };
    if (held.kind !== "backoff") continue;
    instance.state = { kind: "backoff", untilMs: held.untilMs + byMs };
    state.out.instances.add(instance);
  }
}

/** The lease of a node may have run out. */
export function onLeaseTimer(state: State, node: Node, nowMs: number): void {
  if (node.lost) return;
  const dueMs = node.leaseEndsMs + state.config.skewMs;
  if (nowMs < dueMs) return addTimer(state.timers, dueMs, { kind: "lease", node });
  if (isMassLoss(state, nowMs)) {
    return addTimer(state.timers, nowMs + state.config.leaseMs, { kind: "lease", node });
  }
  node.lost = true;
  node.era += 1;
  node.leaving = false;
  state.out.nodes.add(node);
  breakRangesOf(state, node);
  for (const instance of node.attempts.values()) {
    if (instance.state.kind !== "active") continue;
    const silentMs = nowMs - node.heardAtMs;
    loseAttempt(
      state,
      instance,
      instance.state,
      "node-lost",
      `node ${node.name} has not been heard for ${silentMs} ms`,
      nowMs,
    );
  }
}

/** More than half of the nodes that hold a lease cannot have died at once: it is our own network that is gone. */
function isMassLoss(state: State, nowMs: number): boolean {
  let held = 0;
  let silent = 0;
  for (const node of state.nodes.values()) {
    if (node.lost) continue;
    held += 1;
    if (node.leaseEndsMs <= nowMs) silent += 1;
  }
  return held >= MASS_LOSS_NODES_MIN && silent * 2 > held;
}
