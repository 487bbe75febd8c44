import type { Resources } from "../../lib/core/pipeline/spec.ts";
import { bookDevices, unbookDevices } from "./device.ts";
import { addUsage, projectOf } from "./share.ts";
import type { Active, Instance, Node, Range, State } from "./state.ts";

/** Puts an attempt on its node's books. */
export function reserve(state: State, instance: Instance, active: Active): void {
  const { node } = active;
  node.attempts.set(active.key, instance);
  if (active.prefilled) node.prefilled.add(instance);
  else {
    addUsage(projectOf(state, instance.task.ask.project), active.asked, 1);
    book(node, active);
  }
  if (instance.task.ask.preemptible) state.preemptible.add(instance);
}

/** Takes it off again, and lets those that queue at the node move up, as the node itself does. */
export function release(state: State, instance: Instance, active: Active): void {
  takeOff(state, instance, active);
  makeRoom(state, active.node);
}

/** Takes it off; `makeRoom` is to follow. */
export function takeOff(state: State, instance: Instance, active: Active): void {
  const { node } = active;
  node.attempts.delete(active.key);
  state.preemptible.delete(instance);
  if (active.prefilled) node.prefilled.delete(instance);
  else {
    addUsage(projectOf(state, instance.task.ask.project), active.asked, -1);
    unbook(node, active);
  }
}

/** Takes an attempt off the books to see what would fit in its place; `rebook` follows before anything else. */
export function unbookForTrial({ state }: Instance): void {
  if (state.kind === "active") unbook(state.node, state);
}

export function rebook({ state }: Instance): void {
  if (state.kind === "active") book(state.node, state);
}

/**
 * An attempt that queued at the node has been started there. Usually `moveUp` foresaw it; if the node chose another
 * than we did, ours goes back to the queue of the node.
 */
export function reserveStarted(state: State, instance: Instance, active: Active): void {
  if (!active.prefilled) return;
  const { node } = active;
  demoteFor(state, node, active.asked);
  active.overtook = !hasRoom(node, active.asked);
  moveIn(state, instance, active);
}

/** Reserves for `count` more of the range, or fewer when it is negative: then `makeRoom` is to follow. */
export function bookRange(state: State, range: Range, count: number): void {
  const { node, asked } = range;
  range.reserved += count;
  addUsage(projectOf(state, range.task.ask.project), asked, count);
  for (const field of BOOKED) node.reserved[field] += count * asked[field];
}

/** Some reservation has gone: those that queue at the node move up, as the node itself does, and others may be placed. */
export function makeRoom(state: State, node: Node): void {
  moveUp(state, node);
  state.freed.add(node);
  state.placementDue = true;
}

/** How many that ask for it there is room for, in CPUs, memory and disk. */
export function roomFor({ capacity, reserved }: Node, asked: Resources): number {
  let most = Infinity;
  for (const field of BOOKED) {
    if (asked[field] > 0) most = Math.min(most, Math.floor((capacity[field] - reserved[field]) / asked[field]));
  }
  return Math.max(0, most);
}

/** How many attempts queue at the node beyond its capacity. */
export function queuedAt(node: Node): number {
  let queued = node.prefilled.size;
  for (const { from, to, reserved } of node.ranges) queued += to - from - reserved;
  return queued;
}

const BOOKED = ["cpuMillis", "memoryBytes", "diskBytes"] as const;

function demoteFor(of: State, node: Node, asked: Resources): void {
  if (hasRoom(node, asked)) return;
  for (const other of [...node.attempts.values()].toReversed()) {
    const { state } = other;
    if (state.kind !== "active" || state.started || state.prefilled || state.gpuUuids.length > 0) continue;
    if (other.task.spec.nodes > 1) continue;
    unbook(node, state);
    addUsage(projectOf(of, other.task.ask.project), state.asked, -1);
    state.prefilled = true;
    node.prefilled.add(other);
    // It may have held more than is wanted in its place.
    of.freed.add(node);
    of.placementDue = true;
    if (hasRoom(node, asked)) return;
  }
  for (const range of [...node.ranges].toReversed()) {
    while (range.reserved > 0 && !hasRoom(node, asked)) bookRange(of, range, -1);
  }
}

function moveUp(of: State, node: Node): void {
  for (const instance of node.prefilled) {
    const { state } = instance;
    if (state.kind !== "active") continue;
    if (!hasRoom(node, state.asked)) return;
    moveIn(of, instance, state);
  }
  for (const range of node.ranges) {
    const more = Math.min(range.to - range.from - range.reserved, roomFor(node, range.asked));
    if (more > 0) bookRange(of, range, more);
  }
}

/** One that queued at the node has room there now. */
function moveIn(state: State, instance: Instance, active: Active): void {
  active.node.prefilled.delete(instance);
  active.prefilled = false;
  addUsage(projectOf(state, instance.task.ask.project), active.asked, 1);
  book(active.node, active);
}

/** Room in CPUs, memory and disk. Devices are chosen one by one (see fit.ts). */
export function hasRoom(node: Node, asked: Resources): boolean {
  const { capacity, reserved } = node;
  return (
    reserved.cpuMillis + asked.cpuMillis <= capacity.cpuMillis &&
    reserved.memoryBytes + asked.memoryBytes <= capacity.memoryBytes &&
    reserved.diskBytes + asked.diskBytes <= capacity.diskBytes
  );
}

function book(node: Node, { asked, gpuUuids, key }: Active): void {
  node.reserved.cpuMillis += asked.cpuMillis;
  node.reserved.memoryBytes += asked.memoryBytes;
  node.reserved.diskBytes += asked.diskBytes;
  bookDevices(node, gpuUuids, key, asked);
}

function unbook(node: Node, { asked, gpuUuids, key }: Active): void {
  node.reserved.cpuMillis -= asked.cpuMillis;
  node.reserved.memoryBytes -= asked.memoryBytes;
  node.reserved.diskBytes -= asked.diskBytes;
  unbookDevices(node, gpuUuids, key);
}
