import type { PipelineSpec, TaskSpec } from "./spec.ts";

type Needing = Pick<TaskSpec, "name" | "needs">;

const byName = new WeakMap<PipelineSpec, ReadonlyMap<string, TaskSpec>>();

/** A pipeline is immutable, so its index is made once. */
export function tasksByName(pipeline: PipelineSpec): ReadonlyMap<string, TaskSpec> {
  let index = byName.get(pipeline);
  if (!index) {
    index = indexOf(pipeline.tasks);
    byName.set(pipeline, index);
  }
  return index;
}

function indexOf<T extends Needing>(tasks: readonly T[]): Map<string, T> {
  const index = new Map<string, T>();
  for (const task of tasks) index.set(task.name, task);
  return index;
}

/** The tasks of one cycle, each followed by one that needs it, the first repeated at the end; undefined: no cycle. */
export function findCycle(tasks: readonly Needing[]): string[] | undefined {
  if (comesInOrder(tasks)) return undefined;
  const index = indexOf(tasks);
  const done = new Set<string>();
  const onPath = new Map<string, number>();
  for (const start of tasks) {
    if (done.has(start.name)) continue;
    // An explicit stack: a chain of 100,000 tasks would overflow the call stack.
    const path: { task: Needing; next: number }[] = [{ task: start, next: 0 }];
    onPath.set(start.name, 0);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const need = top.task.needs[top.next];
      top.next += 1;
      if (need === undefined) {
        path.pop();
        onPath.delete(top.task.name);
        done.add(top.task.name);
        continue;
      }
      const from = onPath.get(need);
      if (from !== undefined) {
        const members = path.slice(from).map(({ task }) => task.name);
        // `members` runs against the arrows of the work: turn it round, beginning at the same task.
        return [members[0]!, ...members.slice(1).toReversed(), members[0]!];
      }
      const task = index.get(need);
      if (!task || done.has(need)) continue;
      onPath.set(need, path.length);
      path.push({ task, next: 0 });
    }
  }
  return undefined;
}

/** Each behind those it needs, as people and programs nearly always write them: then there is no cycle. */
function comesInOrder(tasks: readonly Needing[]): boolean {
  const before = new Set<string>();
  for (const { name, needs } of tasks) {
    for (const need of needs) if (!before.has(need)) return false;
    before.add(name);
  }
  return true;
}

/** Every task after those it needs, otherwise in the order given. Tasks of a cycle come last. */
export function topologicalOrder<T extends Needing>(tasks: readonly T[]): T[] {
  const names = new Set(tasks.map((task) => task.name));
  const waiting = new Map<string, number>();
  const dependents = new Map<string, number[]>();
  tasks.forEach((task, i) => {
    const needs = new Set(task.needs.filter((need) => names.has(need)));
    waiting.set(task.name, needs.size);
    for (const need of needs) {
      const list = dependents.get(need);
      if (list) list.push(i);
      else dependents.set(need, [i]);
    }
  });
  const order: T[] = [];
  let ready = tasks.filter((task) => waiting.get(task.name) === 0);
  while (ready.length > 0) {
    const next: T[] = [];
    for (const task of ready) {
      order.push(task);
      for (const i of dependents.get(task.name) ?? []) {
        const dependent = tasks[i]!;
        const left = waiting.get(dependent.name)! - 1;
        waiting.set(dependent.name, left);
        if (left === 0) next.push(dependent);
      }
    }
    ready = next;
  }
  const placed = new Set(order.map((task) => task.name));
  return placed.size === tasks.length ? order : [...order, ...tasks.filter((task) => !placed.has(task.name))];
}
