import type { AttemptKey, JobId, NodeId } from "../../lib/core/ids.ts";
import { hasIndex } from "./span.ts";
import type { State } from "./state.ts";

/** Where an instance's attempt is. */
export type Location =
  | { readonly kind: "running"; readonly node: NodeId; readonly nodeName: string; readonly key: AttemptKey }
  /** It has no process: it waits, is about to start, or has ended. */
  | { readonly kind: "not-running"; readonly state: string };

/** Undefined: no such job (among those not ended), task or instance. */
export function locate(state: State, job: JobId, taskName: string, index: number): Location | undefined {
  const task = state.jobs.get(job)?.tasks.find((candidate) => candidate.spec.name === taskName);
  if (!task || index < 0 || index >= task.count) return undefined;
  const held = task.instances?.get(index)?.state;
  if (held?.kind === "active" && held.started)
    return { kind: "running", node: held.node.id, nodeName: held.node.name, key: held.key };
  if (held?.kind === "active") return { kind: "not-running", state: "assigned" };
  if (held?.kind === "ended") return { kind: "not-running", state: held.as };
  if (hasIndex(task.done, index)) return { kind: "not-running", state: "succeeded" };
  if (index < task.fresh) return { kind: "not-running", state: "assigned" };
  return { kind: "not-running", state: task.readyAtMs === null ? "pending" : "ready" };
}
