import { bindParams } from "../../../lib/core/pipeline/params.ts";
import { fillPlaceholders, type Json } from "../../../lib/core/pipeline/placeholder.ts";
import type { PipelineSpec, Scalar } from "../../../lib/core/pipeline/spec.ts";
import type { TriggerKind } from "../../../lib/core/pipeline/trigger.ts";
import { formatDuration } from "../../../lib/core/pipeline/units.ts";

/** Jobs in a row that each start the next. Longer is a circle of pipelines, which would turn for ever. */
export const CHAIN_DEPTH_MAX = 16;

/** What a decision depends on of the trigger. */
export interface TriggerFacts {
  readonly kind: TriggerKind;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly dedupeWindowMs: number;
  readonly dedupeKey: string;
  readonly cooldownMs: number;
  /** Of the last event that was accepted. */
  readonly firedAtMs: number | null;
  /** Content that a data trigger saw last. */
  readonly lastContent: string | null;
}

/** What a firing would submit. */
export interface StoredPipeline {
  readonly spec: PipelineSpec;
  readonly params: Readonly<Record<string, Scalar>>;
}

/** Something that happened, before it is decided about. */
export interface TriggerEvent {
  readonly event: string;
  /** manual: by hand. */
  readonly kind: TriggerKind;
  readonly atMs: number;
  /** What makes it the same as another when the trigger says no key. */
  readonly content: string;
  readonly context: Json;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly force: boolean;
  readonly depth: number;
}

export type Decision =
  | { readonly kind: "accepted"; readonly params: Readonly<Record<string, Scalar>> }
  | { readonly kind: "dropped" | "refused"; readonly reason: string };

export type Content = { readonly ok: true; readonly content: string } | { readonly ok: false; readonly reason: string };

/** The key by which it is held against others; of one by hand the trigger's template knows nothing. */
export function contentOf(trigger: TriggerFacts, event: TriggerEvent): Content {
  if (trigger.dedupeKey === "" || event.kind !== trigger.kind) return { ok: true, content: event.content };
  const filled = fillPlaceholders(trigger.dedupeKey, event.context);
  if (!filled.ok) return { ok: false, reason: `the key of "dedupe": ${filled.message}` };
  return { ok: true, content: String(filled.value) };
}

/** `duplicateOf`: an accepted event of the same content within the window. */
export function decide(
  trigger: TriggerFacts,
  stored: StoredPipeline,
  event: TriggerEvent,
  duplicateOf: string | null,
): Decision {
  if (event.depth > CHAIN_DEPTH_MAX) {
    const reason = `${CHAIN_DEPTH_MAX} jobs in a row have started each other: the pipelines wait for each other in a circle; take one of the triggers away`;
    return { kind: "refused", reason };
  }
  const held = event.force ? null : holdBack(trigger, event, duplicateOf);
  if (held !== null) return { kind: "dropped", reason: held };
  const params: Record<string, Scalar> = { ...stored.params };
  for (const [name, template] of Object.entries(trigger.params)) {
    if (Object.hasOwn(event.params, name)) continue;
    if (typeof template !== "string") params[name] = template;
    else {
      const filled = fillPlaceholders(template, event.context);
      if (!filled.ok)
        return { kind: "refused", reason: `parameter "${name}": ${filled.message}${byHand(event, name)}` };
      params[name] = filled.value;
    }
  }
  const bound = bindParams(stored.spec, { ...params, ...event.params });
  if (bound.ok) return { kind: "accepted", params: bound.params };
  return { kind: "refused", reason: bound.issues.map(({ message }) => message).join("; ") };
}

function byHand(event: TriggerEvent, name: string): string {
  return event.kind === "manual" ? `; give it with --param ${name}=…` : "";
}

/** Distances, not ages: on a clock that was set back the last firing lies ahead, and must not hold back for as long. */
function holdBack(trigger: TriggerFacts, event: TriggerEvent, duplicateOf: string | null): string | null {
  const { firedAtMs, cooldownMs } = trigger;
  if (event.kind === "data" && event.content === trigger.lastContent) {
    return "it has the same content as the last time";
  }
  if (duplicateOf !== null) {
    return `the same as ${duplicateOf}, within ${formatDuration(trigger.dedupeWindowMs)}`;
  }
  if (cooldownMs > 0 && firedAtMs !== null && Math.abs(event.atMs - firedAtMs) < cooldownMs) {
    const apart = formatDuration(Math.abs(event.atMs - firedAtMs));
    return `cool-down: it fired ${apart} before, and fires once in ${formatDuration(cooldownMs)}`;
  }
  return null;
}
