import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { Digest } from "../../lib/core/ids.ts";
import { type Database, inTransaction, openDatabase } from "../../lib/db.ts";
import { closeHttp, createHttpApp, listenHttp } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import { connectNats } from "../../lib/nats.ts";
import { Bus } from "../../scheduler/bus.ts";
import { type FolderArtifactStore, openArtifactStore, readManifest } from "../../services/artifacts/index.ts";
import { signedText } from "../../services/registry/core/signed.ts";
import { holdVersion, openRegistry, type OpenRegistry, releaseVersion } from "../../services/registry/index.ts";
import { mlflowApi } from "../../services/tracking/index.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { until } from "../support/wait.ts";

let nats: TestNats;
let connection: NatsConnection;
let database: TestDatabase;
let db: Database;
let store: FolderArtifactStore;
let registry: OpenRegistry;
let base: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  nats = await startNats();
  connection = await connectNats({ url: nats.url, name: "test" });
  await Bus.open(connection, silentLog());
});
afterAll(async () => {
  await connection?.close();
  await nats?.stop();
});
beforeEach(async () => {
  database = await createDatabase();
  cleanups.push(() => database.drop());
  db = openDatabase(database.url);
  cleanups.push(() => db.close());
  store = await openArtifactStore(mkdtempSync(join(inject("folder"), "store-")));
  const log = silentLog();
  const { pool } = db;
  let ids = 0;
  // Chance is what makes retries wait longer: none of it here.
  const newId = (): string => `${process.pid}-${(ids += 1)}-${performance.now()}`;
  registry = openRegistry({ pool, artifacts: store, nats: connection, now: Date.now, newId, random: () => 0, log });
  cleanups.push(() => registry.stop());
  const app = createHttpApp({ logger: log });
  await app.register(mlflowApi(registry.routes));
  base = `http://127.0.0.1:${await listenHttp(app, { host: "127.0.0.1", port: 0 })}/api/2.0/mlflow`;
  cleanups.push(() => closeHttp(app, 0));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, any>;
}

async function call(method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${base}/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, any> };
}
const post = (path: string, body: object): Promise<Answer> => call("POST", path, body);
const search = (filter: string, more = ""): Promise<Answer> =>
  call("GET", `registered-models/search?filter=${encodeURIComponent(filter)}${more}`);

async function put(text: string): Promise<{ digest: Digest; bytes: number }> {
  return store.putStream(null, Readable.from([Buffer.from(text)], { objectMode: false }));
}

async function track(path: string, text: string): Promise<Digest> {
  const { digest, bytes } = await put(text);
  await db.pool.query(
    `insert into tracked_files (path, digest, bytes, updated_ms) values ($1, $2, $3, 0)
     on conflict (path) do update set digest = excluded.digest, bytes = excluded.bytes`,
    [path, digest, bytes],
  );
  return digest;
}

const MLMODEL = `
flavors:
  python_function: {loader_module: mlflow.sklearn}
  sklearn: {}
saved_input_example_info: {artifact_path: input_example.json}
signature:
  inputs: '[{"type": "double", "name": "x"}]'
  outputs: '[{"type": "long"}]'
  params: null
`;

/** A run whose model lies in the store. */
async function trackedRun(id: string): Promise<void> {
  await db.pool.query(
    `insert into runs (id, experiment, name, user_id, status, start_ms, artifact_uri)
     values ($1, 1, 'run', 'u', 'FINISHED', 0, $2)`,
    [id, `mlflow-artifacts:/1/${id}/artifacts`],
  );
  await track(`1/${id}/artifacts/model/MLmodel`, MLMODEL);
  await track(`1/${id}/artifacts/model/requirements.txt`, "scikit-learn==1.9.1\n");
  await track(`1/${id}/artifacts/model/input_example.json`, `{"x": 1}`);
  await track(`1/${id}/artifacts/model/model.pkl`, `weights of ${id}`);
}

async function modelOf(name: string, versions: number): Promise<void> {
  await post("registered-models/create", { name });
  for (let i = 0; i < versions; i += 1)
    await post("model-versions/create", { name, source: "runs:/some_run/model", run_id: "some_run" });
}

const promote = (name: string, version: number, more: { expect?: number | null; reason?: string } = {}) =>
  registry.promotion.promote(
    { name, version: String(version), alias: "production", reason: "", note: "", ...more },
    "tester",
  );
const rowOf = async (name: string, version: number): Promise<Record<string, any>> =>
  (
    await db.pool.query(
      "select v.* from model_versions v join registered_models m on m.id = v.model where m.name = $1 and version = $2",
      [name, version],
    )
  ).rows[0];

test("a version keeps the bytes that its source held, and knows its digest, signature, example and environment", async () => {
  await trackedRun("run1");
  await post("registered-models/create", { name: "fraud" });
  const made = await post("model-versions/create", { name: "fraud", source: "runs:/run1/model", run_id: "run1" });
  expect(made.body["model_version"]).toMatchObject({ version: "1", run_id: "run1", status: "READY" });
  await track("1/run1/artifacts/model/model.pkl", "other weights");
  const row = await rowOf("fraud", 1);
  const { files } = await readManifest(store, row["digest"] as Digest);
  expect(files.map(({ path }) => path)).toEqual(["MLmodel", "input_example.json", "model.pkl", "requirements.txt"]);
  expect(row["facts"]).toMatchObject({
    signature: { inputs: [{ type: "double", name: "x" }], outputs: [{ type: "long" }] },
    inputExample: { path: "input_example.json" },
    environment: [{ path: "requirements.txt" }],
    flavors: ["python_function", "sklearn"],
    lineage: { runId: "run1", experimentId: "1" },
  });
  const { body } = await call("GET", "model-versions/get-download-uri?name=fraud&version=1");
  expect(body["artifact_uri"]).toBe(`mlflow-artifacts:/registry/${row["uid"]}`);
  const pinned = await db.pool.query("select digest from tracked_files where path = $1", [
    `registry/${row["uid"]}/model.pkl`,
  ]);
  expect(pinned.rows).toEqual([{ digest: (await put("weights of run1")).digest }]);
  await call("DELETE", "model-versions/delete", { name: "fraud", version: "1" });
  const left = await db.pool.query("select path from tracked_files where path like 'registry/%'");
  expect(left.rows).toEqual([]);
});

test("versions made at once have numbers of their own, and a number is never given again", async () => {
  await modelOf("fraud", 0);
  const made = await Promise.all(
    Array.from({ length: 20 }, () => post("model-versions/create", { name: "fraud", source: "runs:/r/m" })),
  );
  const numbers = made.map(({ body }) => Number(body["model_version"].version)).toSorted((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  await call("DELETE", "model-versions/delete", { name: "fraud", version: "20" });
  const next = await post("model-versions/create", { name: "fraud", source: "runs:/r/m" });
  expect(next.body["model_version"].version).toBe("21");
});

test("of promotions at once that expect the same one wins, and the others are told", async () => {
  await modelOf("fraud", 9);
  await promote("fraud", 1);
  const ended = await Promise.allSettled([2, 3, 4, 5, 6, 7, 8, 9].map((one) => promote("fraud", one, { expect: 1 })));
  const won = ended.filter(({ status }) => status === "fulfilled");
  expect(won).toHaveLength(1);
  const lost = ended.flatMap((one) =>
    one.status === "rejected" ? [one.reason as { code: string; message: string }] : [],
  );
  for (const { code, message } of lost) {
    expect(code).toBe("conflict");
    expect(message).toMatch(/points at version [2-9], set by tester at .* and not at version 1/);
  }
  const moves = await db.pool.query("select kind from model_moves where alias = 'production'");
  expect(moves.rows).toHaveLength(2);
});

const GATE = {
  name: "not-worse",
  models: ["*"],
  aliases: ["production"],
  stages: ["Production"],
  data: "",
  require: "candidate.metrics.auc >= current.metrics.auc",
  segments: false,
  message: "",
};
const evaluate = (version: number, auc: number) =>
  registry.evaluations.record(
    {
      name: "fraud",
      version: String(version),
      id: "",
      dataset: "holdout",
      datasetDigest: "d1",
      metrics: { auc },
      segments: {},
      attempt: "",
      runId: "",
    },
    "tester",
  );

test("a gate stops what was not evaluated and what is worse, over every door, and the history says so", async () => {
  await modelOf("fraud", 2);
  await registry.evaluations.setGates([GATE], "tester");
  await expect(promote("fraud", 1)).rejects.toMatchObject({ code: "failed_precondition" });
  await evaluate(1, 0.9);
  await promote("fraud", 1);
  await evaluate(2, 0.8);
  const refused = await post("registered-models/alias", { name: "fraud", alias: "production", version: "2" });
  expect(refused).toMatchObject({ status: 400, body: { error_code: "INVALID_STATE" } });
  expect(refused.body["message"]).toMatch(/auc 0.8, now 0.9/);
  const overridden = await promote("fraud", 2, { reason: "an experiment" });
  expect(overridden).toMatchObject({ from: 1, to: 2, overridden: true });
  const { rows } = await db.pool.query(
    "select kind, from_version, to_version, reason, overridden from model_moves order by id",
  );
  expect(rows).toEqual([
    { kind: "refused", from_version: null, to_version: 1, reason: "", overridden: false },
    { kind: "set", from_version: null, to_version: 1, reason: "", overridden: false },
    { kind: "refused", from_version: 1, to_version: 2, reason: "", overridden: false },
    { kind: "set", from_version: 1, to_version: 2, reason: "an experiment", overridden: true },
  ]);
});

test("a stage has gates, too", async () => {
  await modelOf("fraud", 1);
  await registry.evaluations.setGates([{ ...GATE, require: "candidate.metrics.auc > 0.5" }], "tester");
  const ask = { name: "fraud", version: "1", stage: "production" };
  expect((await post("model-versions/transition-stage", ask)).status).toBe(400);
  await evaluate(1, 0.6);
  const entered = await post("model-versions/transition-stage", ask);
  expect(entered.body["model_version"].current_stage).toBe("Production");
});

test("a rollback goes back, and further back the second time", async () => {
  await modelOf("fraud", 3);
  for (const version of [1, 2, 3]) await promote("fraud", version);
  const back = () => registry.promotion.rollback({ name: "fraud", alias: "production", reason: "bad" }, "tester");
  expect(await back()).toMatchObject({ from: 3, to: 2 });
  expect(await back()).toMatchObject({ from: 2, to: 1 });
  await expect(back()).rejects.toMatchObject({ code: "failed_precondition" });
});

test("what an alias points at, or somebody needs, cannot be deleted", async () => {
  await modelOf("fraud", 1);
  await promote("fraud", 1);
  const version = { name: "fraud", version: "1" };
  const refused = await call("DELETE", "model-versions/delete", version);
  expect(refused).toMatchObject({ status: 400, body: { error_code: "INVALID_STATE" } });
  expect(refused.body["message"]).toMatch(/the alias production points at it/);
  expect((await call("DELETE", "registered-models/delete", { name: "fraud" })).status).toBe(400);
  await call("DELETE", "registered-models/alias", { name: "fraud", alias: "production" });
  const held = { model: Number((await rowOf("fraud", 1))["model"]), version: 1, user: "deployment fraud-eu" };
  await inTransaction(db.pool, (client) => holdVersion(client, held, 0));
  expect((await call("DELETE", "model-versions/delete", version)).body["message"]).toMatch(
    /deployment fraud-eu needs it/,
  );
  expect((await call("DELETE", "registered-models/delete", { name: "fraud" })).status).toBe(400);
  await inTransaction(db.pool, (client) => releaseVersion(client, held));
  expect((await call("DELETE", "model-versions/delete", version)).status).toBe(200);
});

test("each change is published once, in order, and one that failed is not", async () => {
  const messages = await jetstream(connection).consumers.get("WEFT_EVENT", {
    filter_subjects: "weft.event.registry.>",
    deliver_policy: "new",
  });
  const heard: { subject: string; body: Record<string, any> }[] = [];
  const stream = await messages.consume({
    callback: (message) => void heard.push({ subject: message.subject, body: message.json() }),
  });
  cleanups.push(() => stream.close());
  await modelOf("fraud.eu", 1);
  await expect(promote("fraud.eu", 7)).rejects.toMatchObject({ code: "not_found" });
  await promote("fraud.eu", 1);
  await until(() => heard.length >= 3, "three events");
  expect(heard.map(({ subject }) => subject)).toEqual([
    "weft.event.registry.registered_model.created.fraud_eu",
    "weft.event.registry.model_version.created.fraud_eu",
    "weft.event.registry.model_version_alias.created.fraud_eu",
  ]);
  expect(heard[2]!.body).toMatchObject({
    model: "fraud.eu",
    by: "tester",
    data: { name: "fraud.eu", alias: "production", version: "1" },
    more: { from: null, kind: "set" },
  });
  await until(async () => {
    const { rowCount } = await db.pool.query("select from registry_events where published_ms is null");
    return rowCount === 0;
  }, "all to be written down as published");
  expect(heard).toHaveLength(3);
});

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function receiver(statuses: number[]): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      heard.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 200).end("thanks");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, heard };
}

test("a webhook is told signed, again when it was not taken, and only of what it asked for", async () => {
  const { url, heard } = await receiver([503]);
  const { body } = await post("webhooks", {
    name: "hook",
    url,
    secret: "s3cret",
    events: [{ entity: "MODEL_VERSION_ALIAS", action: "CREATED" }],
  });
  expect(body["webhook"]).not.toHaveProperty("secret");
  await modelOf("fraud", 1);
  await promote("fraud", 1);
  await until(() => heard.length === 2, "the second try");
  const [first, second] = heard as [Heard, Heard];
  expect(second.headers["x-mlflow-delivery-id"]).toBe(first.headers["x-mlflow-delivery-id"]);
  const signed = `${second.headers["x-mlflow-delivery-id"]}.${second.headers["x-mlflow-timestamp"]}.${second.body}`;
  const signature = createHmac("sha256", "s3cret").update(signed).digest("base64");
  expect(second.headers["x-mlflow-signature"]).toBe(`v1,${signature}`);
  expect(JSON.parse(second.body)).toMatchObject({
    entity: "model_version_alias",
    action: "created",
    data: { name: "fraud", alias: "production", version: "1" },
  });
  await until(async () => {
    const { rows } = await db.pool.query("select state, attempts from webhook_deliveries");
    return rows.length === 1 && rows[0].state === "sent" && rows[0].attempts === 2;
  }, "the delivery to be written down");
});

test("a webhook can be tried out, disabled and deleted", async () => {
  const { url, heard } = await receiver([200, 404]);
  const events = [{ entity: "REGISTERED_MODEL", action: "CREATED" }];
  const { body } = await post("webhooks", { name: "hook", url, events });
  const id = body["webhook"].webhook_id as string;
  const tried = await post(`webhooks/${id}/test`, {});
  expect(tried.body["result"]).toEqual({ success: true, response_status: 200, response_body: "thanks" });
  expect((await post(`webhooks/${id}/test`, {})).body["result"]).toMatchObject({
    success: false,
    response_status: 404,
  });
  const changed = await call("PATCH", `webhooks/${id}`, { status: "DISABLED" });
  expect(changed.body["webhook"]).toMatchObject({ status: "DISABLED", name: "hook", events });
  await modelOf("fraud", 0);
  expect((await db.pool.query("select from webhook_deliveries")).rowCount).toBe(0);
  expect(heard).toHaveLength(2);
  expect((await call("DELETE", `webhooks/${id}`)).status).toBe(200);
  expect(await call("GET", `webhooks/${id}`)).toMatchObject({ status: 404 });
  const unknown = await post("webhooks", { name: "x", url, events: [{ entity: "BUDGET_POLICY", action: "EXCEEDED" }] });
  expect(unknown).toMatchObject({ status: 400, body: { error_code: "INVALID_PARAMETER_VALUE" } });
});

test("signatures count while their key does, and a byte that changed in the store is found with its digest", async () => {
  await trackedRun("run1");
  await post("registered-models/create", { name: "fraud" });
  await post("model-versions/create", { name: "fraud", source: "runs:/run1/model" });
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { signing } = registry;
  await signing.addKey("release", publicKey.export({ type: "spki", format: "pem" }).toString(), "tester");
  const { uid, digest } = await signing.verify("fraud", "1");
  const signature = (text: string): string => sign(null, Buffer.from(text), privateKey).toString("base64");
  const ask = { name: "fraud", version: "1", key: "release" };
  await expect(signing.sign({ ...ask, signature: signature("another text") }, "tester")).rejects.toMatchObject({
    code: "invalid",
  });
  await signing.sign({ ...ask, signature: signature(signedText({ uid, digest: digest! })) }, "tester");
  expect(await signing.verify("fraud", "1")).toMatchObject({
    signatures: [{ key: "release", state: "valid" }],
    faults: [],
  });
  const { digest: weights } = await put("weights of run1");
  const path = store.files.path(weights);
  await chmod(path, 0o644);
  await writeFile(path, "weights of run2");
  const found = await signing.verify("fraud", "1");
  expect(found.faults).toHaveLength(1);
  expect(found.faults[0]).toContain(weights);
  await signing.revokeKey("release", "tester");
  expect((await signing.verify("fraud", "1")).signatures).toMatchObject([{ state: "revoked" }]);
});

test("filters become SQL with bound values; whatever else is written is refused", async () => {
  for (const name of ["a'b", "Alpha", "beta"])
    await post("registered-models/create", { name, tags: [{ key: "k.x", value: name }] });
  await post("registered-models/create", { name: "p", tags: [{ key: "mlflow.prompt.is_prompt", value: "true" }] });
  const names = async (filter: string): Promise<string[]> =>
    ((await search(filter)).body["registered_models"] ?? []).map(({ name }: { name: string }) => name);
  expect(await names("name ILIKE 'A%'")).toEqual(["Alpha", "a'b"]);
  expect(await names("name = 'a''b'")).toEqual(["a'b"]);
  expect(await names(`name IN ('beta', 'p')`)).toEqual(["beta"]);
  expect(await names("tags.`k.x` LIKE '%eta' AND tag.`mlflow.prompt.is_prompt` != 'true'")).toEqual(["beta"]);
  expect(await names("tags.`mlflow.prompt.is_prompt` = 'true'")).toEqual(["p"]);
  expect(await names("tags.nowhere != 'x'")).toEqual([]);
  const wrong = [
    "name = 'a' OR name = 'b'",
    "(name = 'a')",
    "name > 'a'",
    "name = 1",
    "foo = 'x'",
    "params.x = 'y'",
    "name",
    "name = 'a'; drop table registered_models",
    "name = 'a' --",
    "name LIKE 'x\\'",
  ];
  for (const filter of wrong)
    expect([filter, await search(filter)]).toMatchObject([
      filter,
      { status: 400, body: { error_code: "INVALID_PARAMETER_VALUE" } },
    ]);
  const page = await search("", "&max_results=2&order_by=name%20DESC");
  expect(page.body["registered_models"].map(({ name }: { name: string }) => name)).toEqual(["beta", "a'b"]);
  const rest = await search("", `&max_results=2&order_by=name%20DESC&page_token=${page.body["next_page_token"]}`);
  expect(rest.body["registered_models"]).toHaveLength(1);
  expect(rest.body).not.toHaveProperty("next_page_token");
});

test("errors have the codes and the words that MLflow's clients expect", async () => {
  await modelOf("fraud", 1);
  const cases: [string, string, object | undefined, number, string, RegExp][] = [
    ["POST", "registered-models/create", { name: "fraud" }, 400, "RESOURCE_ALREADY_EXISTS", /already exists/],
    [
      "POST",
      "registered-models/create",
      {},
      400,
      "INVALID_PARAMETER_VALUE",
      /Missing value for required parameter 'name'/,
    ],
    ["POST", "registered-models/create", { name: "a/b" }, 400, "INVALID_PARAMETER_VALUE", /cannot contain/],
    ["GET", "registered-models/get?name=x", undefined, 404, "RESOURCE_DOES_NOT_EXIST", /with name=x not found/],
    [
      "GET",
      "model-versions/get?name=fraud&version=9",
      undefined,
      404,
      "RESOURCE_DOES_NOT_EXIST",
      /version=9\) not found/,
    ],
    [
      "GET",
      "registered-models/alias?name=fraud&alias=no",
      undefined,
      400,
      "INVALID_PARAMETER_VALUE",
      /alias no not found/,
    ],
    [
      "POST",
      "registered-models/alias",
      { name: "fraud", alias: "v1", version: "1" },
      400,
      "INVALID_PARAMETER_VALUE",
      /reserved/,
    ],
    [
      "POST",
      "model-versions/create",
      { name: "fraud", source: "/etc/passwd" },
      400,
      "INVALID_PARAMETER_VALUE",
      /local path/,
    ],
    [
      "POST",
      "model-versions/create",
      { name: "fraud", source: "mlflow-artifacts:/a/%2e%2e/b" },
      400,
      "INVALID_PARAMETER_VALUE",
      /relative path/,
    ],
    [
      "POST",
      "model-versions/transition-stage",
      { name: "fraud", version: "1", stage: "live" },
      400,
      "INVALID_PARAMETER_VALUE",
      /None, Staging, Production, Archived/,
    ],
  ];
  for (const [method, path, body, status, code, message] of cases) {
    const answer = await call(method, path, body);
    expect([path, answer.status, answer.body["error_code"]]).toEqual([path, status, code]);
    expect(answer.body["message"]).toMatch(message);
  }
});
