import type { Assignment } from "../../lib/core/dispatch.ts";

/**
 * How often the server gave this node up. What was assigned in an earlier era has gone to other nodes, and yet it may come:
 * a queue delivers late, and an agent that was away finds in its journal what it had not started. The lease is no help,
 * since by then the node holds a new one.
 */
export class Era {
  #known = 0;

  /** From an answer of the server; true: a new era has begun. Answers may overtake each other. */
  learn(era: number): boolean {
    if (era <= this.#known) return false;
    this.#known = era;
    return true;
  }

  /** The assignment must not run here any more. */
  isOver({ era }: Pick<Assignment, "era">): boolean {
    return era !== undefined && era < this.#known;
  }
}
