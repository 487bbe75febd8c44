import type { Scalar } from "../../../../lib/core/pipeline/spec.ts";
import { isoTime } from "../../../../lib/core/wall-clock.ts";
import { ownNamespace, ownTaskName, PRODUCER } from "./own.ts";

/** An attempt, running or ended, as far as events tell of it. Times: epoch milliseconds. */
export interface ToldAttempt {
  readonly id: string;
  readonly task: string;
  readonly index: number;
  readonly attempt: number;
  readonly node: string;
  readonly startedAtMs: number;
  /** Null: it runs. */
  readonly end: ToldEnd | null;
}

export interface ToldEnd {
  readonly state: "succeeded" | "failed" | "cancelled" | "lost";
  readonly atMs: number;
  readonly reason: string;
  readonly message: string;
  readonly exitCode: number | null;
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
  readonly gpuUuids: readonly string[];
  readonly environmentDigest: string | null;
  readonly map: Readonly<Record<string, Scalar>>;
  readonly inputs: readonly ToldArtifact[];
  readonly outputs: readonly ToldArtifact[];
}

/** An artifact as a data set: a name that stays, and a version that is its digest. */
export interface ToldArtifact {
  readonly namespace: string;
  readonly name: string;
  /** As its server names it, of what was read outside; else the digest. */
  readonly version: string;
  readonly digest: string;
  readonly kind: "file" | "tree";
  readonly bytes: number | null;
  /** Where its bytes came from, of a data set that was added from there; null: not known. */
  readonly source: string | null;
}

export interface ToldJob {
  readonly id: string;
  readonly pipeline: string;
  readonly project: string;
  readonly code: { readonly digest: string; readonly commit: string | null; readonly dirty: boolean } | null;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly state: "pending" | "running" | "succeeded" | "failed" | "cancelled";
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number | null;
  readonly reason: string;
  readonly nominalMs: number | null;
}

export interface Teller {
  /** Of this cluster. */
  readonly namespace: string;
  /** Of Weft. */
  readonly version: string;
  readonly uuidOf: (id: string) => string;
}

export type OwnEvent = Readonly<Record<string, unknown>> & { readonly eventType: OwnEventType };
type OwnEventType = "START" | "COMPLETE" | "FAIL" | "ABORT";

const SPEC = "https://openlineage.io/spec";
const EVENT_SCHEMA = `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`;
const END_TYPES = { succeeded: "COMPLETE", failed: "FAIL", lost: "FAIL", cancelled: "ABORT" } as const;

export function startOfAttempt(teller: Teller, job: ToldJob, attempt: ToldAttempt): OwnEvent {
  return attemptEvent(teller, job, attempt, "START", attempt.startedAtMs);
}

/** Of one that has ended. */
export function endOfAttempt(teller: Teller, job: ToldJob, attempt: ToldAttempt, end: ToldEnd): OwnEvent {
  // Clocks of machines differ, and a run does not end before it begins.
  return attemptEvent(teller, job, attempt, END_TYPES[end.state], Math.max(end.atMs, attempt.startedAtMs));
}

/** What there is to tell of a job: that it has started, and how it ended. One that was cancelled before it began did both at once. */
export function eventsOfJob(teller: Teller, job: ToldJob): OwnEvent[] {
  const { state, startedAtMs, finishedAtMs, reason } = job;
  const begunMs = startedAtMs ?? finishedAtMs;
  if (begunMs === null) return [];
  const told = (type: OwnEventType, atMs: number, message: string): OwnEvent => ({
    ...head(type, atMs),
    run: {
      runId: teller.uuidOf(job.id),
      facets: runFacets(teller, job, { weft_job: { job: job.id, ...codeOf(job) } }, message),
    },
    job: { namespace: ownNamespace(teller.namespace, job.project), name: job.pipeline, facets: jobFacets(job, "JOB") },
    inputs: [],
    outputs: [],
  });
  const start = told("START", begunMs, "");
  if (finishedAtMs === null || state === "pending" || state === "running") return [start];
  return [start, told(END_TYPES[state], Math.max(finishedAtMs, begunMs), state === "succeeded" ? "" : reason || state)];
}

function attemptEvent(teller: Teller, job: ToldJob, attempt: ToldAttempt, type: OwnEventType, atMs: number): OwnEvent {
  const namespace = ownNamespace(teller.namespace, job.project);
  const { id, task, index, end } = attempt;
  const ended = type === "START" ? null : end;
  const parent = { run: { runId: teller.uuidOf(job.id) }, job: { namespace, name: job.pipeline } };
  const own = {
    job: job.id,
    task,
    index,
    attempt: attempt.attempt,
    id,
    node: attempt.node,
    ...codeOf(job),
    ...(ended === null ? {} : endFacts(ended)),
  };
  const facets = {
    ...runFacets(teller, job, { weft_attempt: own }, ended === null ? "" : messageOf(ended), ended?.map),
    parent: facet("1-2-0/ParentRunFacet", { ...parent, root: parent }),
  };
  return {
    ...head(type, atMs),
    run: { runId: teller.uuidOf(id), facets },
    job: { namespace, name: ownTaskName(job.pipeline, task), facets: jobFacets(job, "TASK") },
    inputs: (ended?.inputs ?? []).map((one) => ({ ...dataset(one), inputFacets: {} })),
    outputs: (ended?.outputs ?? []).map((one) => ({
      ...dataset(one),
      outputFacets:
        one.bytes === null
          ? {}
          : { outputStatistics: facet("1-0-2/OutputStatisticsOutputDatasetFacet", { size: one.bytes }) },
    })),
  };
}

function head(eventType: OwnEventType, atMs: number) {
  return { eventTime: isoTime(Math.floor(atMs)), eventType, producer: PRODUCER, schemaURL: EVENT_SCHEMA };
}

function endFacts({ state, reason, exitCode, cpuMs, peakMemoryBytes, gpuUuids, environmentDigest }: ToldEnd) {
  return { state, reason, exitCode, cpuMs, peakMemoryBytes, gpuUuids, environment: environmentDigest };
}

function codeOf({ code }: ToldJob) {
  return code === null ? {} : { code: code.digest, dirty: code.dirty };
}

function messageOf({ state, reason, message }: ToldEnd): string {
  return state === "succeeded" ? "" : message || reason || state;
}

function runFacets(
  { version }: Teller,
  { params, nominalMs }: ToldJob,
  own: Readonly<Record<string, object>>,
  message: string,
  map: Readonly<Record<string, Scalar>> = {},
): Record<string, object> {
  const parameters = Object.entries({ ...params, ...map }).map(([key, value]) => ({ key, value: String(value) }));
  return {
    ...Object.fromEntries(Object.entries(own).map(([name, body]) => [name, ownFacet(name, body)])),
    processing_engine: facet("1-1-1/ProcessingEngineRunFacet", { name: "weft", version }),
    ...(parameters.length === 0
      ? {}
      : { executionParameters: facet("1-0-0/ExecutionParametersRunFacet", { parameters }) }),
    ...(nominalMs === null
      ? {}
      : { nominalTime: facet("1-0-1/NominalTimeRunFacet", { nominalStartTime: isoTime(Math.floor(nominalMs)) }) }),
    // The language of what runs in a task is the task's own affair.
    ...(message === ""
      ? {}
      : { errorMessage: facet("1-0-1/ErrorMessageRunFacet", { message, programmingLanguage: "unknown" }) }),
  };
}

function jobFacets({ code }: ToldJob, jobType: "JOB" | "TASK"): Record<string, object> {
  return {
    jobType: facet("2-0-4/JobTypeJobFacet", { processingType: "BATCH", integration: "WEFT", jobType }),
    ...(code === null
      ? {}
      : {
          sourceCodeLocation: facet("1-1-0/SourceCodeLocationJobFacet", {
            type: code.commit === null ? "weft" : "git",
            // The tree that ran, of which a commit that was dirty is only the base.
            url: `urn:weft:artifact:${code.digest}`,
            version: code.commit ?? code.digest,
          }),
        }),
  };
}

function dataset({ namespace, name, version, digest, kind, bytes, source }: ToldArtifact) {
  return {
    namespace,
    name,
    facets: {
      version: facet("1-0-1/DatasetVersionDatasetFacet", { datasetVersion: version }),
      storage: facet("1-0-1/StorageDatasetFacet", {
        storageLayer: "weft",
        fileFormat: kind === "tree" ? "folder" : "file",
      }),
      weft_artifact: ownFacet("weft_artifact", { digest, kind, ...(bytes === null ? {} : { bytes }) }),
      ...(source === null ? {} : { dataSource: facet("1-0-1/DatasourceDatasetFacet", { name: source, uri: source }) }),
    },
  };
}

function facet(schema: string, body: object): object {
  const [version, name] = schema.split("/") as [string, string];
  return { _producer: PRODUCER, _schemaURL: `${SPEC}/facets/${version}/${name}.json#/$defs/${name}`, ...body };
}

function ownFacet(name: string, body: object): object {
  return { _producer: PRODUCER, _schemaURL: `urn:weft:facet:${name}`, ...body };
}
