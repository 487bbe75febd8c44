import { parseCron } from "../../lib/core/cron.ts";
import { type TriggerSpec, triggerToProto } from "../../lib/core/pipeline/trigger.ts";
import type { Firing } from "../../proto/gen/weft/v1/Firing.ts";
import type { Trigger as TriggerProto } from "../../proto/gen/weft/v1/Trigger.ts";
import type { EventRow } from "../trigger/event-store.ts";
import { fullName, type PipelineVersion, type TriggerRow } from "../trigger/store.ts";
import { requestOf } from "../trigger/version.ts";

/** What a trigger looks like from outside: never with its secret. */
export function triggerToMessage(row: TriggerRow, version: PipelineVersion | null, nowMs: number): TriggerProto {
  const submit = version && requestOf(version.submit);
  return {
    name: fullName(row),
    pipeline: row.pipeline,
    state: row.state,
    spec: triggerToProto(specOf(row)),
    version: row.version,
    code: submit?.code ?? null,
    params: { ...submit?.pipeline?.params, ...submit?.params },
    createdAtMs: row.createdAtMs,
    changedAtMs: row.changedAtMs,
    firedAtMs: row.firedAtMs ?? 0,
    nextAtMs: nextAtMs(row, nowMs),
    hook: hookOf(row),
  };
}

export function specOf({ name, source, params, dedupeWindowMs, dedupeKey, cooldownMs }: TriggerRow): TriggerSpec {
  return { name, source, params, dedupeWindowMs, dedupeKey, cooldownMs };
}

/** 0: no schedule, paused, or never again. */
export function nextAtMs({ source, state }: Pick<TriggerRow, "source" | "state">, nowMs: number): number {
  if (source.kind !== "schedule" || state === "paused") return 0;
  const parsed = parseCron({ expression: source.cron, timezone: source.timezone });
  return parsed.ok ? (parsed.cron.next(nowMs) ?? 0) : 0;
}

export function hookOf(row: Pick<TriggerRow, "source" | "pipeline" | "name">): string {
  return row.source.kind === "webhook" ? `/hooks/${fullName(row)}` : "";
}

export function firingToProto({ event, atMs, state, job, reason, kind }: EventRow): Firing {
  return { event, atMs, state, jobId: job ?? "", reason, kind };
}
