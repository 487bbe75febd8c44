import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toProto } from "../../lib/core/pipeline/canonical.ts";
import { readPipeline } from "../../lib/core/pipeline/yaml.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import { fromServiceError } from "../../lib/grpc.ts";
import { connectNats } from "../../lib/nats.ts";
import { FAILED, SUCCEEDED } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { PlayedNode } from "../support/node.ts";
import { Receiver, startMailbox } from "../support/receiver.ts";
import { JOBS, startTestServer, type TestServer } from "../support/server.ts";
import { NOTIFICATIONS } from "../support/trigger.ts";
import { until } from "../support/wait.ts";

let database: TestDatabase;
let nats: TestNats;
let connection: NatsConnection;
let server: TestServer;
let node: PlayedNode;
let receiver: Receiver;
let mailbox: Awaited<ReturnType<typeof startMailbox>>;

beforeAll(async () => {
  [database, nats, receiver, mailbox] = await Promise.all([
    createDatabase(),
    startNats(),
    Receiver.start(),
    startMailbox(),
  ]);
  connection = await connectNats({ url: nats.url, name: "test" });
  server = await startTestServer(
    { databaseUrl: database.url, natsUrl: nats.url },
    {
      notify: { smtp: { url: mailbox.url, from: "weft@example.org" }, channels: { ops: receiver.url("/ops/s3cr3t") } },
    },
  );
  node = new PlayedNode(server.peer, connection, "node", 64);
  await node.start();
});
afterAll(async () => {
  node?.stop();
  await server?.stop();
  await receiver?.stop();
  await mailbox?.stop();
  await connection?.close();
  await nats?.stop();
  await database?.drop();
});

const yaml = (name: string, notify: string): string =>
  `pipeline: ${name}\nnotify: ${notify}\ntasks: { a: { run: "true" } }\n`;

function submit(text: string): Promise<{ jobId: string }> {
  const read = readPipeline(text, "weft.yaml");
  if (!read.ok) throw new Error(read.issues.map(({ message }) => message).join("\n"));
  return server.peer.unary(JOBS.Submit, { pipeline: toProto(read.spec) });
}

/** Begins a job and ends it as it is told. */
async function run(text: string, succeeds: boolean): Promise<string> {
  const { jobId } = await submit(text);
  const { ref } = await until(() => node.assigned.find((one) => one.ref.job === jobId), "it is assigned");
  await node.started(attemptKey(ref));
  await until(async () => (await server.peer.unary(JOBS.Get, { jobId })).state === "running", "it runs");
  await node.ended(attemptKey(ref), succeeds ? SUCCEEDED : FAILED);
  await until(async () => (await server.peer.unary(JOBS.Get, { jobId })).finishedAtMs > 0, "it has ended");
  return jobId;
}

const listed = async (jobId: string, state = "") =>
  (await server.peer.unary(NOTIFICATIONS.List, { jobId, state })).notifications;

test("webhooks are told of the states that they ask for, in Slack's form and in JSON", async () => {
  const jobId = await run(
    yaml(
      "told",
      `[
      { on: [started, failed], webhook: { url: "${receiver.url("/slack")}", format: slack }, text: "{{ job.pipeline }} {{ job.state }}" },
      { on: [failed], webhook: "${receiver.url("/json?token=s3cr3t")}" },
      { on: [succeeded], webhook: "${receiver.url("/never")}" },
      { on: [failed], webhook: { channel: ops } } ]`,
    ),
    false,
  );
  const own = () => receiver.received.filter(({ id }) => id.startsWith(jobId));
  await until(() => own().length === 4, "four requests");
  const of = (path: string) => own().filter((each) => each.path.startsWith(path));
  expect(of("/slack").map(({ body }) => body)).toEqual([{ text: "told started" }, { text: "told failed" }]);
  expect(of("/json")[0]!.body).toMatchObject({
    event: "failed",
    job: { id: jobId, state: "failed", reason: expect.stringContaining("a") },
  });
  expect(of("/ops")).toHaveLength(1);
  const rows = await until(async () => {
    const sent = await listed(jobId, "sent");
    return sent.length === 4 && sent;
  }, "they are sent");
  expect(JSON.stringify(rows)).not.toContain("s3cr3t");
  expect(rows.map(({ target }) => target)).toContain(`127.0.0.1:${receiver.port}`);
});

test("e-mail goes over SMTP, and one that is refused is dead and shown", async () => {
  const good = await run(
    yaml(
      "mailed",
      `{ on: succeeded, email: [ops@example.org, dev@example.org], subject: "{{ job.state }}: {{ job.pipeline }}" }`,
    ),
    true,
  );
  const mail = await until(() => mailbox.mails.find(({ source }) => source.includes(good)), "the mail");
  expect(mail.to).toEqual(["ops@example.org", "dev@example.org"]);
  expect(mail.source).toMatch(/^Subject: succeeded: mailed\r$/m);
  expect(mail.source).toMatch(/^From: weft@example.org\r$/m);
  const bad = await run(yaml("unmailed", `{ on: succeeded, email: nobody@example.org }`), true);
  const [dead] = await until(async () => {
    const rows = await listed(bad, "dead");
    return rows.length > 0 && rows;
  }, "it is dead");
  expect(dead).toMatchObject({
    kind: "email",
    target: "nobody@example.org",
    attempts: 1,
    error: expect.stringContaining("550"),
  });
});

test("a receiver that fails is tried again; one that refuses is not, until somebody asks", async () => {
  const failing = new Set(["/flaky"]);
  receiver.answer = (path) => (failing.delete(path) ? 503 : path === "/gone" ? 410 : 200);
  const jobId = await run(
    yaml(
      "flaky",
      `[{ on: failed, webhook: "${receiver.url("/flaky")}" }, { on: failed, webhook: "${receiver.url("/gone")}" }]`,
    ),
    false,
  );
  const [dead] = await until(async () => {
    const rows = await listed(jobId, "dead");
    return rows.length > 0 && rows;
  }, "it is dead");
  expect(dead).toMatchObject({ error: "the receiver answered 410", attempts: 1 });
  const sent = await until(
    async () => {
      const rows = await listed(jobId, "sent");
      return rows.length > 0 && rows;
    },
    "the second try",
    15_000,
  );
  expect(sent).toMatchObject([{ attempts: 2 }]);
  receiver.answer = () => 200;
  await server.peer.unary(NOTIFICATIONS.Retry, { id: dead!.id });
  await until(async () => (await listed(jobId, "sent")).length === 2, "it is sent after all");
  const again = server.peer
    .unary(NOTIFICATIONS.Retry, { id: dead!.id })
    .catch((cause: unknown) => fromServiceError(cause, "retry"));
  expect(await again).toMatchObject({ code: "not_found" });
});

test("what this server cannot send is refused at submit, and says what is missing", async () => {
  const refused = await submit(yaml("p", `{ on: failed, webhook: { channel: opps } }`)).catch((cause: unknown) =>
    fromServiceError(cause, "submit"),
  );
  expect(refused).toMatchObject({
    code: "failed_precondition",
    issues: [
      {
        path: ["notify", 0],
        message: 'this server knows no channel "opps" (did you mean "ops"?); it was started without WEFT_NOTIFY_OPPS',
      },
    ],
  });
});
