import type { Pool } from "pg";
import type { ArtifactStore } from "../artifacts/index.ts";
import type { AttemptFacts } from "../../lib/core/execution.ts";
import type { AttemptRef } from "../../lib/core/ids.ts";
import type { Log } from "../../lib/log.ts";

/** What the tracking service is given. */
export interface TrackingParts {
  readonly pool: Pool;
  readonly artifacts: ArtifactStore;
  /** Pipelined connections, of nobody else: one writes what is logged. */
  readonly ingestPool: Pool;
  /** Without those that there never were. */
  readonly findAttempts: (refs: readonly AttemptRef[]) => Promise<readonly AttemptFacts[]>;
  /** Of jobs that have not ended, each once. */
  readonly livePipelines: () => Promise<readonly { readonly project: string; readonly pipeline: string }[]>;
  readonly now: () => number;
  /** 32 hex digits that nobody can guess. */
  readonly newId: () => string;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Where the files of runs lie unless their experiment says otherwise: behind our artifact proxy. */
export const ARTIFACT_ROOT = "mlflow-artifacts:";
