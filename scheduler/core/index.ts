/**
 * The scheduler's one door. Facts in, commands out:
 *
 *   const answer = step(state, event, nowMs);   // changes `state`, marks what must be placed and saved
 *   place(state, nowMs);                         // assigns what is ready to nodes that have room
 *   const batch = drain(state);                  // rows and effects since the last drain
 *   const faults = check(state);                 // the invariants, [] when all hold
 *
 * Nothing in here awaits, reads a clock or rolls dice.
 */
export type * from "./event.ts";
export type * from "./batch.ts";
export type { ProjectSettings, Quota } from "./share.ts";
export type { CacheAnswer, CachedResult, CacheRow, Lookup } from "./cache.ts";
export type { RateRow } from "./rate.ts";
export { attemptKeys, attemptKeysOf, historyOf, historyOfEnded, historySinceMs, type Past } from "./history.ts";
export { isEmpty, rangeTasks, TERMINAL_TASK_STATES } from "./batch.ts";
export {
  type State,
  type SchedulerConfig,
  type Restored,
  newState,
  restore,
  step,
  place,
  drain,
  check,
  nextTimerMs,
} from "./scheduler.ts";
export {
  explain,
  listNodes,
  listProjects,
  listQueue,
  type Explanation,
  type NodeView,
  type ProjectView,
  type QueueClassView,
} from "./view.ts";
export { NODE_LABEL } from "./ask.ts";
export { PLAIN_SETTINGS } from "./node.ts";
export { demand, type NodeDemand } from "./demand.ts";
export type { ServiceState } from "./state.ts";
export { locate, type Location } from "./locate.ts";
export { type GateView, listGates } from "./gate.ts";
