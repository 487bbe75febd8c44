import { afterAll, beforeAll, expect, test } from "vitest";
import type { Digest } from "../../lib/core/ids.ts";
import { digestBytes } from "../../lib/digest.ts";
import { runUuid } from "../../services/lineage/index.ts";
import { startRecords, type TestRecords } from "../support/records.ts";

type Json = Record<string, any>;

const JOB = "mwv4glvnnhac";
const FACET = { _producer: "https://example.org/emitter", _schemaURL: "https://example.org/schema.json" };
const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const at = (second: number): string => `2026-01-01T10:00:${String(second).padStart(2, "0")}.000Z`;
const TABLE = digestBytes("table");

let records: TestRecords;

/** What others told (etl.load, etl.report, a job without runs), and a pipeline of this cluster, whose table etl.report reads. */
beforeAll(async () => {
  records = await startRecords();
  await pipeline();
  const version = (datasetVersion: string): Json => ({ version: { ...FACET, datasetVersion } });
  const schema = { schema: { ...FACET, fields: [{ name: "a", type: "INT", description: "first" }] } };
  const raw = { namespace: "s3://lake", name: "raw.csv", facets: schema };
  const clean = (v: string): Json => ({
    namespace: "s3://lake",
    name: "clean",
    facets: version(v),
    outputFacets: { outputStatistics: { ...FACET, rowCount: 3 } },
  });
  const table = { namespace: "weft", name: "flights.table.table", facets: version(TABLE) };
  await told("START", 1, 1, "load", { inputs: [raw] });
  await told("COMPLETE", 2, 1, "load", { inputs: [raw], outputs: [clean("v1")] });
  await told("START", 3, 2, "load", { inputs: [raw] });
  await told("COMPLETE", 4, 2, "load", { inputs: [raw], outputs: [clean("v2")] });
  await told("FAIL", 5, 3, "report", {
    inputs: [clean("v1"), table],
    outputs: [{ namespace: "bi", name: "board" }],
    run: {
      runId: uuid(3),
      facets: { nominalTime: { ...FACET, nominalStartTime: at(0) }, errorMessage: { ...FACET, message: "no" } },
    },
  });
});
afterAll(() => records?.close());

async function told(eventType: string, second: number, run: number, name: string, more: Json): Promise<void> {
  const answer = await fetch(`${records.url}/api/v1/lineage`, {
    method: "POST",
    body: JSON.stringify({
      eventTime: at(second),
      eventType,
      producer: FACET._producer,
      schemaURL: "https://openlineage.io/spec/2-0-2/OpenLineage.json",
      run: { runId: uuid(run) },
      job: { namespace: "etl", name, facets: { documentation: { ...FACET, description: `does ${name}` } } },
      ...more,
    }),
  });
  expect(answer.status).toBe(201);
}

async function pipeline(): Promise<void> {
  const spec = {
    name: "flights",
    tasks: [
      { name: "table", run: { kind: "script", script: "x" }, outputs: { table: "table.csv" } },
      {
        name: "train",
        run: { kind: "script", script: "y" },
        inputs: { table: { task: "table", output: "table" } },
        outputs: { model: "m" },
      },
    ],
  };
  await records.pool.query(
    `insert into jobs (id, pipeline, spec, shape, params, code, priority, trigger, idempotency_key, submitted_at_ms, started_at_ms, finished_at_ms, state,
       cancel_requested, reason)
     values ($1, 'flights', $2, '[]', '{"horizon": 7}', $3, 0, 'backfill b1', 'backfill:b1:2024-01-02', 1000, 1001, 2000, 'succeeded', false, '')`,
    [JOB, JSON.stringify(spec), JSON.stringify({ digest: digestBytes("code"), commit: "c0ffee", dirty: false })],
  );
  const attempt = async (task: string, read: [string, Digest][], wrote: [string, Digest][]): Promise<void> => {
    const id = `${JOB}.${task}.0.1`;
    await records.pool.query(
      `insert into executions (id, job_id, task, index, attempt, state, node_id, node, gpu_uuids, code_dirty, command, params, map, started_at_ms, finished_at_ms,
         exit_code, reason, message, cpu_ms, peak_memory_bytes, usage_source, stdout_bytes, stderr_bytes)
       values ($1, $2, $3, 0, 1, 'succeeded', 'n', 'node-1', '{}', false, 'run', '{}', '{}', 1100, 1200.5, 0, '', '', 0, 0, 'none', 0, 0)`,
      [id, JOB, task],
    );
    for (const [direction, names] of [
      ["input", read],
      ["output", wrote],
    ] as const)
      for (const [name, digest] of names) {
        await records.pool.query("insert into edges values ($1, $2, $3, $4)", [id, direction, name, digest]);
        await records.pool.query("insert into artifacts values ($1, 'file', 1, $2) on conflict do nothing", [
          digest,
          direction === "output" ? id : null,
        ]);
      }
  };
  await attempt("table", [], [["table", TABLE]]);
  await attempt("train", [["table", TABLE]], [["model", digestBytes("model")]]);
  await records.pool.query(
    `insert into tasks (job, task, index, state, attempt, gpu_uuids, started_at_ms, reason, message, outputs, failures, losses)
     values ($1, 'train', 1, 'running', 1, '[]', 1300, '', '', '[]', 0, 0)`,
    [JOB],
  );
}

async function get(path: string): Promise<Json> {
  const answer = await fetch(`${records.url}/api/v1/${path}`);
  const body = (await answer.json()) as Json;
  if (!answer.ok) throw new Error(`${answer.status} ${body["error"].message}`);
  return body;
}
const names = (list: Json[]): string[] => list.map((one) => one["name"] as string);
const LAKE = encodeURIComponent("s3://lake");

test("namespaces, jobs and data sets are listed, those of this cluster with those of others", async () => {
  expect(names((await get("namespaces"))["namespaces"]).toSorted()).toEqual(["bi", "etl", "s3://lake", "weft"]);
  const etl = await get("namespaces/etl/jobs");
  expect([names(etl["jobs"]), etl["totalCount"]]).toEqual([["load", "report"], 2]);
  expect(etl["jobs"][0]).toMatchObject({
    id: { namespace: "etl", name: "load" },
    description: "does load",
    inputs: [{ namespace: "s3://lake", name: "raw.csv" }],
    outputs: [{ namespace: "s3://lake", name: "clean" }],
    latestRun: { id: uuid(2), state: "COMPLETED", durationMs: 1_000 },
  });
  expect(names((await get("namespaces/weft/jobs"))["jobs"])).toEqual(["flights", "flights.table", "flights.train"]);
  const all = await get("jobs?limit=2&offset=2");
  expect([names(all["jobs"]), all["totalCount"]]).toEqual([["flights.train", "load"], 5]);
  expect(names((await get(`namespaces/${LAKE}/datasets`))["datasets"])).toEqual(["clean", "raw.csv"]);
  expect(names((await get("namespaces/weft/datasets"))["datasets"])).toContain("flights.table.table");
});

test("runs of others and attempts of this cluster have one shape", async () => {
  const loads = await get("namespaces/etl/jobs/load/runs");
  expect([loads["runs"].map(({ id }: Json) => id), loads["totalCount"]]).toEqual([[uuid(2), uuid(1)], 2]);
  const report = await get(`jobs/runs/${uuid(3).toUpperCase()}`);
  expect(report).toMatchObject({ state: "FAILED", nominalStartTime: at(0), startedAt: null, endedAt: at(5) });
  expect(report["inputDatasetVersions"]).toMatchObject([
    { datasetVersionId: { namespace: "weft", name: "flights.table.table", version: TABLE } },
    { datasetVersionId: { namespace: "s3://lake", name: "clean", version: "v1" } },
  ]);
  expect(await get(`jobs/runs/${uuid(3)}/facets`)).toMatchObject({
    runId: uuid(3),
    facets: { errorMessage: { message: "no" } },
  });

  const trains = await get("namespaces/weft/jobs/flights.train/runs");
  expect(trains["runs"]).toMatchObject([
    { id: runUuid(`${JOB}.train.1.1`), state: "RUNNING", endedAt: null },
    { id: runUuid(`${JOB}.train.0.1`), state: "COMPLETED" },
  ]);
  const pages = await Promise.all(
    [0, 1].map((offset) => get(`namespaces/weft/jobs/flights.train/runs?limit=1&offset=${offset}`)),
  );
  expect(pages.map(({ runs, totalCount }) => [runs.map(({ id }: Json) => id), totalCount])).toEqual([
    [[runUuid(`${JOB}.train.1.1`)], 2],
    [[runUuid(`${JOB}.train.0.1`)], 2],
  ]);
  for (const id of [`${JOB}.train.0.1`, `${JOB}.train.1.1`, JOB])
    expect((await get(`jobs/runs/${runUuid(id)}`))["id"]).toBe(runUuid(id));
  const done = await get(`jobs/runs/${runUuid(`${JOB}.train.0.1`)}`);
  expect(done).toMatchObject({
    nominalStartTime: "2024-01-02T00:00:00.000Z",
    jobVersion: { namespace: "weft", name: "flights.train", version: "c0ffee" },
    inputDatasetVersions: [{ datasetVersionId: { name: "flights.table.table", version: TABLE } }],
    facets: { parent: { run: { runId: runUuid(JOB) } } },
  });
  expect(await get(`jobs/runs/${runUuid(JOB)}`)).toMatchObject({ state: "COMPLETED", jobVersion: { name: "flights" } });
});

test("a data set has its fields and versions, each with the run that wrote it", async () => {
  expect(await get(`namespaces/${LAKE}/datasets/raw.csv`)).toMatchObject({
    fields: [{ name: "a", type: "INT", description: "first", tags: [] }],
    currentVersion: null,
  });
  const clean = await get(`namespaces/${LAKE}/datasets/clean/versions`);
  expect(clean["totalCount"]).toBe(2);
  expect(clean["versions"]).toMatchObject([
    { version: "v2", createdByRun: { id: uuid(2) } },
    { version: "v1", createdByRun: { id: uuid(1) } },
  ]);
  const own = await get("namespaces/weft/datasets/flights.table.table/versions");
  expect(own["versions"]).toMatchObject([{ version: TABLE, createdByRun: { id: runUuid(`${JOB}.table.0.1`) } }]);
});

test("the graph goes both ways, over others' jobs and this cluster's, as far as asked", async () => {
  const ids = (body: Json): string[] => body["graph"].map(({ id }: Json) => id);
  const whole = await get(`lineage?nodeId=${encodeURIComponent("dataset:s3://lake:raw.csv")}`);
  expect(ids(whole)).toEqual([
    "dataset:bi:board",
    "dataset:s3://lake:clean",
    "dataset:s3://lake:raw.csv",
    "dataset:weft:flights.table.table",
    "dataset:weft:flights.train.model",
    "job:etl:load",
    "job:etl:report",
    "job:weft:flights.table",
    "job:weft:flights.train",
  ]);
  const report = whole["graph"].find(({ id }: Json) => id === "job:etl:report");
  expect(report).toMatchObject({
    type: "JOB",
    data: { name: "report" },
    outEdges: [{ origin: "job:etl:report", destination: "dataset:bi:board" }],
  });
  expect(report.inEdges).toHaveLength(2);
  expect(ids(await get("lineage?nodeId=job:weft:flights.train&depth=1"))).toEqual([
    "dataset:weft:flights.table.table",
    "dataset:weft:flights.train.model",
    "job:weft:flights.train",
  ]);
  await expect(get("lineage?nodeId=job:etl:nobody")).rejects.toThrow(/404 there is no node "job:etl:nobody"/);
  await expect(get("lineage?nodeId=job:etl:a%00")).rejects.toThrow(/400 .*U\+0000/);
  await expect(get("lineage?nodeId=etl")).rejects.toThrow(/400 nodeId=etl: must be dataset:NAMESPACE:NAME/);
});

test("a run is followed to those that wrote what it read, by version and by digest", async () => {
  const { runs } = await get(`runlineage/upstream?runId=${uuid(3)}&depth=5`);
  expect(runs.map(({ run }: Json) => run.id)).toEqual([uuid(3), runUuid(`${JOB}.table.0.1`), uuid(1)]);
  expect(runs[0].inputs).toMatchObject([
    { name: "flights.table.table", producedByRunId: runUuid(`${JOB}.table.0.1`) },
    { name: "clean", version: "v1", producedByRunId: uuid(1) },
  ]);
  const own = await get(`runlineage/upstream?runId=${runUuid(`${JOB}.train.0.1`)}&depth=0`);
  expect(own["runs"]).toMatchObject([{ job: { name: "flights.train" }, run: { status: "COMPLETED" } }]);
  await expect(get(`runlineage/upstream?runId=${uuid(99)}`)).rejects.toThrow(/404/);
  await expect(get("runlineage/upstream?runId=7")).rejects.toThrow(/400 runId=7: must be a UUID/);
});

test("names are searched, and events read again", async () => {
  const found = await get("search?q=TABLE");
  expect(found["results"].map(({ nodeId }: Json) => nodeId)).toEqual([
    "job:weft:flights.table",
    "dataset:weft:flights.table.table",
  ]);
  expect((await get("search?q=o&filter=JOB&namespace=etl"))["totalCount"]).toBe(2);
  await expect(get("search")).rejects.toThrow(/400 q=: is missing/);
  const newest = await get("events/lineage?limit=2");
  expect([newest["totalCount"], newest["events"].map(({ eventTime }: Json) => eventTime)]).toEqual([5, [at(5), at(4)]]);
  const some = await get(`events/lineage?after=${at(2)}&before=${at(4)}&sortDirection=asc`);
  expect(some["events"].map(({ eventTime }: Json) => eventTime)).toEqual([at(2), at(3)]);
});
