import type { TriggerSpec as TriggerProto, TriggerSpec__Output } from "../../../proto/gen/weft/v1/TriggerSpec.ts";
import { fromProtoValue, toProtoValues } from "../../../proto/value.ts";
import type { Issue } from "../error.ts";
import type { Scalar } from "./spec.ts";

/** What a schedule does about ticks that nobody was there to fire. */
export type MissedPolicy = "skip" | "once" | "all";
export type EndState = "succeeded" | "failed" | "cancelled";

export type TriggerSource =
  | {
      readonly kind: "schedule";
      readonly cron: string;
      readonly timezone: string;
      readonly missed: MissedPolicy;
      /** Of "all": at most so many, the latest. */
      readonly missedMax: number;
    }
  /** Below EVENT_PREFIX; with * and > as NATS has them. */
  | { readonly kind: "nats"; readonly subject: string }
  | { readonly kind: "webhook"; readonly signature: "github" | "standard" }
  | { readonly kind: "data"; readonly pipeline: string; readonly task: string | null; readonly output: string }
  /** dataset:NAME, model:NAME: a new version of it. dataset:NAME@TAG, model:NAME@ALIAS: it points at another version. */
  | { readonly kind: "data"; readonly from: string }
  | { readonly kind: "job"; readonly pipeline: string; readonly states: readonly EndState[] }
  | { readonly kind: "manual" };

export type TriggerKind = TriggerSource["kind"];

/** One entry of `on:`. Complete: every default is filled in. */
export interface TriggerSpec {
  readonly name: string;
  readonly source: TriggerSource;
  /** Parameters of the job; texts may hold placeholders. */
  readonly params: Readonly<Record<string, Scalar>>;
  /** 0: no window. */
  readonly dedupeWindowMs: number;
  /** Template; empty: what the source takes for one and the same event. */
  readonly dedupeKey: string;
  readonly cooldownMs: number;
}

export const MISSED_POLICIES: readonly MissedPolicy[] = ["skip", "once", "all"];
export const END_STATES: readonly EndState[] = ["succeeded", "failed", "cancelled"];
export const SIGNATURES = ["github", "standard"] as const;
export const TRIGGER_KINDS: readonly TriggerKind[] = ["schedule", "nats", "webhook", "data", "job", "manual"];

export const TRIGGER_DEFAULTS = {
  timezone: "UTC",
  missed: "once",
  /** A day of an hourly schedule. */
  missedMax: 24,
  signature: "standard",
  /**
   * GitHub's signature has neither a time nor an id in it: who has seen one request can send it again with another delivery id. So the
   * same body is taken once within this time.
   */
  githubDedupeMs: 86_400_000,
} as const;

export const EVENT_PREFIX = "weft.event";

/** The name of a trigger in the cluster; no part can hold a dot. */
export function triggerName(pipeline: string, name: string): string {
  return `${pipeline}.${name}`;
}

/** Where nothing is said. */
export function defaultWindowMs(source: TriggerSource): number {
  return source.kind === "webhook" && source.signature === "github" ? TRIGGER_DEFAULTS.githubDedupeMs : 0;
}

const NEWS = /^(dataset:[A-Za-z0-9][A-Za-z0-9._-]{0,127}|model:[^@/:]{1,250})(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,254}))?$/;

/** What a data trigger waits for besides outputs; undefined: no such name. `watched` is without the tag or alias. */
export function readNewsName(from: string): { readonly watched: string } | undefined {
  const match = NEWS.exec(from);
  return match ? { watched: match[1]! } : undefined;
}

/** In the message 0 and "" mean "not said". */
export function triggerFromProto(
  message: TriggerSpec__Output,
  path: Issue["path"],
  issues: Issue[],
): TriggerSpec | null {
  const params = Object.entries(message.params).map(([name, value]): [string, Scalar] => {
    const scalar = fromProtoValue(value);
    if (scalar === undefined) {
      const what = "holds a list or an object; a string, a number, true, false or null would be right";
      issues.push({ path: [...path, "params", name], message: what });
    }
    return [name, scalar ?? null];
  });
  const source = sourceOf(message, path, issues);
  if (source === null) return null;
  return {
    name: message.name,
    source,
    params: Object.fromEntries(params),
    dedupeWindowMs: message.dedupeWindowMs ?? defaultWindowMs(source),
    dedupeKey: message.dedupeKey,
    cooldownMs: message.cooldownMs,
  };
}

function sourceOf(message: TriggerSpec__Output, path: Issue["path"], issues: Issue[]): TriggerSource | null {
  const { schedule, nats, webhook, data, job, manual } = message;
  if (schedule) {
    return {
      kind: "schedule",
      cron: schedule.cron,
      timezone: schedule.timezone || TRIGGER_DEFAULTS.timezone,
      missed: (schedule.missed || TRIGGER_DEFAULTS.missed) as MissedPolicy,
      missedMax: schedule.missedMax || TRIGGER_DEFAULTS.missedMax,
    };
  }
  if (nats) return { kind: "nats", subject: nats.subject };
  if (webhook) {
    return { kind: "webhook", signature: (webhook.signature || TRIGGER_DEFAULTS.signature) as "standard" };
  }
  if (data && data.from !== "") {
    if (data.pipeline === "" && data.task === "" && data.output === "") return { kind: "data", from: data.from };
    issues.push({ path, message: `trigger "${message.name}" says both "from" and an output; say one of them` });
    return null;
  }
  if (data) return { kind: "data", pipeline: data.pipeline, task: data.task || null, output: data.output };
  if (job) {
    const states = job.states.length === 0 ? ["succeeded"] : job.states;
    return { kind: "job", pipeline: job.pipeline, states: states as EndState[] };
  }
  if (manual) return { kind: "manual" };
  const message_ = `trigger "${message.name}" does not say what fires it; one of ${TRIGGER_KINDS.join(", ")} would be right`;
  issues.push({ path, message: message_ });
  return null;
}

export function triggerToProto(trigger: TriggerSpec): TriggerProto {
  const { name, params, source, dedupeWindowMs, dedupeKey, cooldownMs } = trigger;
  return { name, ...sourceToProto(source), params: toProtoValues(params), dedupeWindowMs, dedupeKey, cooldownMs };
}

function sourceToProto(source: TriggerSource): TriggerProto {
  switch (source.kind) {
    case "schedule": {
      const { cron, timezone, missed, missedMax } = source;
      return { schedule: { cron, timezone, missed, missedMax } };
    }
    case "nats":
      return { nats: { subject: source.subject } };
    case "webhook":
      return { webhook: { signature: source.signature } };
    case "data":
      if ("from" in source) return { data: { from: source.from } };
      return { data: { pipeline: source.pipeline, task: source.task ?? "", output: source.output } };
    case "job":
      return { job: { pipeline: source.pipeline, states: [...source.states] } };
    case "manual":
      return { manual: {} };
  }
}
