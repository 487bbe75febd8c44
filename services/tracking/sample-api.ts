import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import { type Sample, SAMPLES_MAX, SYSTEM_PREFIX } from "../../lib/core/sample.ts";
import { parseTaskRunId } from "../../lib/task-run.ts";
import { type Batch, lastOfEach, type MetricPoint } from "./core/batch.ts";
import { keyValues } from "./core/attempt-tags.ts";
import { MlflowError } from "./core/mlflow-error.ts";
import type { Ingest } from "./ingest.ts";

/** Eight metrics of a machine, and four of each of its devices, with room. */
const VALUES_MAX = 100;
/** A sample of a machine with eight devices has under 3 kB. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

const body = z.object({
  samples: z
    .array(
      z.object({
        run: z.string().max(256),
        atMs: z.number().int().nonnegative(),
        step: z.number().int().nonnegative(),
        values: z
          .record(z.string().startsWith(SYSTEM_PREFIX).max(100), z.number())
          .refine((values) => Object.keys(values).length <= VALUES_MAX, `at most ${VALUES_MAX} values`),
        tags: z.record(z.string().startsWith("weft.").max(100), z.string().max(1_000)).optional(),
      }),
    )
    .max(SAMPLES_MAX),
});

interface SampleParts {
  readonly ingest: Ingest;
  /** Makes the runs of attempts that have none yet. */
  readonly ensureRuns: (ids: readonly string[]) => Promise<void>;
}

/**
 * What tasks use of their machines, as their agents measure it: `POST /v1/samples` with `{ samples }` (lib/core/sample.ts), all of a machine in one.
 * Answered after the commit, with how many were dropped since their run was deleted, or is none of an attempt.
 */
export function sampleRoutes({ ingest, ensureRuns }: SampleParts): FastifyPluginAsync {
  return async (app) => {
    app.post("/v1/samples", { bodyLimit: BODY_BYTES_MAX }, async (request) => {
      const parsed = body.safeParse(request.body);
      if (!parsed.success) throw new WeftError("invalid", `no samples: ${z.prettifyError(parsed.error)}`);
      const byRun = new Map<string, Sample[]>();
      for (const sample of parsed.data.samples as readonly Sample[]) {
        const before = byRun.get(sample.run);
        if (before) before.push(sample);
        else if (parseTaskRunId(sample.run) !== undefined) byRun.set(sample.run, [sample]);
      }
      await ensureRuns([...byRun.keys()]);
      // At once: they share a commit.
      const taken = await Promise.all([...byRun].map(([run, samples]) => write(ingest, run, samples)));
      return { dropped: parsed.data.samples.length - taken.reduce((sum, count) => sum + count, 0) };
    });
  };
}

/** How many were taken: all or none. */
async function write(ingest: Ingest, runId: string, samples: readonly Sample[]): Promise<number> {
  const metrics = samples.flatMap(({ atMs, step, values }) =>
    Object.entries(values).map(([key, value]): MetricPoint => ({ key, value, timestampMs: atMs, step, model: null })),
  );
  const tags = lastOfEach(samples.flatMap((sample) => keyValues(sample.tags ?? {})));
  const batch: Batch = { runId, metrics, params: [], tags, single: false };
  try {
    await ingest.write(batch);
    return samples.length;
  } catch (error) {
    if (error instanceof MlflowError) return 0;
    throw error;
  }
}
