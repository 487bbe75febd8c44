import type { FastifyPluginAsync } from "fastify";
import type { Pool } from "pg";
import { JOB_REFERENCES } from "../../scheduler/references.ts";
import {
  type ArtifactStore,
  collectRoutes,
  referencePages,
  type ReferenceSource,
} from "../../services/artifacts/index.ts";
import { lineageReferences } from "../../services/lineage/index.ts";
import { registryReferences } from "../../services/registry/index.ts";
import { trackingReferences } from "../../services/tracking/index.ts";

/** Whoever keeps digests must be here, else garbage collection takes the bytes from under it. */
const REFERENCES: readonly ReferenceSource[] = [
  { name: "jobs", pages: (pool) => referencePages(pool, JOB_REFERENCES) },
  lineageReferences,
  trackingReferences,
  registryReferences,
];

/** What spans several services: garbage collection. */
export function recordRoutes({
  pool,
  artifacts,
}: {
  readonly pool: Pool;
  readonly artifacts: ArtifactStore;
}): FastifyPluginAsync {
  return async (app) => {
    await app.register(collectRoutes({ pool, store: artifacts, sources: REFERENCES, now: Date.now }));
  };
}
