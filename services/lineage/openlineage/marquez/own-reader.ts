import type { Pool } from "pg";
import type { AttemptKey } from "../../../../lib/core/ids.ts";
import type { Facets } from "../core/event.ts";
import { ownNamespace, ownOutputName, ownTaskName } from "../core/own.ts";
import {
  endOfAttempt,
  eventsOfJob,
  type OwnEvent,
  startOfAttempt,
  type Teller,
  type ToldJob,
} from "../core/own-event.ts";
import type { OwnJob, OwnPipeline, OwnWork } from "../own-work.ts";
import { decodeRunUuid, HASH53_SQL, runUuid } from "../run-id.ts";
import { type Told, toldAttempts } from "../told-store.ts";
import type { DatasetFacts, JobFacts, NameJson, RunFacts, UseFacts } from "./shape.ts";
import type { Page } from "./told-reader.ts";

/** Newest jobs of a pipeline whose attempts are looked through; older runs are found by their ids. */
const JOBS_MAX = 200;
const LATEST_RUNS = 10;

export interface OwnParts {
  readonly pool: Pool;
  readonly work: OwnWork;
  /** Of this cluster. */
  readonly namespace: string;
  readonly version: string;
}

/** A pipeline, or a task of it, as its newest job has it. */
export interface OwnEntry extends NameJson {
  readonly pipeline: OwnPipeline;
  /** Null: the pipeline itself. */
  readonly task: string | null;
  readonly inputs: readonly NameJson[];
  readonly outputs: readonly NameJson[];
}

/** Pipelines as jobs that read and write data sets, by name; what one request sees. */
export interface OwnCatalog {
  /** By "NAMESPACE NAME". */
  readonly jobs: ReadonlyMap<string, OwnEntry>;
  readonly datasets: ReadonlyMap<string, NameJson & { readonly writer: OwnEntry; readonly output: string }>;
}

export const keyOf = ({ namespace, name }: NameJson): string => `${namespace} ${name}`;

/** This cluster's own jobs, attempts and outputs, told in the same words as those of others. Nothing is kept for it: it is read from what there is. */
export class OwnReader {
  readonly #parts: OwnParts;
  readonly #teller: Teller;
  /** A catalog has its own pipelines, so that one request reads the jobs of each once, however many of its tasks it shows. */
  readonly #jobs = new WeakMap<OwnPipeline, Promise<readonly OwnJob[]>>();

  constructor(parts: OwnParts) {
    this.#parts = parts;
    this.#teller = { namespace: parts.namespace, version: parts.version, uuidOf: runUuid };
  }

  async catalog(): Promise<OwnCatalog> {
    const jobs = new Map<string, OwnEntry>();
    const datasets = new Map<string, NameJson & { writer: OwnEntry; output: string }>();
    for (const pipeline of await this.#parts.work.pipelines()) {
      const namespace = ownNamespace(this.#parts.namespace, pipeline.project);
      const nameOf = (task: string, output: string): NameJson => ({
        namespace,
        name: ownOutputName(pipeline.pipeline, task, output),
      });
      const whole = { namespace, name: pipeline.pipeline, pipeline, task: null, inputs: [], outputs: [] };
      jobs.set(keyOf(whole), whole);
      for (const task of pipeline.tasks) {
        const entry: OwnEntry = {
          namespace,
          name: ownTaskName(pipeline.pipeline, task.name),
          pipeline,
          task: task.name,
          inputs: distinct(Object.values(task.inputs).map((input) => nameOf(input.task, input.output))),
          outputs: task.outputs.map((output) => nameOf(task.name, output)),
        };
        jobs.set(keyOf(entry), entry);
        for (const output of task.outputs) {
          const name = nameOf(task.name, output);
          datasets.set(keyOf(name), { ...name, writer: entry, output });
        }
      }
    }
    return { jobs, datasets };
  }

  /** `runs`: how many of its newest to add. */
  async job(entry: OwnEntry, runs = LATEST_RUNS): Promise<JobFacts> {
    const { namespace, name, pipeline, inputs, outputs } = entry;
    return {
      namespace,
      name,
      createdMs: pipeline.submittedAtMs,
      updatedMs: pipeline.submittedAtMs,
      facets: codeFacets(pipeline, entry.task === null ? "JOB" : "TASK"),
      inputs,
      outputs,
      runs: runs === 0 ? [] : (await this.runs(entry, { limit: runs, offset: 0 })).runs,
    };
  }

  /** Newest first, of the newest jobs. */
  async runs({ pipeline, task }: OwnEntry, { limit, offset }: Page): Promise<{ runs: RunFacts[]; total: number }> {
    const { pool, work } = this.#parts;
    const jobs = await this.#jobsOf(pipeline);
    if (task === null)
      return { runs: jobs.slice(offset, offset + limit).flatMap((job) => this.#jobRun(job)), total: jobs.length };
    const ids = jobs.map(({ id }) => id);
    // All that run come first, wherever the page begins.
    const running = (await work.runningOf(ids, task)).toSorted(
      (a, b) => b.startedAtMs - a.startedAtMs || (a.id < b.id ? -1 : 1),
    );
    const first = running.slice(offset, offset + limit).map(({ id }) => id);
    const { rows } = await pool.query<{ id: AttemptKey; total: string }>(
      `select id, count(*) over () as total from executions where job_id = any($1) and task = $2
        order by finished_at_ms desc, id desc limit $3 offset $4`,
      // One at least, of which the total is read.
      [ids, task, Math.max(1, limit - first.length), Math.max(0, offset - running.length)],
    );
    const keys = [...new Set([...first, ...rows.map(({ id }) => id)])].slice(0, limit);
    return { runs: await this.attempts(keys), total: Number(rows[0]?.total ?? 0) + running.length };
  }

  /** In their order. */
  async attempts(keys: readonly AttemptKey[]): Promise<RunFacts[]> {
    const { pool, work, namespace } = this.#parts;
    const told = await toldAttempts(pool, work, namespace, keys);
    return keys.flatMap((key) => {
      const one = told.get(key);
      return one === undefined ? [] : [this.#attemptRun(one)];
    });
  }

  /** The attempt or job that a UUID was made from. */
  async find(uuid: string): Promise<{ readonly attempt: AttemptKey } | { readonly job: OwnJob } | undefined> {
    const decoded = decodeRunUuid(uuid);
    if (decoded === undefined) return undefined;
    const { pool, work } = this.#parts;
    const [job] = await work.jobs(decoded.jobs);
    if (job === undefined) return undefined;
    if (decoded.rest === 0n) return { job };
    const { rows } = await pool.query<{ id: AttemptKey }>(
      `select id from executions x where x.job_id = $1 and ${HASH53_SQL("x")} = $2::bigint limit 1`,
      [job.id, String(decoded.rest)],
    );
    const running = rows[0] ?? (await work.runningOf([job.id], null)).find(({ id }) => runUuid(id) === uuid);
    return running && { attempt: running.id };
  }

  async run(uuid: string): Promise<RunFacts | undefined> {
    const found = await this.find(uuid.toLowerCase());
    if (found === undefined) return undefined;
    return ("job" in found ? this.#jobRun(found.job) : await this.attempts([found.attempt]))[0];
  }

  async dataset(entry: { readonly writer: OwnEntry; readonly output: string } & NameJson): Promise<DatasetFacts> {
    const { versions } = await this.versions(entry, { limit: 1, offset: 0 });
    const { namespace, name, writer } = entry;
    const [newest] = versions;
    const atMs = newest?.updatedMs ?? writer.pipeline.submittedAtMs;
    const plain = { facets: {}, version: null, createdByRun: null, createdMs: atMs, updatedMs: atMs };
    return { ...plain, ...newest, namespace, name };
  }

  /** What the task's attempts wrote, newest first. */
  async versions(
    { writer, output, namespace, name }: { readonly writer: OwnEntry; readonly output: string } & NameJson,
    { limit, offset }: Page,
  ): Promise<{ versions: DatasetFacts[]; total: number }> {
    const jobs = await this.#jobsOf(writer.pipeline);
    const { rows } = await this.#parts.pool.query<{ id: AttemptKey; digest: string; atMs: number; total: string }>(
      `select x.id, e.digest, x.finished_at_ms as "atMs", count(*) over () as total
         from executions x join edges e on e.execution = x.id and e.direction = 'output' and e.name = $3
        where x.job_id = any($1) and x.task = $2 order by x.finished_at_ms desc, x.id desc limit $4 offset $5`,
      [jobs.map(({ id }) => id), writer.task, output, limit, offset],
    );
    const runs = new Map((await this.attempts(rows.map(({ id }) => id))).map((run) => [run.id, run]));
    const versions = rows.map(({ id, digest, atMs }): DatasetFacts => {
      const run = runs.get(runUuid(id)) ?? null;
      const facets = run?.outputs.find((one) => one.name === name)?.facets ?? {};
      return { namespace, name, createdMs: atMs, updatedMs: atMs, facets, version: digest, createdByRun: run };
    });
    return { versions, total: Number(rows[0]?.total ?? 0) };
  }

  #jobsOf(pipeline: OwnPipeline): Promise<readonly OwnJob[]> {
    const known = this.#jobs.get(pipeline) ?? this.#parts.work.jobsOf(pipeline.pipeline, JOBS_MAX);
    this.#jobs.set(pipeline, known);
    return known;
  }

  #jobRun(job: OwnJob): RunFacts[] {
    const events = eventsOfJob(this.#teller, job);
    return [runOf(events, { startedMs: job.startedAtMs ?? job.submittedAtMs, endedMs: job.finishedAtMs }, job)];
  }

  #attemptRun({ attempt, job }: Told): RunFacts {
    const start = startOfAttempt(this.#teller, job, attempt);
    const { end, startedAtMs } = attempt;
    const events = end === null ? [start] : [start, endOfAttempt(this.#teller, job, attempt, end)];
    return runOf(events, { startedMs: startedAtMs, endedMs: end?.atMs ?? null }, job);
  }
}

const STATES = { START: "RUNNING", COMPLETE: "COMPLETED", FAIL: "FAILED", ABORT: "ABORTED" } as const;

interface EventShape {
  readonly run: { readonly runId: string; readonly facets: Facets };
  readonly job: NameJson;
  readonly inputs: readonly SetShape[];
  readonly outputs: readonly SetShape[];
}
interface SetShape extends NameJson {
  readonly facets: Facets;
}

/** What whoever takes the events would know of the run. */
function runOf(
  events: readonly OwnEvent[],
  { startedMs, endedMs }: { readonly startedMs: number; readonly endedMs: number | null },
  told: Pick<ToldJob, "nominalMs" | "code" | "pipeline" | "id">,
): RunFacts {
  const last = events.at(-1);
  const event = last as (OwnEvent & EventShape) | undefined;
  const use = ({ namespace, name, facets }: SetShape): UseFacts => ({
    namespace,
    name,
    version: String(facets["version"]?.["datasetVersion"]),
    facets,
  });
  return {
    id: event?.run.runId ?? runUuid(told.id),
    namespace: event?.job.namespace ?? "",
    name: event?.job.name ?? told.pipeline,
    state: last === undefined ? "NEW" : STATES[last.eventType],
    startedMs: last === undefined ? null : startedMs,
    endedMs,
    nominalStartMs: told.nominalMs,
    nominalEndMs: null,
    createdMs: Math.floor(startedMs),
    updatedMs: Math.floor(endedMs ?? startedMs),
    jobVersion: told.code?.commit ?? told.code?.digest ?? null,
    facets: event?.run.facets ?? {},
    inputs: (event?.inputs ?? []).map(use),
    outputs: (event?.outputs ?? []).map(use),
  };
}

function codeFacets({ code }: OwnPipeline, jobType: string): Facets {
  return {
    jobType: { processingType: "BATCH", integration: "WEFT", jobType },
    ...(code === null
      ? {}
      : { sourceCodeLocation: { url: `urn:weft:artifact:${code.digest}`, version: code.commit ?? code.digest } }),
  };
}

function distinct(names: readonly NameJson[]): NameJson[] {
  return [...new Map(names.map((one) => [keyOf(one), one])).values()];
}
