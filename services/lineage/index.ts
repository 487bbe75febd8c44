export { pastAttempts } from "./past-attempts.ts";
export { lineageParts } from "./api.ts";
export { type AttemptEdge, attemptEdges } from "./attempt-edges.ts";
export { endedLogs, type EndedExecutionLog } from "./ended-logs.ts";
export { type ExecutionName, parseExecutionName } from "./core/execution-name.ts";
export { CODE_EDGE } from "./core/graph.ts";
export { elsewherePin, environmentPins, type Missing, type Pin, seedAmong, storedPin } from "./core/pin.ts";
export { type Holding, Holdings } from "./holding.ts";
export { CodeReader, type FindEnvironments, type LockFacts } from "./environment.ts";
export {
  edgesOfExecutions,
  executionsOf,
  lastExecutions,
  lineageOfJob,
  logArchive,
  recordArchived,
  recordEnded,
  recordEndedRanges,
} from "./store.ts";
export type { ArtifactRow, EdgeRow, ExecutionRow, JobLineage } from "./store.ts";
export { lineageReferences } from "./references.ts";
export { attemptSource } from "./attempt-source.ts";
export { graphRoutes } from "./graph-api.ts";
export { type Link, linkSource, recordLinks } from "./link-source.ts";
export { readSource, sourceNodesOf, sourceReadsOf } from "./source-reads.ts";
export type { GraphSource } from "./source.ts";
export type { Graph, GraphEdge, GraphNode } from "./core/node.ts";
export { type Direction, walkGraph } from "./walk.ts";
export * from "./openlineage/index.ts";
