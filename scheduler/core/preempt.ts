import type { Ask } from "./ask.ts";
import { serviceMisfit } from "./fit.ts";
import { gangOf } from "./gang.ts";
import { hold, misfit } from "./hold.ts";
import { PREEMPTING_CLASSES_MAX } from "./limit.ts";
import { peek, type QueueClass } from "./queue.ts";
import { rebook, unbookForTrial } from "./reservation.ts";
import { type Amounts, beyondQuota, dominantShare, fairShare, projectOf } from "./share.ts";
import type { Instance, Node, State } from "./state.ts";
import { orderStop } from "./stop.ts";

/**
 * Stops preemptible work for classes that found no room: work of lower priority, or of a project that holds more than
 * its share while this one holds less. The nodes are held for the class meanwhile. Nobody evicts each other in turn:
 * priorities are strict, and a project that took back its share stays at or under it, the other at or over its own.
 */
export function preemptFor(state: State, classes: readonly QueueClass[], totals: Amounts, nowMs: number): void {
  if (state.preemptible.size === 0) return;
  let tried = 0;
  for (const queueClass of classes) {
    const { ask } = queueClass;
    if (!queueClass.tried || !peek(queueClass) || waitsForStops(state, ask)) continue;
    if ((tried += 1) > PREEMPTING_CLASSES_MAX) return;
    const found = cheapest(state, ask, totals, nowMs);
    if (!found) continue;
    hold(state, ask, found.nodes, nowMs);
    for (const victim of found.victims) orderStop(state, victim, "preempted");
  }
}

function waitsForStops(state: State, ask: Ask): boolean {
  const held = state.holds.get(ask.key);
  return (
    held?.nodes.some((node) =>
      [...node.attempts.values()].some(({ state: of }) => of.kind === "active" && of.stop?.reason === "preempted"),
    ) ?? false
  );
}

interface Eviction {
  readonly nodes: readonly Node[];
  readonly victims: readonly Instance[];
}

interface Offer {
  readonly node: Node;
  readonly victims: readonly Instance[];
  /** Of the victims: their highest priority, then the time that is lost. */
  readonly priority: number;
  readonly lostMs: number;
}

function cheapest(state: State, ask: Ask, totals: Amounts, nowMs: number): Eviction | undefined {
  const asked = ask.requests[0]!;
  if (beyondQuota(projectOf(state, ask.project), asked, ask.nodes) !== null) return undefined;
  const byNode = victimsByNode(state, ask, totals);
  const offers: Offer[] = [];
  const free: Node[] = [];
  for (const node of state.nodes.values()) {
    if (serviceMisfit(node, ask, nowMs) !== null || isKept(node, ask)) continue;
    if (ask.nodes > 1 && misfit(node, ask, asked, nowMs) === null) free.push(node);
    else {
      const offer = offerOf(node, ask, byNode.get(node) ?? [], nowMs);
      if (offer) offers.push(offer);
    }
  }
  const missing = ask.nodes - free.length;
  if (missing <= 0 || offers.length < missing) return undefined;
  offers.sort((a, b) => a.priority - b.priority || a.lostMs - b.lostMs);
  const chosen = offers.slice(0, missing);
  const victims = new Set(chosen.flatMap(({ victims: of }) => of.flatMap(gangOf)));
  return { nodes: [...free, ...chosen.map(({ node }) => node)], victims: [...victims] };
}

/** Whoever it is held for has its victims stopped already, perhaps: were the node taken from it, more would follow. */
function isKept({ hold: held }: Node, ask: Ask): boolean {
  return held !== null && held.ask.key !== ask.key && held.ask.priority >= ask.priority;
}

/** Who may be stopped for the ask, cheapest first: lowest priority, then the youngest. */
function victimsByNode(state: State, ask: Ask, totals: Amounts): Map<Node, Instance[]> {
  const overShare = takeBack(state, ask, totals);
  const byNode = new Map<Node, Instance[]>();
  for (const instance of state.preemptible) {
    const active = instance.state;
    if (active.kind !== "active" || active.stop !== null || active.prefilled) continue;
    const lower = instance.task.ask.priority < ask.priority;
    if (!lower && !overShare(instance)) continue;
    const list = byNode.get(active.node);
    if (list) list.push(instance);
    else byNode.set(active.node, [instance]);
  }
  for (const list of byNode.values()) {
    list.sort((a, b) => a.task.ask.priority - b.task.ask.priority || (b.assignedAtMs ?? 0) - (a.assignedAtMs ?? 0));
  }
  return byNode;
}

/**
 * Whether stopping an attempt gives the ask's project back of its share, and leaves the other's project its own. What is on
 * its way counts as if it had come: else several would each take the same back, and it would be taken back from them.
 */
function takeBack(state: State, ask: Ask, totals: Amounts): (instance: Instance) => boolean {
  const project = projectOf(state, ask.project);
  const wanting = new Set([ask.project]);
  for (const { ask: other } of state.queue.values()) wanting.add(other.project);
  const fair = fairShare(state, wanting);
  if (dominantShare(project, totals, comingTo(state, ask)) > fair) return () => false;
  const taken = leaving(state);
  const gangs = new Set<Instance>();
  return (instance) => {
    const { ask: other } = instance.task;
    if (other.project === ask.project || other.priority > ask.priority) return false;
    const members = gangOf(instance);
    if (gangs.has(members[0]!)) return true;
    const before = taken.get(other.project) ?? NOTHING;
    const after = members.reduce(
      (sum, { state: of }) => (of.kind === "active" ? plus(sum, of.asked, -1) : sum),
      before,
    );
    if (dominantShare(projectOf(state, other.project), totals, after) < fair) return false;
    taken.set(other.project, after);
    gangs.add(members[0]!);
    return true;
  };
}

const NOTHING: Readonly<Amounts> = { cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 };

function plus(sum: Readonly<Amounts>, asked: Readonly<Amounts>, times: number): Amounts {
  return {
    cpuMillis: sum.cpuMillis + times * asked.cpuMillis,
    memoryBytes: sum.memoryBytes + times * asked.memoryBytes,
    gpuMillis: sum.gpuMillis + times * asked.gpuMillis,
  };
}

/** What the ask takes, and what others of its project wait for with nodes held. */
function comingTo(state: State, ask: Ask): Amounts {
  let coming = plus(NOTHING, ask.requests[0]!, ask.nodes);
  for (const { ask: other, asked } of state.holds.values())
    if (other.project === ask.project && other.key !== ask.key && waitsForStops(state, other))
      coming = plus(coming, asked, other.nodes);
  return coming;
}

/** By project, what its attempts hold that have been told to stop; negative. */
function leaving(state: State): Map<string, Amounts> {
  const sums = new Map<string, Amounts>();
  for (const { state: of, task } of state.preemptible) {
    if (of.kind !== "active" || of.stop === null || of.prefilled) continue;
    const { project } = task.ask;
    sums.set(project, plus(sums.get(project) ?? NOTHING, of.asked, -1));
  }
  return sums;
}

/** The fewest victims of the node that make room for one member; undefined: all of them would not. */
function offerOf(node: Node, ask: Ask, candidates: readonly Instance[], nowMs: number): Offer | undefined {
  if (candidates.length === 0) return undefined;
  const asked = ask.requests[0]!;
  const tried: Instance[] = [];
  let fits = false;
  for (const victim of candidates) {
    unbookForTrial(victim);
    tried.push(victim);
    if ((fits = misfit(node, ask, asked, nowMs) === null)) break;
  }
  let victims = tried;
  if (fits) victims = withoutNeedless(node, ask, tried, nowMs);
  for (const victim of fits ? victims : tried) rebook(victim);
  if (!fits) return undefined;
  return {
    node,
    victims,
    priority: Math.max(...victims.map(({ task }) => task.ask.priority)),
    lostMs: victims.reduce((sum, victim) => sum + nowMs - (victim.startedAtMs ?? nowMs), 0),
  };
}

/** Gives back, the dearest first, those that were not in the way after all. */
function withoutNeedless(node: Node, ask: Ask, tried: readonly Instance[], nowMs: number): Instance[] {
  const needed: Instance[] = [];
  for (const victim of tried.toReversed()) {
    rebook(victim);
    if (misfit(node, ask, ask.requests[0]!, nowMs) === null) continue;
    unbookForTrial(victim);
    needed.push(victim);
  }
  return needed.toReversed();
}
