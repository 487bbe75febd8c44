import type { FastifyRequest } from "fastify";
import type { AttemptFacts } from "../../lib/core/execution.ts";
import { attemptKey, type AttemptRef, parseAttemptKey } from "../../lib/core/ids.ts";
import { isTransient } from "../../lib/db.ts";
import { ATTEMPT_TOKEN_PREFIX, parseTaskRunId, taskRunId } from "../../lib/task-run.ts";
import { executionsOf } from "../lineage/index.ts";
import type { KeyValue } from "./core/batch.ts";
import type { Fields } from "./core/fields.ts";
import { findExperiment } from "./experiment-store.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import { endTaskRuns, ensurePipelineExperiment, ensureTaskRun, openAttempts, runName } from "./task-run-store.ts";

/** After attempts have ended: their transaction commits in the meantime, and many ends share a look. */
const SWEEP_AFTER_MS = 200;
/** While runs of attempts are open: of ends that nobody told this server of. */
const SWEEP_EVERY_MS = 5_000;
/** In one look. */
const SWEEP_ATTEMPTS = 1_000;
/** Remembered: run ids that are there, and experiments that attempts have chosen. */
const KNOWN_MAX = 10_000;

type TaskRunParts = Pick<TrackingParts, "pool" | "findAttempt" | "now" | "log">;

/**
 * The run that every attempt has: made when somebody first asks for it or logs to it, so that tasks that never do cost nothing, and
 * ended when the attempt has ended, however it did (docs/tracking.md).
 */
export class TaskRuns {
  readonly #parts: TaskRunParts;
  /** Ids of task runs that are there. */
  readonly #known = new Set<string>();
  /** By attempt: the experiment its script chose before its run was made. */
  readonly #chosen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, as performance.now() counts. */
  #dueMs = 0;
  #sweeping: Promise<void> | undefined;
  #closed = false;

  constructor(parts: TaskRunParts) {
    this.#parts = parts;
    this.#sweepIn(SWEEP_AFTER_MS);
  }

  /** The same routes, before which the task's run is made where they name one that is not there. */
  serve(routes: readonly MlflowRoute[]): MlflowRoute[] {
    return routes.map(({ answer, ...route }) => ({
      ...route,
      answer: async (fields: Fields, request: FastifyRequest) => {
        const id = fields.raw("run_id") ?? fields.raw("run_uuid");
        if (typeof id === "string") await this.ensure(id);
        if (route.path.startsWith("/experiments/get")) await this.#noteExperiment(fields, request);
        return answer(fields, request);
      },
    }));
  }

  /** Makes the run if it is that of an attempt, and not there yet. */
  readonly ensure = async (id: string): Promise<void> => {
    if (!this.#known.has(id)) await this.#make(id);
  };

  /** Attempts are about to have ended. */
  readonly onEnded = (): void => {
    this.#sweepIn(SWEEP_AFTER_MS);
  };

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#sweeping;
  }

  async #make(id: string): Promise<void> {
    const ref = parseTaskRunId(id);
    if (ref === undefined) return;
    const facts = await this.#parts.findAttempt(ref);
    if (facts === undefined) return;
    const { pool, now } = this.#parts;
    const experimentId =
      this.#chosen.get(attemptKey(ref)) ?? (await ensurePipelineExperiment(pool, facts.project, facts.pipeline, now()));
    await ensureTaskRun(pool, facts, {
      experimentId,
      startMs: Math.round(facts.startedAtMs ?? now()),
      tags: tagsOf(facts),
    });
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.add(id);
    this.#chosen.delete(attemptKey(ref));
    // It may have ended already.
    this.#sweepIn(SWEEP_AFTER_MS);
  }

  /**
   * A script that calls set_experiment() means its run to be there, and MLflow's client refuses to go on with a run of another
   * experiment: what an attempt asks for before its run is made is where the run goes.
   */
  async #noteExperiment(fields: Fields, request: FastifyRequest): Promise<void> {
    const ref = attemptOf(request);
    if (ref === undefined || this.#known.has(taskRunId(ref))) return;
    const { pool, now } = this.#parts;
    const name = fields.text("experiment_name");
    const id = fields.text("experiment_id");
    // Its own pipeline's, which it may ask for before there is one.
    const facts = id === undefined ? undefined : await this.#parts.findAttempt(ref);
    if (facts !== undefined) await ensurePipelineExperiment(pool, facts.project, facts.pipeline, now());
    const by = name !== undefined ? { name } : id !== undefined && /^\d{1,18}$/.test(id) ? { id } : undefined;
    const found = by === undefined ? undefined : await findExperiment(pool, by);
    if (found === undefined || found.deleted) return;
    if (this.#chosen.size >= KNOWN_MAX) this.#chosen.clear();
    this.#chosen.set(attemptKey(ref), found.id);
  }

  /** At the latest: ends that come one after the other all the time must not put the look off. */
  #sweepIn(ms: number): void {
    const dueMs = performance.now() + ms;
    if (this.#closed || (this.#timer !== undefined && this.#dueMs <= dueMs)) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // The one under way may have passed what this is about.
      if (this.#sweeping !== undefined) return this.#sweepIn(SWEEP_AFTER_MS);
      this.#sweeping = this.#sweep().finally(() => (this.#sweeping = undefined));
    }, ms).unref();
  }

  async #sweep(): Promise<void> {
    const { pool, log } = this.#parts;
    try {
      let left = false;
      for (let after: string | undefined = ""; after !== undefined && !this.#closed;) {
        const open = await openAttempts(pool, after, SWEEP_ATTEMPTS);
        const ended = open.length === 0 ? [] : await executionsOf(pool, open);
        if (ended.length > 0) await endTaskRuns(pool, ended);
        left ||= open.length > ended.length;
        after = open.length < SWEEP_ATTEMPTS ? undefined : open.at(-1);
      }
      if (left) this.#sweepIn(SWEEP_EVERY_MS);
    } catch (error) {
      if (!isTransient(error)) log.error({ err: error }, "could not end the runs of attempts that have ended");
      this.#sweepIn(SWEEP_EVERY_MS);
    }
  }
}

/** Whose request it is, as the worker told the process to say. */
function attemptOf(request: FastifyRequest): AttemptRef | undefined {
  const { authorization = "" } = request.headers;
  const prefix = `Bearer ${ATTEMPT_TOKEN_PREFIX}`;
  return authorization.startsWith(prefix) ? parseAttemptKey(authorization.slice(prefix.length)) : undefined;
}

function tagsOf(facts: AttemptFacts): KeyValue[] {
  const { ref, code } = facts;
  const all: Record<string, string | undefined> = {
    "mlflow.runName": runName(facts),
    "mlflow.source.type": "JOB",
    "mlflow.source.name": `${facts.pipeline}/${ref.task}`,
    "mlflow.source.git.commit": code?.commit || undefined,
    "weft.job": ref.job,
    "weft.pipeline": facts.pipeline,
    "weft.project": facts.project,
    "weft.task": ref.task,
    "weft.index": String(ref.index),
    "weft.attempt": String(ref.attempt),
    "weft.node": facts.node ?? undefined,
    "weft.gpus": facts.gpuUuids.length > 0 ? facts.gpuUuids.join(",") : undefined,
    "weft.code": code?.digest,
    "weft.dirty": code === null ? undefined : String(code.dirty),
    ...Object.fromEntries(Object.entries(facts.params).map(([name, value]) => [`weft.param.${name}`, String(value)])),
  };
  return Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value }]));
}
