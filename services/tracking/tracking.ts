import { datasetRoutes } from "./dataset-api.ts";
import type { FastifyPluginAsync } from "fastify";
import { eventFileRoutes } from "./event-file-api.ts";
import { experimentRoutes } from "./experiment-api.ts";
import { ensureDefaultExperiment } from "./experiment-store.ts";
import { historyRoutes } from "./history-api.ts";
import { Ingest } from "./ingest.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import { runRoutes } from "./run-api.ts";

export interface Tracking {
  readonly routes: readonly MlflowRoute[];
  /** TensorBoard's event files, in and out. */
  readonly eventFiles: FastifyPluginAsync;
  /** Resolves when nothing is being written any more. */
  readonly close: () => Promise<void>;
}

/** The routes of experiments and runs; the database has what they need when this resolves. */
export async function openTracking(parts: TrackingParts): Promise<Tracking> {
  await ensureDefaultExperiment(parts.pool, parts.now());
  const ingest = new Ingest({ pool: parts.ingestPool, log: parts.log, onWritten: () => {} });
  return {
    routes: [...experimentRoutes(parts), ...runRoutes(parts, ingest), ...historyRoutes(parts), ...datasetRoutes(parts)],
    eventFiles: eventFileRoutes({ pool: parts.pool, ingest, log: parts.log }),
    close: () => ingest.idle(),
  };
}
