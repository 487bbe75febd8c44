import type { Assignment, OutputRef } from "../../lib/core/dispatch.ts";
import type { AttemptKey, JobId, NodeId } from "../../lib/core/ids.ts";
import type { Json } from "../../lib/core/json.ts";
import { mapValues } from "../../lib/core/pipeline/spec.ts";
import { untoldEnd } from "../../lib/core/report.ts";
import { formatDuration } from "../../proto/units.ts";
import { makeAssignment } from "./assignment.ts";
import { endInstance } from "./job.ts";
import { newNode } from "./node.ts";
import { enqueueInstance } from "./queue.ts";
import { waitForRate } from "./rate.ts";
import { type Active, type Instance, type JobTask, newActive, newInstance, NO_GPUS, type State } from "./state.ts";

/** Asked about at once: what is asked is made whole for it, and a task may have 100,000 instances. */
const LOOKUPS_MAX = 1_000;

/** An instance about to run, for which an earlier result may do. */
export interface Lookup {
  readonly project: string;
  /** Of attempt 0, on no node: what it would run. */
  readonly assignment: Assignment;
  /** An older result will not do; 0: any will. */
  readonly ttlMs: number;
  /** Parameters that it depends on; null: all. */
  readonly params: readonly string[] | null;
}

export interface CacheAnswer {
  readonly job: JobId;
  readonly task: string;
  readonly index: number;
  /** What its result will be found by; null: it is not kept. */
  readonly key: string | null;
  /** Why nothing was found, for people. */
  readonly why: string;
  readonly hit: CachedResult | null;
}

export interface CachedResult {
  /** The attempt that made it. */
  readonly execution: AttemptKey;
  readonly outputs: readonly OutputRef[];
  readonly result: Json;
  readonly madeAtMs: number;
}

/** A result to be found from now on. */
export interface CacheRow extends CachedResult {
  readonly key: string;
}

/** Of an instance that another attempt's result is taken for. */
export const CACHED = "cached";

/** What is to be asked now; the answer is one `cacheAnswered`. */
export function takeLookups(state: State): Lookup[] {
  const lookups: Lookup[] = [];
  for (const [task, asking] of state.lookups) {
    if (asking.asked) continue;
    const room = LOOKUPS_MAX - lookups.length;
    if (room <= 0) break;
    asking.asked = true;
    const end = Math.min(task.count, task.fresh + room);
    for (let index = task.fresh; index < end; index += 1) lookups.push(lookupOf(task, index));
  }
  return lookups;
}

function lookupOf(task: JobTask, index: number): Lookup {
  const { ttlMs, params } = task.spec.flow.cache!;
  const assignment = makeAssignment({ task, index, attempt: 0, checkpoint: null }, nowhere(task));
  return { project: task.job.spec.project, assignment, ttlMs, params };
}

export function onCacheAnswered(state: State, answers: readonly CacheAnswer[], nowMs: number): void {
  const waiting = new Map(Array.from(state.lookups.keys(), (task) => [`${task.job.id}.${task.spec.name}`, task]));
  for (const answer of answers) {
    const task = waiting.get(`${answer.job}.${answer.task}`);
    const asking = task && state.lookups.get(task);
    if (!task || !asking || answer.index !== task.fresh) continue;
    asking.asked = false;
    const instance = newInstance(task, task.fresh, { kind: "ready", sinceMs: task.readyAtMs! });
    task.fresh += 1;
    if (task.fresh === task.count) state.lookups.delete(task);
    instance.cache = { key: answer.key, why: answer.why };
    if (answer.hit) take(state, instance, answer.hit, nowMs);
    else letRun(state, instance);
  }
}

function letRun(state: State, instance: Instance): void {
  // Its row says that it is no longer one of those that have done nothing.
  state.out.instances.add(instance);
  if (instance.task.spec.flow.rate) return waitForRate(state, { kind: "instance", instance });
  enqueueInstance(state.queue, instance);
  state.placementDue = true;
}

/** It counts as having succeeded, without an attempt. */
function take(state: State, instance: Instance, hit: CachedResult, nowMs: number): void {
  const { task, index } = instance;
  const { job, spec } = task;
  const age = formatDuration(Math.max(0, Math.round((nowMs - hit.madeAtMs) / 1000) * 1000));
  instance.reason = CACHED;
  instance.message = `taken from the result cache: made by ${hit.execution} ${age} before`;
  instance.cache = { key: instance.cache!.key, why: `hit: ${hit.execution}` };
  const assignment = makeAssignment(instance, nowhere(task));
  state.out.ended.push({
    assignment,
    state: "succeeded",
    node: { id: "" as NodeId, name: "" },
    code: job.code,
    params: job.params,
    map: mapValues(spec, index, task.values),
    report: {
      ...untoldEnd(`${job.id}.${spec.name}.${index}.0` as AttemptKey, { kind: "succeeded" }, instance.message, nowMs),
      outputs: hit.outputs,
    },
  });
  endInstance(state, instance, "succeeded", nowMs, hit);
}

/** A place for an attempt that is on no node. */
function nowhere(task: JobTask): Active {
  const capacity = { cpuMillis: 0, memoryBytes: 0, diskBytes: 0, gpus: [] };
  const node = newNode({ id: "" as NodeId, name: "", labels: {}, address: "", capacity });
  return newActive({ node, key: "" as AttemptKey, gpuUuids: NO_GPUS, choice: 0, asked: task.ask.requests[0]! });
}
