import type { Row } from "./figure.ts";
import { artifacts } from "./rows/artifacts.ts";
import { chain100 } from "./rows/chain-100.ts";
import { dag100k } from "./rows/dag-100k.ts";
import { heartbeats } from "./rows/heartbeats.ts";
import { lineageGraph } from "./rows/lineage-graph.ts";
import { logLine } from "./rows/log-line.ts";
import { noopAnswered } from "./rows/noop-answered.ts";
import { noopProcesses } from "./rows/noop-processes.ts";
import { placementRound } from "./rows/placement-round.ts";
import { schedulerMemory } from "./rows/scheduler-memory.ts";
import { submitToStart } from "./rows/submit-to-start.ts";
import { tracking } from "./rows/tracking.ts";
import { trackingHistory } from "./rows/tracking-history.ts";
import { trackingMemory } from "./rows/tracking-memory.ts";
import { trackingSearch } from "./rows/tracking-search.ts";
import { workRows } from "./rows/works.ts";

/** Those that need no peer, the short ones first. */
export const ROWS: readonly Row[] = [
  submitToStart,
  chain100,
  logLine,
  placementRound,
  lineageGraph,
  dag100k,
  schedulerMemory,
  noopProcesses,
  artifacts,
  tracking,
  trackingHistory,
  trackingSearch,
  trackingMemory,
  ...workRows,
  ...heartbeats,
  ...noopAnswered,
];
