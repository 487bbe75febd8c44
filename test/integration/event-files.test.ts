import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEventFileClient, type EventFileClient } from "../../lib/event-files.ts";
import { type Entry, readEvent, scalarValue, summaryEvent } from "../../services/tracking/core/tensorboard/event.ts";
import { readRecords, writeRecord } from "../../services/tracking/core/tensorboard/record.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Written by tensorboardX 2.6.5. */
const RECORDED = fileURLToPath(new URL("../fixtures/tensorboard/", import.meta.url));

let database: TestDatabase;
let nats: TestNats;
let server: TestServer;
let url: string;
let client: EventFileClient;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  url = `http://127.0.0.1:${server.httpPort}`;
  client = createEventFileClient({ baseUrl: url });
});
afterAll(async () => {
  client?.close();
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

async function mlflow<T>(path: string, body?: object): Promise<T> {
  const how = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(`${url}/api/2.0/mlflow/${path}`, how);
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as T;
}

async function createRun(name: string): Promise<string> {
  const { run } = await mlflow<{ run: { info: { run_id: string } } }>("runs/create", {
    experiment_id: "0",
    run_name: name,
  });
  return run.info.run_id;
}

interface RunData {
  readonly metrics?: readonly { readonly key: string; readonly value: number; readonly step: number }[];
  readonly params?: readonly { readonly key: string; readonly value: string }[];
}

async function dataOf(run: string): Promise<RunData> {
  return (await mlflow<{ run: { data: RunData } }>(`runs/get?run_id=${run}`)).run.data;
}

function recordedFiles(): string[] {
  const all = readdirSync(RECORDED, { recursive: true }) as string[];
  return all.filter((path) => statSync(join(RECORDED, path)).isFile()).toSorted();
}

async function exported(run: string): Promise<Entry[]> {
  const response = await fetch(`${url}/v1/runs/${run}/events`);
  expect(response.status).toBe(200);
  const { records, fault } = readRecords(new Uint8Array(await response.arrayBuffer()));
  expect(fault).toBeUndefined();
  return records.flatMap((record) => readEvent(record));
}

test("what a writer left becomes metrics and params of the run, however it is cut, and leaves as it came", async () => {
  const run = await createRun("recorded");
  for (const file of recordedFiles()) {
    const bytes = readFileSync(join(RECORDED, file));
    // Cut anywhere: only whole records are taken, and the answer says where to go on.
    let at = 0;
    for (let size = 1_000; at < bytes.length; size *= 2)
      ({ offset: at } = await client.append(run, file, at, bytes.subarray(at, at + size)));
    expect(at).toBe(bytes.length);
  }
  const { metrics, params } = await dataOf(run);
  const latest = new Map(metrics!.map(({ key, value, step }) => [key, [value, step]]));
  expect(Object.fromEntries(latest)).toEqual({
    loss: [Math.fround(1 / 3), 2],
    "train/acc": [Math.fround(2 / 50), 2],
    "g/a": [1, 5],
    "g/b": [2, 5],
    "hparam/accuracy": [Math.fround(0.9), 0],
  });
  expect(Object.fromEntries(params!.map(({ key, value }) => [key, value]))).toEqual({
    lr: "0.1",
    opt: "adam",
    deep: "true",
  });
  const back = await exported(run);
  const losses = back.filter(({ tag }) => tag === "loss").map(({ step, content }) => [step, content]);
  expect(losses).toEqual([1, 1 / 2, 1 / 3].map((value, step) => [step, { kind: "scalar", value: Math.fround(value) }]));
  const original = recordedFiles().flatMap((file) =>
    readRecords(readFileSync(join(RECORDED, file))).records.flatMap((record) => readEvent(record)),
  );
  const kept = (all: readonly Entry[]): unknown[] =>
    all
      .filter(({ content }) => ["histogram", "image", "text"].includes(content.kind))
      .map(({ tag, step, bytes }) => [tag, step, Buffer.from(bytes).toString("base64")]);
  expect(kept(back).length).toBe(3);
  expect(new Set(kept(back).map(String))).toEqual(new Set(kept(original).map(String)));
});

test("bytes that are sent again, or from elsewhere in the file, change nothing, and the answer says where to go on", async () => {
  const run = await createRun("again");
  const one = writeRecord(summaryEvent(1, 1_000, [scalarValue("loss", 1)]));
  const two = writeRecord(summaryEvent(2, 2_000, [scalarValue("loss", 0.5)]));
  const both = Buffer.concat([one, two]);
  expect(await client.append(run, "f.tfevents", 0, Buffer.from(one))).toEqual({ offset: one.length });
  expect(await client.append(run, "f.tfevents", 0, both)).toEqual({ offset: one.length });
  expect(await client.append(run, "f.tfevents", one.length, Buffer.from(two))).toEqual({ offset: both.length });
  expect((await exported(run)).map(({ step }) => step)).toEqual([1, 2]);
});

test("bytes that are no records are refused with their place, and what came before them is kept", async () => {
  const run = await createRun("damaged");
  const good = writeRecord(summaryEvent(1, 1_000, [scalarValue("loss", 1)]));
  const answer = await client.append(run, "f.tfevents", 0, Buffer.concat([good, Buffer.alloc(100, 7)]));
  expect(answer).toEqual({ offset: good.length, fault: expect.stringContaining(`at byte ${good.length}`) });
  expect((await dataOf(run)).metrics).toMatchObject([{ key: "loss", value: 1 }]);
});

test("names that MLflow does not take are changed to the nearest that it takes", async () => {
  const run = await createRun("names");
  const record = writeRecord(summaryEvent(1, 1_000, [scalarValue("/top@5 (%)/../x", 1)]));
  await client.append(run, "f.tfevents", 0, Buffer.from(record));
  const [metric] = (await dataOf(run)).metrics!;
  expect(metric!.key).toBe("x");
});

test("runs that are not there, files outside the folder and offsets that are none are refused by name", async () => {
  const run = await createRun("refused");
  const bytes = Buffer.alloc(1);
  await expect(client.append("f".repeat(32), "f.tfevents", 0, bytes)).rejects.toThrow(/no run f+/);
  await expect(client.append(run, "../f.tfevents", 0, bytes)).rejects.toThrow(
    /"\.\.\/f\.tfevents" must be a path below/,
  );
  await expect(client.append(run, "f.tfevents", -1, bytes)).rejects.toThrow(/offset -1/);
  expect((await fetch(`${url}/v1/runs/${"f".repeat(32)}/events`)).status).toBe(404);
});
