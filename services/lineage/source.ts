import type { Pool } from "pg";
import type { GraphNode } from "./core/node.ts";

/**
 * One component's part of the graph, as SQL over its own tables, so that nothing has to be written twice. `backward` and `forward` select
 * `next`, `kind` and `name` (all text) of the neighbours of `walk.node`: of what it came from, and of what came of it. They are run for each
 * node of a walk and must find their rows by an index. `walk.job` is the job in whose view an artifact is met, or ''.
 */
export interface GraphSource {
  readonly backward: string;
  readonly forward: string;
  /** What it knows about those of the ids that are its own. */
  readonly describe: (pool: Pool, ids: readonly string[]) => Promise<readonly GraphNode[]>;
  /** Ids of nodes that a person means with this text; empty: none of its own. */
  readonly find: (pool: Pool, text: string) => Promise<readonly string[]>;
}
