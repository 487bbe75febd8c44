import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { digestBytes } from "../../lib/digest.ts";
import type { Graph } from "../../services/lineage/index.ts";
import { startRecords, type TestRecords } from "../support/records.ts";

let records: TestRecords;

beforeEach(async () => {
  records = await startRecords();
});
afterEach(() => records.close());

type Json = Record<string, any>;

const FACET = { _producer: "https://example.org/emitter", _schemaURL: "https://example.org/schema.json" };
const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const at = (second: number): string => `2026-01-01T10:00:${String(second).padStart(2, "0")}.000Z`;
const set = (name: string, facets: Json = {}): Json => ({ namespace: "s3://lake", name, facets });
const versioned = (name: string, datasetVersion: string): Json => set(name, { version: { ...FACET, datasetVersion } });

function event(second: number, eventType: string, run: number, job: string, more: Json = {}): Json {
  return {
    eventTime: at(second),
    eventType,
    producer: FACET._producer,
    schemaURL: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    run: { runId: uuid(run), facets: {} },
    job: { namespace: "etl", name: job, facets: {} },
    ...more,
  };
}

async function post(body: unknown, path = "", headers: Record<string, string> = {}): Promise<Response> {
  const sent = Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return fetch(`${records.url}/api/v1/lineage${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: sent as string,
  });
}

async function send(...events: Json[]): Promise<void> {
  for (const one of events) {
    const answer = await post(one);
    expect([answer.status, await answer.text()]).toEqual([201, ""]);
  }
}

async function refusal(body: unknown, path = ""): Promise<string> {
  const answer = await post(body, path);
  const { error } = (await answer.json()) as { error: { message: string } };
  return `${answer.status} ${error.message}`;
}

async function walk(direction: "trace" | "impact", id: string): Promise<Graph> {
  const answer = await fetch(`${records.url}/v1/lineage/${direction}?id=${encodeURIComponent(id)}`);
  const body = (await answer.json()) as Graph & { error?: { message: string } };
  if (!answer.ok) throw new Error(`${answer.status} ${body.error?.message}`);
  return body;
}
const nodes = (graph: Graph): string[] => graph.nodes.map(({ id }) => id).toSorted();

async function tables(): Promise<Json> {
  const all: Json = {};
  for (const table of ["events", "runs", "jobs", "datasets", "versions", "uses", "facets"]) {
    const columns = table === "events" ? "id, at_ms, kind, body" : "*";
    const { rows } = await records.pool.query(`select ${columns} from openlineage_${table} as t order by t::text`);
    all[table] = rows;
  }
  const { rows } = await records.pool.query(
    "select source, target, kind from links as l order by source, target, kind",
  );
  return { ...all, links: rows };
}

const parentNamed = (name: string): Json => ({
  ...FACET,
  run: { runId: uuid(9) },
  job: { namespace: "etl", name },
});
const deep = (levels: number): string =>
  JSON.stringify({ ...event(1, "START", 1, "load"), nested: 0 }).replace(
    '"nested":0',
    `"nested":${"[".repeat(levels)}${"]".repeat(levels)}`,
  );

const STORY = [
  event(1, "START", 1, "load", { inputs: [set("raw.csv")] }),
  event(2, "RUNNING", 1, "load", { outputs: [set("table", { schema: { ...FACET, fields: [{ name: "a" }] } })] }),
  event(3, "COMPLETE", 1, "load", {
    inputs: [versioned("raw.csv", "v7")],
    outputs: [{ ...versioned("table", "1"), outputFacets: { outputStatistics: { ...FACET, rowCount: 3 } } }],
    run: {
      runId: uuid(1),
      facets: { parent: parentNamed("dag") },
    },
  }),
  event(4, "START", 2, "train", { inputs: [versioned("table", "1")] }),
  event(5, "FAIL", 2, "train", {
    inputs: [versioned("table", "1")],
    run: {
      runId: uuid(2),
      facets: { errorMessage: { ...FACET, message: "no memory", programmingLanguage: "python" } },
    },
  }),
];

test("events that come again, and in another order, leave the same", async () => {
  await send(...STORY);
  const once = await tables();
  expect(once["runs"]).toMatchObject([
    { id: uuid(1), state: "COMPLETED", started_ms: Date.parse(at(1)), ended_ms: Date.parse(at(3)), parent: uuid(9) },
    { id: uuid(2), state: "FAILED", started_ms: Date.parse(at(4)), ended_ms: Date.parse(at(5)) },
    { id: uuid(9), state: "NEW", name: "dag" },
  ]);
  await send(...STORY, ...STORY.toReversed());
  expect(await tables()).toEqual(once);

  await records.close();
  records = await startRecords();
  await send(...STORY.toReversed());
  expect(await tables()).toEqual(once);

  await records.close();
  records = await startRecords();
  expect((await post([...STORY.toReversed(), ...STORY], "/batch")).status).toBe(204);
  expect(await tables()).toEqual(once);
});

test("of facets of one name the one of the latest event stays, and one that was taken back is gone", async () => {
  const owned = (second: number, who: string | null): Json => ({
    ...event(second, "START", 1, "load"),
    run: undefined,
    job: {
      namespace: "etl",
      name: "load",
      facets: { ownership: who === null ? { ...FACET, _deleted: true } : { ...FACET, owners: [{ name: who }] } },
    },
  });
  const stays = async (): Promise<unknown> => {
    const { rows } = await records.pool.query("select body from openlineage_facets where name = 'ownership'");
    return rows[0].body?.owners?.[0]?.name ?? null;
  };
  await send(owned(2, "second"), owned(1, "first"));
  expect(await stays()).toBe("second");
  await send(owned(4, null), owned(3, "third"));
  expect(await stays()).toBeNull();
});

test("runs of others are walked together with what Weft knows: data sets by URI, artifacts by digest", async () => {
  const raw = await records.put("raw");
  const model = digestBytes("model");
  await fetch(`${records.url}/v1/data/raw`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      digest: raw,
      kind: "file",
      fileName: "raw.csv",
      source: "s3://lake/raw.csv",
      sourceVersion: "v7",
    }),
  });
  await send(
    ...STORY,
    event(6, "COMPLETE", 3, "deploy", {
      inputs: [{ namespace: "weft", name: "p.train.model", facets: { version: { ...FACET, datasetVersion: model } } }],
      outputs: [{ namespace: "prod", name: "endpoint" }],
    }),
  );
  const back = await walk("trace", "s3://lake/table");
  expect(nodes(back)).toEqual(
    [
      uuid(1),
      uuid(9),
      "job:etl:dag",
      "job:etl:load",
      "s3://lake/raw.csv",
      "s3://lake/raw.csv#v7",
      "s3://lake/table",
      "s3://lake/table#1",
    ].toSorted(),
  );
  expect(back.nodes.find(({ id }) => id === uuid(1))).toMatchObject({
    kind: "externalRun",
    label: "load",
    facts: { state: "COMPLETED" },
  });
  expect(nodes(await walk("impact", "raw@1"))).toEqual(["dataset:raw@1", raw].toSorted());
  const forward = await walk("impact", "s3://lake/raw.csv");
  expect(nodes(forward)).toEqual(
    [
      "dataset:raw@1",
      raw,
      uuid(1),
      uuid(2),
      "s3://lake/raw.csv",
      "s3://lake/raw.csv#v7",
      "s3://lake/table",
      "s3://lake/table#1",
    ].toSorted(),
  );
  // What read a version that is known did not read another one.
  await send(event(7, "COMPLETE", 4, "load", { outputs: [versioned("table", "2")] }));
  expect(nodes(await walk("trace", uuid(2)))).not.toContain(uuid(4));
  expect((await walk("impact", "dataset:s3://lake:raw.csv")).roots).toEqual(["s3://lake/raw.csv"]);
  expect((await walk("impact", "job:etl:train")).roots).toEqual(["job:etl:train"]);
  expect(nodes(await walk("impact", model))).toEqual([uuid(3), "dataset:prod:endpoint", model].toSorted());
});

test("an attempt that read what others wrote comes of their run, with the version or without", async () => {
  await records.pool.query(
    `insert into source_reads (execution, name, job_id, task, node, uri, version, digest, kind, bytes, file_name, kept)
     select 'j1.' || version || '.0.1', 'table', 'j1', version, 's3://lake/table#' || version, 's3://lake/table', version, $1, 'file', 3, 'table', true
       from unnest(array['1', '2']) as version`,
    [digestBytes("table")],
  );
  await send(...STORY);
  const reached = nodes(await walk("impact", uuid(1)));
  expect(reached).toContain("j1.1.0.1");
  await send(event(7, "COMPLETE", 4, "load", { outputs: [versioned("table", "2")] }));
  const back = nodes(await walk("trace", "s3://lake/table#2"));
  expect(back).toContain(uuid(4));
  expect(back).not.toContain(uuid(1));
  expect(nodes(await walk("impact", uuid(4)))).toContain("j1.2.0.1");
});

test("a job and a data set may be told of without a run", async () => {
  const { run: _run, ...job } = event(1, "OTHER", 1, "view", {
    inputs: [set("table")],
    outputs: [{ namespace: "bi", name: "board" }],
  });
  const { job: _job, ...dataset }: Json = {
    ...job,
    inputs: undefined,
    outputs: undefined,
    dataset: set("table", { documentation: { ...FACET, description: "rows" } }),
  };
  await send({ ...job, eventType: undefined }, { ...dataset, eventType: undefined });
  expect(nodes(await walk("impact", "s3://lake/table"))).toEqual([
    "dataset:bi:board",
    "job:etl:view",
    "s3://lake/table",
  ]);
});

test("bodies may be packed; what is wrong is refused with the field, its value and what would be right", async () => {
  const packed = { "content-encoding": "gzip" };
  expect((await post(gzipSync(JSON.stringify(STORY[0])), "", packed)).status).toBe(201);
  expect((await post(Buffer.from("plain"), "", packed)).status).toBe(400);
  const bomb = gzipSync(Buffer.alloc(33 * 1024 * 1024, 0x20));
  expect((await post(bomb, "", packed)).status).toBe(400);
  for (const [wrong, message] of [
    [{ ...STORY[0], run: { runId: "42" } }, /^400 run\.runId: must be a UUID \(it is "42"\)/],
    [{ ...STORY[0], eventTime: "yesterday" }, /^400 eventTime: .*2026-01-31T10:00:00.*"yesterday"/],
    [{ ...STORY[0], eventTime: "2026-01-01T10:00:00" }, /^400 eventTime: must be a time with its offset/],
    [{ ...STORY[0], eventType: "DONE" }, /^400 eventType: must be one of START.*"DONE"/],
    [{ ...STORY[0], job: { namespace: "x" } }, /^400 job\.name: .*it is missing/],
    [{ ...STORY[0], job: null }, /^400 .*neither "job" nor "dataset"/],
    [{ ...STORY[0], inputs: [{ namespace: "x", name: "" }] }, /^400 inputs\[0\]\.name: must not be empty/],
    [
      { ...STORY[0], inputs: [set("n".repeat(2_000))] },
      /^400 inputs\[0\]: namespace and name have 2009 bytes, and may have 1000/,
    ],
    [
      { ...STORY[0], run: { runId: uuid(1), facets: { parent: 3 } } },
      /^400 run\.facets\.parent: must be an object \(it is 3\)/,
    ],
    [
      { ...STORY[0], run: { runId: uuid(1), facets: { parent: parentNamed("n".repeat(2_000)) } } },
      /^400 run\.facets\.parent\.job: namespace and name have 2003 bytes, and may have 1000/,
    ],
    [Buffer.from(deep(20_000)), /^400 the event has more than 500 lists and objects within each other/],
    [{ ...STORY[0], inputs: [set("a\0")] }, /^400 inputs\[0\]\.name: must not hold U\+0000/],
    [{ ...STORY[0], inputs: [versioned("a", "\0")] }, /^400 inputs\[0\]\.facets\.version\.datasetVersion/],
    [[], /^400 an OpenLineage event is a JSON object/],
  ] as const)
    expect(await refusal(wrong)).toMatch(message);
  expect(await refusal(Buffer.from("{"))).toMatch(/^400 the body is no JSON/);
  expect(await refusal({}, "/batch")).toMatch(/^400 the body must be a list/);

  const mixed = await post([STORY[1], { ...STORY[2], producer: 1 }, STORY[3]], "/batch");
  expect([mixed.status, await mixed.json()]).toMatchObject([
    200,
    {
      status: "partial_success",
      summary: { received: 3, successful: 2, failed: 1 },
      failed_events: [{ index: 1, retriable: false, reason: expect.stringMatching(/^producer/) }],
    },
  ]);
  expect((await tables())["events"]).toHaveLength(3);
});

test.each(["lineage/trace?id=a%00", "audit?id=a%00", "runs/diff?a=a%00&b=b"])(
  "GET /v1/%s is the caller's error",
  async (path) => {
    const answer = await fetch(`${records.url}/v1/${path}`);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: "invalid" } }]);
  },
);

test("many who tell of the same runs at once do not stop each other", async () => {
  const events = Array.from({ length: 12 }, (_, i) =>
    event(i, "RUNNING", i % 3, "load", {
      inputs: [set("b"), set("a")],
      outputs: [versioned("c", String(i % 2)), set("a")],
    }),
  );
  const answers = await Promise.all(events.map((one) => post(one)));
  expect(answers.map(({ status }) => status)).toEqual(events.map(() => 201));
  expect((await tables())["runs"]).toHaveLength(3);
});
