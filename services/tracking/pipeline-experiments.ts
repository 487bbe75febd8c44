import type { Pool } from "pg";
import { pipelineExperimentId } from "../../lib/task-run.ts";
import type { Fields } from "./core/fields.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import { ensurePipelineExperiment, presentExperiments } from "./task-run-store.ts";

/** Those of pipelines have this many digits; those that users make are counted from 1. */
const PIPELINE_ID = /^[1-9]\d{17}$/;
/** Remembered: experiments that are there. */
const KNOWN_MAX = 10_000;

/**
 * The experiment of a pipeline has an id before it has a row, and a task is told it: what asks for it by that id alone, without saying
 * whose request it is, finds it too. The pipeline is looked for among those of jobs that have not ended.
 */
export class PipelineExperiments {
  readonly #pool: Pool;
  readonly #parts: Pick<TrackingParts, "livePipelines" | "now">;
  readonly #known = new Set<string>();

  constructor({ pool, ...parts }: Pick<TrackingParts, "pool" | "livePipelines" | "now">) {
    this.#pool = pool;
    this.#parts = parts;
  }

  /** Makes those that are of pipelines that run, and not there yet. */
  readonly ensure = async (ids: readonly string[]): Promise<void> => {
    const unknown = ids.filter((id) => PIPELINE_ID.test(id) && !this.#known.has(id));
    if (unknown.length === 0) return;
    const there = new Set(await presentExperiments(this.#pool, unknown));
    const missing = new Set(unknown.filter((id) => !there.has(id)));
    if (missing.size > 0)
      for (const { project, pipeline } of await this.#parts.livePipelines()) {
        const id = pipelineExperimentId(project, pipeline);
        if (!missing.has(id)) continue;
        await ensurePipelineExperiment(this.#pool, project, pipeline, this.#parts.now());
        there.add(id);
      }
    if (this.#known.size + there.size > KNOWN_MAX) this.#known.clear();
    for (const id of there) this.#known.add(id);
  };

  /** The same routes, before which the experiments that a request names are made. */
  serve(routes: readonly MlflowRoute[]): MlflowRoute[] {
    return routes.map(({ answer, ...route }) => ({
      ...route,
      answer: async (fields, request) => {
        await this.ensure(experimentsIn(fields));
        return answer(fields, request);
      },
    }));
  }
}

/** Whatever is wrong about the request is said by who answers it. */
function experimentsIn(fields: Fields): string[] {
  const many = fields.raw("experiment_ids");
  const locations = fields.raw("locations");
  const places = Array.isArray(locations) ? (locations as Located[]) : [];
  return [
    fields.raw("experiment_id"),
    ...(Array.isArray(many) ? (many as unknown[]) : [many]),
    ...places.map((place) => place?.mlflow_experiment?.experiment_id),
  ].filter((id) => typeof id === "string");
}

type Located = { readonly mlflow_experiment?: { readonly experiment_id?: unknown } | null } | null;
