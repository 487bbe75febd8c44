import { deviceRoom, memoryShare } from "./device.ts";
import type { Instance, Node, State } from "./state.ts";

const AMOUNTS = ["cpuMillis", "memoryBytes", "gpuMillis"] as const;

/** What is kept beside the jobs and nodes themselves: devices, projects, holds, timers, and the sets that save a search. */
export function checkBooks(state: State, faults: string[]): void {
  const leases = new Set<Node>();
  for (const { what } of state.timers.heap) if (what.kind === "lease") leases.add(what.node);
  for (const node of state.nodes.values()) {
    checkDevices(node, faults);
    if (node.hold && state.holds.get(node.hold.ask.key) !== node.hold)
      faults.push(`node ${node.name} is held for nobody`);
    // I1: what runs on a node that is never heard again is given up some time.
    if (!node.lost && !leases.has(node)) faults.push(`the lease of node ${node.name} is watched by nobody`);
  }
  for (const { ask, nodes } of state.holds.values())
    if (nodes.some(({ hold }) => hold?.ask.key !== ask.key)) faults.push(`a node held for ${ask.key} does not know it`);
  checkProjects(state, faults);
  checkPreemptible(state, faults);
}

/** I4: of a device no more memory is given than it has, and what is remembered of its room is so. */
function checkDevices(node: Node, faults: string[]): void {
  for (const [uuid, { shareMillis, memoryBytes, holders }] of node.devices) {
    const gpu = node.capacity.gpus.find((one) => one.uuid === uuid);
    let share = 0;
    for (const [key, held] of holders) {
      share += held.shareMillis;
      const active = node.attempts.get(key)?.state;
      if (active?.kind !== "active") faults.push(`GPU ${uuid} of ${node.name} is held by ${key}, which is not there`);
      else if (gpu && held.memoryBytes !== memoryShare(gpu, active.asked))
        faults.push(`GPU ${uuid} of ${node.name} counts another memory for ${key} than it asked for`);
    }
    if (share !== shareMillis) faults.push(`GPU ${uuid} of ${node.name} counts ${shareMillis}, has ${share}`);
    if (gpu && holders.size > 1 && memoryBytes > gpu.memoryBytes)
      faults.push(`GPU ${uuid} of ${node.name} has ${gpu.memoryBytes} bytes, and ${memoryBytes} are given`);
  }
  if (!node.deviceRoom) return;
  const { whole, millis } = node.deviceRoom;
  const now = deviceRoom({ ...node, deviceRoom: null });
  if (now.whole !== whole || now.millis !== millis)
    faults.push(`node ${node.name} remembers ${whole} free devices (${millis}), has ${now.whole} (${now.millis})`);
}

/** Usage is what the attempts hold. */
function checkProjects(state: State, faults: string[]): void {
  const held = new Map<string, Record<(typeof AMOUNTS)[number], number>>();
  const add = (project: string, asked: Record<(typeof AMOUNTS)[number], number>, times: number): void => {
    const sum = held.get(project) ?? { cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 };
    for (const field of AMOUNTS) sum[field] += times * asked[field];
    held.set(project, sum);
  };
  for (const node of state.nodes.values()) {
    for (const { state: of, task } of node.attempts.values())
      if (of.kind === "active" && !of.prefilled) add(task.ask.project, of.asked, 1);
    for (const { task, asked, reserved } of node.ranges) add(task.ask.project, asked, reserved);
  }
  for (const [name, { usage }] of state.projects) {
    for (const field of AMOUNTS) {
      const sum = held.get(name)?.[field] ?? 0;
      if (usage[field] !== sum) faults.push(`project ${name} counts ${field} ${usage[field]}, has ${sum}`);
    }
  }
}

/** All that may be stopped for others, and nothing else. */
function checkPreemptible(state: State, faults: string[]): void {
  const found = new Set<Instance>();
  for (const node of state.nodes.values())
    for (const instance of node.attempts.values()) if (instance.task.ask.preemptible) found.add(instance);
  if (found.size !== state.preemptible.size)
    faults.push(`${state.preemptible.size} attempts may be stopped for others, and there are ${found.size}`);
  for (const { task, index } of state.preemptible)
    if (!task.ask.preemptible)
      faults.push(`${task.job.id}.${task.spec.name}.${index} may be stopped though it does not say so`);
}
