import type { Json } from "../../../lib/core/pipeline/placeholder.ts";
import type { TriggerKind } from "../../../lib/core/pipeline/trigger.ts";
import { isoTime, WallClock } from "../../../lib/core/wall-clock.ts";

/** Values that the templates of a trigger can name; see docs/triggers.md. */
export function contextOf(
  trigger: string,
  kind: TriggerKind,
  event: string,
  atMs: number,
  values: { readonly [key: string]: Json },
): Json {
  return { event: { id: event, at: isoTime(atMs), kind }, trigger: { name: trigger }, ...values };
}

/** Names a tick for ever: `2026-03-29T01:00:00Z`. */
export function tickEvent(tickMs: number): string {
  return isoTime(tickMs).replace(".000Z", "Z");
}

export function tickValues(tickMs: number, timezone: string): { readonly [key: string]: Json } {
  const local = new WallClock(timezone).iso(tickMs);
  return { tick: { time: tickEvent(tickMs), local, date: local.slice(0, 10) } };
}
