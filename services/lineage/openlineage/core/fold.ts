import {
  type EventDataset,
  type EventType,
  type Facets,
  type LineageEvent,
  parentOf,
  timeOf,
  versionOf,
} from "./event.ts";
import { datasetNode, jobNode, versionNode } from "./node.ts";

/** What runs become by an event; of those that say nothing about it, they stay as they are. */
const STATES: Readonly<Record<EventType, RunState | null>> = {
  START: "RUNNING",
  RUNNING: "RUNNING",
  COMPLETE: "COMPLETED",
  ABORT: "ABORTED",
  FAIL: "FAILED",
  OTHER: null,
};
/** Of events of one moment the later in the life of a run counts. */
const RANKS: Readonly<Record<EventType, number>> = { START: 1, RUNNING: 2, OTHER: 3, ABORT: 4, FAIL: 5, COMPLETE: 6 };
/** More than any time's turn: an end is never undone by a start that arrives, or even happened, later. */
const END_TURN = 1e15;

export type RunState = "NEW" | "RUNNING" | "COMPLETED" | "ABORTED" | "FAILED";

export interface RunRow {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly state: RunState;
  /** The greatest says the state. */
  readonly stateTurn: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  readonly nominalStartMs: number | null;
  readonly nominalEndMs: number | null;
  readonly parent: string | null;
  readonly jobVersion: string | null;
  readonly atMs: number;
}

export interface NamedRow {
  readonly node: string;
  readonly namespace: string;
  readonly name: string;
  readonly atMs: number;
}

export interface VersionRow {
  readonly node: string;
  readonly dataset: string;
  readonly version: string;
  /** That wrote it; null: it was read, as far as this event knows. */
  readonly run: string | null;
  readonly atMs: number;
}

/** What a run or a job reads or writes. */
export interface UseRow {
  /** A run's id, or a job's node. */
  readonly owner: string;
  readonly direction: "input" | "output";
  readonly dataset: string;
  /** Empty: none is named. */
  readonly version: string;
  /** The node of the version, or of the data set. */
  readonly node: string;
  /** It is an edge of the graph; what a job's runs did is that of the runs. */
  readonly edge: boolean;
  readonly atMs: number;
}

export interface FacetRow {
  /** A node, or what `useOwner` gives. */
  readonly owner: string;
  readonly name: string;
  /** The greatest stays, whatever order they come in. */
  readonly turn: number;
  /** Null: taken back. */
  readonly body: unknown;
}

export interface LinkRow {
  readonly source: string;
  readonly target: string;
  readonly kind: string;
}

export interface Folded {
  readonly runs: readonly RunRow[];
  readonly jobs: readonly NamedRow[];
  readonly datasets: readonly NamedRow[];
  readonly versions: readonly VersionRow[];
  readonly uses: readonly UseRow[];
  readonly facets: readonly FacetRow[];
  readonly links: readonly LinkRow[];
}

/** Whose the facets of one use are. */
export function useOwner(owner: string, direction: UseRow["direction"], node: string): string {
  return `${owner} ${direction} ${node}`;
}

/**
 * What events leave in the tables. Rows of one key may come more than once; whoever writes them merges them, and merging is the same in any
 * order and however often: see event-store.ts.
 */
export function foldEvents(events: readonly LineageEvent[]): Folded {
  const rows = {
    runs: [] as RunRow[],
    jobs: [] as NamedRow[],
    datasets: [] as NamedRow[],
    versions: [] as VersionRow[],
    uses: [] as UseRow[],
    facets: [] as FacetRow[],
    links: [] as LinkRow[],
  };
  for (const event of events) foldEvent(event, rows);
  return rows;
}

type Rows = { -readonly [Name in keyof Folded]: Folded[Name][number][] };

function foldEvent(event: LineageEvent, rows: Rows): void {
  const { atMs, job, run, dataset } = event;
  const turn = turnOf(event);
  if (job !== null) {
    const node = jobNode(job);
    rows.jobs.push({ node, namespace: job.namespace, name: job.name, atMs });
    addFacets(rows, node, job.facets, turn);
  }
  if (run !== null) foldRun(event, turn, rows);
  if (dataset !== null) addDataset(rows, dataset, null, event);
  for (const direction of ["input", "output"] as const) {
    for (const one of direction === "input" ? event.inputs : event.outputs) addUse(rows, event, direction, one);
  }
}

function foldRun(event: LineageEvent, turn: number, rows: Rows): void {
  const { atMs, type } = event;
  const run = event.run!;
  const job = event.job!;
  const state = type === null ? null : STATES[type];
  const ends = state !== null && state !== "RUNNING";
  const nominal = run.facets["nominalTime"] ?? {};
  const parent = parentOf(event);
  const version = job.facets["sourceCodeLocation"]?.["version"];
  rows.runs.push({
    id: run.id,
    namespace: job.namespace,
    name: job.name,
    state: state ?? "NEW",
    stateTurn: state === null ? 0 : ends ? END_TURN + turn : turn,
    startedMs: state === "RUNNING" ? atMs : null,
    endedMs: ends ? atMs : null,
    nominalStartMs: timeOf(nominal["nominalStartTime"]),
    nominalEndMs: timeOf(nominal["nominalEndTime"]),
    parent: parent?.runId ?? null,
    jobVersion: typeof version === "string" ? version : null,
    atMs,
  });
  addFacets(rows, run.id, run.facets, turn);
  rows.links.push({ source: jobNode(job), target: run.id, kind: "run" });
  if (parent === null || parent.runId === run.id) return;
  // It may never be heard of by itself.
  rows.jobs.push({ node: jobNode(parent.job), ...parent.job, atMs });
  rows.runs.push({ ...UNHEARD, id: parent.runId, ...parent.job, atMs });
  rows.links.push({ source: parent.runId, target: run.id, kind: "parent" });
  rows.links.push({ source: jobNode(parent.job), target: parent.runId, kind: "run" });
}

const UNHEARD = {
  state: "NEW",
  stateTurn: 0,
  startedMs: null,
  endedMs: null,
  nominalStartMs: null,
  nominalEndMs: null,
  parent: null,
  jobVersion: null,
} as const;

function addUse(rows: Rows, event: LineageEvent, direction: UseRow["direction"], one: EventDataset): void {
  const { run, job, atMs } = event;
  const dataset = datasetNode(one);
  const version = versionOf(one);
  const node = addDataset(rows, one, direction === "output" ? (run?.id ?? null) : null, event);
  const use = { direction, dataset, version, node, atMs };
  if (run !== null) {
    rows.uses.push({ ...use, owner: run.id, edge: true });
    addFacets(rows, useOwner(run.id, direction, node), one.useFacets, turnOf(event));
  }
  if (job === null) return;
  // Of its runs a job has the data sets, whatever their versions were.
  const owner = jobNode(job);
  rows.uses.push({ ...use, owner, version: "", node: dataset, edge: run === null });
  if (run === null) addFacets(rows, useOwner(owner, direction, dataset), one.useFacets, turnOf(event));
}

/** Gives the node of the version it names, or its own. */
function addDataset(rows: Rows, one: EventDataset, writer: string | null, event: LineageEvent): string {
  const { atMs } = event;
  const dataset = datasetNode(one);
  const version = versionOf(one);
  const node = versionNode(dataset, version);
  rows.datasets.push({ node: dataset, namespace: one.namespace, name: one.name, atMs });
  addFacets(rows, dataset, one.facets, turnOf(event));
  if (version === "") return node;
  rows.versions.push({ node, dataset, version, run: writer, atMs });
  if (node !== dataset) addFacets(rows, node, one.facets, turnOf(event));
  return node;
}

function addFacets(rows: Rows, owner: string, facets: Facets, turn: number): void {
  for (const [name, body] of Object.entries(facets))
    rows.facets.push({ owner, name, turn, body: body["_deleted"] === true ? null : body });
}

/** Grows with time, and within a millisecond with the life of a run. */
function turnOf({ atMs, type }: LineageEvent): number {
  return atMs * 10 + (type === null ? 0 : RANKS[type]);
}
