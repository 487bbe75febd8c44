import type { StopOrder } from "./event.ts";
import { breakRangesOf } from "./range.ts";
import type { Instance, Node, State } from "./state.ts";

/** Tells the node to stop the attempt; told again at each heartbeat until it has. */
export function orderStop(state: State, instance: Instance, reason: StopOrder["reason"]): void {
  if (instance.state.kind !== "active") return;
  const before = instance.state.stop?.reason;
  // What nobody wants any more is not stopped for another reason after that.
  if (before === reason || before === "cancelled" || before === "finished") return;
  const active = instance.state;
  active.stop = { key: active.key, graceMs: instance.task.spec.stopGraceMs, reason };
  state.out.stops.push({ node: active.node.id, order: active.stop });
}

export function stopAll(state: State, node: Node, reason: StopOrder["reason"]): void {
  breakRangesOf(state, node);
  for (const instance of node.attempts.values()) orderStop(state, instance, reason);
}
