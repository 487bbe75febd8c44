import type { FastifyPluginAsync } from "fastify";
import type { Pool } from "pg";
import type { JobId } from "../../lib/core/ids.ts";
import type { Code } from "../../lib/core/pipeline/spec.ts";
import { codeOfJobs } from "../../scheduler/attempt-reader.ts";
import { WeftError } from "../../lib/core/error.ts";
import type { SourcePin } from "../../lib/core/pipeline/spec.ts";
import type { FindData } from "../../scheduler/api/parts.ts";
import { JobReader } from "../../scheduler/job-reader.ts";
import { JOB_REFERENCES } from "../../scheduler/references.ts";
import { WorkReader } from "../../scheduler/work-reader.ts";
import { findEnvironments } from "../../scheduler/plan-reader.ts";
import {
  type ArtifactStore,
  collectRoutes,
  dataGraph,
  dataReferences,
  dataRoutes,
  type DataVersion,
  referencePages,
  resolveAll,
  type ReferenceSource,
} from "../../services/artifacts/index.ts";
import {
  attemptSource,
  type GraphNode,
  type GraphSource,
  graphRoutes,
  lineageReferences,
  linkSource,
  marquezRoutes,
  openLineageSource,
  ownEvents,
  receiveRoutes,
  readSource,
} from "../../services/lineage/index.ts";
import { registryGraph, registryReferences } from "../../services/registry/index.ts";
import { differenceRoutes, trackingGraph, trackingReferences } from "../../services/tracking/index.ts";
import { VERSION } from "../version.ts";
import { auditRoutes } from "./audit-routes.ts";
import { tellData } from "./news.ts";

/** Whoever keeps digests must be here, else garbage collection takes the bytes from under it. */
const REFERENCES: readonly ReferenceSource[] = [
  { name: "jobs", pages: (pool) => referencePages(pool, JOB_REFERENCES) },
  lineageReferences,
  dataReferences,
  trackingReferences,
  registryReferences,
];

/** As everywhere, the id of a job can be shortened to what no other begins with. */
const attempts: GraphSource = {
  ...attemptSource,
  find: async (pool, text) => {
    const [beginning = ""] = /^[0-9a-z]{1,11}(?=[.]|$)/.exec(text) ?? [];
    const ids = beginning === "" ? [] : await new JobReader(pool).findIds(beginning, 2);
    return attemptSource.find(pool, ids.length === 1 ? ids[0] + text.slice(beginning.length) : text);
  },
  describe: async (pool, ids) => {
    const nodes = await attemptSource.describe(pool, ids);
    const jobs = new Set(
      nodes.flatMap(({ facts }) => (typeof facts["job"] === "string" ? [facts["job"] as JobId] : [])),
    );
    if (jobs.size === 0) return nodes;
    const codes = await codeOfJobs(pool, [...jobs]);
    return nodes.map((node) => withOrigin(node, codes.get(node.facts["job"] as JobId)));
  },
};

/** Where an attempt's code came from, and how it differed from its commit. */
function withOrigin(node: GraphNode, code: Code | undefined): GraphNode {
  if (code === undefined) return node;
  const { branch, remote, diff } = code;
  return { ...node, facts: { ...node.facts, branch, remote, diff: diff?.digest } };
}

/** The parts of the lineage graph, each over the tables of its component. */
export const GRAPH: readonly GraphSource[] = [
  attempts,
  dataGraph,
  readSource,
  linkSource,
  openLineageSource,
  trackingGraph,
  registryGraph,
];

/** Data sets as inputs of jobs. */
export async function findData(pool: Pool, texts: readonly string[]): ReturnType<FindData> {
  const found = [...(await resolveAll(pool, texts))].map(([text, version]) => [text, pinOf(version)] as const);
  return new Map(found);
}

function pinOf(version: DataVersion | WeftError): SourcePin | WeftError {
  if (version instanceof WeftError) return version;
  const { name, version: number, digest, kind, bytes, fileName } = version;
  return { node: `dataset:${name}@${number}`, digest, kind, bytes, fileName };
}

/** Artifacts, data sets and lineage over HTTP, where they span several services. */
export function recordRoutes({
  pool,
  artifacts,
  lineageNamespace,
  tellLeader,
}: {
  readonly pool: Pool;
  readonly artifacts: ArtifactStore;
  /** What this cluster is called in OpenLineage. */
  readonly lineageNamespace: string;
  /** Something came for triggers. */
  readonly tellLeader: () => void;
}): FastifyPluginAsync {
  const work = new WorkReader(pool);
  return async (app) => {
    await app.register(collectRoutes({ pool, store: artifacts, sources: REFERENCES, now: Date.now }));
    await app.register(dataRoutes({ pool, store: artifacts, now: Date.now, tell: tellData, told: tellLeader }));
    await app.register(graphRoutes(pool, GRAPH));
    await app.register(receiveRoutes({ pool, now: Date.now, areOwn: ownEvents(work) }));
    await app.register(marquezRoutes({ pool, work, namespace: lineageNamespace, version: VERSION }));
    await app.register(
      differenceRoutes({
        pool,
        artifacts,
        findJobs: (beginning) => new JobReader(pool).findIds(beginning, 2),
        findEnvironments: (tasks) => findEnvironments(pool, tasks),
      }),
    );
    await app.register(auditRoutes({ pool, artifacts }));
  };
}
