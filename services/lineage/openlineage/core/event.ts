import { z } from "zod";
import { WeftError } from "../../../../lib/core/error.ts";

/** A facet as it was sent: `_producer`, `_schemaURL` and what its schema says. */
export type Facet = Readonly<Record<string, unknown>>;
export type Facets = Readonly<Record<string, Facet>>;

export const EVENT_TYPES = ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface JobName {
  readonly namespace: string;
  readonly name: string;
}

export interface EventDataset extends JobName {
  readonly facets: Facets;
  /** Of this use of it: inputFacets or outputFacets. */
  readonly useFacets: Facets;
}

/**
 * One event of OpenLineage (spec 2-0-2): of a run, of a job apart from its runs, or of a data set alone. All three are one type here, as what
 * they have in common is all that matters to most: an event without `run` says what its job reads and writes whenever it runs.
 */
export interface LineageEvent {
  readonly kind: "run" | "job" | "dataset";
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** Null: not said, as of events of jobs and data sets. */
  readonly type: EventType | null;
  readonly producer: string;
  readonly run: { readonly id: string; readonly facets: Facets } | null;
  readonly job: (JobName & { readonly facets: Facets }) | null;
  readonly inputs: readonly EventDataset[];
  readonly outputs: readonly EventDataset[];
  /** Of a dataset event. */
  readonly dataset: EventDataset | null;
  /** As it came. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Namespace and name together, in bytes: two ids of nodes must fit into one entry of an index of Postgres' (2,704 bytes). */
export const NAME_BYTES_MAX = 1_000;
/** Of a version of a data set, in bytes; for the same reason. */
export const VERSION_BYTES_MAX = 200;
const FACET_NAME_CHARS_MAX = 100;
/** Inputs or outputs of one event. */
const DATASETS_MAX = 10_000;
/** Lists and objects within each other. Fields of fields need some dozens; JSON.stringify and Postgres give up at some thousands. */
const LEVELS_MAX = 500;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** RFC 3339: without an offset it would mean another moment on every machine. */
const TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:?\d{2})$/;

const facets = z
  .record(z.string().min(1).max(FACET_NAME_CHARS_MAX), z.record(z.string(), z.unknown(), "must be an object"))
  .nullish()
  .transform((given): Facets => given ?? {});
/** Postgres keeps every character but this one. */
const NUL = "\0";
const text = z
  .string("must be text")
  .min(1, "must not be empty")
  .refine((given) => !given.includes(NUL), "must not hold U+0000");
const named = { namespace: text, name: text };
const uuid = z
  .string("must be a UUID")
  .regex(UUID, "must be a UUID")
  .transform((id) => id.toLowerCase());
const inputs = z.array(z.looseObject({ ...named, facets, inputFacets: facets }), "must be a list");
const outputs = z.array(z.looseObject({ ...named, facets, outputFacets: facets }), "must be a list");
const time = z.string("must be a time like 2026-01-31T10:00:00.000Z").refine(isTime, {
  error: "must be a time with its offset, like 2026-01-31T10:00:00.000Z, from 1970 on",
});

const schema = z.looseObject({
  eventTime: time,
  producer: text,
  schemaURL: text,
  eventType: z.enum(EVENT_TYPES, `must be one of ${EVENT_TYPES.join(", ")}`).nullish(),
  run: z.looseObject({ runId: uuid, facets }).nullish(),
  job: z.looseObject({ ...named, facets }).nullish(),
  dataset: z.looseObject({ ...named, facets }).nullish(),
  inputs: inputs.max(DATASETS_MAX).nullish(),
  outputs: outputs.max(DATASETS_MAX).nullish(),
});

/** Throws `invalid` that names the field, what it holds and what would be right. */
export function readEvent(body: unknown): LineageEvent {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new WeftError("invalid", `an OpenLineage event is a JSON object; this is ${shown(body)}`);
  if (isDeeper(body, LEVELS_MAX))
    throw new WeftError("invalid", `the event has more than ${LEVELS_MAX} lists and objects within each other`);
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw refuse(body, parsed.error.issues[0]!);
  const { run, job, dataset, eventType, eventTime, producer, ...sent } = parsed.data;
  const kind = run ? "run" : dataset ? "dataset" : "job";
  if (kind === "dataset" ? job : !job) {
    throw new WeftError(
      "invalid",
      kind === "dataset"
        ? 'an event has "job" or "dataset", not both'
        : 'the event has neither "job" nor "dataset": a run event has "run" and "job", a job event "job", a dataset event "dataset"',
    );
  }
  const event: LineageEvent = {
    kind,
    atMs: parseTime(eventTime),
    type: eventType ?? null,
    producer,
    run: run ? { id: run.runId, facets: run.facets } : null,
    job: job ? { namespace: job.namespace, name: job.name, facets: job.facets } : null,
    inputs: (sent.inputs ?? []).map(({ inputFacets, ...one }) => ({ ...one, useFacets: inputFacets })),
    outputs: (sent.outputs ?? []).map(({ outputFacets, ...one }) => ({ ...one, useFacets: outputFacets })),
    dataset: dataset ? { ...dataset, useFacets: {} } : null,
    body: body as LineageEvent["body"],
  };
  checkSizes(event);
  return event;
}

/** What the facet "version" says; empty: nothing. */
export function versionOf({ facets: given }: EventDataset): string {
  const version = given["version"]?.["datasetVersion"];
  return typeof version === "string" || typeof version === "number" ? String(version) : "";
}

export interface ParentRun {
  readonly runId: string;
  readonly job: JobName;
}

/** What the run facet "parent" names, if it is whole. */
export function parentOf(event: LineageEvent): ParentRun | null {
  const parsed = parentFacet.safeParse(event.run?.facets["parent"]);
  if (!parsed.success) return null;
  const { run, job } = parsed.data;
  return { runId: run.runId, job: { namespace: job.namespace, name: job.name } };
}
const parentFacet = z.looseObject({ run: z.looseObject({ runId: uuid }), job: z.looseObject(named) });

/** Epoch milliseconds of a text that is such a time; what is finer is cut off. Null: it is none. */
export function timeOf(value: unknown): number | null {
  return typeof value === "string" && isTime(value) ? parseTime(value) : null;
}

function isTime(value: string): boolean {
  return TIME.test(value) && parseTime(value) >= 0;
}

function parseTime(value: string): number {
  // oxlint-disable-next-line no-restricted-globals -- parses a text, reads no clock
  return Math.floor(Date.parse(value));
}

export function bytesOf(value: string): number {
  return new TextEncoder().encode(value).length;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function checkSizes(event: LineageEvent): void {
  const { job, inputs: read, outputs: wrote, dataset } = event;
  const all = [
    ["job", job] as const,
    ["run.facets.parent.job", parentOf(event)?.job ?? null] as const,
    ...read.map((one, i) => [`inputs[${i}]`, one] as const),
    ...wrote.map((one, i) => [`outputs[${i}]`, one] as const),
    ["dataset", dataset] as const,
  ];
  for (const [field, one] of all) {
    if (one === null) continue;
    const bytes = bytesOf(one.namespace) + bytesOf(one.name);
    if (bytes > NAME_BYTES_MAX)
      throw new WeftError(
        "invalid",
        `${field}: namespace and name have ${bytes} bytes, and may have ${NAME_BYTES_MAX}: ${shown(one.name)}`,
      );
    const version = "useFacets" in one ? versionOf(one) : "";
    if (bytesOf(version) > VERSION_BYTES_MAX || version.includes(NUL))
      throw new WeftError(
        "invalid",
        `${field}.facets.version.datasetVersion has ${bytesOf(version)} bytes, and may have ${VERSION_BYTES_MAX} without U+0000: ${shown(version)}`,
      );
  }
}

function refuse(body: object, issue: z.core.$ZodIssue): WeftError {
  const field = issue.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("");
  const value = issue.path.reduce<unknown>(
    (inner, part) =>
      typeof inner === "object" && inner !== null ? (inner as Record<PropertyKey, unknown>)[part] : undefined,
    body,
  );
  const found = value === undefined ? "it is missing" : `it is ${shown(value)}`;
  return new WeftError("invalid", `${field.replace(/^\./, "")}: ${issue.message} (${found})`);
}

const SHOWN_CHARS = 120;
function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? "nothing";
  return json.length > SHOWN_CHARS ? `${json.slice(0, SHOWN_CHARS)}…` : json;
}
