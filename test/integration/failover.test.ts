import type { NatsConnection } from "@nats-io/nats-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { attemptKey } from "../../lib/core/ids.ts";
import { fromServiceError } from "../../lib/grpc.ts";
import { connectNats } from "../../lib/nats.ts";
import type { JobEvent__Output } from "../../proto/gen/weft/v1/JobEvent.ts";
import { SUCCEEDED } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { PlayedNode } from "../support/node.ts";
import { CLUSTER, collect, JOBS, protoPipeline, startTestServer, type TestServer } from "../support/server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/wait.ts";

let database: TestDatabase;
let nats: TestNats;
let connection: NatsConnection;
/** Stands between the first server and Postgres. */
let cable: TcpProxy;
let first: TestServer;
let second: TestServer;

beforeEach(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  connection = await connectNats({ url: nats.url, name: "test" });
  const url = new URL(database.url);
  cable = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.host = `127.0.0.1:${cable.port}`;
  first = await startTestServer({ databaseUrl: url.href, natsUrl: nats.url });
  second = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
});
afterEach(async () => {
  cable.mend();
  await second?.stop();
  await first?.stop();
  await cable?.close();
  await connection?.close();
  await nats?.stop();
  await database?.drop();
});

const hello = protoPipeline("hello", { name: "say", script: "echo hello" });

test("a follower passes on what needs the leader: submit, watch, heartbeats, errors with their issues", async () => {
  // On a machine that stood still for a while the lead has changed hands.
  const firstLeads = (await first.peer.unary(CLUSTER.Info, {})).leader;
  const [leader, follower] = firstLeads ? [first, second] : [second, first];
  expect(await follower.peer.unary(CLUSTER.Info, {})).toMatchObject({ leader: false, leaderAddress: leader.address });
  expect(await leader.peer.unary(CLUSTER.Info, {})).toMatchObject({ leader: true, leaderAddress: leader.address });
  const { jobId } = await follower.peer.unary(JOBS.Submit, { pipeline: hello, idempotencyKey: "k" });
  expect(await leader.peer.unary(JOBS.Submit, { pipeline: hello, idempotencyKey: "k" })).toMatchObject({
    jobId,
    existing: true,
  });
  const events = follower.peer.serverStream(JOBS.Watch, { jobId }).then((stream) => collect<JobEvent__Output>(stream));
  const node = new PlayedNode(follower.peer, connection, "through-follower");
  await node.start();
  const { ref } = await until(() => node.assigned.find((one) => one.ref.job === jobId), "it is assigned");
  await until(() => node.answers.length > 1, "heartbeats are answered");
  const shown = (await follower.peer.unary(CLUSTER.Nodes, {})).nodes;
  expect(shown).toMatchObject([{ name: "through-follower", capacity: { cpuModel: "played" } }]);
  await node.ended(attemptKey(ref), SUCCEEDED);
  expect((await events).at(-1)!.job!.state).toBe("succeeded");
  const error = await follower.peer
    .unary(JOBS.Submit, { pipeline: { name: "bad" } })
    .catch((cause: unknown) => fromServiceError(cause, "submit"));
  expect(error).toMatchObject({ code: "invalid", issues: [{ path: ["tasks"] }] });
  node.stop();
});

test(
  "a leader that loses Postgres loses the lead; its job goes on under the other, and it follows when it is back",
  { timeout: 60_000 },
  async () => {
    const { jobId } = await second.peer.unary(JOBS.Submit, { pipeline: hello });
    const watch = await first.peer.serverStream(JOBS.Watch, { jobId });
    const watchEnded = new Promise<unknown>((resolve) => watch.on("error", resolve).on("end", resolve));
    watch.resume();
    const node = new PlayedNode(second.peer, connection, "worker");
    await node.start();
    const { ref } = await until(() => node.assigned.find((one) => one.ref.job === jobId), "it is assigned");
    await node.started(attemptKey(ref));
    const term = first.role().term;

    cable.silence();
    await until(() => second.role().kind === "leader", "the other takes over", 20_000);
    expect(second.role().term).toBeGreaterThan(term);
    // The node's stream went through the follower to the old leader; it opens another.
    await until(async () => {
      if (!node.streamError) node.beat();
      return second.peer.unary(CLUSTER.Nodes, {}).then(({ nodes }) => nodes.length === 1);
    }, "the new leader knows the node");
    await node.open();
    const answers = node.answers.length;
    await until(() => node.answers.length > answers, "the new leader answers it");
    await node.ended(attemptKey(ref), SUCCEEDED);
    await until(async () => (await second.peer.unary(JOBS.Get, { jobId })).state === "succeeded", "the job ends");
    expect(node.assigned).toHaveLength(1);

    cable.mend();
    await until(
      () => {
        const role = first.role();
        return role.kind === "follower" && role.address === second.address;
      },
      "the old leader follows",
      50_000,
    );
    expect(await watchEnded).toBeDefined();
    expect((await first.peer.unary(JOBS.Submit, { pipeline: hello })).existing).toBe(false);
    node.stop();
  },
);

test("a leader that stops in order hands over at once", async () => {
  const startedMs = performance.now();
  await first.stop();
  await until(() => second.role().kind === "leader", "the other leads");
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect((await second.peer.unary(JOBS.Submit, { pipeline: hello })).taskInstances).toBe(1);
});

test(
  "an outage of Postgres and NATS is waited out: what was submitted is run after it",
  { timeout: 60_000 },
  async () => {
    await second.stop();
    const node = new PlayedNode(first.peer, connection, "patient");
    await node.start();
    cable.cut();
    await nats.kill();
    const submitted = first.peer
      .unary(JOBS.Submit, { pipeline: hello, idempotencyKey: "during" }, { deadlineMs: 40_000 })
      .catch((cause: unknown) => fromServiceError(cause, "submit"));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    cable.mend();
    await nats.restart();
    await submitted;
    // Told to try again or accepted: the key makes both right.
    const { jobId } = await until(
      () => first.peer.unary(JOBS.Submit, { pipeline: hello, idempotencyKey: "during" }),
      "it is accepted",
      20_000,
    );
    const { ref } = await until(() => node.assigned.find((one) => one.ref.job === jobId), "it is assigned", 20_000);
    await until(() => node.ended(attemptKey(ref), SUCCEEDED).then(() => true), "it is reported", 20_000);
    await until(
      async () => (await first.peer.unary(JOBS.Get, { jobId })).state === "succeeded",
      "the job ends",
      20_000,
    );
    node.stop();
  },
);
