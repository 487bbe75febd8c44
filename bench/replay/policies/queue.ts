import { popHeap, pushHeap } from "../../../scheduler/core/heap.ts";
import type { Host, Place, Run } from "../books.ts";
import { fit } from "../books.ts";
import { gpusOf } from "../meter.ts";
import type { Desk, Policy } from "../policy.ts";
import type { Shape } from "../workload.ts";
import type { Rank } from "./rank.ts";

export interface QueueRules {
  readonly rank: Rank;
  /** Lower goes first; ties by arrival. */
  readonly order: (run: Run) => number;
  /** Runs that cannot start keep those behind them from starting. */
  readonly strict?: boolean;
  /** The project that holds the least GPU goes first; within it, by order. */
  readonly fair?: boolean;
  /** Runs of one shape wait together if this is the same too. */
  readonly level?: (run: Run) => number;
  /** Finds no room: may free some by stopping others among these machines. Undefined: no. */
  readonly makeRoom?: (run: Run, hosts: Iterable<Host>) => Place[] | undefined;
}

/** Runs that ask for the same and of which the first goes first. */
interface Lot {
  readonly shape: Shape;
  readonly waiting: Run[];
  readonly project: string;
  /** How far in the log of freed machines it has looked without finding room. */
  looked: number;
}

/**
 * Most published policies are an order of the waiting and a rank of the machines. Runs are looked at in order, and those
 * that find no room are passed over, unless it is strict. What asks for the same as one that found no room finds none
 * either, until a machine is freed: so a round costs little however many wait.
 */
export class QueuePolicy implements Policy {
  readonly #desk: Desk;
  readonly #rules: QueueRules;
  readonly #lots = new Map<string, Lot>();
  /** Machines in the order in which they were freed. */
  readonly #freed: Host[] = [];
  /** GPU that each project holds, in thousandths. */
  readonly #held = new Map<string, number>();

  constructor(desk: Desk, rules: QueueRules) {
    this.#desk = desk;
    this.#rules = rules;
  }

  submitted(run: Run): void {
    this.enqueue(run);
  }

  enqueue(run: Run): void {
    const { shape, project } = run.job;
    const key = `${this.#rules.fair ? project : ""}/${this.#rules.level?.(run) ?? 0}/${shape.key}`;
    let lot = this.#lots.get(key);
    if (!lot) this.#lots.set(key, (lot = { shape, waiting: [], project, looked: -1 }));
    pushHeap(lot.waiting, run, this.#before);
  }

  ended(run: Run, places: readonly Place[]): void {
    this.#hold(run, -1);
    for (const { host } of places) this.freed(host);
  }

  /** The machine may have room now, or could be given some. To be said of each that is freed. */
  freed(host: Host): void {
    this.#freed.push(host);
  }

  /** Takes its machines away; it waits again. */
  stop(run: Run): void {
    this.#hold(run, -1);
    for (const { host } of run.places) this.freed(host);
    this.#desk.stop(run);
    this.enqueue(run);
  }

  nextMs(): number | null {
    return null;
  }

  round(): void {
    const lanes = new Map<string, Lot[]>();
    for (const [key, lot] of this.#lots) {
      if (lot.waiting.length === 0) this.#lots.delete(key);
      else if (this.#rules.strict || lot.looked < this.#freed.length) {
        const name = this.#rules.fair ? lot.project : "";
        const lane = lanes.get(name);
        if (lane) lane.push(lot);
        else lanes.set(name, [lot]);
      }
    }
    for (const lane of lanes.values()) lane.sort((a, b) => this.#lotOrder(b, a));
    while (lanes.size > 0) {
      const name = this.#neediest(lanes.keys());
      const lane = lanes.get(name)!;
      const lot = lane.pop()!;
      if (this.#startFirst(lot)) {
        if (lot.waiting.length > 0) this.#insert(lane, lot);
      } else {
        lot.looked = this.#freed.length;
        if (this.#rules.strict) return;
      }
      if (lane.length === 0) lanes.delete(name);
    }
  }

  readonly #before = (a: Run, b: Run): boolean => {
    const difference = this.#rules.order(a) - this.#rules.order(b);
    return difference < 0 || (difference === 0 && a.index < b.index);
  };

  #lotOrder(a: Lot, b: Lot): number {
    return this.#before(a.waiting[0]!, b.waiting[0]!) ? -1 : 1;
  }

  /** Lanes end with what goes first. */
  #insert(lane: Lot[], lot: Lot): void {
    let at = lane.length;
    while (at > 0 && this.#lotOrder(lane[at - 1]!, lot) < 0) at -= 1;
    lane.splice(at, 0, lot);
  }

  #neediest(names: Iterable<string>): string {
    let least = Infinity;
    let found = "";
    for (const name of names) {
      const held = this.#held.get(name) ?? 0;
      if (held < least) [least, found] = [held, name];
    }
    return found;
  }

  #startFirst(lot: Lot): boolean {
    const run = lot.waiting[0]!;
    const hosts = this.#toLookAt(lot);
    const places = choose(hosts, lot.shape, this.#rules.rank) ?? this.#rules.makeRoom?.(run, hosts);
    if (!places) return false;
    popHeap(lot.waiting, this.#before);
    this.#hold(run, 1);
    this.#desk.start(run, places);
    return true;
  }

  /** A gang needs machines that were free before as well. */
  #toLookAt(lot: Lot): Iterable<Host> {
    const { hosts } = this.#desk.books;
    if (lot.looked < 0 || lot.shape.members > 1 || this.#freed.length - lot.looked >= hosts.length) return hosts;
    return new Set(this.#freed.slice(lot.looked));
  }

  #hold(run: Run, sign: 1 | -1): void {
    const { project } = run.job;
    this.#held.set(project, (this.#held.get(project) ?? 0) + sign * gpusOf(run));
  }
}

/** The best places for all members; undefined: there are not so many machines with room. */
function choose(hosts: Iterable<Host>, shape: Shape, rank: Rank): Place[] | undefined {
  if (shape.members > 1) return chooseSeveral(hosts, shape, rank);
  let best: Place | undefined;
  let least = Infinity;
  for (const host of hosts) {
    const devices = devicesOf(host, shape, rank);
    if (!devices) continue;
    const score = rank.score(host, shape, devices);
    if (score > least || (score === least && best && best.host.index < host.index)) continue;
    [best, least] = [{ host, devices }, score];
  }
  return best && [best];
}

function chooseSeveral(hosts: Iterable<Host>, shape: Shape, rank: Rank): Place[] | undefined {
  const able: { readonly place: Place; readonly score: number }[] = [];
  for (const host of hosts) {
    const devices = devicesOf(host, shape, rank);
    if (devices) able.push({ place: { host, devices }, score: rank.score(host, shape, devices) });
  }
  if (able.length < shape.members) return undefined;
  able.sort((a, b) => a.score - b.score || a.place.host.index - b.place.host.index);
  return able.slice(0, shape.members).map(({ place }) => place);
}

function devicesOf(host: Host, shape: Shape, rank: Rank): readonly number[] | undefined {
  return rank.devices ? rank.devices(host, shape) : fit(host, shape);
}
