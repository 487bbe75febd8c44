import type { Assignment } from "../lib/core/dispatch.ts";
import { attemptKey } from "../lib/core/ids.ts";
import { ATTEMPT_TOKEN_PREFIX, pipelineExperimentId, taskRunId } from "../lib/task-run.ts";

/** A task that sets one of these chooses its run itself. */
const CHOSEN = ["MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"];

/**
 * What makes an unmodified MLflow client log to the attempt's own run (docs/tracking.md). `url`: of the server; null: there is none,
 * and nothing is set.
 */
export function trackingVariables(assignment: Assignment, url: string | null): Record<string, string> {
  const { env, ref, pipeline, project = "default" } = assignment;
  if (url === null || env["MLFLOW_TRACKING_URI"] !== undefined) return {};
  const where = { MLFLOW_TRACKING_URI: url, MLFLOW_TRACKING_TOKEN: `${ATTEMPT_TOKEN_PREFIX}${attemptKey(ref)}` };
  if (CHOSEN.some((name) => env[name] !== undefined)) return where;
  return {
    ...where,
    MLFLOW_RUN_ID: taskRunId(ref),
    MLFLOW_EXPERIMENT_ID: pipelineExperimentId(project, pipeline),
  };
}
