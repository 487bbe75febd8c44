import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import {
  AckPolicy,
  jetstream,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { freePort } from "../../cli/local/port.ts";
import {
  assignConsumer,
  type AssignMessage,
  assignSubject,
  type Assignment,
  reportSubject,
  type ReportMessage,
  STREAMS,
} from "../../lib/core/dispatch.ts";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import { silentLog } from "../../lib/log.ts";
import { connectNats, ensureStream, natsAddress } from "../../lib/nats.ts";
import { Bus } from "../../scheduler/bus.ts";
import type { Batch } from "../../scheduler/core/index.ts";
import { NodeQueues } from "../../scheduler/node-queues.ts";
import type { Intake } from "../../scheduler/intake.ts";
import type { Postman } from "../../scheduler/postman.ts";
import { batchOf } from "../support/build.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { until } from "../support/wait.ts";

const N1 = "n1" as NodeId;
const log = silentLog();

let server: TestNats;
let nats: NatsConnection;
let bus: Bus;
const opened: (Intake | Postman)[] = [];

beforeEach(async () => {
  server = await startNats();
  nats = await connectNats({ url: server.url, name: "test" });
  bus = await Bus.open(nats, log);
});
afterEach(async () => {
  for (const part of opened.splice(0)) await part.stop();
  await nats.close();
  await server.stop();
});

function assignment(job: string, index: number, attempt = 1, script = "true"): Assignment {
  return {
    ref: { job: job as JobId, task: "t", index, attempt },
    pipeline: "p",
    run: { kind: "script", script },
    env: {},
    code: null,
    files: [],
    inputs: [],
    outputs: [],
    resources: { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
    gpuUuids: [],
    gpuMemoryBytes: 0,
    gang: null,
    checkpoint: null,
    timeoutMs: 0,
    stopGraceMs: 0,
    priority: 0,
    environment: { kind: "none" },
  };
}

function batch(assignments: readonly Assignment[], tasks: Batch["tasks"] = []): Batch {
  return batchOf({ tasks, assign: assignments.map((one) => ({ node: N1, assignment: one })) });
}

function openPostman(tooLarge: (bytes: number) => void = () => undefined): Postman {
  const postman = bus.openPostman(7, (_node, _ref, bytes) => tooLarge(bytes));
  opened.push(postman);
  return postman;
}

async function fetchAssignments(): Promise<AssignMessage[]> {
  const consumer = await jetstream(nats).consumers.get(STREAMS.assign, assignConsumer(N1));
  const { num_pending: pending } = await consumer.info();
  const messages: AssignMessage[] = [];
  if (pending === 0) return messages;
  for await (const message of await consumer.fetch({ max_messages: pending, expires: 5_000 })) {
    messages.push(message.json<AssignMessage>());
    await message.ackAck();
  }
  return messages;
}

const keys = (messages: readonly AssignMessage[]): string[] =>
  messages.flatMap(({ assignments }) => assignments.map(({ ref }) => `${ref.job}.${ref.index}.${ref.attempt}`));

test("assignments of one batch travel together, once, with the term", async () => {
  await bus.ensureNode(N1);
  const postman = openPostman();
  const hundred = Array.from({ length: 100 }, (_, index) => assignment("a", index));
  postman.post(batch(hundred));
  await postman.flushed();
  postman.post(batch(hundred));
  await postman.flushed();
  const messages = await fetchAssignments();
  expect(messages.map(({ term, assignments }) => [term, assignments.length])).toEqual([
    [7, 64],
    [7, 36],
  ]);
});

test("a large assignment travels alone, and one that NATS never takes is told", async () => {
  await bus.ensureNode(N1);
  const told: number[] = [];
  const postman = openPostman((bytes) => told.push(bytes));
  const limit = nats.info!.max_payload;
  postman.post(
    batch([assignment("a", 0, 1, "x".repeat(300_000)), assignment("a", 1), assignment("a", 2, 1, "x".repeat(limit))]),
  );
  await postman.flushed();
  expect(keys(await fetchAssignments()).toSorted()).toEqual(["a.0.1", "a.1.1"]);
  expect(told).toHaveLength(1);
  expect(told[0]).toBeGreaterThan(limit);
  expect(postman.unsent).toBe(0);
});

test("what is assigned while NATS is away is published when it is back, but for what was superseded meanwhile", async () => {
  await bus.ensureNode(N1);
  const postman = openPostman();
  await server.kill();
  postman.post(batch([assignment("a", 0)]));
  postman.post(batch([assignment("b", 0)]));
  const superseded = {
    job: "b" as JobId,
    task: "t",
    index: 0,
    attempt: 2,
    state: "assigned",
  } as Batch["tasks"][number];
  postman.post(batch([assignment("b", 0, 2)], [superseded]));
  await server.restart();
  await postman.flushed();
  const got = keys(await fetchAssignments());
  // The first publish may have been on its way when NATS went; but nothing is missing, and the newest is there.
  expect(got).toContain("a.0.1");
  expect(got).toContain("b.0.2");
});

const report = (attempt: number): ReportMessage => ({
  node: N1,
  reports: [{ kind: "unknown", key: `a.t.0.${attempt}` as never }],
});

async function send(message: ReportMessage): Promise<void> {
  await jetstream(nats).publish(reportSubject(message.node), JSON.stringify(message));
}

async function reportsLeft(): Promise<number> {
  const info = await (await jetstreamManager(nats)).streams.info(STREAMS.report);
  return info.state.messages;
}

function consume(handle: (message: ReportMessage) => Promise<void>, onMalformed: () => void = () => undefined): Intake {
  const intake = bus.consumeReports(handle, onMalformed);
  opened.push(intake);
  return intake;
}

test("a report is acknowledged only when it is committed, and given back when reading stops", async () => {
  const taken: ReportMessage[] = [];
  let commit = (): void => undefined;
  const intake = consume((message) => {
    taken.push(message);
    return new Promise((resolve) => (commit = resolve));
  });
  await send(report(1));
  await until(() => taken.length === 1, "the report is read");
  expect(await reportsLeft()).toBe(1);
  commit();
  await until(async () => (await reportsLeft()) === 0, "the report is acknowledged");
  await send(report(2));
  await until(() => taken.length === 2, "the second report is read");
  await intake.stop();
  const again: ReportMessage[] = [];
  consume(async (message) => void again.push(message));
  await until(async () => (await reportsLeft()) === 0, "the next reader has taken it");
  expect(again).toEqual([report(2)]);
});

test("a report whose commit failed comes again", async () => {
  let tries = 0;
  consume(async () => {
    tries += 1;
    if (tries === 1) throw new Error("not now");
  });
  await send(report(1));
  await until(async () => (await reportsLeft()) === 0, "the report is acknowledged");
  expect(tries).toBe(2);
});

test("what is no report, or speaks for another node, is dropped and counted", async () => {
  let malformed = 0;
  const taken: ReportMessage[] = [];
  consume(
    async (message) => void taken.push(message),
    () => (malformed += 1),
  );
  const publish = (data: string): Promise<unknown> => jetstream(nats).publish(reportSubject(N1), data);
  await publish("not json");
  await publish(JSON.stringify({ node: N1, reports: [{ kind: "ended", key: "a.t.0.1" }] }));
  await publish(JSON.stringify({ ...report(1), node: "n2" }));
  await send(report(1));
  await until(async () => (await reportsLeft()) === 0, "all are settled");
  expect(malformed).toBe(3);
  expect(taken).toEqual([report(1)]);
});

test("reports are not lost when nats-server is killed", async () => {
  const taken = new Set<string>();
  consume(async (message) => void taken.add(message.reports[0]!.key));
  const sent = Array.from({ length: 50 }, (_, index) => report(index + 1));
  for (const [index, message] of sent.entries()) {
    if (index === 25) {
      await server.kill();
      await server.restart();
    }
    await until(() => send(message).then(() => true), "the report is stored");
  }
  await until(() => taken.size === 50, "all reports are read");
});

test("when NATS has lost its store, streams, queues and the reading of reports come back by themselves", async () => {
  await bus.ensureNode(N1);
  const taken: ReportMessage[] = [];
  consume(async (message) => void taken.push(message));
  await send(report(1));
  await until(() => taken.length === 1, "the first report is read");
  await server.kill();
  rmSync(server.storeDir, { recursive: true });
  await server.restart();
  await until(() => send(report(2)).then(() => true), "a report is stored");
  await until(() => taken.length === 2, "the report is read");
  const postman = openPostman();
  postman.post(batch([assignment("a", 0)]));
  await postman.flushed();
  expect(keys(await until(fetchAssignments, "the node's queue"))).toEqual(["a.0.1"]);
});

test("a consumer that somebody deleted is made again", async () => {
  const taken: ReportMessage[] = [];
  consume(async (message) => void taken.push(message));
  await send(report(1));
  await until(() => taken.length === 1, "the first report is read");
  await (await jetstreamManager(nats)).consumers.delete(STREAMS.report, "scheduler");
  await send(report(2));
  await until(() => taken.length === 2, "the report is read");
});

test("a lost node finds nothing of what was given to others", async () => {
  await bus.ensureNode(N1);
  const postman = openPostman();
  postman.post(batch([assignment("a", 0)]));
  await postman.flushed();
  await bus.forgetAssignments(N1);
  expect(await fetchAssignments()).toEqual([]);
});

test("a stream that cannot be what is wanted names the field, what it is and what it should be", async () => {
  const jsm = await jetstreamManager(nats);
  await jsm.streams.delete(STREAMS.log);
  await jsm.streams.add({ name: STREAMS.log, subjects: ["weft.log.>"], storage: StorageType.Memory });
  await expect(Bus.open(nats, log)).rejects.toThrow(
    /stream WEFT_LOG is not as Weft needs it: .*storage is "memory", not "file"/,
  );
  await jsm.streams.delete(STREAMS.log);
  await jsm.streams.add({ name: STREAMS.log, subjects: ["weft.log.>"], max_bytes: 5 });
  await Bus.open(nats, log);
  expect((await jsm.streams.info(STREAMS.log)).config.max_bytes).toBe(2 ** 31);
});

test("a NATS without JetStream is told apart, with the remedy", async () => {
  const port = await freePort();
  const bare = spawn(inject("natsBinary"), ["-a", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  const gone = new Promise((resolve) => bare.once("exit", resolve));
  const connection = await connectNats({ url: `nats://127.0.0.1:${port}`, name: "test" });
  await expect(Bus.open(connection, log, { patienceMs: 0 })).rejects.toThrow(
    /JetStream does not: start nats-server with -js/,
  );
  await connection.close();
  bare.kill();
  await gone;
});

test("a field that the server silently ignores is noticed", async () => {
  const jsm = await jetstreamManager(nats);
  const wanted = { name: "X", subjects: ["x"], retention: RetentionPolicy.Limits, of_the_future: true };
  await expect(ensureStream(jsm, wanted)).rejects.toThrow(/of_the_future|unknown field/);
});

test("a consumer made with other settings is changed to the wanted ones", async () => {
  const jsm = await jetstreamManager(nats);
  await jsm.consumers.add(STREAMS.assign, {
    durable_name: assignConsumer(N1),
    filter_subject: assignSubject(N1),
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 1,
  });
  await bus.ensureNode(N1);
  expect((await jsm.consumers.info(STREAMS.assign, assignConsumer(N1))).config.max_ack_pending).toBe(256);
});

test("hundreds of nodes that join together each find their queue, also one that was there with other settings", async () => {
  const jsm = await jetstreamManager(nats);
  const nodes = Array.from({ length: 200 }, (_, index) => `many-${index}` as NodeId);
  const other = nodes[150]!;
  await jsm.consumers.add(STREAMS.assign, {
    durable_name: assignConsumer(other),
    filter_subject: assignSubject(other),
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 1,
  });
  const queues = new NodeQueues(jsm);
  await Promise.all(nodes.map((node) => queues.ensure(node)));
  const madeAt = await queuesMadeAt(jsm, nodes);
  expect((await jsm.consumers.info(STREAMS.assign, assignConsumer(other))).config.max_ack_pending).toBe(256);
  await jsm.consumers.delete(STREAMS.assign, assignConsumer(nodes[7]!));
  queues.forget();
  await Promise.all(nodes.map((node) => queues.ensure(node)));
  const madeAgain = await queuesMadeAt(jsm, nodes);
  expect(nodes.filter((node) => madeAgain.get(node) !== madeAt.get(node))).toEqual([nodes[7]]);
});

async function queuesMadeAt(jsm: JetStreamManager, nodes: readonly NodeId[]): Promise<Map<NodeId, string>> {
  const infos = nodes.map(async (node) => {
    const { created } = await jsm.consumers.info(STREAMS.assign, assignConsumer(node));
    return [node, created] as const;
  });
  return new Map(await Promise.all(infos));
}

test("a queue that NATS lost while nobody led is made again by the next leader", async () => {
  const jsm = await jetstreamManager(nats);
  await bus.ensureNode(N1);
  await jsm.consumers.delete(STREAMS.assign, assignConsumer(N1));
  const next = await Bus.open(nats, log);
  next.adoptNodes([N1]);
  const info = await until(
    () => jsm.consumers.info(STREAMS.assign, assignConsumer(N1)).catch(() => undefined),
    "the queue is there",
  );
  expect(info.config.filter_subject).toBe(assignSubject(N1));
});

test("user, password and token are read from the URL, and several servers are taken", () => {
  expect(natsAddress("nats://me:s%40crt@one:1, two")).toEqual({
    servers: ["nats://one:1", "nats://two:4222"],
    user: "me",
    pass: "s@crt",
  });
  expect(natsAddress("nats://token@one")).toEqual({ servers: ["nats://one:4222"], token: "token" });
  expect(() => natsAddress("http://me:secret@x")).toThrow(/must look like nats:/);
});
