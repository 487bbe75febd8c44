import { parseAttemptKey } from "../../lib/core/ids.ts";
import type { Resources } from "../../lib/core/pipeline/spec.ts";
import { checkBooks } from "./check-books.ts";
import { gangOf, isLeader } from "./gang.ts";
import { outcomeOf } from "./outcome.ts";
import { taskRateKey } from "./rate.ts";
import { haveServed, isFinishing } from "./service.ts";
import { spansSize } from "./span.ts";
import type { Instance, Job, JobTask, Node, State } from "./state.ts";

/**
 * The laws that hold between any two events. Run after every event in tests; [] when all hold.
 * Counters are recomputed here from what they count. `ended`: tasks that have ended and held then, for whoever looks often:
 * nothing about them changes any more.
 *
 * I1 to I14 are those of docs/simulator.md, which says where each of the others is looked at.
 */
export function check(state: State, ended = new WeakSet<JobTask>()): string[] {
  const faults: string[] = [];
  for (const job of state.jobs.values()) checkJob(state, job, ended, faults);
  checkAdmission(state, faults);
  for (const node of state.nodes.values()) checkNode(state, node, faults);
  checkBooks(state, faults);
  return faults;
}

function checkJob(state: State, job: Job, ended: WeakSet<JobTask>, faults: string[]): void {
  const left = job.tasks.filter((task) => task.ended < task.count).length;
  if (job.tasksLeft !== left) faults.push(`job ${job.id} counts ${job.tasksLeft} tasks left, has ${left}`);
  if (left === 0 && job.finishedAtMs === null) faults.push(`job ${job.id} has ended tasks only and is ${job.state}`);
  if (left > 0 && job.finishedAtMs !== null) faults.push(`job ${job.id} is ${job.state} with ${left} tasks left`);
  const services = job.tasks.filter((task) => task.spec.service && task.ended < task.count).length;
  if (job.servicesLeft !== services)
    faults.push(`job ${job.id} counts ${job.servicesLeft} services left, has ${services}`);
  for (const task of job.tasks) {
    if (task.outcome !== null && ended.has(task)) continue;
    checkTask(state, task, faults);
    if (task.outcome !== null && faults.length === 0) ended.add(task);
  }
}

function checkTask(state: State, task: JobTask, faults: string[]): void {
  const name = `${task.job.id}.${task.spec.name}`;
  const instances = [...(task.instances?.values() ?? [])];
  const ended = instances.filter((instance) => instance.state.kind === "ended");
  const succeeded = ended.filter((instance) => instance.state.kind === "ended" && instance.state.as === "succeeded");
  const done = spansSize(task.done);
  if (task.ended !== ended.length + done)
    faults.push(`${name} counts ${task.ended} ended, has ${ended.length} and ${done} in ranges`);
  if (task.succeeded !== succeeded.length + done)
    faults.push(`${name} counts ${task.succeeded} succeeded, has ${succeeded.length} and ${done} in ranges`);
  checkRanges(task, name, faults);
  if (task.fresh < task.count && task.instances?.has(task.fresh))
    faults.push(`${name} has instance ${task.fresh} twice`);
  if ((task.outcome !== null) !== (task.ended === task.count)) faults.push(`${name} has ended in one place only`);
  if (task.outcome !== null && task.outcome !== outcomeOf(task))
    faults.push(`${name} is ${task.outcome}, and its instances say ${outcomeOf(task)}`);
  const needsLeft = task.needs.filter((need) => need.outcome === null && !need.served).length;
  if (task.needsLeft !== needsLeft) faults.push(`${name} counts ${task.needsLeft} needs left, has ${needsLeft}`);
  // I3: nothing starts before what it needs has ended, nor when that has not ended as it wants.
  const began = instances.some((instance) => instance.attempt > 0) || done > 0 || (task.ranges?.size ?? 0) > 0;
  if (began && needsLeft > 0) faults.push(`${name} was assigned before its needs had ended`);
  if (began && !mayRun(task)) faults.push(`${name} was assigned though it runs when ${task.spec.flow.when}`);
  // I1: what has not ended waits for something that will come.
  const waits = task.fresh < task.count;
  const isQueued = task.spec.flow.cache ? state.lookups.has(task) : isInLine(state, task);
  const isHeld = task.job.waitsFor !== "";
  if (waits && needsLeft === 0 && !isHeld && !isQueued) faults.push(`${name} is ready and in no queue`);
  if (isHeld && began) faults.push(`${name} has begun though its job waits for ${task.job.waitsFor}`);
  if (task.served !== haveServed(task)) faults.push(`${name} has been ready in one place only`);
  for (const instance of instances) {
    checkInstance(state, instance, faults);
    // A service outlives those that may need it by the time of its stop alone.
    const isOrphan = task.spec.service && isFinishing(task.job) && !task.job.cancelRequested;
    if (isOrphan && instance.state.kind === "active" && instance.state.stop?.reason !== "finished")
      faults.push(`${name}.${instance.index} serves a job of which nothing else is left`);
  }
}

/** Each instance is in one place: fresh, alone, on its way in a range, or done in one. */
function checkRanges(task: JobTask, name: string, faults: string[]): void {
  if (!task.ranges && !task.done) return;
  const places = new Map<number, number>([...(task.instances?.keys() ?? [])].map((index) => [index, 1]));
  const ranges = [...(task.ranges ?? [])];
  for (const { from, to } of [...ranges, ...(task.done ?? [])]) {
    for (let index = from; index < to; index += 1) places.set(index, (places.get(index) ?? 0) + 1);
  }
  const known = [...places.keys()].filter((index) => index < task.fresh).length;
  if (known < task.fresh) faults.push(`${name} has lost sight of ${task.fresh - known} instances`);
  for (const [index, count] of places) if (count > 1) faults.push(`${name} has instance ${index} in ${count} places`);
  for (const range of ranges) {
    const { from, to, reserved, node } = range;
    if (reserved < 0 || reserved > to - from) faults.push(`${name} reserves ${reserved} for [${from}, ${to})`);
    if (!node.ranges.has(range)) faults.push(`${name}: [${from}, ${to}) is not on the books of its node`);
    if (node.lost) faults.push(`${name}: [${from}, ${to}) is on node ${node.name}, which is lost`);
    if (task.job.cancelRequested) faults.push(`${name}: [${from}, ${to}) runs on though its job is cancelled`);
  }
}

/** Its fresh instances wait as one. */
function isInLine(state: State, task: JobTask): boolean {
  if (task.spec.flow.rate) {
    const waiting = state.rates.get(taskRateKey(task))?.waiting ?? [];
    return waiting.some((one) => one.kind === "task" && one.task === task);
  }
  const queued = state.queue.get(task.ask.key)?.heap ?? [];
  return queued.some((entry) => entry.task === task && !entry.instance);
}

function waitsSomewhere(state: State, instance: Instance): boolean {
  if (state.queue.get(instance.task.ask.key)?.heap.some((entry) => entry.instance === instance)) return true;
  if (!instance.task.spec.flow.rate) return false;
  const waiting = state.rates.get(taskRateKey(instance.task))?.waiting ?? [];
  return waiting.some((one) => one.kind === "instance" && one.instance === instance);
}

/** Groups hold no more than they may, rates neither, and what waits there will be looked at again. */
function checkAdmission(state: State, faults: string[]): void {
  for (const { key, running, waiting } of state.groups.values()) {
    const limit = Math.max(...[...running, ...waiting].map(({ spec }) => spec.concurrency!.limit));
    if (running.size > limit) faults.push(`group ${key} has ${running.size} running, allowed ${limit}`);
    if (waiting.length > 0 && running.size === 0) faults.push(`group ${key} waits for nobody`);
  }
  for (const log of state.rates.values()) {
    if (log.waiting.length > 0 && log.armedMs === Infinity && log.released.size === 0)
      faults.push(`what waits for rate ${log.key} is never let go`);
  }
}

function mayRun({ needs, spec }: JobTask): boolean {
  const failed = needs.some(({ outcome }) => outcome === "failed" || outcome === "blocked");
  switch (spec.flow.when) {
    case "always":
      return true;
    case "failed":
      return failed;
    case "succeeded":
      return needs.every(({ outcome, served }) => served || outcome === "succeeded");
  }
}

function checkInstance(state: State, instance: Instance, faults: string[]): void {
  const { task, index } = instance;
  const name = `${task.job.id}.${task.spec.name}.${index}`;
  const held = instance.state;
  switch (held.kind) {
    case "ready":
      if (isLeader(instance) && task.job.waitsFor === "" && !waitsSomewhere(state, instance))
        faults.push(`${name} is ready and in no queue`);
      break;
    case "backoff":
      if (!state.timers.heap.some(({ what }) => what.kind === "backoff" && what.instance === instance)) {
        faults.push(`${name} backs off and no timer will wake it`);
      }
      break;
    case "waiting":
      if (!state.timers.heap.some(({ what }) => what.kind === "approval" && what.instance === instance))
        faults.push(`${name} waits for an approval and nothing will end that`);
      break;
    case "active":
      // I1: an attempt is on a node that holds a lease; I2: it is the current one.
      if (held.node.lost) faults.push(`${name} is on node ${held.node.name}, which is lost`);
      if (held.node.attempts.get(held.key) !== instance) faults.push(`${name} is not on the books of its node`);
      if (parseAttemptKey(held.key)?.attempt !== instance.attempt)
        faults.push(`${name} runs ${held.key} and is at attempt ${instance.attempt}`);
      // I7: what runs of a cancelled job has been told so.
      if (task.job.cancelRequested && !held.stop) faults.push(`${name} runs on though its job is cancelled`);
      if (task.spec.flow.approve) faults.push(`${name} asks for an approval and is on a node`);
      break;
    case "held":
      if (!gangOf(instance).some((member) => member.state.kind === "active"))
        faults.push(`${name} waits for its gang, of which nobody runs`);
      break;
    case "ended":
      break;
  }
  checkGang(instance, name, faults);
  if (instance.failures > task.spec.retries.limit + 1)
    faults.push(`${name} failed ${instance.failures} times, allowed ${task.spec.retries.limit + 1}`);
}

/** Gangs are whole: all members have the same attempt, and while one is on a node none waits to be placed. */
function checkGang(instance: Instance, name: string, faults: string[]): void {
  if (instance.task.spec.nodes === 1 || !isLeader(instance)) return;
  const members = gangOf(instance);
  if (members.some(({ attempt }) => attempt !== instance.attempt))
    faults.push(`the gang of ${name} has several attempts`);
  const kinds = new Set(members.map(({ state }) => state.kind));
  if (kinds.has("active") && (kinds.has("ready") || kinds.has("backoff")))
    faults.push(`the gang of ${name} is not whole`);
  const broken = members.some(({ state }) => state.kind === "held" && state.outcome.kind !== "succeeded");
  if (broken && members.some(({ state }) => state.kind === "active" && !state.stop))
    faults.push(`a member of the gang of ${name} has failed, and another runs on`);
  const nodes = members.flatMap(({ state }) => (state.kind === "active" ? [state.node] : []));
  if (new Set(nodes).size < nodes.length) faults.push(`two members of the gang of ${name} are on one node`);
}

function checkNode(state: State, node: Node, faults: string[]): void {
  const sum = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0 };
  const shares = new Map<string, number>();
  let overtaken = false;
  for (const [key, instance] of node.attempts) {
    const held = instance.state;
    if (held.kind !== "active" || held.key !== key) {
      faults.push(`node ${node.name} has ${key} on its books, which is ${held.kind}`);
      continue;
    }
    if (held.prefilled !== node.prefilled.has(instance))
      faults.push(`node ${node.name}: ${key} is prefilled in one place only`);
    if (!held.prefilled) add(sum, held.asked);
    if (held.overtook) overtaken = true;
    for (const uuid of held.gpuUuids) {
      shares.set(uuid, (shares.get(uuid) ?? 0) + Math.min(held.asked.gpuMillis, 1000));
      if (!node.devices.get(uuid)?.holders.has(key))
        faults.push(`GPU ${uuid} of ${key} is not on the books of ${node.name}`);
    }
  }
  for (const range of node.ranges) {
    if (!range.task.ranges?.has(range)) faults.push(`node ${node.name} has a range that its task has not`);
    if (!state.jobs.has(range.task.job.id)) faults.push(`node ${node.name} holds a range of a job that has ended`);
    add(sum, range.asked, range.reserved);
  }
  // I4: a device is given whole once, or in shares that are at most the whole.
  for (const [uuid, share] of shares)
    if (share > 1000) faults.push(`GPU ${uuid} of ${node.name} is given ${share / 1000} times`);
  if (shares.size !== node.devices.size)
    faults.push(`node ${node.name} has ${node.devices.size} devices on its books, and ${shares.size} are held`);
  for (const field of ["cpuMillis", "memoryBytes", "diskBytes"] as const) {
    if (sum[field] !== node.reserved[field])
      faults.push(`node ${node.name} counts ${field} ${node.reserved[field]}, has ${sum[field]}`);
    // I4: never over capacity; only a node that came back smaller may be, until what it holds has ended.
    if (!overtaken && sum[field] > Math.max(node.capacity[field], node.capacityBefore[field]))
      faults.push(`node ${node.name} is over its ${field}`);
  }
  for (const [key, instance] of node.attempts) {
    if (!state.jobs.has(instance.task.job.id)) faults.push(`node ${node.name} holds ${key} of a job that has ended`);
  }
}

function add(sum: { cpuMillis: number; memoryBytes: number; diskBytes: number }, asked: Resources, times = 1): void {
  sum.cpuMillis += times * asked.cpuMillis;
  sum.memoryBytes += times * asked.memoryBytes;
  sum.diskBytes += times * asked.diskBytes;
}
