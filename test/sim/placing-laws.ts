import type { Resources, TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { Ask } from "../../scheduler/core/ask.ts";
import { memoryShare } from "../../scheduler/core/device.ts";
import { gangOf } from "../../scheduler/core/gang.ts";
import { type Hold, misfit } from "../../scheduler/core/hold.ts";
import { peek, type QueueClass } from "../../scheduler/core/queue.ts";
import { beyondQuota, clusterTotals, dominantShare, projectOf } from "../../scheduler/core/share.ts";
import type { Active, Instance, JobTask, Node, Range, State } from "../../scheduler/core/state.ts";
import { firstDueMs } from "../../scheduler/core/timer.ts";
import type { Tally } from "./tally.ts";
import { Violation } from "./violation.ts";

const WHOLE = 1000;
/** Of one instance: more often nobody has reason to stop it, however many others there are in a world. */
const EVICTIONS_MAX = 30;
const AMOUNTS = ["cpuMillis", "memoryBytes", "gpuMillis"] as const;

/** The laws of one round of placement: of what it gives, of what it leaves lying, and of whom it stops. */
export class PlacingLaws {
  readonly #tally: Tally;
  readonly #evictions = new Map<string, number>();
  #holds = new Set<Hold>();

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Another leads. */
  forget(): void {
    this.#holds.clear();
  }

  /** Before what it decided is drained. */
  afterPlace(state: State, nowMs: number): void {
    const given = [...state.out.assigned].filter(isActive);
    for (const one of given) this.#checkGiven(state, one, given, nowMs);
    for (const range of state.out.ranges) this.#checkRange(state, range, nowMs);
    this.#checkQuotas(state, given);
    if (!state.placementDue) checkUse(state, nowMs);
    this.#checkEvictions(state);
    this.#noteHolds(state);
  }

  #checkGiven(state: State, instance: Placed, given: readonly Placed[], nowMs: number): void {
    const { node, asked, key, prefilled } = instance.state;
    const { spec } = instance.task;
    const fault = (what: string): Violation => misplaced(key, node, what);
    checkNode(spec, node, key, nowMs);
    const requests = [spec.resources, ...spec.alternatives].map((one) => JSON.stringify(one));
    if (!requests.includes(JSON.stringify(asked))) throw fault("is asked for what the task did not ask");
    if (prefilled) this.#tally.saw("queues at a node");
    const { hold } = node;
    if (hold && this.#holds.has(hold)) this.#checkBackfill(instance, hold, given, fault, nowMs);
    checkDevices(node, instance);
    if (spec.nodes > 1) this.#checkGang(instance, state);
  }

  /** Many alike go to a node at once only where nothing else is to be kept in mind. */
  #checkRange(state: State, { task, from, to, node, reserved }: Range, nowMs: number): void {
    const key = `${task.job.id}.${task.spec.name}.${from}`;
    checkNode(task.spec, node, key, nowMs);
    this.#tally.saw("a range is given", 1);
    this.#tally.saw("of a range", to - from);
    const { settings } = projectOf(state, task.ask.project);
    if (AMOUNTS.some((field) => settings.quota[field] !== null))
      throw new Violation("P4 quotas hold", `${to - from} from ${key} on begin at once, under a quota`, [key]);
    if (node.hold && this.#holds.has(node.hold) && node.hold.ask.key !== task.ask.key && reserved > 0)
      throw misplaced(key, node, `is held for ${node.hold.ask.key}`);
  }

  /** What is kept for others stays free, or is free again when they could begin. */
  #checkBackfill(
    { state: active, task }: Placed,
    hold: Hold,
    given: readonly Placed[],
    fault: (what: string) => Violation,
    nowMs: number,
  ): void {
    const { node } = active;
    if (hold.ask.key === task.ask.key || task.ask.priority > hold.ask.priority) return;
    this.#tally.saw("backfilled");
    const endsBefore = ({ spec: { timeoutMs } }: JobTask): boolean =>
      timeoutMs > 0 && nowMs + timeoutMs <= hold.freeAtMs;
    if (endsBefore(task)) return;
    // What came in the same round and ends in time does not keep this one from fitting beside.
    const passing = given.filter((one) => one.state.node === node && !one.state.prefilled && endsBefore(one.task));
    const lasting = passing.reduce((sum, one) => sum - one.state.asked.cpuMillis, node.reserved.cpuMillis);
    if (lasting + hold.asked.cpuMillis > node.capacity.cpuMillis) throw fault(`is held for ${hold.ask.key}`);
  }

  #checkGang(instance: Placed, state: State): void {
    const members = gangOf(instance);
    const nodes = new Set<Node>();
    for (const member of members) {
      const together = isActive(member) && state.out.assigned.has(member) && member.attempt === instance.attempt;
      if (!together || member.state.masterAddress !== (members[0] as Placed).state.node.address)
        throw new Violation("P3 gangs are whole", `${instance.state.key} begins without ${member.index}`, [
          instance.state.key,
        ]);
      nodes.add(member.state.node);
    }
    if (nodes.size < members.length)
      throw new Violation("P3 gangs are whole", `${instance.state.key} has members on one node`, [instance.state.key]);
    this.#tally.saw("a gang is placed", 1 / members.length);
  }

  #checkQuotas(state: State, given: readonly Placed[]): void {
    for (const { state: active, task } of given) {
      const { settings, usage } = projectOf(state, task.ask.project);
      for (const field of AMOUNTS) {
        const most = settings.quota[field];
        if (most === null || active.asked[field] === 0) continue;
        this.#tally.saw("placed under a quota");
        if (!active.prefilled && usage[field] <= most) continue;
        const what = `project ${settings.name} holds ${usage[field]} ${field}, may have ${most}`;
        throw new Violation("P4 quotas hold", `${what}, with ${active.key}`, [active.key]);
      }
    }
  }

  #checkEvictions(state: State): void {
    const forShares = new Map<Ask, Placed[]>();
    const forPriority = new Set<Instance>();
    for (const { node, order } of state.out.stops) {
      if (order.reason !== "preempted") continue;
      const victim = state.nodes.get(node)!.attempts.get(order.key) as Placed;
      const evictor = this.#evictorOf(victim);
      const fault = (what: string): Violation =>
        new Violation("P6 no eviction in turn", `${order.key} is stopped ${what}`, [order.key]);
      if (!evictor) throw fault("for nobody");
      const { ask } = victim.task;
      this.#tally.saw(`stopped for ${evictor.priority > ask.priority ? "priority" : "share"}`);
      if (!ask.preemptible) throw fault(`for ${evictor.key}, and did not say that it may be`);
      if (ask.priority > evictor.priority) throw fault(`for lower priority ${evictor.priority}`);
      const instance = order.key.replace(/\.\d+$/, "");
      const times = (this.#evictions.get(instance) ?? 0) + 1;
      this.#evictions.set(instance, times);
      if (times > EVICTIONS_MAX) throw fault(`for the ${times}th time`);
      if (evictor.priority > ask.priority) {
        forPriority.add(victim);
        continue;
      }
      if (evictor.project === ask.project) throw fault("for another of its project and priority");
      forShares.set(evictor, [...(forShares.get(evictor) ?? []), victim]);
    }
    for (const [evictor, victims] of forShares) checkShares(state, evictor, victims, forPriority);
  }

  /** For whom the node, or that of another member, is held from this round on. */
  #evictorOf(victim: Instance): Ask | undefined {
    for (const { state } of gangOf(victim)) {
      const hold = state.kind === "active" ? state.node.hold : null;
      if (hold && !this.#holds.has(hold)) return hold.ask;
    }
    return undefined;
  }

  #noteHolds(state: State): void {
    for (const hold of state.holds.values()) if (!this.#holds.has(hold)) this.#tally.saw("nodes are held");
    this.#holds = new Set(state.holds.values());
  }
}

type Placed = Instance & { state: Active };

function misplaced(key: string, node: Node, what: string): Violation {
  return new Violation("P7 nodes are as asked", `${key} is given to ${node.name}, which ${what}`, [key, node.id]);
}

/** It is in service, and as the task wants it, whoever else is there. */
function checkNode(spec: TaskSpec, node: Node, key: string, nowMs: number): void {
  const { pool, taints, maintenance } = node.settings;
  const fault = (what: string): Violation => misplaced(key, node, what);
  if (node.lost || node.leaving || node.mode !== "ready") throw fault(`is ${node.lost ? "lost" : node.mode}`);
  if (pool !== (spec.placement?.pool ?? "")) throw fault(`is of pool "${pool}"`);
  if (taints.length > (spec.placement?.tolerations.length ?? 0)) throw fault(`has taints ${taints.join()}`);
  for (const { fromMs, toMs } of maintenance) {
    const inTime = spec.timeoutMs > 0 && nowMs + spec.timeoutMs <= fromMs;
    if (toMs > nowMs && !inTime) throw fault(`is taken away ${fromMs - nowMs} ms later`);
  }
}

function isActive(instance: Instance): instance is Placed {
  return instance.state.kind === "active";
}

/** A device is whole one's, or shared by those that asked for a share; and it is one that was asked for. */
function checkDevices(node: Node, { state: { asked, gpuUuids, key } }: Placed): void {
  const fault = (what: string): Violation =>
    new Violation("P2 devices are shared as asked", `${key} ${what} on ${node.name}`, [key, node.id]);
  if (gpuUuids.length !== Math.ceil(asked.gpuMillis / WHOLE))
    throw fault(`asks for ${asked.gpuMillis / WHOLE} devices and is given ${gpuUuids.length}`);
  if (new Set(gpuUuids).size < gpuUuids.length) throw fault("is given a device twice");
  for (const uuid of gpuUuids) {
    const gpu = node.capacity.gpus.find((one) => one.uuid === uuid);
    if (!gpu?.healthy) throw fault(`is given ${uuid}, which is ${gpu ? "not well" : "not there"}`);
    if (node.settings.quarantined[uuid] !== undefined) throw fault(`is given ${uuid}, which is in quarantine`);
    if (asked.gpu && asked.gpu.memoryBytes > gpu.memoryBytes) throw fault(`is given ${uuid}, which is too small`);
    const holders = [...node.attempts.values()].filter(
      (one): one is Placed => isActive(one) && one.state.gpuUuids.includes(uuid),
    );
    const sum = (of: (one: Placed) => number): number => holders.reduce((total, one) => total + of(one), 0);
    if (asked.gpuMillis >= WHOLE && holders.length > 1) throw fault(`shares ${uuid}, which it wants whole`);
    if (sum((one) => one.state.asked.gpuMillis) > WHOLE && holders.length > 1) throw fault(`is too much for ${uuid}`);
    if (sum((one) => memoryShare(gpu, one.state.asked)) > gpu.memoryBytes)
      throw fault(`takes more memory than is left of ${uuid}`);
  }
}

/** Nobody waits for whom there is room: what a round leaves waiting finds none, wherever one looks. */
function checkUse(state: State, nowMs: number): void {
  // What is due, as the end of a maintenance, lets them look again in a moment.
  if ((firstDueMs(state.timers) ?? Infinity) <= nowMs) return;
  for (const queueClass of state.queue.values()) {
    const head = peek(queueClass);
    if (!head) continue;
    const found = roomFor(state, queueClass, nowMs);
    if (!found) continue;
    const name = `${head.task.job.id}.${head.task.spec.name}`;
    throw new Violation("P5 room is used", `${name} waits, and ${found} could take it`, [head.task.job.id]);
  }
}

function roomFor(state: State, { ask }: QueueClass, nowMs: number): string | null {
  for (const asked of ask.requests) {
    if (beyondQuota(projectOf(state, ask.project), asked, ask.nodes) !== null) continue;
    const nodes = [...state.nodes.values()].filter((node) => misfit(node, ask, asked, nowMs) === null);
    if (nodes.length >= ask.nodes) return nodes.map(({ name }) => name).join(", ");
  }
  return null;
}

/**
 * Who took back a share has no more than it, and who gave has no less: so that neither has reason to take from the other in
 * turn. Counted with all that is on its way, except for what is taken by priority at the same time.
 */
function checkShares(state: State, evictor: Ask, victims: readonly Placed[], besides: ReadonlySet<Instance>): void {
  const totals = clusterTotals(state.nodes.values());
  const wanting = new Set<string>();
  for (const { ask } of state.queue.values()) wanting.add(ask.project);
  let weights = 0;
  for (const [name, { settings, usage }] of state.projects)
    if (usage.cpuMillis > 0 || wanting.has(name)) weights += settings.weight;
  const fair = 1 / weights;
  const shareOf = (name: string): number => {
    const change = { cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 };
    const add = (asked: Resources, times: number): void => {
      for (const field of AMOUNTS) change[field] += times * asked[field];
    };
    for (const { ask, asked, nodes } of state.holds.values()) {
      const waits = nodes.some(({ attempts }) =>
        [...attempts.values()].some((one) => isActive(one) && one.state.stop?.reason === "preempted"),
      );
      if (ask.project === name && waits) add(asked, ask.nodes);
    }
    for (const one of state.preemptible) {
      if (!isActive(one) || one.state.stop === null || one.state.prefilled || besides.has(one)) continue;
      if (one.task.ask.project === name) add(one.state.asked, -1);
    }
    return dominantShare(projectOf(state, name), totals, change);
  };
  const about = victims.map(({ state: { key } }) => key);
  const fault = (what: string): Violation =>
    new Violation("P6 no eviction in turn", `${about.join(", ")}: ${what}`, about);
  if (shareOf(evictor.project) > fair + 1e-9)
    throw fault(`${evictor.project} takes ${shareOf(evictor.project)}, and ${fair} is its share`);
  for (const name of new Set(victims.map(({ task }) => task.ask.project))) {
    if (shareOf(name) < fair - 1e-9) throw fault(`${name} is left ${shareOf(name)}, and ${fair} is its share`);
  }
}
