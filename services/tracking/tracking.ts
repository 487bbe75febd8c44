import { experimentRoutes } from "./experiment-api.ts";
import { ensureDefaultExperiment } from "./experiment-store.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";

/** The routes of experiments and runs; the database has what they need when this resolves. */
export async function openTracking(parts: TrackingParts): Promise<{ readonly routes: readonly MlflowRoute[] }> {
  await ensureDefaultExperiment(parts.pool, parts.now());
  return { routes: [...experimentRoutes(parts)] };
}
