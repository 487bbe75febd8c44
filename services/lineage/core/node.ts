/**
 * A node of the lineage graph. Its id says what it is:
 *
 *   sha256:…               an artifact: a file or a folder; code and environments are artifacts, too
 *   job.task.index.attempt an attempt
 *   dataset:NAME@VERSION   a version of a data set
 *   32 hex digits          a tracked run; m-… and 32 hex digits: a logged model
 *   model:NAME/VERSION     a version of a registered model
 *   UUID, job:NS:NAME, dataset:NS:NAME: a run, job or data set of others; see openlineage/core/node.ts
 *   anything with ://      something outside, as it was read; #VERSION at the end where its server names one
 */
export interface GraphNode {
  readonly id: string;
  /** artifact, code, environment, execution, dataset, run, model, … */
  readonly kind: string;
  /** For people, shorter than the id where that is long. */
  readonly label: string;
  /** What is known about it: times in epoch milliseconds, sizes in bytes. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** From what was there first to what came of it. */
export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  /** input, output, environment, version, … */
  readonly kind: string;
  /** Of the input or output; empty where there is none. */
  readonly name: string;
}

export interface Graph {
  /** Where the walk began. */
  readonly roots: readonly string[];
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** There is more than the limit let through; what is here is what lies nearest to the roots. */
  readonly truncated: boolean;
}

/** Artifacts that were the code or the environment of an execution; all others are data. */
export function artifactKinds(edges: readonly GraphEdge[]): ReadonlyMap<string, string> {
  const kinds = new Map<string, string>();
  for (const { source, kind } of edges) if (kind === "code" || kind === "environment") kinds.set(source, kind);
  return kinds;
}
