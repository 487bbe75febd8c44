import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { toProto } from "../../lib/core/pipeline/canonical.ts";
import { readPipeline } from "../../lib/core/pipeline/yaml.ts";
import { Peer } from "../../lib/grpc.ts";
import { type Bare, type ServerPart, startBare, startServer } from "../support/parts.ts";
import { Receiver } from "../support/receiver.ts";
import { JOBS } from "../support/server.ts";
import { apply, jobsOf, NOTIFICATIONS, post, signed, TRIGGERS } from "../support/trigger.ts";
import { until } from "../support/wait.ts";

let bare: Bare;
let servers: ServerPart[];
let peers: Peer[];

beforeEach(async () => {
  [servers, peers] = [[], []];
  bare = await startBare();
});
afterEach(async () => {
  for (const peer of peers) peer.close();
  for (const server of servers) await server.stop().catch(() => undefined);
  await bare.stop();
});

async function start(): Promise<{ server: ServerPart; peer: Peer }> {
  const { folder, databaseUrl, nats } = bare;
  const server = await startServer({ home: join(folder, `server-${servers.length}`), databaseUrl, natsUrl: nats.url });
  servers.push(server);
  const peer = new Peer(server.grpc);
  peers.push(peer);
  return { server, peer };
}

const pipeline = (name: string, on: string): string => `pipeline: ${name}\n${on}\ntasks: { a: { run: "true" } }\n`;

test(
  "servers that are killed at their ticks, one after the other, fire each tick once and leave none out",
  { timeout: 120_000 },
  async () => {
    const first = await start();
    await apply(
      first.peer,
      pipeline("ticking", `on: { schedule: { cron: "* * * * * *", missed: all, missedMax: 1000 } }`),
    );
    for (let kills = 0; kills < 2; kills += 1) {
      const { server, peer } = kills === 0 ? first : await start();
      const before = (await jobsOf(peer, "ticking")).length;
      await until(async () => (await jobsOf(peer, "ticking")).length > before, "it fires");
      // At a tick, as near as a test can get: some kills come before the event is written, some before the job is submitted, some after.
      const toTickMs = 1000 - (Date.now() % 1000);
      await new Promise((resolve) => setTimeout(resolve, toTickMs + kills * 4));
      await server.kill();
    }
    const { peer } = await start();
    const count = (await jobsOf(peer, "ticking")).length;
    await until(async () => (await jobsOf(peer, "ticking")).length > count + 1, "it goes on");
    await peer.unary(TRIGGERS.Pause, { name: "ticking.schedule" });
    const ticks = (await jobsOf(peer, "ticking")).map(({ triggeredBy }) => triggeredBy!.atMs).toSorted((a, b) => a - b);
    expect(ticks).toEqual(ticks.map((_, i) => ticks[0]! + i * 1000));
  },
);

test("a webhook that was answered becomes a job though the server is killed at once", { timeout: 60_000 }, async () => {
  const { server, peer } = await start();
  const { triggers } = await apply(peer, pipeline("answered", "on: { webhook: standard }"));
  const { hook, secret } = triggers[0]!;
  const port = Number(server.http.split(":")[1]);
  const sent = await Promise.all(
    Array.from({ length: 20 }, (_, i) => post(port, hook, "{}", signed(secret, `m${i}`, "{}"))),
  );
  await server.kill();
  expect(sent.every(({ status }) => status === 202)).toBe(true);
  const next = await start();
  const jobs = await until(
    async () => {
      const found = await jobsOf(next.peer, "answered");
      return found.length >= 20 && found;
    },
    "all of them",
    20_000,
  );
  expect(new Set(jobs.map(({ id }) => id))).toEqual(new Set(sent.map(({ body }) => body.job)));
});

test(
  "a notification that was under way when the server was killed is sent by the next",
  { timeout: 60_000 },
  async () => {
    const receiver = await Receiver.start();
    try {
      receiver.answer = () => "hang";
      const { server, peer } = await start();
      const read = readPipeline(
        pipeline("told", `notify: { on: cancelled, webhook: "${receiver.url("/hook")}" }`),
        "weft.yaml",
      );
      if (!read.ok) throw new Error(read.issues[0]!.message);
      const { jobId } = await peer.unary(JOBS.Submit, { pipeline: toProto(read.spec) });
      await peer.unary(JOBS.Cancel, { jobId });
      await until(() => receiver.received.length === 1, "the first try");
      await server.kill();
      receiver.answer = () => 200;
      const next = await start();
      await until(() => receiver.received.length === 2, "the second try", 20_000);
      expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(1);
      const rows = await until(async () => {
        const { notifications } = await next.peer.unary(NOTIFICATIONS.List, { jobId, state: "sent" });
        return notifications.length > 0 && notifications;
      }, "it is known to be sent");
      expect(rows).toMatchObject([{ attempts: 2 }]);
      expect(servers.map((each) => each.said()).join("")).not.toContain(`${receiver.port}/hook`);
    } finally {
      await receiver.stop();
    }
  },
);
