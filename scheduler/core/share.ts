import type { Resources } from "../../lib/core/pipeline/spec.ts";
import type { Answer } from "./event.ts";
import type { Node, State } from "./state.ts";

/** What an operator has said of a project; one of which nothing was said has weight 1 and no quota. */
export interface ProjectSettings {
  readonly name: string;
  /** Its share of the cluster against the others that want some; more than 0. */
  readonly weight: number;
  /** What its attempts may hold together at most. Null: no limit. */
  readonly quota: Quota;
}

export interface Quota {
  readonly cpuMillis: number | null;
  readonly memoryBytes: number | null;
  readonly gpuMillis: number | null;
}

export interface Amounts {
  cpuMillis: number;
  memoryBytes: number;
  gpuMillis: number;
}

export interface Project {
  settings: ProjectSettings;
  /** What its attempts hold now. */
  readonly usage: Amounts;
}

const NO_QUOTA: Quota = { cpuMillis: null, memoryBytes: null, gpuMillis: null };
const AMOUNTS = ["cpuMillis", "memoryBytes", "gpuMillis"] as const;

export function projectOf(state: State, name: string): Project {
  let project = state.projects.get(name);
  if (!project) {
    const settings = { name, weight: 1, quota: NO_QUOTA };
    project = { settings, usage: { cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 } };
    state.projects.set(name, project);
  }
  return project;
}

export function onProjectChanged(state: State, settings: ProjectSettings): Answer {
  const project = projectOf(state, settings.name);
  project.settings = settings;
  state.out.projects.add(project);
  state.placementDue = true;
  return { kind: "done" };
}

export function addUsage({ usage }: Project, asked: Resources, times: number): void {
  for (const field of AMOUNTS) usage[field] += times * asked[field];
}

export function hasQuota({ settings }: Project): boolean {
  return AMOUNTS.some((field) => settings.quota[field] !== null);
}

/** The first amount in which the quota would be passed; null: none would. */
export function beyondQuota(project: Project, asked: Resources, members: number): keyof Amounts | null {
  const { quota } = project.settings;
  for (const field of AMOUNTS) {
    const most = quota[field];
    if (most !== null && asked[field] > 0 && project.usage[field] + asked[field] * members > most) return field;
  }
  return null;
}

/** The weighted share that each project that holds or wants something would have if all had the same. */
export function fairShare(state: State, wanting: ReadonlySet<string>): number {
  let weights = 0;
  for (const name of wanting) weights += projectOf(state, name).settings.weight;
  for (const [name, { settings, usage }] of state.projects) {
    if (usage.cpuMillis > 0 && !wanting.has(name)) weights += settings.weight;
  }
  return 1 / Math.max(weights, Number.MIN_VALUE);
}

/** Of all nodes that are there. */
export function clusterTotals(nodes: Iterable<Node>): Amounts {
  const totals = { cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 };
  for (const { lost, capacity } of nodes) {
    if (lost) continue;
    totals.cpuMillis += capacity.cpuMillis;
    totals.memoryBytes += capacity.memoryBytes;
    totals.gpuMillis += capacity.gpus.length * 1000;
  }
  return totals;
}

/**
 * The largest of the fractions of CPUs, memory and devices that the project holds, by its weight (dominant resource
 * fairness: Ghodsi et al., NSDI 2011). With `change` added to what it holds.
 */
export function dominantShare({ usage, settings }: Project, totals: Amounts, change?: Amounts): number {
  let share = 0;
  for (const field of AMOUNTS) {
    if (totals[field] > 0) share = Math.max(share, (usage[field] + (change?.[field] ?? 0)) / totals[field]);
  }
  return share / settings.weight;
}
