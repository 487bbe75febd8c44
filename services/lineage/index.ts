export { lineageResponse } from "./api.ts";
export { lineageOfJob, logArchive, recordArchived, recordEnded } from "./store.ts";
export type { ArtifactRow, EdgeRow, ExecutionRow, JobLineage } from "./store.ts";
