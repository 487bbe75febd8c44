import type { Facets } from "../core/event.ts";
import { isoTime } from "../../../../lib/core/wall-clock.ts";

/**
 * Answers as Marquez's API gives them (marquezproject.github.io/marquez/openapi.html), so that what reads Marquez reads this. Versions are what the facets
 * say, where Marquez makes a UUID of its own of it. Times are ISO 8601 in UTC.
 */
export interface NameJson {
  readonly namespace: string;
  readonly name: string;
}

export interface RunJson {
  readonly id: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly nominalStartTime: string | null;
  readonly nominalEndTime: string | null;
  readonly state: RunState;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly durationMs: number | null;
  readonly args: Readonly<Record<string, string>>;
  readonly jobVersion: { readonly namespace: string; readonly name: string; readonly version: string | null };
  readonly inputDatasetVersions: readonly UseJson[];
  readonly outputDatasetVersions: readonly UseJson[];
  readonly context: Readonly<Record<string, string>>;
  readonly facets: Facets;
}
type RunState = "NEW" | "RUNNING" | "COMPLETED" | "ABORTED" | "FAILED";

export interface UseJson {
  readonly datasetVersionId: { readonly namespace: string; readonly name: string; readonly version: string | null };
  readonly facets: Facets;
}

/** What there is to say of a run, of whoever it is. */
export interface RunFacts extends NameJson {
  readonly id: string;
  readonly state: RunState;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  readonly nominalStartMs: number | null;
  readonly nominalEndMs: number | null;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly jobVersion: string | null;
  readonly facets: Facets;
  readonly inputs: readonly UseFacts[];
  readonly outputs: readonly UseFacts[];
}

export interface UseFacts extends NameJson {
  readonly version: string | null;
  readonly facets: Facets;
}

export function runJson(run: RunFacts): RunJson {
  const { startedMs, endedMs } = run;
  return {
    id: run.id,
    createdAt: isoTime(run.createdMs),
    updatedAt: isoTime(run.updatedMs),
    nominalStartTime: time(run.nominalStartMs),
    nominalEndTime: time(run.nominalEndMs),
    state: run.state,
    startedAt: time(startedMs),
    endedAt: time(endedMs),
    durationMs: startedMs === null || endedMs === null ? null : endedMs - startedMs,
    args: {},
    jobVersion: { namespace: run.namespace, name: run.name, version: run.jobVersion },
    inputDatasetVersions: run.inputs.map(useJson),
    outputDatasetVersions: run.outputs.map(useJson),
    context: {},
    facets: run.facets,
  };
}

function useJson({ namespace, name, version, facets }: UseFacts): UseJson {
  return { datasetVersionId: { namespace, name, version }, facets };
}

export interface JobFacts extends NameJson {
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly facets: Facets;
  readonly inputs: readonly NameJson[];
  readonly outputs: readonly NameJson[];
  /** Newest first. */
  readonly runs: readonly RunFacts[];
}

export function jobJson(job: JobFacts) {
  const { namespace, name, facets, runs } = job;
  const [latest] = runs;
  return {
    id: { namespace, name },
    type: textOf(facets, "jobType", "processingType") === "STREAMING" ? "STREAM" : "BATCH",
    name,
    simpleName: name.slice(name.lastIndexOf(".") + 1),
    parentJobName: null,
    createdAt: isoTime(job.createdMs),
    updatedAt: isoTime(job.updatedMs),
    namespace,
    inputs: job.inputs,
    outputs: job.outputs,
    location: textOf(facets, "sourceCodeLocation", "url"),
    description: textOf(facets, "documentation", "description"),
    latestRun: latest === undefined ? null : runJson(latest),
    latestRuns: runs.map(runJson),
    currentVersion: textOf(facets, "sourceCodeLocation", "version"),
    tags: [],
    labels: [],
    facets,
  };
}

export interface DatasetFacts extends NameJson {
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly facets: Facets;
  readonly version: string | null;
  /** The run that wrote this version; null: not known. */
  readonly createdByRun: RunFacts | null;
}

export function datasetJson(dataset: DatasetFacts) {
  const { namespace, name, facets, version } = dataset;
  return {
    id: { namespace, name },
    type: "DB_TABLE",
    name,
    physicalName: name,
    createdAt: isoTime(dataset.createdMs),
    updatedAt: isoTime(dataset.updatedMs),
    namespace,
    sourceName: textOf(facets, "dataSource", "name") ?? "default",
    fields: fieldsOf(facets),
    tags: [],
    lastModifiedAt: isoTime(dataset.updatedMs),
    lastLifecycleState: textOf(facets, "lifecycleStateChange", "lifecycleStateChange"),
    description: textOf(facets, "documentation", "description"),
    currentVersion: version,
    facets,
    deleted: false,
  };
}

export function datasetVersionJson(dataset: DatasetFacts) {
  const {
    currentVersion,
    lastModifiedAt: _modified,
    updatedAt: _updated,
    deleted: _deleted,
    ...json
  } = datasetJson(dataset);
  const run = dataset.createdByRun;
  return { ...json, version: currentVersion, createdByRun: run === null ? null : runJson(run) };
}

function fieldsOf(facets: Facets) {
  const fields = facets["schema"]?.["fields"];
  if (!Array.isArray(fields)) return [];
  return (fields as Record<string, unknown>[]).map(({ name, type, description }) => ({
    name: String(name),
    type: typeof type === "string" ? type : null,
    tags: [],
    description: typeof description === "string" ? description : null,
  }));
}

function textOf(facets: Facets, facet: string, field: string): string | null {
  const value = facets[facet]?.[field];
  return typeof value === "string" ? value : null;
}

function time(ms: number | null): string | null {
  return ms === null ? null : isoTime(Math.floor(ms));
}
