import { generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Digest } from "../../lib/core/ids.ts";
import { digestBytes } from "../../lib/digest.ts";
import { putManifest } from "../../services/artifacts/index.ts";
import type { Audit } from "../../services/registry/index.ts";
import { signedText } from "../../services/registry/core/signed.ts";
import type { JobPins } from "../../services/tracking/index.ts";
import { insertJob, insertRun } from "../support/past.ts";
import { startRecords, type TestRecords } from "../support/records.ts";

let records: TestRecords;

beforeAll(async () => {
  records = await startRecords();
});
afterAll(() => records?.close());

async function audit<T>(id = ""): Promise<T> {
  const answer = await fetch(`${records.url}/v1/audit${id === "" ? "" : `?id=${encodeURIComponent(id)}`}`);
  const body = (await answer.json()) as T & { error?: { message: string } };
  if (!answer.ok) throw new Error(`${answer.status} ${body.error?.message}`);
  return body;
}

async function folder(files: Readonly<Record<string, string>>): Promise<Digest> {
  const entries = Object.entries(files).map(async ([path, text]) => ({
    path,
    digest: await records.put(text),
    bytes: text.length,
    executable: false,
  }));
  return putManifest(records.store, await Promise.all(entries));
}

async function insertVersion(name: string, run: string, digest: Digest): Promise<string> {
  const { rows } = await records.pool.query<{ uid: string }>(
    `with m as (insert into registered_models (name, created_ms, updated_ms, last_version) values ($1, 0, 0, 1) returning id)
     insert into model_versions (model, version, uid, source, location, run_id, run_link, model_id, digest, files, bytes, facts, created_by,
       created_ms, updated_ms, description, stage)
     select id, 1, 'uid-' || $1, '', '', $2, '', '', $3, 1, 7, '{}', 'u', 0, 0, '', 'None' from m returning uid`,
    [name, run, digest],
  );
  return rows[0]!.uid;
}

const gone = ({ models }: Audit): string[] =>
  models.flatMap(({ pins }) => pins.flatMap(({ state, says }) => (state === "missing" ? [says] : [])));

test("each pin of a model is looked for: model, code, data, environment and signatures, and what is gone is named", async () => {
  const locked = "numpy==2.0.1";
  const code = await folder({ "train.py": "train", "env.lock": locked });
  const model = await folder({ weights: "weights" });
  await records.put("table");
  const environment = { kind: "python", lock: "env.lock", version: "3.11" };
  await insertJob(records.pool, "0000000job01", {
    code,
    tasks: [{ name: "fit", environment, inputs: { table: "table" } }],
  });
  await insertRun(records.pool, "run-1", { attempt: "0000000job01.fit.0.1" });
  const uid = await insertVersion("delay", "run-1", model);
  await insertVersion("stray", "no-run", model);
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  await records.pool.query("insert into signing_keys values ('ann', $1, 0, 'ann', null)", [
    publicKey.export({ type: "spki", format: "pem" }),
  ]);
  const signature = sign(null, Buffer.from(signedText({ uid, digest: model })), privateKey).toString("base64");
  await records.pool.query("insert into version_signatures values ($1, 'ann', $2, 0, 'ann')", [uid, signature]);

  const whole = await audit<Audit>();
  const held = (kind: string, name: string, id: string) => ({ kind, task: "", name, id, state: "held", says: "" });
  expect(whole).toMatchObject({
    missing: 0,
    models: [
      { name: "delay", version: 1 },
      { name: "stray", version: 1 },
    ],
  });
  expect(whole.models[0]!.pins).toEqual([
    held("model", "", model),
    held("code", "", code),
    held("data", "table", digestBytes("table")),
    held("environment", "env.lock", digestBytes(locked)),
    held("signature", "ann", "ann"),
  ]);
  expect(whole.models[1]!.pins.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
    "model held",
    "code unknown",
    "data unknown",
    "environment unknown",
  ]);

  await records.store.files.remove(digestBytes("train"));
  await records.store.files.remove(digestBytes("table"));
  await records.store.files.remove(digestBytes(locked));
  await records.pool.query("update signing_keys set revoked_ms = 1");
  const broken = await audit<Audit>();
  expect(broken.missing).toBe(4);
  expect(gone(broken)).toEqual([
    `file env.lock of the code, ${code}, is no longer in the store`,
    `input table, ${digestBytes("table")}, is no longer in the store`,
    `env.lock, the environment, ${digestBytes(locked)}, is no longer in the store`,
    "the signature with ann does not count: the key was revoked",
  ]);
  await records.store.files.remove(code);
  expect(gone(await audit<Audit>())).toContain("env.lock, the environment, is no longer in the store");
});

test("a job that is pinned by all it needs is reproducible; whatever is loose or gone is named", async () => {
  const code = await folder({ "a.py": "", "loose.txt": "torch>=2", "env.lock": "torch==2.5.0" });
  const python = (lock: string, version: string | null) => ({ kind: "python", lock, version });
  await insertJob(records.pool, "0000000job02", {
    code,
    params: { seed: 1 },
    tasks: [
      { name: "fit", environment: python("env.lock", "3.11"), outputs: { model: "m" } },
      {
        name: "use",
        environment: { kind: "container", image: `docker.io/x@${digestBytes("image")}` },
        inputs: { model: "m" },
      },
    ],
    // What another task of the job makes is made again, and is no pin.
    spec: { use: { inputs: { model: { task: "fit", output: "model" } } } },
  });
  const pinned = await audit<JobPins>("0000000job02");
  expect(pinned).toMatchObject({ job: "0000000job02", reproducible: true, missing: [], notPinned: [] });
  expect(pinned.pins.map(({ kind, task, state }) => `${kind} ${task} ${state}`)).toEqual([
    "code  held",
    "params  held",
    "environment fit held",
    "seed fit held",
    "environment use unknown",
    "seed use held",
  ]);

  await insertJob(records.pool, "0000000job03", {
    code,
    tasks: [{ name: "fit", environment: python("loose.txt", null) }, { name: "plain" }],
  });
  await insertRun(records.pool, "run-3", { attempt: "0000000job03.plain.0.1", params: { random_state: "7" } });
  const seed = "no parameter, map value or variable of it is called seed or random_state";
  for (const id of ["0000000job03", "0000000job03.fit.0.1", "0000000job03-fit-0-1", "run-3"])
    expect(await audit<JobPins>(id)).toMatchObject({
      reproducible: false,
      missing: [],
      notPinned: [
        "torch>=2 in loose.txt of task fit: no version is fixed",
        "the version of Python of task fit: its machine's own is taken",
        `the seed of task fit: ${seed}`,
        "the environment of task plain: it runs with whatever programs its machine has",
      ],
    });
  await records.store.files.remove(digestBytes("torch==2.5.0"));
  expect((await audit<JobPins>("0000000job02")).missing).toEqual([
    `file env.lock of the code, ${code}, is no longer in the store`,
    `env.lock, the environment of task fit, ${digestBytes("torch==2.5.0")}, is no longer in the store`,
  ]);
  await expect(audit("0000000job")).rejects.toThrow(/400 the ids of several jobs begin with/);
  await expect(audit("nobody")).rejects.toThrow(/404 there is no job "nobody"/);
});

test("inputs from outside are pins: what was fixed or kept is looked for, what is read again is told, and so is what differs", async () => {
  await Promise.all(["march", "kept"].map(records.put));
  const pin = { digest: digestBytes("march"), kind: "file", bytes: 5, node: "dataset:iris@1", fileName: "iris" };
  const uri = (name: string) => `https://example.org/${name}`;
  await insertJob(records.pool, "0000000job05", {
    params: { seed: 1 },
    tasks: [{ name: "fit", environment: { kind: "container", image: `x@${digestBytes("image")}` } }],
    spec: {
      fit: {
        sources: {
          train: { from: "dataset:iris", pin },
          kept: { from: uri("kept") },
          passed: { from: uri("passed"), keep: false },
          changing: { from: uri("changing") },
          never: { from: uri("never") },
        },
      },
    },
  });
  for (const [index, name, text, kept] of [
    [0, "kept", "kept", true],
    [0, "passed", "passed", false],
    [0, "changing", "one", true],
    [1, "changing", "two", true],
  ] as const)
    await records.pool.query(
      `insert into source_reads (execution, name, job_id, task, node, uri, version, digest, kind, bytes, file_name, kept)
       values ('0000000job05.fit.' || $1 || '.1', $2, '0000000job05', 'fit', $3 || '#1', $3, '1', $4, 'file', 1, 'f', $5)`,
      [index, name, uri(name), digestBytes(text), kept],
    );
  const found = await audit<JobPins>("0000000job05");
  const data = found.pins.filter(({ kind }) => kind === "data");
  expect(data.map(({ name, state }) => `${name} ${state}`)).toEqual([
    "train held",
    "kept held",
    "passed unknown",
    "changing loose",
    "never loose",
  ]);
  expect(found.notPinned).toEqual([
    `input changing of task fit: its attempts read 2 different contents of ${uri("changing")}, and read again what is there`,
    `input never of task fit: nothing has read ${uri("never")}, so that nobody knows which bytes it is`,
  ]);
  await records.store.files.remove(digestBytes("march"));
  expect((await audit<JobPins>("0000000job05")).missing).toEqual([
    `input train of task fit, ${digestBytes("march")}, is no longer in the store`,
  ]);
});
