export { pastAttempts } from "./past-attempts.ts";
export { lineageParts } from "./api.ts";
export { endedLogs, type EndedExecutionLog } from "./ended-logs.ts";
export { executionsOf, lineageOfJob, logArchive, recordArchived, recordEnded, recordEndedRanges } from "./store.ts";
export type { ArtifactRow, EdgeRow, ExecutionRow, JobLineage } from "./store.ts";
export { lineageReferences } from "./references.ts";
