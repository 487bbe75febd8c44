/**
 * MLflow's REST API, and experiments and runs behind it:
 *
 *   mlflowApi([...routes])                     a fastify plugin: the table of routes under /api and /ajax-api
 *   { method, path, answer }: MlflowRoute      how a service brings its own; `answer(fields)` reads with Fields
 *   openTracking(parts)                        the routes of experiments, runs, metrics, artifacts and logged models
 *   findModel, getRun, sendFile, listFiles     for services that build on runs and their files
 */
export { Fields, type Int64 } from "./core/fields.ts";
export { checkFilePath, joinPath, proxyPath } from "./core/file-path.ts";
export {
  type Comparison,
  type Grammar,
  type Operator,
  type OrderBy,
  parseFilter,
  parseOrderBy,
} from "./core/filter.ts";
export { afterSql, keysSql, orderSql, type OrderTerm } from "./core/keyset.ts";
export { absent, invalid, invalidValue, missingValue, MlflowError, tooLong } from "./core/mlflow-error.ts";
export { makePageToken, readPageToken } from "./core/page-token.ts";
export { Binds, compareSql } from "./core/sql.ts";
export { sendFile } from "./artifact-api.ts";
export { type FileEntry, filesJson, getFile, listFiles, type TrackedFile } from "./file-store.ts";
export { findModel, getModel, type ModelRow, setModelTags } from "./model-store.ts";
export { pageJson } from "./page.ts";
export type { TrackingParts } from "./parts.ts";
export { trackingReferences } from "./references.ts";
export { PINNED_FOLDER } from "./file-store.ts";
export {
  filesUnder,
  loggedModelOfRun,
  type ModelOrigin,
  originOfLoggedModel,
  originOfRun,
  type ProxiedFile,
  proxiedPath,
  proxiedUri,
  putFilesUnder,
  removeFilesUnder,
} from "./model-source.ts";
export { failAsMlflow, mlflowApi, type MlflowRoute, speakMlflow } from "./route.ts";
export { servable } from "./run-files-api.ts";
export { getActiveRun, getRun, type RunRow } from "./run-store.ts";
export { openTracking, type Tracking } from "./tracking.ts";
export { trackingGraph } from "./graph.ts";
