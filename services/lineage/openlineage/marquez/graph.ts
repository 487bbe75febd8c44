import { WeftError } from "../../../../lib/core/error.ts";
import { datasetNode, jobNode, marquezId, parseMarquezNode } from "../core/node.ts";
import { keyOf, type OwnCatalog, type OwnReader } from "./own-reader.ts";
import { datasetJson, jobJson, type NameJson } from "./shape.ts";
import type { ToldReader } from "./told-reader.ts";

/** In one answer: what is farther away is left out. */
const NODES_MAX = 2_000;

interface Edge {
  readonly origin: string;
  readonly destination: string;
}

export interface GraphNodeJson {
  readonly id: string;
  readonly type: "JOB" | "DATASET";
  readonly data: object;
  readonly inEdges: readonly Edge[];
  readonly outEdges: readonly Edge[];
}

/** A job reads or writes a data set. Both by their nodes (core/node.ts). */
interface Step {
  readonly job: string;
  readonly dataset: string;
  readonly direction: "input" | "output";
}

/** The graph of jobs and data sets as Marquez shows it: what each job has ever read and written, of others and of this cluster's pipelines. */
export class LineageGraph {
  readonly #told: ToldReader;
  readonly #own: OwnReader;

  constructor(told: ToldReader, own: OwnReader) {
    this.#told = told;
    this.#own = own;
  }

  /** All within `depth` steps of the node, whichever way. Errors: `invalid`, `not_found`. */
  async around(nodeId: string, depth: number): Promise<GraphNodeJson[]> {
    const parsed = parseMarquezNode(nodeId);
    if (parsed === undefined)
      throw new WeftError("invalid", `nodeId=${nodeId}: must be dataset:NAMESPACE:NAME or job:NAMESPACE:NAME`);
    const root = parsed.type === "job" ? jobNode(parsed) : datasetNode(parsed);
    const catalog = await this.#own.catalog();
    const ownSteps = stepsOf(catalog);
    const seen = new Set([root]);
    const steps = new Map<string, Step>();
    let frontier = [root];
    for (let i = 0; i < depth && frontier.length > 0 && seen.size < NODES_MAX; i += 1) {
      const near = [
        ...frontier.flatMap((node) => ownSteps.get(node) ?? []),
        ...(await this.#told.neighbours(frontier)),
      ];
      frontier = [];
      for (const step of near) {
        for (const node of [step.job, step.dataset]) {
          if (seen.has(node) || seen.size >= NODES_MAX) continue;
          seen.add(node);
          frontier.push(node);
        }
        steps.set(`${step.job} ${step.direction} ${step.dataset}`, step);
      }
    }
    const nodes = await this.#describe([...seen], catalog);
    if (!nodes.has(root))
      throw new WeftError("not_found", `there is no node "${nodeId}"; GET /api/v1/search?q=… finds names`);
    return withEdges(nodes, [...steps.values()]);
  }

  async #describe(
    ids: readonly string[],
    catalog: OwnCatalog,
  ): Promise<ReadonlyMap<string, Pick<GraphNodeJson, "id" | "type" | "data">>> {
    const nodes = new Map<string, Pick<GraphNodeJson, "id" | "type" | "data">>();
    const [jobs, datasets] = await Promise.all([this.#told.jobsAt(ids), this.#told.datasetsAt(ids)]);
    for (const job of jobs) nodes.set(job.node, { id: marquezId("job", job), type: "JOB", data: jobJson(job) });
    for (const one of datasets)
      nodes.set(one.node, { id: marquezId("dataset", one), type: "DATASET", data: datasetJson(one) });
    const wanted = new Set(ids);
    for (const entry of catalog.jobs.values()) {
      const node = jobNode(entry);
      if (wanted.has(node))
        nodes.set(node, { id: marquezId("job", entry), type: "JOB", data: jobJson(await this.#own.job(entry, 1)) });
    }
    for (const entry of catalog.datasets.values()) {
      const node = datasetNode(entry);
      if (wanted.has(node))
        nodes.set(node, {
          id: marquezId("dataset", entry),
          type: "DATASET",
          data: datasetJson(await this.#own.dataset(entry)),
        });
    }
    return nodes;
  }
}

/** By both ends. */
function stepsOf({ jobs, datasets }: OwnCatalog): ReadonlyMap<string, Step[]> {
  const all = new Map<string, Step[]>();
  const add = (node: string, step: Step): void => void all.set(node, [...(all.get(node) ?? []), step]);
  for (const entry of jobs.values()) {
    const job = jobNode(entry);
    const step = (direction: Step["direction"], name: NameJson): void => {
      if (!datasets.has(keyOf(name))) return;
      const one = { job, dataset: datasetNode(name), direction };
      add(one.job, one);
      add(one.dataset, one);
    };
    for (const name of entry.inputs) step("input", name);
    for (const name of entry.outputs) step("output", name);
  }
  return all;
}

function withEdges(
  nodes: ReadonlyMap<string, Pick<GraphNodeJson, "id" | "type" | "data">>,
  steps: readonly Step[],
): GraphNodeJson[] {
  const into = new Map<string, Edge[]>();
  const from = new Map<string, Edge[]>();
  for (const { job, dataset, direction } of steps) {
    const ends = direction === "input" ? [dataset, job] : [job, dataset];
    const [origin, destination] = ends.map((node) => nodes.get(node)?.id);
    if (origin === undefined || destination === undefined) continue;
    const edge = { origin, destination };
    from.set(origin, [...(from.get(origin) ?? []), edge]);
    into.set(destination, [...(into.get(destination) ?? []), edge]);
  }
  return [...nodes.values()]
    .map((node) => ({ ...node, inEdges: into.get(node.id) ?? [], outEdges: from.get(node.id) ?? [] }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
