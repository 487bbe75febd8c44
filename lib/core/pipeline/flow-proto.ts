import type { TaskSpec as TaskSpecProto, TaskSpec__Output } from "../../../proto/gen/weft/v1/TaskSpec.ts";
import { rateFromProto, rateToProto } from "./admission.ts";
import type { Issue } from "../error.ts";
import { type Approve, PLAIN_FLOW, type ResultCache, type TaskFlow, WHEN, type When } from "./flow.ts";
import { hint } from "./nearest.ts";

/** A task's flow as people write it, with what they left out absent. */
export type FlowDraft = { readonly [K in keyof TaskFlow]?: TaskFlow[K] | undefined };

export function completeFlow(draft: FlowDraft | undefined): TaskFlow {
  let flow: TaskFlow = PLAIN_FLOW;
  for (const key in draft) {
    const value = draft[key as keyof FlowDraft];
    if (value !== undefined) flow = { ...flow, [key]: value };
  }
  return flow;
}

export function flowFromProto(task: TaskSpec__Output, issues: Issue[]): FlowDraft {
  const { tolerateCount: count, tolerateShare: share } = task;
  return {
    when: whenOf(task, issues),
    if: task.if === "" ? undefined : task.if,
    mapFrom: task.mapFrom ? { from: task.mapFrom.from, as: task.mapFrom.as } : undefined,
    approve: approveOf(task),
    rate: rateFromProto(task.rate),
    cache: cacheOf(task),
    aliases: Object.keys(task.paramAliases).length === 0 ? undefined : task.paramAliases,
    join: task.join || undefined,
    metricTolerance: Object.keys(task.metricTolerance).length === 0 ? undefined : task.metricTolerance,
    tolerate: count === 0 && share === 0 ? undefined : { count, share },
  };
}

/** Of an approval that says no time. */
export const APPROVE_MS = 86_400_000;

function approveOf({ approve }: TaskSpec__Output): Approve | undefined {
  return approve ? { by: approve.by, timeoutMs: approve.timeoutMs || APPROVE_MS, message: approve.message } : undefined;
}

function cacheOf({ cache }: TaskSpec__Output): ResultCache | undefined {
  return cache ? { ttlMs: cache.ttlMs, params: cache.params?.names ?? null } : undefined;
}

function whenOf({ name, when }: TaskSpec__Output, issues: Issue[]): When | undefined {
  if (when === "" || when === "succeeded") return undefined;
  const known = WHEN.find((each) => each === when);
  if (known) return known;
  issues.push({
    path: ["tasks", name, "when"],
    message: `"${when}" is no end of a task to wait for${hint(when, WHEN)}`,
  });
  return undefined;
}

export function flowToProto({
  when,
  tolerate,
  metricTolerance,
  if: condition,
  mapFrom,
  approve,
  rate,
  cache,
  aliases,
  join,
}: TaskFlow): Partial<TaskSpecProto> {
  return {
    ...(when === "succeeded" ? {} : { when }),
    ...(condition === "" ? {} : { if: condition }),
    ...(mapFrom ? { mapFrom: { from: mapFrom.from, as: [...mapFrom.as] } } : {}),
    ...(join ? { join } : {}),
    ...(aliases ? { paramAliases: { ...aliases } } : {}),
    ...(cache ? { cache: { ttlMs: cache.ttlMs, params: cache.params ? { names: [...cache.params] } : null } } : {}),
    ...(rate ? { rate: rateToProto(rate) } : {}),
    ...(approve ? { approve: { ...approve, by: [...approve.by] } } : {}),
    ...(metricTolerance ? { metricTolerance: { ...metricTolerance } } : {}),
    ...(tolerate.count === 0 ? {} : { tolerateCount: tolerate.count }),
    ...(tolerate.share === 0 ? {} : { tolerateShare: tolerate.share }),
  };
}
