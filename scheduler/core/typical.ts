import type { Resources } from "../../lib/core/pipeline/spec.ts";
import type { Ask } from "./ask.ts";
import type { Queue } from "./queue.ts";

/** A request that comes often, and its share of the devices that all such ask for. */
export interface Typical {
  readonly asked: Resources;
  readonly weight: number;
}

interface Counted {
  readonly asked: Resources;
  count: number;
}

/** Requests for devices that were started lately, by Ask.devicesKey, and what is typical by the last count. */
export interface RecentRequests {
  readonly started: Map<string, Counted>;
  total: number;
  /** Starts until what is typical is counted again. */
  countIn: number;
  typical: readonly Typical[];
}

/** More of them tell nodes apart by little, and make each look at a node dearer. */
const TYPICAL_MAX = 16;
/** Counted anew after so many starts: what is typical changes slowly, and counting walks all classes. */
const COUNT_EVERY_STARTS = 64;
/** After so many starts what was before counts half: long enough to see what is rare, short enough to follow the day. */
const STARTS_HALVED_AT = 2_048;
/** Entries of one class that count as waiting: one large sweep must not drown what else is asked for. */
const WAITING_COUNTED_MAX = 64;

export function newRecentRequests(): RecentRequests {
  return { started: new Map(), total: 0, countIn: 0, typical: [] };
}

export function noteStarted(recent: RecentRequests, ask: Ask): void {
  recent.countIn -= 1;
  if (ask.devicesKey === "") return;
  count(recent.started, ask, 1);
  recent.total += 1;
  if (recent.total < STARTS_HALVED_AT) return;
  recent.total /= 2;
  for (const [key, counted] of recent.started) {
    counted.count /= 2;
    if (counted.count < 1) recent.started.delete(key);
  }
}

/** What is typically asked for now, of what waits and of what was started lately; weights sum up to 1. */
export function typicalOf(recent: RecentRequests, queue: Queue): readonly Typical[] {
  if (recent.countIn > 0) return recent.typical;
  recent.countIn = COUNT_EVERY_STARTS;
  const all = new Map(Array.from(recent.started, ([key, counted]) => [key, { ...counted }]));
  for (const { ask, heap } of queue.values()) {
    if (ask.devicesKey !== "") count(all, ask, Math.min(heap.length, WAITING_COUNTED_MAX));
  }
  const most = Array.from(all.values(), ({ asked, count: times }) => ({ asked, weight: times * asked.gpuMillis }))
    .toSorted((a, b) => b.weight - a.weight)
    .slice(0, TYPICAL_MAX);
  const sum = most.reduce((total, { weight }) => total + weight, 0);
  return (recent.typical = most.map(({ asked, weight }) => ({ asked, weight: weight / sum })));
}

function count(into: Map<string, Counted>, { devicesKey, requests }: Ask, times: number): void {
  const counted = into.get(devicesKey);
  if (counted) counted.count += times;
  else into.set(devicesKey, { asked: requests[0]!, count: times });
}
