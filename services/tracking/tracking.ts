import type { FastifyPluginAsync } from "fastify";
import { artifactProxy } from "./artifact-api.ts";
import { Compactor } from "./compactor.ts";
import { assessmentRoutes } from "./assessment-api.ts";
import { datasetRoutes } from "./dataset-api.ts";
import { evaluationSetRoutes } from "./evaluation-set-api.ts";
import { eventFileRoutes } from "./event-file-api.ts";
import { experimentRoutes } from "./experiment-api.ts";
import { ensureDefaultExperiment } from "./experiment-store.ts";
import { historyRoutes } from "./history-api.ts";
import { Ingest } from "./ingest.ts";
import { modelRoutes } from "./model-api.ts";
import { otlpRoutes } from "./otlp-api.ts";
import type { TrackingParts } from "./parts.ts";
import { PipelineExperiments } from "./pipeline-experiments.ts";
import type { MlflowRoute } from "./route.ts";
import { runFileRoutes, getArtifact } from "./run-files-api.ts";
import { runRoutes } from "./run-api.ts";
import { sampleRoutes } from "./sample-api.ts";
import { scorerRoutes } from "./scorer-api.ts";
import { serverInfoRoutes } from "./server-info-api.ts";
import { TaskRuns } from "./task-runs.ts";
import { traceRoutes } from "./trace-api.ts";
import { traceMetricRoutes } from "./trace-metrics-api.ts";
import { legacyTraceRoutes } from "./trace-legacy-api.ts";

export interface Tracking {
  readonly routes: readonly MlflowRoute[];
  /** TensorBoard's event files, in and out. */
  readonly eventFiles: FastifyPluginAsync;
  /** What tasks use of their machines. */
  readonly samples: FastifyPluginAsync;
  /** OpenTelemetry's traces. */
  readonly otlp: FastifyPluginAsync;
  /** MLflow's artifact proxy and `/get-artifact`. */
  readonly files: FastifyPluginAsync;
  /** Attempts are about to have ended: their runs are ended too, soon. */
  readonly onEnded: () => void;
  /** Resolves when nothing is being written any more. */
  readonly close: () => Promise<void>;
}

/** The routes of experiments and runs; the database has what they need when this resolves. */
export async function openTracking(parts: TrackingParts): Promise<Tracking> {
  await ensureDefaultExperiment(parts.pool, parts.now());
  const compactor = new Compactor(parts.pool, parts.log);
  const ingest = new Ingest({ pool: parts.ingestPool, log: parts.log, onWritten: compactor.onWritten });
  const taskRuns = new TaskRuns(parts);
  const pipelineExperiments = new PipelineExperiments(parts);
  return {
    routes: pipelineExperiments.serve(
      taskRuns.serve([
        ...experimentRoutes(parts),
        ...runRoutes(parts, ingest, taskRuns.attemptOf),
        ...runFileRoutes(parts),
        ...historyRoutes(parts, compactor.onRead),
        ...datasetRoutes(parts),
        ...modelRoutes(parts),
        ...traceRoutes(parts),
        ...legacyTraceRoutes(parts),
        ...assessmentRoutes(parts),
        ...traceMetricRoutes(parts),
        ...evaluationSetRoutes(parts),
        ...scorerRoutes(parts),
        ...serverInfoRoutes(),
      ]),
    ),
    onEnded: taskRuns.onEnded,
    eventFiles: eventFileRoutes({ pool: parts.pool, ingest, ensureRun: taskRuns.ensure, log: parts.log }),
    samples: sampleRoutes({ ingest, ensureRuns: taskRuns.ensureAll }),
    otlp: otlpRoutes(parts.pool, { run: taskRuns.ensure, experiments: pipelineExperiments.ensure }),
    files: async (app) => {
      await app.register(artifactProxy(parts));
      await app.register(getArtifact(parts));
    },
    close: async () => {
      await ingest.idle();
      await compactor.close();
      await taskRuns.close();
    },
  };
}
