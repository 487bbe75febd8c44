import { afterAll, beforeAll, expect, test } from "vitest";
import { digestBytes } from "../../lib/digest.ts";
import { fromProtoValue } from "../../proto/value.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { apply, getTrigger, jobsOf } from "../support/trigger.ts";
import { until } from "../support/wait.ts";

let database: TestDatabase;
let nats: TestNats;
let leader: TestServer;
let follower: TestServer;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  leader = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  follower = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
});
afterAll(async () => {
  await follower?.stop();
  await leader?.stop();
  await nats?.stop();
  await database?.drop();
});

async function send(path: string, body: unknown, method = "POST"): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${follower.httpPort}${path}`, {
    method,
    ...(typeof body === "string"
      ? { body, headers: { "content-type": "application/octet-stream" } }
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  if (!response.ok) throw new Error(await response.text());
}

async function add(name: string, text: string): Promise<void> {
  const digest = digestBytes(text);
  await send(`/v1/artifacts/${digest}`, text, "PUT");
  await send(`/v1/data/${name}`, { digest, kind: "file", fileName: "a.csv" });
}

const pipeline = (name: string, on: string, inputs = "{}"): string =>
  `pipeline: ${name}
params: { version: "" }
on: { data: ${on} }
tasks: { a: { inputs: ${inputs}, run: "true" } }
`;

/** Version and event of each job, oldest first. */
async function firedOf(name: string): Promise<[unknown, string][]> {
  const jobs = await jobsOf(leader.peer, name);
  return jobs.map(({ params, triggeredBy }) => [fromProtoValue(params["version"]!), triggeredBy!.event]);
}

test("each new version of a data set fires once, with two servers, and names it; the same bytes again are none", async () => {
  const on = '{ from: dataset:flights, params: { version: "{{ data.version }}" } }';
  await apply(leader.peer, pipeline("retrain", on, '{ x: "dataset:flights@{{ params.version }}" }'));
  await add("flights", "one");
  await add("flights", "one");
  await add("other", "one");
  await add("flights", "two");
  const fired = await until(async () => {
    const found = await firedOf("retrain");
    return found.length >= 2 && found;
  }, "two jobs");
  expect(fired).toEqual([
    [1, "dataset:flights@1"],
    [2, "dataset:flights@2"],
  ]);
  expect((await getTrigger(leader.peer, "retrain.data")).firings).toHaveLength(2);
});

test("a tag that moves fires, one that stays does not, and the cool-down holds", async () => {
  await add("iris", "one");
  await add("iris", "two");
  const params = 'params: { version: "{{ data.version }}" }';
  await apply(leader.peer, pipeline("promote", `{ from: dataset:iris@prod, ${params} }`));
  await apply(leader.peer, pipeline("seldom", "{ from: dataset:iris@prod, cooldown: 1h }"));
  for (const version of ["1", "1", "2", "1"]) await send("/v1/data/iris/tags", { version, tag: "prod" });
  const fired = await until(async () => {
    const found = await firedOf("promote");
    return found.length >= 3 && found;
  }, "three jobs");
  expect(fired.map(([version]) => version)).toEqual([1, 2, 1]);
  expect(fired[0]![1]).toMatch(/^dataset:iris@prod is dataset:iris@1 \d+$/);
  const states = await until(async () => {
    const { firings } = await getTrigger(leader.peer, "seldom.data");
    return firings.length === 3 && firings.every(({ state }) => state !== "pending" && state !== "accepted") && firings;
  }, "all are decided");
  expect(states.map(({ state }) => state).sort()).toEqual(["dropped", "dropped", "fired"]);
});

test("a model's new version and an alias that moves fire", async () => {
  const params = 'params: { version: "{{ model.version }}" }';
  await apply(leader.peer, pipeline("evaluate", `{ from: model:delay, ${params} }`));
  await apply(leader.peer, pipeline("deploy", `{ from: model:delay@production, ${params} }`));
  const api = "/api/2.0/mlflow";
  await send(`${api}/registered-models/create`, { name: "delay" });
  await send(`${api}/model-versions/create`, { name: "delay", source: "s3://elsewhere/model" });
  await send(`${api}/registered-models/alias`, { name: "delay", alias: "production", version: "1" });
  const job = (name: string) => until(async () => (await firedOf(name))[0], `a job of ${name}`);
  expect(await job("evaluate")).toEqual([1, "model:delay/1"]);
  expect(await job("deploy")).toEqual([1, expect.stringMatching(/^model:delay@production is model:delay\/1 \d+$/)]);
});

test("what a job's inputs lack when it fires refuses the firing, which says so", async () => {
  await apply(leader.peer, pipeline("lacks", "{ from: dataset:late }", "{ x: dataset:nowhere }"));
  await add("late", "one");
  const firing = await until(
    async () => (await getTrigger(leader.peer, "lacks.data")).firings.find(({ state }) => state === "refused"),
    "it is refused",
  );
  expect(firing.reason).toContain('there is no data set "nowhere"');
});

test("a version that came just before its leader was gone fires once under the next", async () => {
  await apply(leader.peer, pipeline("survives", '{ from: dataset:last, params: { version: "{{ data.version }}" } }'));
  await add("last", "one");
  await leader.stop();
  leader = follower;
  follower = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  await until(async () => (await firedOf("survives").catch(() => [])).length > 0, "a job of it", 60_000);
  expect(await firedOf("survives")).toEqual([[1, "dataset:last@1"]]);
}, 90_000);

test.each([
  ["{ from: flights }", "nothing that has versions"],
  ["{ from: dataset:a, pipeline: b }", '"pipeline" means nothing beside "from"'],
  ["{ from: dataset:a, params: { version: '{{ job.id }}' } }", 'has no "job"'],
])("data: %s is refused", async (on, said) => {
  await expect(apply(leader.peer, pipeline("wrong", on))).rejects.toThrow(said);
});
