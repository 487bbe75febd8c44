import { mayHaveRoom } from "./fit.ts";
import { popHeap, pushHeap } from "./heap.ts";
import { misfit } from "./hold.ts";
import { COMPARED_NODES_MAX } from "./limit.ts";
import type { QueueClass } from "./queue.ts";
import { cost } from "./rank.ts";
import type { Node, State } from "./state.ts";
import { typicalOf } from "./typical.ts";

interface Ranked {
  readonly node: Node;
  readonly cost: number;
}

/** Nodes with room that were looked at, best first, and those still to be looked at. */
interface Ranking {
  readonly heap: Ranked[];
  readonly rest: Iterator<Node>;
}

const better = (a: Ranked, b: Ranked): boolean => a.cost < b.cost;

/**
 * The nodes that a class may go to in one round, best first, looked up when first asked for. A class that found no room
 * in an earlier round looks at nodes only that were freed since. In a large cluster the best of the first
 * COMPARED_NODES_MAX that have room is taken for the best.
 */
export class Candidates {
  readonly #state: State;
  readonly #queueClass: QueueClass;
  readonly #nowMs: number;
  readonly #rankings: Ranking[] = [];

  constructor(state: State, queueClass: QueueClass, nowMs: number) {
    this.#state = state;
    this.#queueClass = queueClass;
    this.#nowMs = nowMs;
  }

  /** The best for that request that has room now; undefined: none has. It stays the best while it has. */
  best(choice: number): Node | undefined {
    const { ask, tried } = this.#queueClass;
    const nodes = tried ? this.#state.freed : this.#state.nodes.values();
    const ranking = (this.#rankings[choice] ??= { heap: [], rest: nodes[Symbol.iterator]() });
    const { heap } = ranking;
    for (;;) {
      for (let first = heap[0]; first; first = heap[0]) {
        // Others may have been given what it had.
        if (misfit(first.node, ask, ask.requests[choice]!, this.#nowMs) === null) return first.node;
        popHeap(heap, better);
      }
      this.#look(ranking, choice, COMPARED_NODES_MAX);
      if (heap.length === 0) return undefined;
    }
  }

  /** All that have room for that request now. */
  all(choice: number): Node[] {
    // Of a gang's nodes some may have been free before.
    if (this.#queueClass.tried && this.#state.freed.size === 0) return [];
    const ranking: Ranking = { heap: [], rest: this.#state.nodes.values() };
    this.#look(ranking, choice, Infinity);
    return ranking.heap.toSorted((a, b) => a.cost - b.cost).map(({ node }) => node);
  }

  /** Adds the next nodes that have room, at most so many. */
  #look({ heap, rest }: Ranking, choice: number, most: number): void {
    const { ask } = this.#queueClass;
    const asked = ask.requests[choice]!;
    const typical = typicalOf(this.#state.recent, this.#state.queue);
    for (let next = rest.next(); !next.done; next = rest.next()) {
      const node = next.value;
      if (!mayHaveRoom(node, asked) || misfit(node, ask, asked, this.#nowMs) !== null) continue;
      pushHeap(heap, { node, cost: cost(node, asked, typical) }, better);
      if (heap.length >= most) return;
    }
  }
}
