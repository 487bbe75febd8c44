import { attemptKey } from "../../lib/core/ids.ts";
import type { Resources } from "../../lib/core/pipeline/spec.ts";
import type { Ask } from "./ask.ts";
import { Candidates } from "./candidates.ts";
import { chooseDevices } from "./device.ts";
import { emptyMisfit, serviceMisfit } from "./fit.ts";
import { chooseGangNodes, gangOf } from "./gang.ts";
import { dropHold, dropHolds, holdForAged, misfit } from "./hold.ts";
import {
  PLACED_PER_ROUND_MAX,
  PREFILL_ATTEMPTS_MAX,
  PREFILL_MS,
  PREFILL_RUN_MS_MAX,
  RANGE_INSTANCES_MAX,
  TAKE_BACK_MS,
} from "./limit.ts";
import { preemptFor } from "./preempt.ts";
import { popHeap, pushHeap } from "./heap.ts";
import { peek, type QueueClass, take } from "./queue.ts";
import { assignRange, breakRange, rangeSize } from "./range.ts";
import { queuedAt, reserve, roomFor } from "./reservation.ts";
import { type Amounts, beyondQuota, clusterTotals, dominantShare, fairShare, hasQuota, projectOf } from "./share.ts";
import { type Instance, newActive, type Node, NO_GPUS, type Range, type State } from "./state.ts";
import { orderStop } from "./stop.ts";
import { addTimer } from "./timer.ts";
import { noteStarted } from "./typical.ts";

/**
 * Gives ready instances to nodes. Order: priority, then projects below their weighted dominant share, then age. A class
 * that finds no room is passed over, and looks next time only at nodes that were freed meanwhile; when its head has
 * waited for long, nodes are held for it. Then short tasks may queue at nodes that are full, and work of lower priority
 * that says it may be stopped is stopped for what found no room.
 */
export function place(state: State, nowMs: number): void {
  if (!state.placementDue) return;
  const classes = waitingClasses(state);
  dropHolds(state, new Set(classes.map(({ ask }) => ask.key)), nowMs);
  state.placementDue = false;
  holdForAged(state, classes, nowMs);
  const totals = clusterTotals(state.nodes.values());
  const fair = fairShare(state, new Set(classes.map(({ ask }) => ask.project)));
  const round: Round = { totals, fair, left: PLACED_PER_ROUND_MAX, nowMs };
  for (let i = 0; i < classes.length && round.left > 0;) {
    let end = i + 1;
    while (end < classes.length && classes[end]!.ask.priority === classes[i]!.ask.priority) end += 1;
    fillLevel(state, classes.slice(i, end), round);
    i = end;
  }
  if (round.left <= 0) {
    // Not all have looked at what was freed.
    state.placementDue = true;
    return;
  }
  // Else a hold was dropped, and some have not looked at what it kept.
  if (!state.placementDue) state.freed.clear();
  for (const queueClass of classes) if (mayQueueAtNodes(queueClass.ask)) prefill(state, queueClass, nowMs);
  preemptFor(state, classes, totals, nowMs);
}

function waitingClasses(state: State): QueueClass[] {
  const waiting: { queueClass: QueueClass; sequence: number }[] = [];
  for (const [key, queueClass] of state.queue) {
    const head = peek(queueClass);
    if (head) waiting.push({ queueClass, sequence: head.task.job.sequence });
    else state.queue.delete(key);
  }
  waiting.sort((a, b) => b.queueClass.ask.priority - a.queueClass.ask.priority || a.sequence - b.sequence);
  return waiting.map(({ queueClass }) => queueClass);
}

interface Round {
  readonly totals: Amounts;
  /** The weighted share below which a project goes before those above it. */
  readonly fair: number;
  /** How many more attempts may be placed. */
  left: number;
  readonly nowMs: number;
}

interface Contender {
  readonly queueClass: QueueClass;
  readonly candidates: Candidates;
  /** Of the job of its head. */
  sequence: number;
  /** Place among the classes of the round, for heads of one job. */
  readonly place: number;
}

/** Of one project, a heap: the oldest head first. */
type Contenders = Contender[];

const older = (a: Contender, b: Contender): boolean =>
  a.sequence < b.sequence || (a.sequence === b.sequence && a.place < b.place);

/** Classes of one priority, in the order of `neediest`; within a project the oldest head goes first. */
function fillLevel(state: State, classes: readonly QueueClass[], round: Round): void {
  const { nowMs } = round;
  const projects = new Map<string, Contenders>();
  for (const [at, queueClass] of classes.entries()) {
    // It found no room, and none was made since.
    if (queueClass.tried && state.freed.size === 0) continue;
    const candidates = new Candidates(state, queueClass, nowMs);
    const contender = { queueClass, candidates, sequence: sequenceOf(queueClass), place: at };
    const of = projects.get(queueClass.ask.project);
    if (of) pushHeap(of, contender, older);
    else projects.set(queueClass.ask.project, [contender]);
  }
  while (projects.size > 0 && round.left > 0) {
    const contenders = projects.size === 1 ? projects.values().next().value! : neediest(state, projects, round);
    const alone = projects.size === 1 && contenders.length === 1;
    const chosen = popHeap(contenders, older)!;
    let placed: number;
    do {
      // Nobody else wants what is there: as many as have room go together.
      placed = placeNext(state, chosen, alone ? round.left : 1, nowMs);
      round.left -= placed;
    } while (placed > 0 && alone && round.left > 0);
    chosen.sequence = sequenceOf(chosen.queueClass);
    if (placed > 0) pushHeap(contenders, chosen, older);
    else if (contenders.length === 0) projects.delete(chosen.queueClass.ask.project);
  }
}

function sequenceOf(queueClass: QueueClass): number {
  return peek(queueClass)?.task.job.sequence ?? -1;
}

/**
 * The project with the oldest head of those that hold less than their fair share, else of all. What is lent goes by age and not
 * by share: else all that is small runs at once, nothing is left to fill gaps with, and what is large stands alone.
 */
function neediest(state: State, projects: ReadonlyMap<string, Contenders>, { totals, fair }: Round): Contenders {
  let first: Contenders | undefined;
  let below = false;
  for (const [name, contenders] of projects) {
    const isBelow = dominantShare(projectOf(state, name), totals) < fair;
    if (below && !isBelow) continue;
    if (first && below === isBelow && !older(contenders[0]!, first[0]!)) continue;
    first = contenders;
    below = isBelow;
  }
  return first!;
}

/**
 * Places the head of the class, and up to `most` fresh instances of the same task beside it; how many attempts it made.
 * 0: nothing waits there, or nothing more can be placed in this round.
 */
function placeNext(state: State, { queueClass, candidates }: Contender, most: number, nowMs: number): number {
  if (!peek(queueClass)) return 0;
  const { ask } = queueClass;
  const project = projectOf(state, ask.project);
  for (const [choice, asked] of ask.requests.entries()) {
    if (beyondQuota(project, asked, ask.nodes) !== null) continue;
    let placed = 0;
    if (ask.nodes === 1) {
      const node = candidates.best(choice);
      if (!node) continue;
      placed = giveTo(state, queueClass, node, hasQuota(project) ? 1 : Math.min(most, roomFor(node, asked)), nowMs);
      if (placed === 0) assign(state, take(queueClass)!, node, { choice, asked }, nowMs);
    } else {
      const nodes = chooseGangNodes(candidates.all(choice), ask.nodes);
      if (!nodes) continue;
      const members = gangOf(take(queueClass)!);
      const masterAddress = nodes[0]!.address;
      members.forEach((member, rank) => assign(state, member, nodes[rank]!, { choice, asked, masterAddress }, nowMs));
    }
    if (state.holds.size > 0) dropHold(state, ask, nowMs);
    // Where it was put there may be more room, which those that come to the class later must look at.
    queueClass.tried = false;
    return Math.max(placed, ask.nodes);
  }
  queueClass.tried = ask.requests.every((asked) => beyondQuota(project, asked, ask.nodes) === null);
  return 0;
}

/** Gives a range of at most so many to the node; 0: the head of the class has to go alone. */
function giveTo(
  state: State,
  queueClass: QueueClass,
  node: Node,
  most: number,
  nowMs: number,
  prefilled = false,
): number {
  const head = peek(queueClass);
  // Beside what is kept for others there is room for one at a time.
  if (!head || head.instance || node.hold !== null) return 0;
  const count = rangeSize(head.task, Math.min(most, RANGE_INSTANCES_MAX));
  if (count === 1) return 0;
  assignRange(state, head.task, count, { node, asked: queueClass.ask.requests[0]!, prefilled }, nowMs);
  return count;
}

function mayQueueAtNodes(ask: Ask): boolean {
  return ask.nodes === 1 && ask.requests.length === 1 && ask.requests[0]!.gpuMillis === 0;
}

/** Lets short tasks of the class queue at nodes beyond their capacity, by as much as they will do in PREFILL_MS. */
function prefill(state: State, queueClass: QueueClass, nowMs: number): void {
  const { ask } = queueClass;
  const asked = ask.requests[0]!;
  const meanMs = peek(queueClass)?.task.job.meanRunMs.get(ask.key);
  if (meanMs === undefined || meanMs > PREFILL_RUN_MS_MAX) return;
  // What queues at a node counts only once it moves up there, and nobody asks then.
  if (hasQuota(projectOf(state, ask.project))) return;
  for (const node of state.nodes.values()) {
    if (node.hold !== null || serviceMisfit(node, ask, nowMs) !== null) continue;
    if (emptyMisfit(node.capacity, asked) !== null) continue;
    for (let head = peek(queueClass); head; head = peek(queueClass)) {
      const mean = head.task.job.meanRunMs.get(ask.key);
      const most = mean === undefined ? 0 : prefillMax(node, asked, mean) - queuedAt(node);
      if (most <= 0) break;
      if (giveTo(state, queueClass, node, most, nowMs, true) > 0) continue;
      assign(state, take(queueClass)!, node, { choice: 0, asked, prefilled: true }, nowMs);
    }
  }
}

function prefillMax(node: Node, asked: Resources, meanMs: number): number {
  if (meanMs > PREFILL_RUN_MS_MAX) return 0;
  const atOnce = Math.floor(node.capacity.cpuMillis / asked.cpuMillis);
  return Math.min(PREFILL_ATTEMPTS_MAX, Math.ceil((atOnce * PREFILL_MS) / Math.max(meanMs, 1)));
}

interface Given {
  readonly choice: number;
  readonly asked: Resources;
  readonly prefilled?: true;
  readonly masterAddress?: string;
}

function assign(state: State, instance: Instance, node: Node, given: Given, nowMs: number): void {
  const { job, spec } = instance.task;
  const { choice, asked, prefilled = false, masterAddress = "" } = given;
  const gpuUuids = asked.gpuMillis === 0 ? NO_GPUS : chooseDevices(node, asked)!;
  instance.attempt += 1;
  instance.rounds = null;
  const key = attemptKey({ job: job.id, task: spec.name, index: instance.index, attempt: instance.attempt });
  const active = newActive({ node, key, gpuUuids, choice, asked, masterAddress, prefilled });
  instance.state = active;
  instance.lastNode = node.id;
  instance.lastGpus = gpuUuids;
  instance.lastChoice = choice;
  instance.assignedAtMs = nowMs;
  instance.startedAtMs = null;
  instance.exitCode = null;
  instance.reason = "";
  instance.message = "";
  reserve(state, instance, active);
  noteStarted(state.recent, instance.task.ask);
  state.out.instances.add(instance);
  state.out.assigned.add(instance);
  if (job.state === "pending") {
    job.state = "running";
    state.out.jobs.add(job);
  }
  if (prefilled)
    addTimer(state.timers, nowMs + TAKE_BACK_MS, { kind: "takeBack", instance, attempt: instance.attempt });
}

/** An attempt still queues at its node though another has room: it is taken back, and no retry is spent. */
export function onTakeBackTimer(state: State, instance: Instance, attempt: number, nowMs: number): void {
  const active = instance.state;
  if (instance.attempt !== attempt || active.kind !== "active" || !active.prefilled || active.stop) return;
  const { ask } = instance.task;
  for (const node of state.nodes.values()) {
    if (misfit(node, ask, active.asked, nowMs) === null) return orderStop(state, instance, "fenced");
  }
  addTimer(state.timers, nowMs + TAKE_BACK_MS, { kind: "takeBack", instance, attempt });
}

/** The same of a range of which some still queue: they go their own ways, and each is looked at. */
export function onTakeBackRangeTimer(state: State, range: Range, nowMs: number): void {
  const { node, task, asked, reserved, from, to } = range;
  if (!node.ranges.has(range) || reserved === to - from) return;
  for (const other of state.nodes.values()) {
    // Its instances have timers of their own, which are due.
    if (misfit(other, task.ask, asked, nowMs) === null) return breakRange(state, range);
  }
  addTimer(state.timers, nowMs + TAKE_BACK_MS, { kind: "takeBackRange", range });
}
