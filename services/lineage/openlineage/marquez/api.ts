import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import type { Pool } from "pg";
import { z } from "zod";
import { WeftError } from "../../../../lib/core/error.ts";
import { isoTime } from "../../../../lib/core/wall-clock.ts";
import { timeOf } from "../core/event.ts";
import { datasetNode, jobNode, marquezId } from "../core/node.ts";
import type { OwnWork } from "../own-work.ts";
import { LineageGraph } from "./graph.ts";
import { keyOf, OwnReader } from "./own-reader.ts";
import { datasetJson, datasetVersionJson, jobJson, type NameJson, runJson } from "./shape.ts";
import { type Page, ToldReader } from "./told-reader.ts";
import { upstreamRuns } from "./upstream.ts";

/** As Marquez has them. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const DEPTH_DEFAULT = 20;
const DEPTH_MAX = 100;

const whole = (min: number, max: number, given: number) =>
  z.coerce.number(`must be ${min} to ${max}`).int().min(min).max(max).default(given);
const page = z.object({ limit: whole(1, LIMIT_MAX, LIMIT_DEFAULT), offset: whole(0, 1_000_000, 0) });
const lineage = z.object({ nodeId: z.string("is missing"), depth: whole(0, DEPTH_MAX, DEPTH_DEFAULT) });
const upstream = z.object({ runId: z.uuid("must be a UUID"), depth: whole(0, DEPTH_MAX, DEPTH_DEFAULT) });
const search = z.object({
  q: z.string("is missing").min(1, "must not be empty").max(500),
  filter: z.enum(["JOB", "DATASET"], "must be JOB or DATASET").optional(),
  sort: z.enum(["NAME", "UPDATE_AT"], "must be NAME or UPDATE_AT").default("NAME"),
  limit: whole(1, LIMIT_MAX, LIMIT_DEFAULT),
  namespace: z.string().optional(),
});
const moment = z
  .string()
  .refine((text) => timeOf(text) !== null, "must be a time like 2026-01-31T10:00:00.000Z")
  .transform((text) => timeOf(text)!);
const events = page.extend({
  before: moment.optional(),
  after: moment.optional(),
  sortDirection: z.enum(["asc", "desc"], "must be asc or desc").default("desc"),
});

export interface MarquezParts {
  readonly pool: Pool;
  readonly work: OwnWork;
  /** What this cluster's own jobs and data sets are called. */
  readonly namespace: string;
  readonly version: string;
}

/** Marquez's read API, over what others told and over this cluster's own work. Own names are looked up first: others do not tell of them. */
export function marquezRoutes(parts: MarquezParts): FastifyPluginAsync {
  const told = new ToldReader(parts.pool);
  const own = new OwnReader(parts);
  const graph = new LineageGraph(told, own);
  return async (app) => {
    app.addHook("onRequest", async ({ url }) => {
      if (url.includes("%00")) throw new WeftError("invalid", "nothing has U+0000 (%00) in its name");
    });
    app.get("/api/v1/namespaces", () => namespaces(told, own));
    app.get("/api/v1/namespaces/:namespace", async (request) => {
      const { namespace } = request.params as { namespace: string };
      const found = (await namespaces(told, own)).namespaces.find(({ name }) => name === namespace);
      return found ?? missing("namespace", namespace);
    });
    jobRoutes(app, told, own);
    datasetRoutes(app, told, own);
    app.get("/api/v1/lineage", async (request) => {
      const { nodeId, depth } = read(lineage, request);
      return { graph: await graph.around(nodeId, depth) };
    });
    app.get("/api/v1/runlineage/upstream", async (request) => {
      const { runId, depth } = read(upstream, request);
      return { runs: await upstreamRuns({ pool: parts.pool, told, own }, runId.toLowerCase(), depth) };
    });
    app.get("/api/v1/search", (request) => found(told, own, read(search, request)));
    app.get("/api/v1/events/lineage", async (request) => {
      const { before, after: from, sortDirection, ...asked } = read(events, request);
      const range = {
        afterMs: from ?? 0,
        beforeMs: before ?? Number.MAX_SAFE_INTEGER,
        newestFirst: sortDirection === "desc",
      };
      const { events: bodies, total } = await told.events({ ...range, page: asked });
      return { events: bodies, totalCount: total };
    });
  };
}

function jobRoutes(app: Parameters<FastifyPluginAsync>[0], told: ToldReader, own: OwnReader): void {
  for (const path of ["/api/v1/jobs", "/api/v1/namespaces/:namespace/jobs"])
    app.get(path, async (request) => {
      const { namespace } = request.params as { namespace?: string };
      const asked = read(page, request);
      const entries = [...(await own.catalog()).jobs.values()].filter(
        (job) => (namespace ?? job.namespace) === job.namespace,
      );
      const ours = await Promise.all(
        entries.slice(asked.offset, asked.offset + asked.limit).map((one) => own.job(one, 1)),
      );
      const { jobs, total } = await told.jobs(
        namespace ?? null,
        after(asked, entries.length, ours.length),
        entries.map(jobNode),
      );
      return { jobs: [...ours, ...jobs].slice(0, asked.limit).map(jobJson), totalCount: entries.length + total };
    });
  app.get("/api/v1/namespaces/:namespace/jobs/:name", async (request) => {
    const name = request.params as NameJson;
    const entry = (await own.catalog()).jobs.get(keyOf(name));
    const job = entry ? await own.job(entry) : (await told.jobsAt([jobNode(name)]))[0];
    return job === undefined ? missing("job", marquezId("job", name)) : jobJson(job);
  });
  app.get("/api/v1/namespaces/:namespace/jobs/:name/runs", async (request) => {
    const name = request.params as NameJson;
    const asked = read(page, request);
    const entry = (await own.catalog()).jobs.get(keyOf(name));
    if (entry === undefined && (await told.jobsAt([jobNode(name)])).length === 0)
      missing("job", marquezId("job", name));
    const { runs, total } = entry ? await own.runs(entry, asked) : await told.runs(name, asked);
    return { runs: runs.map(runJson), totalCount: total };
  });
  app.get("/api/v1/jobs/runs/:id", async (request) => runJson(await findRun(told, own, request)));
  app.get("/api/v1/jobs/runs/:id/facets", async (request) => {
    const run = await findRun(told, own, request);
    return { runId: run.id, facets: run.facets };
  });
}

function datasetRoutes(app: Parameters<FastifyPluginAsync>[0], told: ToldReader, own: OwnReader): void {
  app.get("/api/v1/namespaces/:namespace/datasets", async (request) => {
    const { namespace } = request.params as { namespace: string };
    const asked = read(page, request);
    const entries = [...(await own.catalog()).datasets.values()].filter((one) => one.namespace === namespace);
    const ours = await Promise.all(
      entries.slice(asked.offset, asked.offset + asked.limit).map((one) => own.dataset(one)),
    );
    const { datasets, total } = await told.datasets(
      namespace,
      after(asked, entries.length, ours.length),
      entries.map(datasetNode),
    );
    return {
      datasets: [...ours, ...datasets].slice(0, asked.limit).map(datasetJson),
      totalCount: entries.length + total,
    };
  });
  app.get("/api/v1/namespaces/:namespace/datasets/:name", async (request) => {
    const name = request.params as NameJson;
    const entry = (await own.catalog()).datasets.get(keyOf(name));
    const dataset = entry ? await own.dataset(entry) : (await told.datasetsAt([datasetNode(name)]))[0];
    return dataset === undefined ? missing("dataset", marquezId("dataset", name)) : datasetJson(dataset);
  });
  app.get("/api/v1/namespaces/:namespace/datasets/:name/versions", async (request) => {
    const name = request.params as NameJson;
    const asked = read(page, request);
    const entry = (await own.catalog()).datasets.get(keyOf(name));
    const node = datasetNode(name);
    if (entry === undefined && (await told.datasetsAt([node])).length === 0)
      missing("dataset", marquezId("dataset", name));
    const { versions, total } = entry ? await own.versions(entry, asked) : await told.versions(node, asked);
    return { versions: versions.map(datasetVersionJson), totalCount: total };
  });
}

/** Of a list of which the first `before` are others', `given` of them on this page: what is left for the rest. */
function after({ limit, offset }: Page, before: number, given: number): Page {
  return { limit: Math.max(1, limit - given), offset: Math.max(0, offset - before) };
}

async function findRun(told: ToldReader, own: OwnReader, request: FastifyRequest) {
  const { id } = request.params as { id: string };
  const run = (await own.run(id)) ?? (await told.runsById([id.toLowerCase()]))[0];
  return run ?? missing("run", id);
}

async function namespaces(told: ToldReader, own: OwnReader) {
  const all = new Map((await told.namespaces()).map((one) => [one.name, one]));
  for (const { namespace: name, pipeline } of (await own.catalog()).jobs.values()) {
    const { submittedAtMs: ms } = pipeline;
    const { createdMs = ms, updatedMs = ms } = all.get(name) ?? {};
    all.set(name, { name, createdMs: Math.min(createdMs, ms), updatedMs: Math.max(updatedMs, ms) });
  }
  return {
    namespaces: [...all.values()].map(({ name, createdMs, updatedMs }) => ({
      name,
      createdAt: isoTime(Math.floor(createdMs)),
      updatedAt: isoTime(Math.floor(updatedMs)),
      ownerName: "anonymous",
      description: null,
      isHidden: false,
    })),
  };
}

async function found(told: ToldReader, own: OwnReader, { q, filter, sort, limit, namespace }: z.infer<typeof search>) {
  const catalog = await own.catalog();
  const matches = ({ name }: NameJson): boolean => name.toLowerCase().includes(q.toLowerCase());
  const ours = [
    ...[...catalog.jobs.values()]
      .filter(matches)
      .map((one) => ({ one, type: "JOB" as const, ms: one.pipeline.submittedAtMs })),
    ...[...catalog.datasets.values()]
      .filter(matches)
      .map((one) => ({ one, type: "DATASET" as const, ms: one.writer.pipeline.submittedAtMs })),
  ];
  const theirs = (await told.search(q, LIMIT_MAX))
    .filter((one) => !(one.type === "JOB" ? catalog.jobs : catalog.datasets).has(keyOf(one)))
    .map((one) => ({ one, type: one.type, ms: one.updatedMs }));
  const all = [...ours, ...theirs]
    .filter(({ one, type }) => (filter ?? type) === type && (namespace ?? one.namespace) === one.namespace)
    .toSorted((a, b) => (sort === "NAME" ? compare(a.one.name, b.one.name) : b.ms - a.ms));
  return {
    totalCount: all.length,
    results: all.slice(0, limit).map(({ one: { namespace: space, name }, type, ms }) => ({
      name,
      namespace: space,
      nodeId: marquezId(type === "JOB" ? "job" : "dataset", { namespace: space, name }),
      type,
      updatedAt: isoTime(Math.floor(ms)),
    })),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function read<T>(schema: z.ZodType<T>, { query }: FastifyRequest): T {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const name = String(path[0]);
  throw new WeftError("invalid", `${name}=${(query as Record<string, string>)[name] ?? ""}: ${message}`);
}

function missing(what: string, name: string): never {
  throw new WeftError("not_found", `there is no ${what} "${name}"; GET /api/v1/search?q=… finds names`);
}
