import { type Ask } from "./ask.ts";
import { chooseDevices, deviceCount, deviceRoom } from "./device.ts";
import { couldRun, type Misfit, roomMisfit, serviceMisfit } from "./fit.ts";
import {
  ENDLESS_HOLD_AFTER_MS,
  ENDLESS_HOLD_SHARE,
  HOLD_AFTER_MS,
  HOLD_LOOK_EVERY_MS,
  HOLD_LOOKS_MAX,
  HOLDS_MAX,
} from "./limit.ts";
import { headSinceMs, type QueueClass } from "./queue.ts";
import type { Resources } from "../../lib/core/pipeline/spec.ts";
import type { Node, State } from "./state.ts";

/**
 * Nodes kept for the head of a class that waits for long: what is freed there gathers until it is enough. Others may
 * start beside it (both fit) or before it (they end in time): backfill.
 */
export interface Hold {
  readonly ask: Ask;
  readonly asked: Resources;
  readonly nodes: readonly Node[];
  /** When all that runs there now will have ended; Infinity: nobody knows. */
  readonly freeAtMs: number;
  /** Made for one that waits long and whose end nobody knows: since when. Null: another. */
  endlessSinceMs: number | null;
}

/** Why a hold keeps the ask from the node; null: none does. */
export function holdMisfit(node: Node, ask: Ask, asked: Resources, nowMs: number): "reserved" | null {
  const { hold } = node;
  if (hold === null || hold.ask.key === ask.key || ask.priority > hold.ask.priority) return null;
  if (ask.limitMs > 0 && nowMs + ask.limitMs <= hold.freeAtMs && hold.freeAtMs !== Infinity) return null;
  const { capacity, reserved } = node;
  const beside =
    reserved.cpuMillis + asked.cpuMillis + hold.asked.cpuMillis <= capacity.cpuMillis &&
    reserved.memoryBytes + asked.memoryBytes + hold.asked.memoryBytes <= capacity.memoryBytes &&
    reserved.diskBytes + asked.diskBytes + hold.asked.diskBytes <= capacity.diskBytes;
  if (!beside) return "reserved";
  if (asked.gpuMillis === 0) return null;
  return chooseDevices(node, asked, deviceCount(hold.asked)) ? null : "reserved";
}

/** All that can stand in the way of the request on the node now; null: nothing does. */
export function misfit(node: Node, ask: Ask, asked: Resources, nowMs: number): Misfit | "reserved" | null {
  return serviceMisfit(node, ask, nowMs) ?? roomMisfit(node, asked) ?? holdMisfit(node, ask, asked, nowMs);
}

/** `waiting`: keys of asks. Ends holds whose class waits no more or whose nodes are out of service. */
export function dropHolds(state: State, waiting: ReadonlySet<string>, nowMs: number): void {
  for (const hold of state.holds.values()) {
    if (waiting.has(hold.ask.key) && hold.nodes.every((node) => serviceMisfit(node, hold.ask, nowMs) === null))
      continue;
    dropHold(state, hold.ask, nowMs);
  }
}

export function dropHold(state: State, ask: Ask, nowMs: number): void {
  const hold = state.holds.get(ask.key);
  if (!hold) return;
  state.holds.delete(ask.key);
  if (hold.endlessSinceMs !== null) payFor(state, hold, hold.endlessSinceMs, nowMs);
  for (const node of hold.nodes) {
    if (node.hold !== hold) continue;
    node.hold = null;
    state.freed.add(node);
    // Classes that were looked at before in this round found the nodes held.
    state.placementDue = true;
  }
}

/**
 * Gives holds to classes, in the order given, that have been blocked for long. Where it is known when the nodes will be
 * free, others fill the time until then, and a hold costs next to nothing. Where nobody knows, it makes the cluster smaller
 * for as long as what runs there takes: one class at a time has such a hold, and all of them together have a small part
 * of the cluster's time. Every class has its turn.
 */
export function holdForAged(state: State, classes: readonly QueueClass[], nowMs: number): void {
  if (nowMs < state.holdLookFromMs) return;
  state.holdLookFromMs = nowMs + HOLD_LOOK_EVERY_MS;
  let known = 0;
  let endless = 0;
  for (const { endlessSinceMs } of state.holds.values()) {
    if (endlessSinceMs === null) known += 1;
    else endless += 1;
  }
  let looks = HOLD_LOOKS_MAX;
  for (const queueClass of classes) {
    const mayEndless = endless === 0 && nowMs >= state.endlessHoldFromMs;
    if ((known >= HOLDS_MAX && !mayEndless) || looks === 0) return;
    const { ask } = queueClass;
    const waitedMs = nowMs - headSinceMs(queueClass);
    if (!queueClass.tried || state.holds.has(ask.key) || waitedMs < HOLD_AFTER_MS) continue;
    looks -= 1;
    const nodes = soonestFree(state, ask, nowMs);
    if (!nodes) continue;
    const endsMs = Math.max(...nodes.map((node) => freeAtMs(node, nowMs)));
    // Free already: its turn will come without a hold.
    if (endsMs <= nowMs) continue;
    if (endsMs < Infinity && known < HOLDS_MAX) {
      hold(state, ask, nodes, nowMs);
      known += 1;
    } else if (endsMs === Infinity && mayEndless && waitedMs >= ENDLESS_HOLD_AFTER_MS) {
      hold(state, ask, nodes, nowMs, true);
      endless += 1;
    }
  }
}

/** The wall clock was set. What ends when is by the clocks of the nodes. */
export function shiftHolds(state: State, byMs: number): void {
  state.holdLookFromMs += byMs;
  state.endlessHoldFromMs += byMs;
  for (const hold of state.holds.values()) if (hold.endlessSinceMs !== null) hold.endlessSinceMs += byMs;
}

/** The next hold of its kind comes so late that the share of the cluster's time that such take is kept. */
function payFor(state: State, { nodes }: Hold, sinceMs: number, nowMs: number): void {
  const share = nodes.length / Math.max(state.nodes.size, 1);
  state.endlessHoldFromMs = sinceMs + ((nowMs - sinceMs) * share) / ENDLESS_HOLD_SHARE;
}

export function hold(state: State, ask: Ask, nodes: readonly Node[], nowMs: number, endless = false): void {
  dropHold(state, ask, nowMs);
  const made: Hold = {
    ask,
    asked: ask.requests[0]!,
    nodes,
    freeAtMs: Math.max(...nodes.map((node) => freeAtMs(node, nowMs))),
    endlessSinceMs: endless ? nowMs : null,
  };
  for (const node of nodes) {
    if (node.hold) dropHold(state, node.hold.ask, nowMs);
    node.hold = made;
  }
  state.holds.set(ask.key, made);
}

/** The nodes that will have room first, as many as the ask has members. */
function soonestFree(state: State, ask: Ask, nowMs: number): Node[] | undefined {
  const able: { readonly node: Node; readonly atMs: number; readonly free: number }[] = [];
  for (const node of state.nodes.values()) {
    if (node.hold !== null || serviceMisfit(node, ask, nowMs) !== null || !couldRun(node, ask)) continue;
    able.push({ node, atMs: freeAtMs(node, nowMs), free: freeFraction(node, ask.requests[0]!) });
  }
  if (able.length < ask.nodes) return undefined;
  able.sort((a, b) =>
    a.atMs === b.atMs ? longestMs(a.node, nowMs) - longestMs(b.node, nowMs) || b.free - a.free : a.atMs - b.atMs,
  );
  return able.slice(0, ask.nodes).map(({ node }) => node);
}

function freeAtMs(node: Node, nowMs: number): number {
  let atMs = nowMs;
  for (const { task, startedAtMs, assignedAtMs, state } of node.attempts.values()) {
    if (state.kind !== "active" || state.prefilled || state.stop) continue;
    if (task.spec.timeoutMs === 0) return Infinity;
    atMs = Math.max(atMs, (startedAtMs ?? assignedAtMs ?? nowMs) + task.spec.timeoutMs);
  }
  for (const { task, assignedAtMs, reserved } of node.ranges) {
    if (reserved === 0) continue;
    if (task.spec.timeoutMs === 0) return Infinity;
    atMs = Math.max(atMs, assignedAtMs + task.spec.timeoutMs);
  }
  return atMs;
}

/**
 * How long the eldest attempt has run there. Run times have long tails: what has run for long will likely run for long
 * (Harchol-Balter and Downey, "Exploiting process lifetime distributions", 1997).
 */
function longestMs(node: Node, nowMs: number): number {
  let longest = 0;
  for (const { startedAtMs, assignedAtMs, state } of node.attempts.values()) {
    if (state.kind !== "active" || state.prefilled) continue;
    longest = Math.max(longest, nowMs - (startedAtMs ?? assignedAtMs ?? nowMs));
  }
  return longest;
}

/** How much of what is asked is free already: the scarcest of it, at most 1. */
function freeFraction(node: Node, asked: Resources): number {
  const { capacity, reserved } = node;
  const cpus = (capacity.cpuMillis - reserved.cpuMillis) / asked.cpuMillis;
  const gpus = asked.gpuMillis === 0 ? 1 : deviceRoom(node).millis / asked.gpuMillis;
  const memory = asked.memoryBytes === 0 ? 1 : (capacity.memoryBytes - reserved.memoryBytes) / asked.memoryBytes;
  return Math.min(1, cpus, gpus, memory);
}
