import type { Resources } from "../../lib/core/pipeline/spec.ts";
import type { Active, Instance, Node, State } from "./state.ts";

/** Puts an attempt on its node's books. */
export function reserve(instance: Instance, active: Active): void {
  const { node } = active;
  node.attempts.set(active.key, instance);
  if (active.prefilled) node.prefilled.add(instance);
  else book(node, instance.task.spec.resources, active);
}

/** Takes it off again, and lets those that queue at the node move up, as the node itself does. */
export function release(state: State, instance: Instance, active: Active): void {
  const { node } = active;
  node.attempts.delete(active.key);
  if (active.prefilled) node.prefilled.delete(instance);
  else unbook(node, instance.task.spec.resources, active);
  moveUp(node);
  state.placementDue = true;
}

/**
 * An attempt that queued at the node has been started there. Usually `moveUp` foresaw it; if the node chose another
 * than we did, ours goes back to the queue of the node.
 */
export function reserveStarted(instance: Instance, active: Active): void {
  if (!active.prefilled) return;
  const { node } = active;
  demoteFor(node, instance.task.spec.resources);
  node.prefilled.delete(instance);
  active.prefilled = false;
  book(node, instance.task.spec.resources, active);
}

function demoteFor(node: Node, asked: Resources): void {
  if (hasRoom(node, asked)) return;
  for (const other of [...node.attempts.values()].toReversed()) {
    const { state } = other;
    if (state.kind !== "active" || state.started || state.prefilled || state.gpuUuids.length > 0) continue;
    unbook(node, other.task.spec.resources, state);
    state.prefilled = true;
    node.prefilled.add(other);
    if (hasRoom(node, asked)) return;
  }
}

function moveUp(node: Node): void {
  for (const instance of node.prefilled) {
    const { resources } = instance.task.spec;
    if (!hasRoom(node, resources)) return;
    const { state } = instance;
    if (state.kind !== "active") continue;
    node.prefilled.delete(instance);
    state.prefilled = false;
    book(node, resources, state);
  }
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

function book(node: Node, asked: Resources, active: Active): void {
  node.reserved.cpuMillis += asked.cpuMillis;
  node.reserved.memoryBytes += asked.memoryBytes;
  node.reserved.diskBytes += asked.diskBytes;
  for (const uuid of active.gpuUuids) node.gpusReserved.set(uuid, active.key);
}

function unbook(node: Node, asked: Resources, active: Active): void {
  node.reserved.cpuMillis -= asked.cpuMillis;
  node.reserved.memoryBytes -= asked.memoryBytes;
  node.reserved.diskBytes -= asked.diskBytes;
  for (const uuid of active.gpuUuids) node.gpusReserved.delete(uuid);
}
