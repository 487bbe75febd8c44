import type { FastifyRequest } from "fastify";
import type { AttemptFacts } from "../../lib/core/execution.ts";
import { attemptKey, type AttemptRef, parseAttemptKey } from "../../lib/core/ids.ts";
import { isTransient } from "../../lib/db.ts";
import { ATTEMPT_TOKEN_PREFIX, parseTaskRunId, pipelineExperimentId, taskRunId } from "../../lib/task-run.ts";
import { executionsOf } from "../lineage/index.ts";
import type { Fields } from "./core/fields.ts";
import { findExperiment } from "./experiment-store.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import {
  endTaskRuns,
  ensurePipelineExperiment,
  ensureTaskRuns,
  moveUntouchedRun,
  type NewTaskRun,
  openAttempts,
  presentRuns,
} from "./task-run-store.ts";

/** After attempts have ended: their transaction commits in the meantime, and many ends share a look. */
const SWEEP_AFTER_MS = 200;
/** Between two looks, in times of how long one takes: thousands of runs may be open while others end all the time. */
const SWEEP_REST = 20;
/** While runs of attempts are open: of ends that nobody told this server of. */
const SWEEP_EVERY_MS = 5_000;
/** In one look. */
const SWEEP_ATTEMPTS = 1_000;
/** Remembered: run ids that are there, and experiments that attempts have chosen. */
const KNOWN_MAX = 10_000;

type TaskRunParts = Pick<TrackingParts, "pool" | "findAttempts" | "now" | "log">;

/**
 * The run that every attempt has: made when somebody first asks for it or logs to it, so that tasks that never do cost nothing, and
 * ended when the attempt has ended, however it did (docs/tracking.md).
 */
export class TaskRuns {
  readonly #parts: TaskRunParts;
  /** Ids of task runs that are there. */
  readonly #known = new Set<string>();
  /** Ids of pipelines' experiments that are there. */
  readonly #experiments = new Set<string>();
  /** By attempt: the experiment its script chose before its run was made. */
  readonly #chosen = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, as performance.now() counts. */
  #dueMs = 0;
  #sweeping: Promise<void> | undefined;
  /** The latest look took so long. */
  #sweepMs = 0;
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
  readonly ensure = (id: string): Promise<void> => this.ensureAll([id]);

  /** The same for many. */
  readonly ensureAll = async (ids: readonly string[]): Promise<void> => {
    const unknown = ids.filter((id) => !this.#known.has(id));
    if (unknown.length > 0) await this.#make(unknown);
  };

  /** Whose request it is; undefined: nobody's in a task, or of one that there never was. */
  readonly attemptOf = async (request: FastifyRequest): Promise<AttemptFacts | undefined> => {
    const ref = attemptOf(request);
    return ref && (await this.#parts.findAttempts([ref]))[0];
  };

  /** Attempts are about to have ended. */
  readonly onEnded = (): void => {
    this.#sweepIn(Math.max(SWEEP_AFTER_MS, this.#sweepMs * SWEEP_REST));
  };

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#sweeping;
  }

  async #make(ids: readonly string[]): Promise<void> {
    const { pool, now, findAttempts } = this.#parts;
    const refs = ids.flatMap((id) => parseTaskRunId(id) ?? []);
    if (refs.length === 0) return;
    const there = new Set(await presentRuns(pool, refs.map(taskRunId)));
    const missing = refs.filter((ref) => !there.has(taskRunId(ref)));
    const found = missing.length === 0 ? [] : await findAttempts(missing);
    const runs: NewTaskRun[] = [];
    for (const facts of found) {
      const experimentId = this.#chosen.get(attemptKey(facts.ref)) ?? (await this.#experimentOf(facts));
      runs.push({ facts, experimentId, startMs: Math.round(facts.startedAtMs ?? now()) });
    }
    if (runs.length > 0) await ensureTaskRuns(pool, runs, now());
    if (this.#known.size + ids.length > KNOWN_MAX) this.#known.clear();
    for (const id of there) this.#known.add(id);
    for (const { facts } of runs) {
      this.#known.add(taskRunId(facts.ref));
      this.#chosen.delete(attemptKey(facts.ref));
    }
    // They may have ended already.
    if (runs.length > 0) this.#sweepIn(SWEEP_AFTER_MS);
  }

  async #experimentOf({ project, pipeline }: AttemptFacts): Promise<string> {
    const id = pipelineExperimentId(project, pipeline);
    if (this.#experiments.has(id)) return id;
    await ensurePipelineExperiment(this.#parts.pool, project, pipeline, this.#parts.now());
    if (this.#experiments.size >= KNOWN_MAX) this.#experiments.clear();
    this.#experiments.add(id);
    return id;
  }

  /**
   * A script that calls set_experiment() means its run to be there, and MLflow's client refuses to go on with a run of another
   * experiment: what an attempt asks for before its run is made is where the run goes, and one that samples have made meanwhile
   * goes there as long as nobody has logged to it: a script may import its libraries for longer than an interval.
   */
  async #noteExperiment(fields: Fields, request: FastifyRequest): Promise<void> {
    const ref = attemptOf(request);
    if (ref === undefined) return;
    const { pool } = this.#parts;
    const name = fields.text("experiment_name");
    const id = fields.text("experiment_id");
    // Its own pipeline's, which it may ask for before there is one.
    const [facts] = id === undefined ? [] : await this.#parts.findAttempts([ref]);
    if (facts !== undefined) await this.#experimentOf(facts);
    const by = name !== undefined ? { name } : id !== undefined && /^\d{1,18}$/.test(id) ? { id } : undefined;
    const found = by === undefined ? undefined : await findExperiment(pool, by);
    if (found === undefined || found.deleted) return;
    if (await moveUntouchedRun(pool, taskRunId(ref), found.id)) return;
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
    const begunMs = performance.now();
    try {
      let left = false;
      for (let after: string | undefined = ""; after !== undefined && !this.#closed;) {
        const open = await openAttempts(pool, after, SWEEP_ATTEMPTS);
        const ended = open.length === 0 ? [] : await executionsOf(pool, open);
        if (ended.length > 0) await endTaskRuns(pool, ended);
        left ||= open.length > ended.length;
        after = open.length < SWEEP_ATTEMPTS ? undefined : open.at(-1);
      }
      this.#sweepMs = performance.now() - begunMs;
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
