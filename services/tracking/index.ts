/**
 * MLflow's REST API, and experiments and runs behind it:
 *
 *   mlflowApi([...routes])                     a fastify plugin: the table of routes under /api and /ajax-api
 *   { method, path, answer }: MlflowRoute      how a service brings its own; `answer(fields)` reads with Fields
 *   openTracking(parts)                        the routes of experiments, runs, metrics, artifacts and logged models
 *   originOfRun, originOfLoggedModel, …         what the registry asks of runs, logged models and their files
 */
export { Fields } from "./core/fields.ts";
export { sendFile } from "./artifact-api.ts";
export { checkFilePath, joinPath, proxyPath } from "./core/file-path.ts";
export { type Comparison, type Grammar, type OrderBy, parseFilter, parseOrderBy } from "./core/filter.ts";
export { afterSql, keysSql, orderSql, type OrderTerm } from "./core/keyset.ts";
export { invalid, MlflowError } from "./core/mlflow-error.ts";
export { invalidPageToken, isInt64, makePageToken, readPageToken } from "./core/page-token.ts";
export { Binds, compareSql } from "./core/sql.ts";
export { PINNED_FOLDER } from "./file-store.ts";
export { trackingGraph } from "./graph.ts";
export {
  filesUnder,
  loggedModelOfRun,
  type ModelOrigin,
  originOfLoggedModel,
  originOfRun,
  type ProxiedFile,
  proxiedUri,
  putFilesUnder,
  removeFilesUnder,
} from "./model-source.ts";
export { pageJson } from "./page.ts";
export { trackingReferences } from "./references.ts";
export { failAsMlflow, mlflowApi, type MlflowRoute } from "./route.ts";
export { servable } from "./run-files-api.ts";
export { openTracking, type Tracking } from "./tracking.ts";
export type { ComparisonRow } from "./core/comparison.ts";
export type { Change, FactValue, SectionDifference } from "./core/difference.ts";
export {
  COMPARED_MAX,
  differenceRoutes,
  type RunComparison,
  type RunDifference,
  type SideHead,
} from "./difference-api.ts";
export { type JobPins, pinsOfJob } from "./job-pins.ts";
