import { randomBytes } from "node:crypto";
import type { Pool } from "pg";
import { openDatabase } from "../../lib/db.ts";
import type { Log } from "../../lib/log.ts";
import { findAttempts, livePipelines } from "../../scheduler/attempt-reader.ts";
import type { Recorder } from "../../scheduler/store.ts";
import type { ArtifactStore } from "../../services/artifacts/index.ts";
import { openTracking, type Tracking } from "../../services/tracking/index.ts";
import type { OnStop } from "./start.ts";

/** The tracking service, with a connection of its own for what is logged. */
export async function openTracked(parts: {
  readonly databaseUrl: string;
  readonly pool: Pool;
  readonly artifacts: ArtifactStore;
  readonly log: Log;
  readonly onStop: OnStop;
}): Promise<Tracking> {
  const { pool, artifacts, log } = parts;
  const ingest = openDatabase(parts.databaseUrl, { applicationName: "weft tracking", max: 1, pipeline: true, log });
  const tracking = await openTracking({
    pool,
    ingestPool: ingest.pool,
    artifacts,
    findAttempts: (refs) => findAttempts(pool, refs),
    livePipelines: () => livePipelines(pool),
    now: Date.now,
    newId: () => randomBytes(16).toString("hex"),
    random: Math.random,
    log,
  });
  parts.onStop("tracking", async () => {
    await tracking.close();
    await ingest.close();
  });
  return tracking;
}

/** Writes nothing in the scheduler's transaction: the runs of attempts that end are ended after it. */
export function endRuns(tracking: Tracking): Recorder {
  return async (_client, { batch }) => {
    if (batch.ended.length + batch.endedRanges.length > 0) tracking.onEnded();
  };
}
