import { leftover } from "./fit.ts";
import { popHeap, pushHeap } from "./heap.ts";
import { misfit } from "./hold.ts";
import type { QueueClass } from "./queue.ts";
import type { Node, State } from "./state.ts";

interface Ranked {
  readonly node: Node;
  readonly score: number;
}

const better = (a: Ranked, b: Ranked): boolean => a.score < b.score;

/**
 * The nodes that a class may go to in one round, best first, looked up when first asked for. A class that found no room
 * in an earlier round looks at nodes only that were freed since.
 */
export class Candidates {
  readonly #state: State;
  readonly #queueClass: QueueClass;
  readonly #nowMs: number;
  readonly #heaps: Ranked[][] = [];

  constructor(state: State, queueClass: QueueClass, nowMs: number) {
    this.#state = state;
    this.#queueClass = queueClass;
    this.#nowMs = nowMs;
  }

  /** The best for that request that has room now; undefined: none has. It stays the best while it has. */
  best(choice: number): Node | undefined {
    const { ask } = this.#queueClass;
    const heap = (this.#heaps[choice] ??= this.#rank(choice, this.#queueClass.tried));
    for (let first = heap[0]; first; first = heap[0]) {
      // Others may have been given what it had.
      if (misfit(first.node, ask, ask.requests[choice]!, this.#nowMs) === null) return first.node;
      popHeap(heap, better);
    }
    return undefined;
  }

  /** All that have room for that request now. */
  all(choice: number): Node[] {
    // Of a gang's nodes some may have been free before.
    if (this.#queueClass.tried && this.#state.freed.size === 0) return [];
    const ranked = this.#rank(choice, false);
    return ranked.toSorted((a, b) => a.score - b.score).map(({ node }) => node);
  }

  #rank(choice: number, freedOnly: boolean): Ranked[] {
    const { ask } = this.#queueClass;
    const asked = ask.requests[choice]!;
    const heap: Ranked[] = [];
    for (const node of freedOnly ? this.#state.freed : this.#state.nodes.values()) {
      if (misfit(node, ask, asked, this.#nowMs) !== null) continue;
      pushHeap(heap, { node, score: leftover(node, asked) }, better);
    }
    return heap;
  }
}
