import { popHeap, pushHeap } from "./heap.ts";

/** Things that are due at a time. Entries are never removed early: who takes one checks that it still holds. */
export interface Timers<T> {
  readonly heap: Due<T>[];
}

interface Due<T> {
  readonly atMs: number;
  readonly what: T;
}

const earlier = (a: Due<unknown>, b: Due<unknown>): boolean => a.atMs < b.atMs;

export function newTimers<T>(): Timers<T> {
  return { heap: [] };
}

export function addTimer<T>(timers: Timers<T>, atMs: number, what: T): void {
  pushHeap(timers.heap, { atMs, what }, earlier);
}

/** Those that `which` chooses are due so much later. */
export function shiftTimers<T>(timers: Timers<T>, byMs: number, which: (what: T) => boolean): void {
  const all = timers.heap.splice(0);
  for (const { atMs, what } of all) addTimer(timers, which(what) ? atMs + byMs : atMs, what);
}

/** When the first is due; null: none waits. */
export function firstDueMs<T>(timers: Timers<T>): number | null {
  return timers.heap[0]?.atMs ?? null;
}

/** Takes the first if it is due. */
export function takeDue<T>(timers: Timers<T>, nowMs: number): T | undefined {
  const first = timers.heap[0];
  if (!first || first.atMs > nowMs) return undefined;
  return popHeap(timers.heap, earlier)!.what;
}
