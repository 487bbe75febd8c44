import { createHmac } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attemptKey } from "../../lib/core/ids.ts";
import { fromServiceError } from "../../lib/grpc.ts";
import { connectNats } from "../../lib/nats.ts";
import { FAILED, output, SUCCEEDED } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { PlayedNode } from "../support/node.ts";
import { JOBS, protoPipeline, startTestServer, type TestServer } from "../support/server.ts";
import { apply, getTrigger, jobsOf, post, signed, TRIGGERS } from "../support/trigger.ts";
import { until } from "../support/wait.ts";

let database: TestDatabase;
let nats: TestNats;
let connection: NatsConnection;
let leader: TestServer;
let follower: TestServer;
let node: PlayedNode;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  connection = await connectNats({ url: nats.url, name: "test" });
  leader = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  follower = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  node = new PlayedNode(leader.peer, connection, "node", 64);
  await node.start();
});
afterAll(async () => {
  node?.stop();
  await follower?.stop();
  await leader?.stop();
  await connection?.close();
  await nats?.stop();
  await database?.drop();
});

const pipeline = (name: string, on: string, params = "{}"): string =>
  `pipeline: ${name}\nparams: ${params}\n${on}\ntasks: { a: { run: "true", resources: { cpus: 1 } } }\n`;
const firstJob = (name: string) => until(async () => (await jobsOf(leader.peer, name))[0], `a job of ${name}`);
const errorOf = (call: Promise<unknown>) =>
  call.then(
    () => undefined,
    (cause: unknown) => fromServiceError(cause, "call"),
  );

/** Runs a job of the pipeline to its end on the played node. */
async function runJob(name: string, succeeds = true, digit = "0"): Promise<string> {
  const spec = protoPipeline(name, {
    name: "make",
    script: "true",
    outputs: { table: "t.csv" },
    resources: { cpus: 1 },
  });
  const { jobId } = await leader.peer.unary(JOBS.Submit, { pipeline: spec });
  const { ref } = await until(() => node.assigned.find((one) => one.ref.job === jobId), "it is assigned");
  await node.ended(
    attemptKey(ref),
    succeeds ? SUCCEEDED : FAILED,
    succeeds ? { outputs: [output("table", digit)] } : {},
  );
  await until(async () => (await leader.peer.unary(JOBS.Get, { jobId })).finishedAtMs > 0, "it has ended");
  return jobId;
}

describe("schedules", () => {
  test("two servers fire each tick once, and the job says which tick it is", async () => {
    const name = "every-second";
    await apply(
      follower.peer,
      pipeline(
        name,
        `on: { schedule: { cron: "* * * * * *", timezone: Europe/Berlin, params: { at: "{{ tick.time }}" } } }`,
        `{ at: "" }`,
      ),
    );
    const jobs = await until(async () => {
      const found = await jobsOf(leader.peer, name);
      return found.length >= 3 && found;
    }, "three ticks");
    await follower.peer.unary(TRIGGERS.Pause, { name: `${name}.schedule` });
    const ticks = jobs.map((job) => job.triggeredBy!.event);
    expect(new Set(ticks).size).toBe(ticks.length);
    const [first] = jobs;
    expect(first).toMatchObject({
      trigger: "schedule",
      triggeredBy: { trigger: `${name}.schedule`, kind: "schedule", version: 1 },
      params: { at: { stringValue: first!.triggeredBy!.event } },
    });
    expect(first!.triggeredBy!.atMs % 1000).toBe(0);
    // Each a second after the last, none left out.
    const times = jobs.map((job) => job.triggeredBy!.atMs);
    expect(times).toEqual(times.map((_, i) => times[0]! + i * 1000));
  });

  test("what is paused does not fire, what is resumed has missed nothing, what is removed is gone", async () => {
    const name = "paused";
    await apply(leader.peer, pipeline(name, `on: { schedule: { cron: "* * * * * *", missed: all } }`));
    const paused = await leader.peer.unary(TRIGGERS.Pause, { name: `${name}.schedule` });
    expect(paused).toMatchObject({ state: "paused", nextAtMs: 0 });
    const before = (await jobsOf(leader.peer, name)).length;
    await runJob("meanwhile");
    expect((await jobsOf(leader.peer, name)).length).toBe(before);
    const resumed = await follower.peer.unary(TRIGGERS.Resume, { name: `${name}.schedule` });
    expect(resumed.state).toBe("active");
    // Newest first.
    const next = await until(
      async () => (await jobsOf(leader.peer, name)).slice(0, -before || undefined)[0],
      "it fires again",
    );
    expect(next.triggeredBy!.atMs).toBeGreaterThan(resumed.changedAtMs - 1000);
    await leader.peer.unary(TRIGGERS.Remove, { name: `${name}.schedule` });
    expect(await errorOf(getTrigger(leader.peer, `${name}.schedule`))).toMatchObject({ code: "not_found" });
  });
});

describe("apply", () => {
  test("makes, changes and removes what `on:` says, and keeps a version for each content", async () => {
    const name = "applied";
    const first = await apply(leader.peer, pipeline(name, `on: { schedule: "0 3 * * *", webhook: github }`));
    expect(first.version).toBe(1);
    expect(first.triggers.map(({ name: full, change }) => [full, change])).toEqual([
      [`${name}.schedule`, "created"],
      [`${name}.webhook`, "created"],
    ]);
    expect(first.triggers[1]).toMatchObject({
      hook: `/hooks/${name}.webhook`,
      secret: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(first.triggers[0]!.nextAtMs).toBeGreaterThan(Date.now());
    const again = await apply(follower.peer, pipeline(name, `on: { schedule: "0 3 * * *", webhook: github }`));
    expect(again).toMatchObject({
      version: 1,
      triggers: [{ change: "unchanged" }, { change: "unchanged", secret: "" }],
    });
    const other = await apply(leader.peer, pipeline(name, `on: { schedule: "0 4 * * *" }`, "{ x: 1 }"));
    expect(other).toMatchObject({
      version: 2,
      triggers: [{ change: "changed" }, { name: `${name}.webhook`, change: "removed" }],
    });
    const listed = await follower.peer.unary(TRIGGERS.List, { pipeline: name });
    expect(listed.triggers).toMatchObject([{ name: `${name}.schedule`, version: 2, state: "active" }]);
  });

  test("what is wrong is refused with its issues, also when no weft.yaml was read before", async () => {
    const bad = {
      name: "bad",
      tasks: [{ name: "a", script: "true" }],
      triggers: [{ name: "s", schedule: { cron: "0 0 30 2 *", timezone: "Mars/Phobos" } }],
    };
    expect(await errorOf(leader.peer.unary(TRIGGERS.Apply, { submit: { pipeline: bad } }))).toMatchObject({
      code: "invalid",
      issues: [{ path: ["on", "schedule", "timezone"] }],
    });
  });
});

describe("by hand", () => {
  test("fires at once with parameters laid over, and the same key gives the same job", async () => {
    const name = "by-hand";
    await apply(leader.peer, pipeline(name, `on: { manual: { params: { x: 2 } } }`, "{ x: 1, y: 1 }"));
    const request = { name: `${name}.manual`, params: { y: { numberValue: 5 } }, key: "monday" };
    const fired = await follower.peer.unary(TRIGGERS.Fire, request);
    expect(fired).toMatchObject({ state: "fired", existing: false });
    expect(await leader.peer.unary(JOBS.Get, { jobId: fired.jobId })).toMatchObject({
      trigger: "manual",
      params: { x: { numberValue: 2 }, y: { numberValue: 5 } },
      triggeredBy: { event: "manual:monday" },
    });
    expect(await leader.peer.unary(TRIGGERS.Fire, request)).toMatchObject({ jobId: fired.jobId, existing: true });
    expect(await jobsOf(leader.peer, name)).toHaveLength(1);
    expect(
      await errorOf(leader.peer.unary(TRIGGERS.Fire, { name: `${name}.manual`, params: { z: { numberValue: 1 } } })),
    ).toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining('has no parameter "z"'),
    });
    expect(await errorOf(leader.peer.unary(TRIGGERS.Fire, { name: `${name}.manul` }))).toMatchObject({
      message: expect.stringContaining(`did you mean "${name}.manual"?`),
    });
  });

  test("cool-down holds, and can be passed by force", async () => {
    const name = "cooling";
    await apply(leader.peer, pipeline(name, `on: { manual: { cooldown: 1h } }`));
    const fire = (force = false) => leader.peer.unary(TRIGGERS.Fire, { name: `${name}.manual`, force });
    expect(await fire()).toMatchObject({ state: "fired" });
    expect(await fire()).toMatchObject({ state: "dropped", jobId: "", reason: expect.stringContaining("cool-down") });
    expect(await fire(true)).toMatchObject({ state: "fired" });
    const { firings } = await getTrigger(leader.peer, `${name}.manual`);
    expect(firings.map(({ state }) => state)).toEqual(["fired", "dropped", "fired"]);
  });
});

describe("webhooks", () => {
  test("a signed delivery makes one job, a repeated one the same, on any server", async () => {
    const name = "hooked";
    const { triggers } = await apply(
      leader.peer,
      pipeline(name, `on: { webhook: { params: { order: "{{ payload.id }}" } } }`, "{ order: 0 }"),
    );
    const { hook, secret } = triggers[0]!;
    const body = JSON.stringify({ id: 12 });
    const headers = signed(secret, "msg_1", body);
    const sent = await post(follower.httpPort, hook, body, headers);
    expect(sent).toMatchObject({ status: 202, body: { state: "accepted", event: "msg_1" } });
    const job = await firstJob(name);
    expect(job).toMatchObject({
      id: sent.body.job,
      params: { order: { numberValue: 12 } },
      triggeredBy: { event: "msg_1", kind: "webhook" },
    });
    const replayed = await post(leader.httpPort, hook, body, headers);
    expect(replayed).toMatchObject({ status: 200, body: { job: job.id, existing: true } });
    expect(await jobsOf(leader.peer, name)).toHaveLength(1);
  });

  test("what is not signed rightly, is old, is too large, names nothing, or cannot become a job is refused", async () => {
    const name = "guarded";
    const { triggers } = await apply(
      leader.peer,
      pipeline(name, `on: { webhook: { params: { order: "{{ payload.id }}" } } }`, "{ order: 0 }"),
    );
    const { hook, secret } = triggers[0]!;
    const send = (body: string, headers: Record<string, string>) => post(leader.httpPort, hook, body, headers);
    expect(await send("{}", {})).toMatchObject({ status: 401 });
    expect(await send(`{"id":2}`, signed(secret, "m", `{"id":1}`))).toMatchObject({ status: 401 });
    expect(await send(`{"id":1}`, signed(secret, "m", `{"id":1}`, Date.now() - 400_000))).toMatchObject({
      status: 401,
      body: { error: { message: expect.stringContaining("from this server's clock") } },
    });
    const large = JSON.stringify({ id: 1, filler: "x".repeat(1024 * 1024) });
    expect(await send(large, signed(secret, "m", large))).toMatchObject({ status: 413 });
    expect(await send("{}", signed(secret, "m", "{}"))).toMatchObject({
      status: 400,
      body: { error: { message: 'parameter "order": there is no payload.id in the event' } },
    });
    expect(await post(leader.httpPort, "/hooks/guarded.nothing", "{}", {})).toMatchObject({ status: 404 });
    await leader.peer.unary(TRIGGERS.Pause, { name: `${name}.webhook` });
    expect(await send(`{"id":1}`, signed(secret, "m2", `{"id":1}`))).toMatchObject({ status: 409 });
    await leader.peer.unary(TRIGGERS.Resume, { name: `${name}.webhook` });
    const rotated = await leader.peer.unary(TRIGGERS.RotateSecret, { name: `${name}.webhook` });
    expect(await send(`{"id":1}`, signed(secret, "m2", `{"id":1}`))).toMatchObject({ status: 401 });
    expect(await send(`{"id":1}`, signed(rotated.secret, "m2", `{"id":1}`))).toMatchObject({ status: 202 });
    await until(async () => (await jobsOf(leader.peer, name)).length === 1, "one job");
  });

  test("GitHub's delivery: a ping is answered, the same body with another delivery id starts nothing", async () => {
    const name = "github";
    const { triggers } = await apply(
      leader.peer,
      pipeline(
        name,
        `on: { webhook: { signature: github, params: { branch: "{{ payload.ref }}", what: "{{ headers.x-github-event }}" } } }`,
        `{ branch: "", what: "" }`,
      ),
    );
    const { hook, secret } = triggers[0]!;
    const send = (body: string, event: string, delivery: string) =>
      post(leader.httpPort, hook, body, {
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
      });
    expect(await send("{}", "ping", "d0")).toMatchObject({ status: 200, body: { state: "ping" } });
    const body = `{"ref":"refs/heads/main"}`;
    const sent = await send(body, "push", "d1");
    expect(sent).toMatchObject({ status: 202 });
    expect(await send(body, "push", "d1")).toMatchObject({ status: 200, body: { existing: true, job: sent.body.job } });
    expect(await send(body, "push", "d2")).toMatchObject({
      status: 200,
      body: { state: "dropped", reason: "the same as d1, within 1d" },
    });
    expect(await firstJob(name)).toMatchObject({
      params: { branch: { stringValue: "refs/heads/main" }, what: { stringValue: "push" } },
    });
    expect(await jobsOf(leader.peer, name)).toHaveLength(1);
  });

  test("twenty deliveries of one id at once make one job", async () => {
    const name = "storm";
    const { triggers } = await apply(leader.peer, pipeline(name, `on: { webhook: standard }`));
    const { hook, secret } = triggers[0]!;
    const headers = signed(secret, "one", "{}");
    const ports = [leader.httpPort, follower.httpPort];
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => post(ports[i % 2]!, hook, "{}", headers)));
    expect(new Set(all.map(({ body }) => body.job)).size).toBe(1);
    expect(all.filter(({ status }) => status === 202)).toHaveLength(1);
    await firstJob(name);
    expect(await jobsOf(leader.peer, name)).toHaveLength(1);
  });
});

describe("NATS", () => {
  test("a message on a subject fires what listens there, with its payload as parameters; duplicates do not", async () => {
    const name = "listening";
    await apply(
      leader.peer,
      pipeline(
        name,
        `on: { nats: { subject: "orders.*", params: { order: "{{ payload.id }}", from: "{{ subject }}" }, dedupe: { window: 1h, key: "{{ payload.id }}" } } }`,
        `{ order: 0, from: "" }`,
      ),
    );
    const stream = jetstream(connection);
    await stream.publish("weft.event.orders.eu", JSON.stringify({ id: 7 }));
    await stream.publish("weft.event.orders.us", JSON.stringify({ id: 7 }));
    await stream.publish("weft.event.refunds.us", JSON.stringify({ id: 9 }));
    await stream.publish("weft.event.orders.eu", "no JSON");
    await stream.publish("weft.event.orders.eu", JSON.stringify({ id: 8 }));
    const jobs = await until(async () => {
      const found = await jobsOf(leader.peer, name);
      return found.length === 2 && found;
    }, "two jobs");
    expect(jobs.map(({ params }) => [params["order"], params["from"]])).toMatchObject([
      [{ numberValue: 7 }, { stringValue: "orders.eu" }],
      [{ numberValue: 8 }, { stringValue: "orders.eu" }],
    ]);
    const { firings } = await getTrigger(leader.peer, `${name}.nats`);
    expect(firings.map(({ state }) => state)).toEqual(["fired", "refused", "dropped", "fired"]);
  });
});

describe("jobs and data", () => {
  test("a job that ends fires what waits for its pipeline and state", async () => {
    await apply(
      leader.peer,
      pipeline(
        "after-failure",
        `on: { job: { pipeline: upstream, states: [failed], params: { of: "{{ job.id }}", why: "{{ job.state }}" } } }`,
        `{ of: "", why: "" }`,
      ),
    );
    await runJob("upstream");
    const failed = await runJob("upstream", false);
    expect(await firstJob("after-failure")).toMatchObject({
      params: { of: { stringValue: failed }, why: { stringValue: "failed" } },
      triggeredBy: { kind: "job", trigger: "after-failure.job" },
    });
    expect(await jobsOf(leader.peer, "after-failure")).toHaveLength(1);
  });

  test("data fires when its content is new", async () => {
    await apply(
      leader.peer,
      pipeline(
        "on-data",
        `on: { data: { pipeline: extract, output: table, params: { digest: "{{ output.digest }}" } } }`,
        `{ digest: "" }`,
      ),
    );
    await runJob("extract", true, "1");
    await runJob("extract", true, "1");
    await runJob("extract", false);
    await runJob("extract", true, "2");
    const jobs = await until(async () => {
      const found = await jobsOf(leader.peer, "on-data");
      return found.length === 2 && found;
    }, "two jobs");
    expect(jobs.map(({ params }) => params["digest"]!.stringValue)).toEqual([
      `sha256:${"1".repeat(64)}`,
      `sha256:${"2".repeat(64)}`,
    ]);
    const { firings } = await getTrigger(leader.peer, "on-data.data");
    expect(firings.map(({ state }) => state)).toEqual(["fired", "dropped", "fired"]);
  });
});

test("a client cannot take the key of a firing", async () => {
  const request = { pipeline: protoPipeline("p", { name: "a", script: "true" }), idempotencyKey: "trigger:x:y" };
  expect(await errorOf(leader.peer.unary(JOBS.Submit, request))).toMatchObject({ code: "invalid" });
});
