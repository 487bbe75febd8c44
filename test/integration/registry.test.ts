import { generateKeyPairSync, sign } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Digest } from "../../lib/core/ids.ts";
import { inTransaction } from "../../lib/db.ts";
import { readManifest } from "../../services/artifacts/index.ts";
import { signedText } from "../../services/registry/core/signed.ts";
import { holdVersion, registryGraph, releaseVersion } from "../../services/registry/index.ts";
import { registryForEach, type TestRegistry } from "../support/registry.ts";

let at: TestRegistry;

registryForEach((registry) => (at = registry));

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
  at.registry.evaluations.record(
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

test("a version keeps the bytes that its source held, and knows its digest, signature, example and environment", async () => {
  await at.trackedRun("run1");
  await at.post("registered-models/create", { name: "fraud" });
  const made = await at.post("model-versions/create", { name: "fraud", source: "runs:/run1/model", run_id: "run1" });
  expect(made.body["model_version"]).toMatchObject({ version: "1", run_id: "run1", status: "READY" });
  await at.track("1/run1/artifacts/model/model.pkl", "other weights");
  const row = await at.rowOf("fraud", 1);
  const { files } = await readManifest(at.store, row["digest"] as Digest);
  expect(files.map(({ path }) => path)).toEqual(["MLmodel", "input_example.json", "model.pkl", "requirements.txt"]);
  expect(row["facts"]).toMatchObject({
    signature: { inputs: [{ type: "double", name: "x" }], outputs: [{ type: "long" }] },
    inputExample: { path: "input_example.json" },
    environment: [{ path: "requirements.txt" }],
    flavors: ["python_function", "sklearn"],
    lineage: { runId: "run1", experimentId: "1" },
  });
  const { body } = await at.call("GET", "model-versions/get-download-uri?name=fraud&version=1");
  expect(body["artifact_uri"]).toBe(`mlflow-artifacts:/registry/${row["uid"]}`);
  const pinned = await at.db.pool.query("select digest from tracked_files where path = $1", [
    `registry/${row["uid"]}/model.pkl`,
  ]);
  expect(pinned.rows).toEqual([{ digest: (await at.put("weights of run1")).digest }]);
  await at.call("DELETE", "model-versions/delete", { name: "fraud", version: "1" });
  const left = await at.db.pool.query("select path from tracked_files where path like 'registry/%'");
  expect(left.rows).toEqual([]);
});

test("a model that is made again under a name does not inherit what the one before came from", async () => {
  for (const run of ["run1", "run2"]) {
    await at.trackedRun(run);
    await at.call("DELETE", "registered-models/delete", { name: "fraud" });
    await at.post("registered-models/create", { name: "fraud" });
    await at.post("model-versions/create", { name: "fraud", source: `runs:/${run}/model`, run_id: run });
  }
  const { pool } = at.db;
  expect(await registryGraph.describe(pool, ["model:fraud/1"])).toMatchObject([
    { id: "model:fraud/1", facts: { run: "run2", deleted: false } },
  ]);
  const from = async (node: string) =>
    (
      await pool.query(`select next from (select $1::text as node) walk, lateral (${registryGraph.forward}) as step`, [
        node,
      ])
    ).rows;
  expect(await from("run1")).toEqual([]);
  expect(await from("run2")).toEqual([{ next: "model:fraud/1" }]);
});

test("versions made at once have numbers of their own, and a number is never given again", async () => {
  await at.modelOf("fraud", 0);
  const made = await Promise.all(
    Array.from({ length: 20 }, () => at.post("model-versions/create", { name: "fraud", source: "runs:/r/m" })),
  );
  const numbers = made.map(({ body }) => Number(body["model_version"].version)).toSorted((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  await at.call("DELETE", "model-versions/delete", { name: "fraud", version: "20" });
  const next = await at.post("model-versions/create", { name: "fraud", source: "runs:/r/m" });
  expect(next.body["model_version"].version).toBe("21");
});

test("of promotions at once that expect the same one wins, and the others are told", async () => {
  await at.modelOf("fraud", 9);
  await at.promote("fraud", 1);
  const ended = await Promise.allSettled(
    [2, 3, 4, 5, 6, 7, 8, 9].map((one) => at.promote("fraud", one, { expect: 1 })),
  );
  const won = ended.filter(({ status }) => status === "fulfilled");
  expect(won).toHaveLength(1);
  const lost = ended.flatMap((one) =>
    one.status === "rejected" ? [one.reason as { code: string; message: string }] : [],
  );
  for (const { code, message } of lost) {
    expect(code).toBe("conflict");
    expect(message).toMatch(/points at version [2-9], set by tester at .* and not at version 1/);
  }
  const moves = await at.db.pool.query("select kind from model_moves where alias = 'production'");
  expect(moves.rows).toHaveLength(2);
});

test("a gate stops what was not evaluated and what is worse, over every door, and the history says so", async () => {
  await at.modelOf("fraud", 2);
  await at.registry.evaluations.setGates([GATE], "tester");
  await expect(at.promote("fraud", 1)).rejects.toMatchObject({ code: "failed_precondition" });
  await evaluate(1, 0.9);
  await at.promote("fraud", 1);
  await evaluate(2, 0.8);
  const refused = await at.post("registered-models/alias", { name: "fraud", alias: "production", version: "2" });
  expect(refused).toMatchObject({ status: 400, body: { error_code: "INVALID_STATE" } });
  expect(refused.body["message"]).toMatch(/auc 0.8, now 0.9/);
  const overridden = await at.promote("fraud", 2, { reason: "an experiment" });
  expect(overridden).toMatchObject({ from: 1, to: 2, overridden: true });
  const { rows } = await at.db.pool.query(
    "select kind, from_version, to_version, reason, overridden from model_moves order by id",
  );
  expect(rows).toEqual([
    { kind: "refused", from_version: null, to_version: 1, reason: "", overridden: false },
    { kind: "set", from_version: null, to_version: 1, reason: "", overridden: false },
    { kind: "refused", from_version: 1, to_version: 2, reason: "", overridden: false },
    { kind: "set", from_version: 1, to_version: 2, reason: "an experiment", overridden: true },
  ]);
});

test("a model cannot pass by its gates as a prompt, which has none", async () => {
  await at.modelOf("fraud", 1);
  await at.registry.evaluations.setGates([GATE], "tester");
  const tag = { name: "fraud", key: "mlflow.prompt.is_prompt", value: "true" };
  const refused = await at.post("registered-models/set-tag", tag);
  expect(refused).toMatchObject({ status: 400, body: { error_code: "INVALID_PARAMETER_VALUE" } });
  expect((await at.post("registered-models/set-tag", { ...tag, value: "false" })).status).toBe(200);
  await expect(at.promote("fraud", 1)).rejects.toMatchObject({ code: "failed_precondition" });
});

test("a model cannot pass by its gates under another name", async () => {
  await at.modelOf("fraud", 1);
  await at.registry.evaluations.setGates([{ ...GATE, models: ["fraud*"] }], "tester");
  const renamed = await at.post("registered-models/rename", { name: "fraud", new_name: "scam" });
  expect(renamed).toMatchObject({ status: 400, body: { error_code: "INVALID_STATE" } });
  expect(renamed.body["message"]).toMatch(/would leave the gate/);
  expect((await at.post("registered-models/rename", { name: "fraud", new_name: "fraud-eu" })).status).toBe(200);
  await expect(at.promote("fraud-eu", 1)).rejects.toMatchObject({ code: "failed_precondition" });
});

test("a stage has gates, too", async () => {
  await at.modelOf("fraud", 1);
  await at.registry.evaluations.setGates([{ ...GATE, require: "candidate.metrics.auc > 0.5" }], "tester");
  const ask = { name: "fraud", version: "1", stage: "production" };
  expect((await at.post("model-versions/transition-stage", ask)).status).toBe(400);
  await evaluate(1, 0.6);
  const entered = await at.post("model-versions/transition-stage", ask);
  expect(entered.body["model_version"].current_stage).toBe("Production");
});

test("a rollback goes back, and further back the second time", async () => {
  await at.modelOf("fraud", 3);
  for (const version of [1, 2, 3]) await at.promote("fraud", version);
  const back = () => at.registry.promotion.rollback({ name: "fraud", alias: "production", reason: "bad" }, "tester");
  expect(await back()).toMatchObject({ from: 3, to: 2 });
  expect(await back()).toMatchObject({ from: 2, to: 1 });
  await expect(back()).rejects.toMatchObject({ code: "failed_precondition" });
});

test("what an alias points at, or somebody needs, cannot be deleted", async () => {
  await at.modelOf("fraud", 1);
  await at.promote("fraud", 1);
  const version = { name: "fraud", version: "1" };
  const refused = await at.call("DELETE", "model-versions/delete", version);
  expect(refused).toMatchObject({ status: 400, body: { error_code: "INVALID_STATE" } });
  expect(refused.body["message"]).toMatch(/the alias production points at it/);
  expect((await at.call("DELETE", "registered-models/delete", { name: "fraud" })).status).toBe(400);
  await at.call("DELETE", "registered-models/alias", { name: "fraud", alias: "production" });
  const held = { model: Number((await at.rowOf("fraud", 1))["model"]), version: 1, user: "deployment fraud-eu" };
  await inTransaction(at.db.pool, (client) => holdVersion(client, held, 0));
  expect((await at.call("DELETE", "model-versions/delete", version)).body["message"]).toMatch(
    /deployment fraud-eu needs it/,
  );
  expect((await at.call("DELETE", "registered-models/delete", { name: "fraud" })).status).toBe(400);
  await inTransaction(at.db.pool, (client) => releaseVersion(client, held));
  expect((await at.call("DELETE", "model-versions/delete", version)).status).toBe(200);
});

test("signatures count while their key does, and a byte that changed in the store is found with its digest", async () => {
  await at.trackedRun("run1");
  await at.post("registered-models/create", { name: "fraud" });
  await at.post("model-versions/create", { name: "fraud", source: "runs:/run1/model" });
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { signing } = at.registry;
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
  const { digest: weights } = await at.put("weights of run1");
  const path = at.store.files.path(weights);
  await chmod(path, 0o644);
  await writeFile(path, "weights of run2");
  const found = await signing.verify("fraud", "1");
  expect(found.faults).toHaveLength(1);
  expect(found.faults[0]).toContain(weights);
  await signing.revokeKey("release", "tester");
  expect((await signing.verify("fraud", "1")).signatures).toMatchObject([{ state: "revoked" }]);
});

test("a task reports what it measured with no more than an HTTP client, and once however often it does", async () => {
  await at.modelOf("fraud", 1);
  const report = async (auc: number, digest = "d1") => {
    const response = await fetch(`${at.url}/v1/evaluations`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer weft-attempt.0abc.evaluate.0.1" },
      body: JSON.stringify({
        model: "fraud",
        version: 1,
        dataset: "holdout",
        dataset_digest: digest,
        metrics: { auc },
      }),
    });
    return { status: response.status, body: (await response.json()) as { id?: string; error?: object } };
  };
  const first = await report(0.9);
  expect(first.status).toBe(201);
  expect(await report(0.95)).toEqual(first);
  const { rows } = await at.db.pool.query("select attempt, by, metrics from model_evaluations");
  expect(rows).toEqual([{ attempt: "0abc.evaluate.0.1", by: "task 0abc.evaluate.0.1", metrics: { auc: 0.9 } }]);
  // Other data is another evaluation, however long its name.
  for (const digest of ["d2", `sha256:${"0".repeat(240)}`]) expect((await report(0.8, digest)).status).toBe(201);
  expect((await at.db.pool.query("select from model_evaluations")).rowCount).toBe(3);
});
