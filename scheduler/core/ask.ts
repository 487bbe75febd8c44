import type { Placement, Resources, TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { Node, State } from "./state.ts";

/**
 * All that placement looks at of a task. Tasks that ask for the same share one, and wait as one class: a round of
 * placement looks at asks and not at tasks.
 */
export interface Ask {
  readonly key: string;
  /** The same for all whose first request is the same; empty: it wants no devices. */
  readonly devicesKey: string;
  readonly priority: number;
  readonly project: string;
  /** Any one will do, in order of preference. */
  readonly requests: readonly Resources[];
  readonly placement: Placement | null;
  /** Members that start together, on nodes of their own. */
  readonly nodes: number;
  /** An attempt ends within, in milliseconds; 0: nobody knows. */
  readonly limitMs: number;
  readonly preemptible: boolean;
}

/** Asks kept though no job of theirs lives; past it they are forgotten. Few clusters ask for so many different things. */
const ASKS_MAX = 10_000;

export function askOf(state: State, priority: number, project: string, spec: TaskSpec): Ask {
  const key = keyOf(priority, project, spec);
  let ask = state.asks.get(key);
  if (ask) return ask;
  if (state.asks.size >= ASKS_MAX) state.asks.clear();
  ask = {
    key,
    devicesKey: devicesKeyOf(spec.resources),
    priority,
    project,
    requests: [spec.resources, ...spec.alternatives],
    placement: placementOf(spec),
    nodes: spec.nodes,
    limitMs: spec.timeoutMs,
    preemptible: spec.preemptible,
  };
  state.asks.set(key, ask);
  return ask;
}

function devicesKeyOf({ cpuMillis, memoryBytes, gpuMillis, gpu }: Resources): string {
  return gpuMillis === 0 ? "" : `${gpuMillis}/${cpuMillis}/${memoryBytes}/${gpu ? JSON.stringify(gpu) : ""}`;
}

function keyOf(priority: number, project: string, spec: TaskSpec): string {
  const { cpuMillis, memoryBytes, diskBytes, gpuMillis, gpu } = spec.resources;
  const { alternatives, nodes, timeoutMs, preemptible } = spec;
  const placement = placementOf(spec);
  const amounts = `${priority}/${project}/${cpuMillis}/${memoryBytes}/${diskBytes}/${gpuMillis}/${timeoutMs}`;
  if (!gpu && !placement && !preemptible && nodes === 1 && alternatives.length === 0) return amounts;
  return `${amounts}/${nodes}/${preemptible}/${JSON.stringify([gpu, placement, alternatives])}`;
}

/** A label that every node has without being given it: its name, and its id. */
export const NODE_LABEL = "weft.node";
/** The label by which a node says which container engine it has; the agent sets it. */
export const ENGINE_LABEL = "weft.container";
const IN_CONTAINER: Placement = {
  labels: [{ key: ENGINE_LABEL, values: [], refused: false }],
  tolerations: [],
  pool: "",
};

/** With what its environment asks of a node. */
function placementOf({ placement, environment }: TaskSpec): Placement | null {
  if (environment.kind !== "container") return placement;
  return placement ? { ...placement, labels: [...placement.labels, ...IN_CONTAINER.labels] } : IN_CONTAINER;
}

/** What of the placement a node does not meet, whoever else is there; null: it meets all. */
export function placementMisfit(node: Node, placement: Placement | null): "pool" | "taints" | "labels" | null {
  const { pool, taints } = node.settings;
  if (pool !== (placement?.pool ?? "")) return "pool";
  for (const taint of taints) if (!tolerates(placement, taint)) return "taints";
  if (!placement) return null;
  for (const { key, values, refused } of placement.labels) {
    const value = key === NODE_LABEL ? node.name : node.labels[key];
    const meets =
      (value !== undefined && (values.length === 0 || values.includes(value))) ||
      (key === NODE_LABEL && values.includes(node.id));
    if (meets === refused) return "labels";
  }
  return null;
}

/** A toleration without a value is for every value of its key. */
function tolerates(placement: Placement | null, taint: string): boolean {
  const key = taint.split("=", 1)[0]!;
  return placement?.tolerations.some((one) => one === taint || one === key) ?? false;
}
