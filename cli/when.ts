import { formatDuration } from "../lib/core/pipeline/units.ts";

/** "12s ago"; "-" for never. */
export function ago(date: Date | null, nowMs: number): string {
  return date === null ? "-" : `${formatDuration(coarse(Math.max(0, nowMs - date.getTime())))} ago`;
}

/** Time from one to the other, or until now; "-" when it has not begun. */
export function lasted(from: Date | null, to: Date | null, nowMs: number): string {
  return from === null ? "-" : formatDuration(Math.max(0, (to?.getTime() ?? nowMs) - from.getTime()));
}

/** Whole seconds: how long ago something was is not known better. */
function coarse(ms: number): number {
  return ms < 1000 ? 0 : Math.floor(ms / 1000) * 1000;
}

/** 12:03:04 on the local clock. */
export function clock(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
