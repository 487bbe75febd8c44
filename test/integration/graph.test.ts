import { afterEach, beforeEach, expect, test } from "vitest";
import { digestBytes } from "../../lib/digest.ts";
import { putManifest } from "../../services/artifacts/index.ts";
import { type Graph, recordLinks } from "../../services/lineage/index.ts";
import { startRecords, type TestRecords } from "../support/records.ts";

let records: TestRecords;

beforeEach(async () => {
  records = await startRecords();
});
afterEach(() => records.close());

/** One attempt a line: `job.task: inputs -> outputs`, by the texts that are digested. */
async function attempts(lines: string): Promise<void> {
  for (const line of lines.trim().split("\n")) {
    const [who = "", what = ""] = line.trim().split(": ");
    const [job, task] = who.split(".");
    const id = `${who}.0.1`;
    const [read = "", wrote = ""] = what.split("->");
    await records.pool.query(
      `insert into executions (id, job_id, task, index, attempt, state, node_id, node, gpu_uuids, code_dirty, command, params, map, finished_at_ms,
         reason, message, cpu_ms, peak_memory_bytes, usage_source, stdout_bytes, stderr_bytes, environment_digest)
       values ($1, $2, $3, 0, 1, 'succeeded', 'n', 'node-1', '{}', false, 'run', '{}', '{}', 0, '', '', 0, 0, 'none', 0, 0, $4)`,
      [id, job, task, digestBytes("environment")],
    );
    for (const [direction, names] of [
      ["input", read],
      ["output", wrote],
    ] as const) {
      for (const name of names.trim().split(/\s+/).filter(Boolean)) {
        await records.pool.query("insert into edges values ($1, $2, $3, $4)", [id, direction, name, digestBytes(name)]);
        await records.pool.query(
          `insert into artifacts as a values ($1, 'file', 1, $2)
           on conflict (digest) do update set producer = excluded.producer where a.producer is null`,
          [digestBytes(name), direction === "output" ? id : null],
        );
      }
    }
  }
}

async function walk(direction: "trace" | "impact", id: string, limit = ""): Promise<Graph> {
  const answer = await fetch(`${records.url}/v1/lineage/${direction}?id=${encodeURIComponent(id)}${limit}`);
  const body = (await answer.json()) as Graph & { error?: { message: string } };
  if (!answer.ok) throw new Error(`${answer.status} ${body.error?.message}`);
  return body;
}

const ids = (graph: Graph, kind: string): string[] =>
  graph.nodes
    .filter((node) => node.kind === kind)
    .map(({ id }) => id)
    .toSorted();

const PIPELINE = `
  j1.extract: code raw -> table
  j1.train: code table -> model
  j1.report: code model -> page
  j2.train: code2 table -> other`;

test("trace goes back from a result over attempts to data, code and environment; impact goes forward", async () => {
  await attempts(PIPELINE);
  const back = await walk("trace", digestBytes("model"));
  expect(ids(back, "execution")).toEqual(["j1.extract.0.1", "j1.train.0.1"]);
  expect(ids(back, "code")).toEqual([digestBytes("code")]);
  expect(ids(back, "environment")).toEqual([digestBytes("environment")]);
  expect(ids(back, "artifact")).toEqual(["model", "raw", "table"].map(digestBytes).toSorted());
  expect(back).toMatchObject({ roots: [digestBytes("model")], truncated: false });
  expect(back.edges).toContainEqual({
    source: digestBytes("table"),
    target: "j1.train.0.1",
    kind: "input",
    name: "table",
  });

  const forward = await walk("impact", digestBytes("raw"));
  expect(ids(forward, "execution")).toEqual(["j1.extract.0.1", "j1.report.0.1", "j1.train.0.1", "j2.train.0.1"]);
  expect(ids(forward, "artifact")).toEqual(["raw", "table", "model", "page", "other"].map(digestBytes).toSorted());
  expect(ids(await walk("impact", digestBytes("environment")), "execution")).toHaveLength(4);
});

test("equal bytes of many jobs are traced to the job that read them, not to all that made them", async () => {
  await attempts(`
    j1.make: one -> same
    j2.make: two -> same
    j2.use: same -> used
    j3.use: same -> later`);
  expect(ids(await walk("trace", digestBytes("used")), "execution")).toEqual(["j2.make.0.1", "j2.use.0.1"]);
  // Made in no task of its own job: by whoever made it first.
  expect(ids(await walk("trace", digestBytes("later")), "execution")).toEqual(["j1.make.0.1", "j3.use.0.1"]);
});

test("a walk begins at a job, a task, an attempt, and ends at a cycle and at the limit", async () => {
  await attempts(`${PIPELINE}
    j4.copy: round -> round`);
  expect((await walk("impact", "j1")).roots).toEqual(["j1.extract.0.1", "j1.report.0.1", "j1.train.0.1"]);
  for (const name of ["j1.train", "j1.train.0", "j1.train[0]", "j1.train.0.1"])
    expect((await walk("trace", name)).roots).toEqual(["j1.train.0.1"]);
  await expect(walk("trace", "j.train")).rejects.toThrow(/404/);
  const job = (id: string) =>
    records.pool.query(
      `insert into jobs (id, pipeline, spec, shape, params, priority, trigger, submitted_at_ms, state, cancel_requested, reason)
       values ($1, 'p', '{}', '[]', '{}', 0, 'manual', 0, 'succeeded', false, '')`,
      [id],
    );
  await job("j1");
  expect((await walk("trace", "j.train")).roots).toEqual(["j1.train.0.1"]);
  await job("j2");
  await expect(walk("trace", "j.train")).rejects.toThrow(/404/);
  expect(ids(await walk("trace", digestBytes("round")), "execution")).toEqual(["j4.copy.0.1"]);
  const cut = await walk("impact", digestBytes("raw"), "&limit=2");
  expect([cut.nodes.map(({ id }) => id), cut.truncated]).toEqual([[digestBytes("raw"), "j1.extract.0.1"], true]);
  await expect(walk("trace", "nobody")).rejects.toThrow(/404.*"nobody".*digest/);
  for (const none of ["j1.train.99999999999", "j1.train.0.99999999999"])
    await expect(walk("trace", none)).rejects.toThrow(/404/);
  await expect(walk("trace", "")).rejects.toThrow(/400/);
  await expect(walk("trace", "j1", "&limit=0")).rejects.toThrow(/400/);
});

test("a data set is reached from its bytes and reaches them; its versions, tags and source are known", async () => {
  await attempts(PIPELINE);
  await records.put("raw");
  const post = async (path: string, body: unknown): Promise<Response> =>
    fetch(`${records.url}/v1/data/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const version = {
    digest: digestBytes("raw"),
    kind: "file",
    fileName: "raw.csv",
    source: "s3://b/raw.csv",
    sourceVersion: "v9",
  };
  expect((await post("iris", version)).status).toBe(201);
  expect(await (await post("iris", version)).json()).toMatchObject({ version: 1, existed: true });
  const tree = await putManifest(records.store, [
    { path: "a", digest: digestBytes("raw"), bytes: 3, executable: false },
  ]);
  expect(await (await post("iris", { ...version, digest: tree, kind: "tree", source: "" })).json()).toMatchObject({
    version: 2,
    files: 1,
    bytes: 3,
  });
  expect((await post("iris/tags", { version: "1", tag: "gold" })).status).toBe(200);
  const gold = await fetch(`${records.url}/v1/data/iris@gold`);
  expect(await gold.json()).toMatchObject({ version: 1, tags: ["gold"], digest: digestBytes("raw") });

  const back = await walk("trace", digestBytes("model"));
  expect(ids(back, "dataset")).toEqual(["dataset:iris@1"]);
  expect(ids(back, "external")).toEqual(["s3://b/raw.csv#v9"]);
  for (const name of ["iris@1", "iris@gold", "dataset:iris@1"]) {
    const forward = await walk("impact", name);
    expect(forward.roots).toEqual(["dataset:iris@1"]);
    expect(ids(forward, "execution")).toHaveLength(4);
  }
  expect((await post("iris", { ...version, digest: digestBytes("not stored") })).status).toBe(412);
  expect((await post("a%2Fb", version)).status).toBe(400);
  for (const fileName of ["../raw.csv", "/raw.csv", "..", ""])
    expect((await post("iris", { ...version, fileName })).status).toBe(400);
  const unknown = (await (await fetch(`${records.url}/v1/data/iris@7`)).json()) as { error: { message: string } };
  expect(unknown.error.message).toMatch(/versions 1 to 2 and the tags gold/);
});

test("several who add to one data set at once get versions one after the other", async () => {
  const names = Array.from({ length: 8 }, (_, i) => `bytes ${i}`);
  for (const name of names) await records.put(name);
  const versions = await Promise.all(
    names.map(async (name) => {
      const answer = await fetch(`${records.url}/v1/data/many`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ digest: digestBytes(name), kind: "file", fileName: "f" }),
      });
      return ((await answer.json()) as { version: number }).version;
    }),
  );
  expect(versions.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test("links lead both ways, and are there once however often they are told", async () => {
  await attempts(PIPELINE);
  const link = { source: digestBytes("model"), target: "model:delay/1", kind: "registered" };
  await recordLinks(records.pool, [link, link], 1);
  await recordLinks(records.pool, [link], 2);
  const forward = await walk("impact", digestBytes("raw"));
  expect(forward.edges.filter(({ target }) => target === link.target)).toEqual([{ ...link, name: "" }]);
  expect(ids(await walk("trace", "model:delay/1"), "execution")).toEqual(["j1.extract.0.1", "j1.train.0.1"]);
});

test("a model is traced over its run to data and code, and reached from them", async () => {
  await attempts(PIPELINE);
  const run = "0123456789abcdef0123456789abcdef";
  await Promise.all(["table", "code", "weights"].map(records.put));
  const files = [{ path: "weights", digest: digestBytes("weights"), bytes: 7, executable: false }];
  const tree = await putManifest(records.store, files);
  await records.pool.query("update executions set code_digest = $1", [digestBytes("code")]);
  await records.pool.query(
    `insert into runs (id, experiment, name, user_id, status, start_ms, artifact_uri, attempt)
     values ($1, 0, 'train', 'u', 'FINISHED', 0, '', 'j1.train.0.1')`,
    [run],
  );
  await records.pool.query(
    `with m as (insert into registered_models (name, created_ms, updated_ms, last_version) values ('delay', 0, 0, 1) returning id)
     insert into model_versions (model, version, uid, source, location, run_id, run_link, model_id, digest, files, bytes, facts, created_by,
       created_ms, updated_ms, description, stage)
     select id, 1, 'u', '', '', $1, '', '', $2, 1, 7, '{}', 'u', 0, 0, '', 'None' from m`,
    [run, tree],
  );
  for (const name of ["delay/1", "models:/delay/1", "model:delay/1"]) {
    const back = await walk("trace", name);
    expect(ids(back, "run")).toEqual([run]);
    expect(ids(back, "execution")).toEqual(["j1.extract.0.1", "j1.train.0.1"]);
    expect(ids(back, "code")).toEqual([digestBytes("code")]);
  }
  expect(ids(await walk("impact", digestBytes("raw")), "model")).toEqual(["model:delay/1"]);
  expect((await walk("trace", run)).roots).toEqual([run]);
  expect((await walk("impact", tree)).roots).toEqual([tree]);

  const model = `m-${run}`;
  await records.pool.query(
    `with m as (insert into logged_models (id, experiment, name, artifact_uri, created_ms, updated_ms, status, model_type, source_run_id)
                values ($1, 0, 'net', 'mlflow-artifacts:/0/models/' || $1 || '/artifacts', 0, 0, 'LOGGED_MODEL_READY', '', $2)),
          reader as (insert into runs (id, experiment, name, user_id, status, start_ms, artifact_uri)
                     values ('reader', 0, 'reader', 'u', 'FINISHED', 0, 's3://elsewhere/reader/artifacts') returning number)
     insert into run_models select number, 'output', $1, 0 from runs where id = $2 union all select number, 'input', $1, 0 from reader`,
    [model, run],
  );
  await records.pool.query(
    `insert into tracked_files values ('0/' || $1 || '/artifacts/plots/roc', $3, 1, 0), ('0/models/' || $2 || '/artifacts/MLmodel', $4, 1, 0),
       ('0/' || $1 || '0/artifacts/other', $5, 1, 0)`,
    [run, model, ...["roc", "MLmodel", "other"].map(digestBytes)],
  );
  await records.pool.query(
    "update runs set artifact_uri = 'mlflow-artifacts:/0/' || id || '/artifacts' where id = $1",
    [run],
  );
  const forward = (await walk("impact", run)).edges;
  const edge = (source: string, target: string, kind: string, name: string) => ({ source, target, kind, name });
  const logged = [
    edge(run, digestBytes("roc"), "file", "plots/roc"),
    edge(run, model, "logged", "net"),
    edge(model, digestBytes("MLmodel"), "file", "MLmodel"),
    edge(model, "reader", "input", ""),
  ];
  expect(forward).toEqual(expect.arrayContaining([...logged, edge(run, "model:delay/1", "registered", "")]));
  expect(forward).toHaveLength(5);
  expect((await walk("trace", digestBytes("MLmodel"))).edges).toEqual(expect.arrayContaining(logged.slice(1, 3)));
  expect(ids(await walk("trace", "reader"), "execution")).toEqual(["j1.extract.0.1", "j1.train.0.1"]);
});
