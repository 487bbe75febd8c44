export { Fields, type Int64 } from "./core/fields.ts";
export { absent, invalid, invalidValue, missingValue, MlflowError, tooLong } from "./core/mlflow-error.ts";
export { mlflowApi, type MlflowRoute } from "./route.ts";
export { openTracking, type Tracking } from "./tracking.ts";
export type { TrackingParts } from "./parts.ts";
export { trackingReferences } from "./references.ts";
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
