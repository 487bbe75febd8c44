import type { Ask } from "./ask.ts";
import { devicesAway } from "./device.ts";
import { couldRun } from "./fit.ts";
import { misfit } from "./hold.ts";
import { type Amounts, beyondQuota, type Project, projectOf } from "./share.ts";
import type { Node, State } from "./state.ts";

export interface Reason {
  /**
   * dependency, approval, concurrency, rate, cache, backoff, quota, capacity, reservation, gang, no_nodes, unsatisfiable, running, ready,
   * not_ready, checkpoint, cancelling, done
   */
  readonly kind: string;
  readonly message: string;
  /** For capacity: how many nodes failed which predicate. */
  readonly nodesFailing: Readonly<Record<string, number>>;
}

/** Why the next of its class is on no node. Looks at every node. */
export function placementReason(state: State, ask: Ask, nowMs: number): Reason {
  const nodes = [...state.nodes.values()];
  if (nodes.length === 0)
    return reason("no_nodes", "no node has joined the cluster; start one with `weft agent --server HOST:PORT`");
  if (nodes.filter((node) => couldRun(node, ask)).length < ask.nodes)
    return reason("unsatisfiable", "the nodes of the cluster do not have what it asks for, even when empty");
  const project = projectOf(state, ask.project);
  const beyond = ask.requests.map((asked) => beyondQuota(project, asked, ask.nodes));
  const field = beyond.find((one) => one !== null);
  if (field !== undefined && field !== null && !beyond.includes(null)) return quotaReason(project, ask, field);
  return capacityReason(state, ask, nodes, nowMs);
}

function quotaReason({ settings, usage }: Project, ask: Ask, field: keyof Amounts): Reason {
  const names = { cpuMillis: "CPUs", memoryBytes: "bytes of memory", gpuMillis: "GPUs" } as const;
  const unit = field === "memoryBytes" ? 1 : 1000;
  const asked = (ask.requests[0]![field] * ask.nodes) / unit;
  const message = `project ${settings.name} holds ${usage[field] / unit} of its quota of ${settings.quota[field]! / unit} ${names[field]}, and it asks for ${asked}`;
  return reason("quota", message);
}

function capacityReason(state: State, ask: Ask, nodes: readonly Node[], nowMs: number): Reason {
  const nodesFailing: Record<string, number> = {};
  let fitting = 0;
  for (const node of nodes) {
    const whys = ask.requests.map((asked) => misfit(node, ask, asked, nowMs));
    if (whys.includes(null)) fitting += 1;
    else nodesFailing[whys[0]!] = (nodesFailing[whys[0]!] ?? 0) + 1;
  }
  if (fitting >= ask.nodes) return reason("capacity", "is about to be placed");
  const reserved = nodesFailing["reserved"] ?? 0;
  if (fitting + reserved >= ask.nodes) return reservedReason(state, ask, reserved, nodesFailing);
  const away = (nodesFailing["gpus"] ?? 0) === 0 ? [] : nodes.flatMap(devicesAway);
  const devices = away.length === 0 ? "" : `; given to nobody: ${firstFew(away)}`;
  const counts = Object.entries(nodesFailing).map(([what, count]) => `${what}: ${count}`);
  const held = state.holds.get(ask.key);
  const kept = held ? `; ${held.nodes.map(({ name }) => name).join(", ")} is kept for it` : "";
  const gang =
    ask.nodes > 1 ? `its gang of ${ask.nodes} is short of ${ask.nodes - fitting} nodes` : "waits for capacity";
  return {
    kind: ask.nodes > 1 ? "gang" : "capacity",
    message: `${gang}; of ${nodes.length} nodes, ${counts.join(", ")} stand in the way${devices}${kept}`,
    nodesFailing,
  };
}

/** Enough nodes have room, and are kept for others. */
function reservedReason(state: State, ask: Ask, reserved: number, nodesFailing: Reason["nodesFailing"]): Reason {
  const others = [...state.holds.values()].filter(({ ask: other }) => other.key !== ask.key);
  const whose = others.map(({ ask: { project, priority } }) => `project ${project}, priority ${priority}`);
  const count = reserved === 1 ? "1 node has room for it, and is" : `${reserved} nodes have room for it, and are`;
  const message = `${count} kept for work that has waited for longer or goes first (${firstFew(whose)})`;
  return { kind: "reservation", message, nodesFailing };
}

/** Named in one sentence; more are counted. */
const NAMED_MAX = 3;

function firstFew(texts: readonly string[]): string {
  const more = texts.length - NAMED_MAX;
  return texts.slice(0, NAMED_MAX).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

export function reason(kind: string, message: string): Reason {
  return { kind, message, nodesFailing: {} };
}
