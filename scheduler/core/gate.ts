import { whyConcurrency } from "./admission.ts";
import { type Starter, whyRate } from "./rate.ts";
import type { State } from "./state.ts";

/** Something other than the lack of machines that keeps work from starting. */
export interface GateView {
  readonly kind: "concurrency" | "rate" | "approval";
  /** Of the group or the limit; of an approval job.task. */
  readonly key: string;
  readonly waiting: number;
  /** What comes next: a job, or job.task. */
  readonly head: string;
  readonly reason: string;
}

/** Of each gate that holds something back. */
export function listGates(state: State, nowMs: number): GateView[] {
  const groups = [...state.groups.values()].flatMap(({ key, waiting }): GateView[] => {
    const [head] = waiting;
    if (!head) return [];
    const reason = whyConcurrency(state, head);
    return [{ kind: "concurrency", key, waiting: waiting.length, head: head.id, reason }];
  });
  const rates = [...state.rates.values()].flatMap(({ key, waiting }): GateView[] => {
    const [head] = waiting;
    if (!head) return [];
    const reason = whyRate(state, head, nowMs);
    return [
      { kind: "rate", key, waiting: waiting.reduce((sum, one) => sum + sizeOf(one), 0), head: nameOf(head), reason },
    ];
  });
  const approvals = state.timers.heap.flatMap(({ what }): GateView[] => {
    if (what.kind !== "approval" || what.instance.state.kind !== "waiting") return [];
    const key = `${what.instance.task.job.id}.${what.instance.task.spec.name}`;
    return [{ kind: "approval", key, waiting: 1, head: key, reason: what.instance.message }];
  });
  return [...groups, ...rates, ...approvals];
}

function sizeOf(starter: Starter): number {
  return starter.kind === "task" ? starter.task.count - starter.task.fresh : 1;
}

function nameOf(starter: Starter): string {
  if (starter.kind === "job") return starter.job.id;
  const { job, spec } = starter.kind === "task" ? starter.task : starter.instance.task;
  return `${job.id}.${spec.name}`;
}
