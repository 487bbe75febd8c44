import type { ClientBase, Pool } from "pg";
import { inTransaction } from "../../lib/db.ts";
import { WeftError } from "../../lib/core/error.ts";
import { artifactKinds, type Graph, type GraphEdge, type GraphNode } from "./core/node.ts";
import type { GraphSource } from "./source.ts";

export type Direction = "trace" | "impact";

/** A page that a person or a browser can still take: some megabytes. */
export const NODES_DEFAULT = 10_000;
export const NODES_MAX = 200_000;
/** Edges a node in the answer, on average; more are told as truncated. */
const EDGES_A_NODE = 10;

interface Reached {
  readonly node: string;
  readonly job: string;
}

/**
 * All that `text` came from ("trace"), or all that came of it ("impact"), nearest first, at most `nodesMax` nodes. One recursive
 * statement finds the nodes, one more the edges between them. Errors: `not_found`.
 */
export async function walkGraph(
  pool: Pool,
  sources: readonly GraphSource[],
  direction: Direction,
  text: string,
  nodesMax = NODES_DEFAULT,
): Promise<Graph> {
  const roots = await findRoots(pool, sources, text);
  if (roots.length === 0) {
    throw new WeftError(
      "not_found",
      `nothing with lineage is called "${text}": give a digest (sha256:…), an attempt (job.task.0.1) or a job that has ended attempts, a data set (NAME@VERSION), a run, a model (NAME/VERSION) or a URI`,
    );
  }
  const steps = sources.map((source) => (direction === "trace" ? source.backward : source.forward));
  const edgesMax = nodesMax * EDGES_A_NODE;
  // One snapshot of both. To compile such a statement takes longer than to run it.
  const { kept, cut, found } = await inTransaction(pool, async (client) => {
    await client.query("set transaction isolation level repeatable read read only");
    await client.query("set local jit = off");
    const reached = await reach(client, steps, direction, roots, nodesMax);
    const near = reached.slice(0, nodesMax);
    const between = await edgesBetween(client, steps, direction, near, edgesMax);
    return { kept: near, cut: reached.length > nodesMax, found: between };
  });
  const ids = [...new Set(kept.map(({ node }) => node))];
  const known = new Set(ids);
  const edges = found.filter(({ source, target }) => known.has(source) && known.has(target));
  return {
    roots,
    nodes: await describe(pool, sources, ids, edges),
    edges,
    truncated: cut || found.length >= edgesMax,
  };
}

async function findRoots(pool: Pool, sources: readonly GraphSource[], text: string): Promise<string[]> {
  const found = await Promise.all(sources.map((source) => source.find(pool, text)));
  return [...new Set(found.flat())];
}

/** An attempt is met in view of its own job; what it read is met in view of the job that read it. */
const VIEW: Record<Direction, string> = {
  trace: `case when step.kind = 'output' then split_part(step.next, '.', 1)
               when step.kind in ('input', 'code') then walk.job else '' end`,
  // Whoever read it, read it: there is no view to choose by.
  impact: "''",
};

async function reach(
  client: ClientBase,
  steps: readonly string[],
  direction: Direction,
  roots: readonly string[],
  nodesMax: number,
): Promise<Reached[]> {
  const { rows } = await client.query<Reached>({
    text: `with recursive walk(node, job) as (
             select root, ${direction === "trace" ? ATTEMPT_JOB : "''"} from unnest($1::text[]) as root
             union
             select step.next, ${VIEW[direction]}
               from walk, lateral (${steps.join("\nunion all\n")}) as step(next, kind, name)
           )
           select node, job from walk limit $2`,
    values: [roots, nodesMax + 1],
  });
  return rows;
}

const ATTEMPT_JOB = `case when root ~ '^[0-9a-z]+[.][^.]+[.][0-9]+[.][0-9]+$' then split_part(root, '.', 1) else '' end`;

async function edgesBetween(
  client: ClientBase,
  steps: readonly string[],
  direction: Direction,
  reached: readonly Reached[],
  limit: number,
): Promise<GraphEdge[]> {
  const ends =
    direction === "trace" ? "step.next as source, walk.node as target" : "walk.node as source, step.next as target";
  const { rows } = await client.query<GraphEdge>({
    text: `select distinct ${ends}, step.kind, step.name
             from unnest($1::text[], $2::text[]) as walk(node, job),
                  lateral (${steps.join("\nunion all\n")}) as step(next, kind, name)
            limit $3`,
    values: [reached.map(({ node }) => node), reached.map(({ job }) => job), limit],
  });
  return rows;
}

/** In the order of the ids. What nobody knows more about than its id is something outside. */
async function describe(
  pool: Pool,
  sources: readonly GraphSource[],
  ids: readonly string[],
  edges: readonly GraphEdge[],
): Promise<GraphNode[]> {
  const described = await Promise.all(sources.map((source) => source.describe(pool, ids)));
  const known = new Map(described.flat().map((node) => [node.id, node]));
  const kinds = artifactKinds(edges);
  return ids.map((id) => {
    const node = known.get(id) ?? {
      id,
      kind: id.startsWith("sha256:") ? "artifact" : "external",
      label: id,
      facts: {},
    };
    return node.kind === "artifact" ? { ...node, kind: kinds.get(id) ?? "artifact" } : node;
  });
}
