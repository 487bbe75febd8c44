import type { EndedReport, Outcome } from "../../lib/core/dispatch.ts";
import { endInstance } from "./job.ts";
import { newInstance, type Instance, type InstanceState, type Node, type State } from "./state.ts";
import { orderStop } from "./stop.ts";

/** Labels by which nodes are close to each other, the closest first. */
export const CLOSENESS_LABELS = ["rack", "zone"] as const;

/**
 * As many nodes as the gang has members, close to each other where that is possible: of the racks, else the zones, that
 * are large enough the smallest; else from anywhere. `nodes`: best first. Undefined: they are too few.
 */
export function chooseGangNodes(nodes: readonly Node[], members: number): Node[] | undefined {
  if (nodes.length < members) return undefined;
  for (const label of CLOSENESS_LABELS) {
    const groups = new Map<string, Node[]>();
    for (const node of nodes) {
      const place = node.labels[label];
      if (place === undefined) continue;
      const group = groups.get(place);
      if (group) group.push(node);
      else groups.set(place, [node]);
    }
    let closest: Node[] | undefined;
    for (const group of groups.values()) {
      if (group.length >= members && (!closest || group.length < closest.length)) closest = group;
    }
    if (closest) return closest.slice(0, members);
  }
  return nodes.slice(0, members);
}

/** The instance's gang in order of rank, itself among them: those with the same map values. Alone for a task without gangs. */
export function gangOf(instance: Instance): Instance[] {
  const { task, index } = instance;
  const { nodes } = task.spec;
  if (nodes === 1) return [instance];
  const first = index - (index % nodes);
  return Array.from(
    { length: nodes },
    (_, rank) => task.instances?.get(first + rank) ?? newInstance(task, first + rank, instance.state),
  );
}

export function isLeader(instance: Instance): boolean {
  return instance.index % instance.task.spec.nodes === 0;
}

/** What became of a gang's attempt, once no member has processes any more. */
export interface GangEnd {
  readonly members: readonly Instance[];
  /** The end that brought the others down; null: all succeeded. */
  readonly cause: { readonly instance: Instance; readonly held: Held } | null;
}

type Held = InstanceState & { readonly kind: "held" };

/**
 * A member's processes have ended. It waits for the others, which are told to stop unless it succeeded. Undefined: some
 * are still there.
 */
export function onMemberEnded(
  state: State,
  instance: Instance,
  report: EndedReport,
  nowMs: number,
): GangEnd | undefined {
  instance.state = {
    kind: "held",
    outcome: report.outcome,
    outputs: report.outputs,
    result: report.result ?? null,
    atMs: nowMs,
  };
  state.out.instances.add(instance);
  const members = gangOf(instance);
  if (report.outcome.kind !== "succeeded") {
    for (const member of members) if (member.state.kind === "active") orderStop(state, member, "gang");
  }
  if (members.some((member) => member.state.kind === "active")) return undefined;
  return { members, cause: causeOf(members) };
}

function causeOf(members: readonly Instance[]): GangEnd["cause"] {
  let cause: GangEnd["cause"] = null;
  for (const instance of members) {
    const held = instance.state;
    if (held.kind !== "held" || held.outcome.kind === "succeeded") continue;
    if (!cause || rankOf(held.outcome) < rankOf(cause.held.outcome)) cause = { instance, held };
  }
  return cause;
}

/** What a member did by itself comes before what was done to it. */
function rankOf(outcome: Outcome): number {
  return ["failed", "lost", "stopped"].indexOf(outcome.kind);
}

/** All members succeeded. */
export function succeedGang(state: State, members: readonly Instance[], nowMs: number): void {
  for (const member of members) {
    if (member.state.kind === "held") endInstance(state, member, "succeeded", nowMs, member.state);
  }
}

/** The gang will not run again. */
export function failGang(state: State, end: GangEnd, nowMs: number): void {
  const cause = end.cause?.instance;
  // The one that brought the others down first: it is what the job fails of.
  if (cause) endInstance(state, cause, "failed", nowMs);
  for (const member of end.members) {
    if (member.state.kind === "ended") continue;
    if (cause && member !== cause) {
      member.reason = "gang";
      member.message = `its gang ended with member ${cause.index % cause.task.spec.nodes}: ${cause.message || cause.reason}`;
    }
    endInstance(state, member, "failed", nowMs);
  }
}
