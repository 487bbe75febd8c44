import { connect } from "node:net";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Issue, WeftError } from "../../lib/core/error.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import { fromServiceError, type PeerMethod } from "../../lib/grpc.ts";
import { connectNats } from "../../lib/nats.ts";
import type { LineageResponse__Output } from "../../proto/gen/weft/v1/LineageResponse.ts";
import type { JobEvent__Output } from "../../proto/gen/weft/v1/JobEvent.ts";
import type { SubmitRequest } from "../../proto/gen/weft/v1/SubmitRequest.ts";
import { connect as connectSdk } from "../../sdk/index.ts";
import { SUCCEEDED } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { PlayedNode } from "../support/node.ts";
import { AGENTS, CLUSTER, collect, JOBS, protoPipeline, startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

let database: TestDatabase;
let nats: TestNats;
let connection: NatsConnection;
let server: TestServer;
const nodes: PlayedNode[] = [];

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  connection = await connectNats({ url: nats.url, name: "test" });
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.leave();
});
afterAll(async () => {
  await connection?.close();
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

const hello = protoPipeline("hello", { name: "say", script: "echo hello" });

async function startNode(name: string, cpus?: number): Promise<PlayedNode> {
  const node = new PlayedNode(server.peer, connection, name, cpus);
  nodes.push(node);
  await node.start();
  return node;
}

async function submit(request: SubmitRequest): Promise<string> {
  return (await server.peer.unary(JOBS.Submit, request)).jobId;
}

async function refused<Request>(method: PeerMethod<Request, unknown>, request: Request): Promise<WeftError> {
  const error = await server.peer.unary(method, request).then(
    () => new Error("it was accepted"),
    (cause: unknown) => fromServiceError(cause, "call"),
  );
  expect(error).toBeInstanceOf(WeftError);
  return error as WeftError;
}

test("a job of more instances than a message takes is told whole: what has not run as ranges, and the counts are exact", async () => {
  const values = (from: number) =>
    Array.from({ length: 200 }, (_, i) => ({ kind: "numberValue" as const, numberValue: from + i }));
  const map = [
    { name: "a", values: values(0) },
    { name: "b", values: values(1_000) },
  ];
  const many = protoPipeline(
    "many",
    { name: "each", script: "true", map },
    { name: "all", script: "true", needs: ["each"] },
  );
  const jobId = await submit({ pipeline: many });
  const client = connectSdk(server.peer.address);
  try {
    const job = await client.get(jobId);
    expect(job.counts).toEqual({ ready: 40_000, pending: 1 });
    expect(job.tasks).toEqual([]);
    expect(job.resting).toEqual([
      { name: "each", first: 0, count: 40_000, state: "ready", needs: [] },
      { name: "all", first: 0, count: 1, state: "pending", needs: ["each"] },
    ]);
    expect((await client.explain(jobId, "each", 39_999)).state).toBe("ready");
    const odd = await refused(JOBS.Get, { jobId, pageToken: "7.0" });
    expect(odd.message).toContain('"7.0" is no page token of this job');
  } finally {
    client.close();
    await server.peer.unary(JOBS.Cancel, { jobId });
  }
});

test("health says serving for each service, and reflection lists them", async () => {
  const { loadSync } = await import("@grpc/proto-loader");
  const { service: health, protoPath } = await import("grpc-health-check");
  expect(protoPath).toContain("health.proto");
  const check = health["Check"] as unknown as PeerMethod<{ service: string }, { status: string }>;
  for (const service of ["", "weft.v1.JobService", "weft.v1.ClusterService", "weft.v1.AgentService"]) {
    expect((await server.peer.unary(check, { service })).status).toBe("SERVING");
  }
  const proto = new URL(
    "../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto",
    import.meta.url,
  );
  const reflection = loadSync(proto.pathname)["grpc.reflection.v1.ServerReflection"] as unknown as Record<
    string,
    PeerMethod<object, object>
  >;
  const stream = await server.peer.duplexStream(reflection["ServerReflectionInfo"]!);
  stream.write({ listServices: "" });
  stream.end();
  const [answer] = await collect<{ listServicesResponse: { service: { name: string }[] } }>(stream);
  const names = answer!.listServicesResponse.service.map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(["weft.v1.JobService", "weft.v1.ClusterService", "weft.v1.AgentService"]),
  );
});

test("a job is submitted, found by id and by prefix, listed by page, and cancelled", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) ids.push(await submit({ pipeline: hello, trigger: "push" }));
  expect(ids.toSorted()).toEqual(ids);
  const job = await server.peer.unary(JOBS.Get, { jobId: ids[0]! });
  expect(job).toMatchObject({ id: ids[0], pipeline: "hello", state: "pending", trigger: "push", counts: { ready: 1 } });
  expect(job.tasks).toMatchObject([{ name: "say", index: 0, state: "ready", attempt: 0 }]);
  expect((await server.peer.unary(JOBS.Get, { jobId: ids[0]!.slice(0, 11) })).id).toBe(ids[0]);

  const page = await server.peer.unary(JOBS.List, { limit: 2, pipeline: "hello" });
  expect(page.jobs.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
  const next = await server.peer.unary(JOBS.List, { limit: 2, pipeline: "hello", pageToken: page.nextPageToken });
  expect(next.jobs.map(({ id }) => id)).toEqual([ids[0]]);

  expect(await server.peer.unary(JOBS.Cancel, { jobId: ids[0]!, reason: "a test" })).toEqual({ state: "cancelled" });
  expect(await server.peer.unary(JOBS.Cancel, { jobId: ids[0]! })).toEqual({ state: "cancelled" });
  const cancelled = await server.peer.unary(JOBS.List, { states: ["cancelled"], pipeline: "hello" });
  expect(cancelled.jobs.map(({ id }) => id)).toEqual([ids[0]]);
  for (const jobId of ids) await server.peer.unary(JOBS.Cancel, { jobId });
});

test("unknown jobs, ambiguous prefixes and unknown states are refused by name", async () => {
  const first = await submit({ pipeline: hello });
  await submit({ pipeline: hello });
  expect(await refused(JOBS.Get, { jobId: "zzzz" })).toMatchObject({
    code: "not_found",
    message: expect.stringContaining('"zzzz"'),
  });
  expect(await refused(JOBS.Get, { jobId: first.slice(0, 2) })).toMatchObject({
    code: "invalid",
    message: expect.stringContaining("several"),
  });
  expect((await refused(JOBS.List, { states: ["runing"] })).message).toContain('did you mean "running"');
});

test("one idempotency key makes one job: twice at once, later, and after it has ended", async () => {
  const request: SubmitRequest = { pipeline: hello, idempotencyKey: "once" };
  const [a, b] = await Promise.all([server.peer.unary(JOBS.Submit, request), server.peer.unary(JOBS.Submit, request)]);
  expect(a.jobId).toBe(b.jobId);
  expect(a.existing).toBe(!b.existing);
  await server.peer.unary(JOBS.Cancel, { jobId: a.jobId });
  expect(await server.peer.unary(JOBS.Submit, request)).toEqual({ jobId: a.jobId, existing: true, taskInstances: 1 });
});

test("what is wrong with a pipeline comes back as issues with their paths", async () => {
  const error = await refused(JOBS.Submit, {
    pipeline: protoPipeline(
      "bad",
      { name: "a", script: "true", needs: ["b"] },
      { name: "c", script: "true", needs: ["nope"] },
    ),
  });
  expect(error.code).toBe("invalid");
  expect(error.issues.map(({ path }: Issue) => path.join("."))).toEqual(
    expect.arrayContaining([expect.stringContaining("tasks.a"), expect.stringContaining("tasks.c")]),
  );
  const param = await refused(JOBS.Submit, {
    pipeline: { ...hello, params: { seed: { numberValue: 1 } } },
    params: { sead: { numberValue: 2 } },
  });
  expect(param.issues).toMatchObject([
    { path: ["params", "sead"], message: expect.stringContaining('did you mean "seed"') },
  ]);
});

test("a spec over the limit is refused with its size and the limit, a message over the transport's likewise", async () => {
  const script = "x".repeat(99_000);
  const tasks = Array.from({ length: 130 }, (_, i) => ({ name: `t${i}`, script }));
  const error = await refused(JOBS.Submit, { pipeline: protoPipeline("large", ...tasks) });
  expect(error).toMatchObject({ code: "too_large", message: expect.stringMatching(/12\.3MiB.*at most 12MiB/) });
  const huge = Array.from({ length: 180 }, (_, i) => ({ name: `t${i}`, script }));
  expect(await refused(JOBS.Submit, { pipeline: protoPipeline("huge", ...huge) })).toMatchObject({ code: "too_large" });
  // A client without our limit: the server itself says so.
  const client = new Client(server.address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = JOBS.Submit;
  const refusal = await new Promise<{ code: number; details: string }>((resolve) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { pipeline: protoPipeline("huge", ...huge) },
      new Metadata(),
      (cause) => resolve(cause!),
    );
  });
  client.close();
  expect(refusal).toMatchObject({ code: 8, details: expect.stringContaining("larger than max") });
});

test("10,000 tasks are accepted in one call", async () => {
  const tasks = Array.from({ length: 10_000 }, (_, i) => ({ name: `t${i}`, command: ["true"] }));
  const answer = await server.peer.unary(JOBS.Submit, { pipeline: protoPipeline("many", ...tasks) });
  expect(answer.taskInstances).toBe(10_000);
  const job = await server.peer.unary(JOBS.Get, { jobId: answer.jobId });
  expect(job.tasks).toHaveLength(10_000);
  expect(job.counts).toEqual({ ready: 10_000 });
  await server.peer.unary(JOBS.Cancel, { jobId: answer.jobId });
});

test("a watch gives the whole job, then each change, until it ends", async () => {
  const spec = protoPipeline("chain", { name: "a", script: "true" }, { name: "b", script: "true", needs: ["a"] });
  const jobId = await submit({ pipeline: spec });
  const events: JobEvent__Output[] = [];
  const stream = await server.peer.serverStream(JOBS.Watch, { jobId });
  const ended = new Promise<void>((resolve, reject) => stream.on("end", resolve).on("error", reject));
  stream.on("data", (event: JobEvent__Output) => events.push(event));
  await until(() => events.length > 0, "the watch to begin");
  const node = await startNode("watched");
  for (const task of ["a", "b"]) {
    const { ref } = await until(
      () => node.assigned.find((one) => one.ref.job === jobId && one.ref.task === task),
      `${task} is assigned`,
    );
    await node.started(attemptKey(ref));
    if (task === "a") await server.peer.unary(CLUSTER.Cordon, { node: node.id });
    await node.ended(attemptKey(ref), SUCCEEDED);
    if (task === "b") continue;
    await until(
      () => events.some(({ tasks }) => tasks.some(({ name, state }) => name === "b" && state === "ready")),
      "b is ready",
    );
    await server.peer.unary(CLUSTER.Uncordon, { node: node.id });
  }
  await ended;
  expect(events[0]!.job).toMatchObject({
    pipeline: "chain",
    tasks: [
      { name: "a", state: "ready" },
      { name: "b", state: "pending" },
    ],
  });
  const seen = events.slice(1).flatMap(({ tasks }) => tasks.map(({ name, state }) => `${name} ${state}`));
  expect(seen).toEqual(expect.arrayContaining(["a assigned", "a succeeded", "b ready", "b succeeded"]));
  expect(events.at(-1)!.job).toMatchObject({ id: jobId, pipeline: "chain", state: "succeeded" });
  const again = await collect<JobEvent__Output>(await server.peer.serverStream(JOBS.Watch, { jobId }));
  expect(again).toHaveLength(1);
  expect(again[0]!.job!.tasks).toMatchObject([{ node: "watched", exitCode: 0 }, { state: "succeeded" }]);
  const lineage = await collect<LineageResponse__Output>(await server.peer.serverStream(JOBS.Lineage, { jobId }));
  expect(lineage.flatMap(({ executions }) => executions).map(({ task, state }) => `${task} ${state}`)).toEqual([
    "a succeeded",
    "b succeeded",
  ]);
});

test("a node is told what it needs, shown with what it said, cordoned, and drained with a stop order at once", async () => {
  const node = await startNode("worker-1", 2);
  expect(node.joined).toMatchObject({
    natsServers: [nats.url],
    assignConsumer: `node-${node.id}`,
    httpPort: server.httpPort,
    leaseMs: 3_000,
  });
  await until(() => node.answers.length > 0, "a heartbeat is answered");
  const { nodes: shown } = await server.peer.unary(CLUSTER.Nodes, {});
  expect(shown.find(({ id }) => id === node.id)).toMatchObject({
    name: "worker-1",
    state: "ready",
    capacity: { cpus: 2, cpuModel: "played" },
    labels: { zone: "a" },
    usage: { cpuFraction: 0.5 },
    agentVersion: "test",
  });
  const jobId = await submit({
    pipeline: protoPipeline("long", { name: "sleep", command: ["sleep", "60"], resources: { cpus: 2 } }),
  });
  const { ref } = await until(() => node.assigned.find((one) => one.ref.job === jobId), "the task is assigned");
  await node.started(attemptKey(ref));
  const waiting = await submit({
    pipeline: protoPipeline("next", { name: "sleep", command: ["true"], resources: { cpus: 2 } }),
  });
  await until(
    async () => (await server.peer.unary(CLUSTER.Queue, {})).classes.some(({ head }) => head === `${waiting}.sleep.0`),
    "it queues",
  );
  const explained = await server.peer.unary(CLUSTER.Explain, { jobId: waiting, task: "sleep", index: 0 });
  expect(explained.reasons[0]).toMatchObject({ kind: "capacity" });

  expect((await refused(CLUSTER.Cordon, { node: "worker-l" })).message).toContain('did you mean "worker-1"');
  expect(await server.peer.unary(CLUSTER.Cordon, { node: "worker-1" })).toMatchObject({ state: "cordoned" });
  expect(await server.peer.unary(CLUSTER.Drain, { node: node.id })).toMatchObject({ state: "draining" });
  const order = await until(() => node.answers.find(({ stop }) => stop.length > 0), "the stop order comes");
  expect(order).toMatchObject({ sequence: 0, stop: [{ key: attemptKey(ref), reason: "drained" }] });
  expect(await server.peer.unary(CLUSTER.Uncordon, { node: "worker-1" })).toMatchObject({ state: "ready" });
  for (const id of [jobId, waiting]) await server.peer.unary(JOBS.Cancel, { jobId: id });
});

test("a node id that is connected twice: the newer stream wins and the older is told why", async () => {
  const node = new PlayedNode(server.peer, connection, "twin");
  nodes.push(node);
  await node.join();
  await node.open();
  await until(() => node.answers.length > 0, "the first is answered");
  const answers = node.answers.length;
  const older = new Promise<unknown>((resolve) => {
    const look = setInterval(() => {
      if (!node.streamError) return;
      clearInterval(look);
      resolve(node.streamError);
    }, 5);
  });
  await node.open();
  expect(fromServiceError(await older, "")).toMatchObject({
    code: "conflict",
    message: expect.stringContaining(node.id),
  });
  node.beat();
  await until(() => node.answers.length > answers, "the newer goes on");
});

test("an unknown node is asked to join again, a wrong id is refused", async () => {
  const stranger = new PlayedNode(server.peer, connection, "stranger");
  nodes.push(stranger);
  await stranger.open();
  await until(() => stranger.answers.some(({ rejoin }) => rejoin), "it is asked to join");
  expect(await refused(AGENTS.Join, { nodeId: "a.b", name: "x" })).toMatchObject({ code: "invalid" });
});

test("a request that no node could ever satisfy is refused when nodes are known", async () => {
  await startNode("small", 2);
  const error = await refused(JOBS.Submit, {
    pipeline: protoPipeline("giant", { name: "t", script: "true", resources: { cpus: 5_000 } }),
  });
  expect(error.message).toMatch(/5,?000|cpus|CPU/);
});

test("health over HTTP names each part, and metrics are there", async () => {
  const health = await fetch(`http://127.0.0.1:${server.httpPort}/healthz`);
  expect(await health.json()).toEqual({ status: "ok", checks: { postgres: "ok", nats: "ok", artifacts: "ok" } });
  const metrics = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
  expect(metrics).toContain("weft_scheduler_leading 1");
});

test("a port that is taken is named with the flag that chooses another", async () => {
  const taken = startTestServer({ databaseUrl: database.url, natsUrl: nats.url }, { grpcPort: server.grpcPort });
  await expect(taken).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringMatching(new RegExp(`${server.grpcPort}.*--grpc-port`)),
  });
});

test("what is not HTTP/2 on the gRPC port does no harm", async () => {
  const socket = connect(server.grpcPort, "127.0.0.1");
  socket.on("error", () => undefined).resume();
  socket.write("GET / HTTP/1.1\r\n\r\n");
  await new Promise<void>((resolve) => socket.on("close", () => resolve()));
  expect((await server.peer.unary(CLUSTER.Info, {})).leader).toBe(true);
});
