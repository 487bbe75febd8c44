import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { pipelineExperimentId } from "../../lib/task-run.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { JOBS, protoPipeline, startTestServer, type TestServer } from "../support/server.ts";

let database: TestDatabase;
let nats: TestNats;
let folder: string;
let server: TestServer;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  folder = mkdtempSync(join(inject("folder"), "store-"));
  const artifacts = { kind: "folder", root: folder } as const;
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url }, { artifacts });
});
afterAll(async () => {
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, any>;
}

async function call(method: string, path: string, body?: object | string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : {
          body: typeof body === "string" ? body : JSON.stringify(body),
          headers: { "content-type": "application/json" },
        }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? (JSON.parse(text) as Record<string, any>) : { text } };
}
const post = (path: string, body: object): Promise<Answer> => call("POST", `/api/2.0/mlflow/${path}`, body);

test("a task that names nothing but its experiment finds it before anybody has made it", async () => {
  await server.peer.unary(JOBS.Submit, { pipeline: protoPipeline("told", { name: "train", script: "true" }) });
  const id = pipelineExperimentId("default", "told");
  const made = await post("runs/create", { experiment_id: id, run_name: "mine" });
  expect(made).toMatchObject({ status: 200, body: { run: { info: { experiment_id: id } } } });
  const found = await post("runs/search", { experiment_ids: [id] });
  expect(found.body["runs"]).toHaveLength(1);
  const of = await call("GET", `/api/2.0/mlflow/experiments/get?experiment_id=${id}`);
  expect(of.body["experiment"].name).toBe("told");
  const none = pipelineExperimentId("default", "nobody-runs-it");
  expect(await post("runs/create", { experiment_id: none })).toMatchObject({
    status: 404,
    body: { error_code: "RESOURCE_DOES_NOT_EXIST" },
  });
});

test("a byte that changed on the disk is refused with the digest, whichever way a file is asked for", async () => {
  const { run } = (await post("runs/create", { experiment_id: "0" })).body;
  const id = run.info.run_id as string;
  const version = "name=held&version=1";
  const proxied = `/api/2.0/mlflow-artifacts/artifacts/0/${id}/artifacts/model`;
  /** A file for each way, since one that was found corrupt is put aside. */
  const asked: Readonly<Record<string, string>> = {
    "a.txt": `${proxied}/a.txt`,
    "b.txt": `/get-artifact?run_id=${id}&path=model/b.txt`,
    "c.txt": `/model-versions/get-artifact?${version}&path=c.txt`,
    "d.txt": `/ajax-api/2.0/mlflow/model-versions/get-artifact?${version}&path=d.txt`,
  };
  for (const name of Object.keys(asked)) await call("PUT", `${proxied}/${name}`, `content of ${name}`);
  await post("registered-models/create", { name: "held" });
  await post("model-versions/create", { name: "held", source: `runs:/${id}/model`, run_id: id });
  for (const [name, path] of Object.entries(asked)) {
    expect(await call("GET", path)).toEqual({ status: 200, body: { text: `content of ${name}` } });
    const digest = corrupt(`content of ${name}`);
    const { status, body } = await call("GET", path);
    expect([path, status, body["error_code"]]).toEqual([path, 422, "DATA_LOSS"]);
    expect(body["message"]).toContain(digest);
  }
  const gone = await call("GET", "/model-versions/get-artifact?name=held&version=2&path=MLmodel");
  expect(gone).toMatchObject({ status: 404, body: { error_code: "RESOURCE_DOES_NOT_EXIST" } });
});

/** Changes the first byte of the stored file that begins so; its digest. */
function corrupt(beginning: string): string {
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name);
    if (!statSync(path).isFile()) continue;
    const bytes = readFileSync(path);
    if (!bytes.subarray(0, beginning.length).equals(Buffer.from(beginning))) continue;
    const digest = createHash("sha256").update(bytes).digest("hex");
    bytes[0]! ^= 1;
    chmodSync(path, 0o644);
    writeFileSync(path, bytes);
    return digest;
  }
  throw new Error(`nothing in ${folder} begins with ${beginning}`);
}
