import { randomBytes } from "node:crypto";
import type { NatsConnection } from "@nats-io/nats-core";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { STREAMS, type StreamName } from "../../lib/core/dispatch.ts";
import { WeftError } from "../../lib/core/error.ts";
import { attemptKey, type AttemptKey, type Digest } from "../../lib/core/ids.ts";
import { fromServiceError } from "../../lib/grpc.ts";
import { connectNats } from "../../lib/nats.ts";
import type { LogChunk__Output } from "../../proto/gen/weft/v1/LogChunk.ts";
import type { LogsRequest } from "../../proto/gen/weft/v1/LogsRequest.ts";
import type { TaskSpec } from "../../proto/gen/weft/v1/TaskSpec.ts";
import { FAILED, SUCCEEDED } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { PlayedNode } from "../support/node.ts";
import { collect, JOBS, protoPipeline, startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/wait.ts";

const CHUNK_BYTES = 128 * 1024;

let database: TestDatabase;
let nats: TestNats;
let connection: NatsConnection;
let server: TestServer;
let node: PlayedNode;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  connection = await connectNats({ url: nats.url, name: "test" });
  node = new PlayedNode(server.peer, connection, "logger", 100);
  await node.start();
});
afterEach(() => {
  node.assigned.length = 0;
});
afterAll(async () => {
  node?.stop();
  await connection?.close();
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

/** Submits, and gives the keys of the first attempts of these tasks once they have started. */
async function begin(...tasks: TaskSpec[]): Promise<{ jobId: string; keys: AttemptKey[] }> {
  const { jobId } = await server.peer.unary(JOBS.Submit, { pipeline: protoPipeline("logging", ...tasks) });
  const keys = await Promise.all(tasks.map(({ name }) => begun(jobId, name!, 1)));
  return { jobId, keys };
}

async function begun(jobId: string, task: string, attempt: number): Promise<AttemptKey> {
  const { ref } = await until(
    () => node.assigned.find(({ ref }) => ref.job === jobId && ref.task === task && ref.attempt === attempt),
    `${task} attempt ${attempt} is assigned`,
  );
  await node.started(attemptKey(ref));
  return attemptKey(ref);
}

async function end(key: AttemptKey, stdout: number, stderr = 0, outcome = SUCCEEDED): Promise<void> {
  await node.ended(key, outcome, { logBytes: { stdout, stderr } });
}

async function archive(key: AttemptKey, bytes: Uint8Array): Promise<void> {
  const { createHash } = await import("node:crypto");
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
  const put = await fetch(`http://127.0.0.1:${server.httpPort}/v1/artifacts/${digest}`, {
    method: "PUT",
    body: Buffer.from(bytes),
  });
  expect(put.ok).toBe(true);
  await node.report({ kind: "archived", key, stdout: digest, stderr: null });
}

async function ended(jobId: string): Promise<void> {
  await until(async () => (await server.peer.unary(JOBS.Get, { jobId })).finishedAtMs > 0, "the job ends");
}

async function read(request: LogsRequest): Promise<LogChunk__Output[]> {
  return collect<LogChunk__Output>(await server.peer.serverStream(JOBS.Logs, request));
}

function text(chunks: readonly LogChunk__Output[], stream: StreamName = "stdout", task?: string): string {
  return bytes(chunks, stream, task).toString();
}

function bytes(chunks: readonly LogChunk__Output[], stream: StreamName = "stdout", task?: string): Buffer {
  const own = chunks.filter((chunk) => chunk.stream === stream && (task === undefined || chunk.task === task));
  let next = 0;
  for (const chunk of own) {
    expect(chunk.offset - chunk.missingBytes).toBe(next);
    next = chunk.offset + chunk.data.length;
  }
  return Buffer.concat(own.map(({ data }) => data));
}

test("a log is followed from its first byte to its last, whatever came twice or in the wrong order", async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const [key] = keys as [AttemptKey];
  await node.log(key, "stdout", 0, "one\n");
  const following = read({ jobId, follow: true });
  await node.log(key, "stdout", 8, "three\n");
  await node.log(key, "stdout", 4, "two\n");
  await node.log(key, "stderr", 0, "oops\n");
  await end(key, 14, 5);
  const chunks = await following;
  expect(text(chunks)).toBe("one\ntwo\nthree\n");
  expect(text(chunks, "stderr")).toBe("oops\n");
  expect(text(await read({ jobId, task: "a" }))).toBe("one\ntwo\nthree\n");
});

test("a line reaches a follower within 100 ms", async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const [key] = keys as [AttemptKey];
  const stream = await server.peer.serverStream(JOBS.Logs, { jobId, follow: true });
  const arrivals: number[] = [];
  stream.on("data", () => arrivals.push(performance.now()));
  stream.on("error", () => undefined);
  const waits: number[] = [];
  for (let i = 0; i < 50; i += 1) {
    const sentMs = performance.now();
    await node.log(key, "stdout", i * 5, "line\n");
    await until(() => arrivals.length === i + 1, "the line arrives");
    waits.push(arrivals[i]! - sentMs);
  }
  stream.cancel();
  await end(key, 250);
  const median = waits.toSorted((a, b) => a - b)[25]!;
  console.info(`log line, NATS to client: p50 ${median.toFixed(1)} ms`);
  expect(median).toBeLessThan(100);
});

test("without follow a running task's log ends where it is now, and a waiting task has none", async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const [key] = keys as [AttemptKey];
  expect(await read({ jobId })).toEqual([]);
  await node.log(key, "stdout", 0, "so far\n");
  expect(text(await read({ jobId }))).toBe("so far\n");
  await end(key, 7);
});

test("attempts that begin later are picked up, and what the old one still says is not lost", async () => {
  const { jobId, keys } = await begin(
    { name: "a", script: "true", retries: { limit: 1, backoffMs: 1 } },
    { name: "b", script: "true" },
  );
  const [first, b] = keys as [AttemptKey, AttemptKey];
  const following = read({ jobId, follow: true });
  await node.log(first, "stdout", 0, "first ");
  await end(first, 10, 0, FAILED);
  const second = await begun(jobId, "a", 2);
  await node.log(second, "stdout", 0, "second");
  await node.log(first, "stdout", 6, "late");
  await node.log(b, "stdout", 0, "b");
  await end(second, 6);
  await end(b, 1);
  const chunks = await following;
  const of = (attempt: number): string =>
    text(chunks.filter((chunk) => chunk.task === "a" && chunk.attempt === attempt));
  expect([of(1), of(2), text(chunks, "stdout", "b")]).toEqual(["first late", "second", "b"]);
  expect(text(await read({ jobId, task: "a" }))).toBe("second");
  expect(text(await read({ jobId, task: "a", attempt: 1 }))).toBe("first late");
});

test("bytes come through as they are", async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const [key] = keys as [AttemptKey];
  const data = randomBytes(300_000);
  for (let at = 0; at < data.length; at += CHUNK_BYTES)
    await node.log(key, "stdout", at, data.subarray(at, at + CHUNK_BYTES));
  await end(key, data.length);
  expect(bytes(await read({ jobId, follow: true })).equals(data)).toBe(true);
  await archive(key, data);
  await ended(jobId);
  expect(bytes(await read({ jobId })).equals(data)).toBe(true);
});

test("an archived log is whole though the stream has none of it, and fills the gap of one that is followed", async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const [key] = keys as [AttemptKey];
  const following = read({ jobId, follow: true });
  await node.log(key, "stdout", 0, "begin ");
  await node.log(key, "stdout", 13, " end");
  await end(key, 17);
  await archive(key, Buffer.from("begin missing end"));
  expect(text(await following)).toBe("begin missing end");
  expect((await following).every(({ missingBytes }) => missingBytes === 0)).toBe(true);
  const manager = await jetstreamManager(connection);
  await manager.streams.purge(STREAMS.log, { filter: `weft.log.${jobId}.>` });
  expect(text(await read({ jobId }))).toBe("begin missing end");
});

test("bytes that are gone for good are marked, in the middle and at the end", { timeout: 40_000 }, async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const [key] = keys as [AttemptKey];
  await node.log(key, "stdout", 10, "middle");
  await end(key, 20);
  await ended(jobId);
  const chunks = await read({ jobId, follow: true });
  expect(chunks.map(({ offset, data, missingBytes }) => [offset, data.toString(), missingBytes])).toEqual([
    [10, "middle", 10],
    [20, "", 4],
  ]);
});

test("200 MB stream through in bounded memory", { timeout: 120_000 }, async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const [key] = keys as [AttemptKey];
  const data = randomBytes(CHUNK_BYTES);
  const count = 1_600;
  const total = count * data.length;
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, j) => node.log(key, "stdout", (i + j) * data.length, data)));
  }
  await end(key, total);
  await ended(jobId);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let received = 0;
  let peak = 0;
  const startedMs = performance.now();
  for await (const chunk of (await server.peer.serverStream(JOBS.Logs, { jobId })) as AsyncIterable<LogChunk__Output>) {
    expect(chunk.offset).toBe(received);
    received += chunk.data.length;
    if (received % (50 * data.length) !== 0) continue;
    peak = Math.max(peak, process.memoryUsage.rss() - before);
    // A reader that is slower than the stream.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  console.info(
    `200 MB log: ${((performance.now() - startedMs) / 1000).toFixed(1)} s, rss grew by ${(peak / 2 ** 20).toFixed(0)} MiB`,
  );
  expect(received).toBe(total);
  expect(peak).toBeLessThan(120 * 2 ** 20);
});

test("a follower that leaves takes its consumer with it", async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const manager = await jetstreamManager(connection);
  const consumers = async (): Promise<number> => (await manager.streams.info(STREAMS.log)).state.consumer_count;
  const before = await consumers();
  const stream = await server.peer.serverStream(JOBS.Logs, { jobId, follow: true });
  stream.on("error", () => undefined).resume();
  await until(async () => (await consumers()) === before + 1, "it follows");
  stream.cancel();
  await until(async () => (await consumers()) === before, "the consumer is gone");
  await end(keys[0]!, 0);
});

test("a follower goes on after NATS was killed and came back", { timeout: 60_000 }, async () => {
  const { jobId, keys } = await begin({ name: "a", script: "true" });
  const [key] = keys as [AttemptKey];
  const following = read({ jobId, follow: true });
  await node.log(key, "stdout", 0, "before ");
  await nats.kill();
  await nats.restart();
  await until(async () => node.log(key, "stdout", 7, "after").then(() => true), "NATS takes it", 20_000);
  await until(async () => end(key, 12).then(() => true), "the end is reported", 20_000);
  expect(text(await following)).toBe("before after");
});

test("tasks, instances and attempts that are not there are named", async () => {
  const { jobId, keys } = await begin({ name: "train", script: "true" });
  const refused = async (request: LogsRequest): Promise<string> => {
    const error = await read(request).catch((cause: unknown) => fromServiceError(cause, "logs"));
    expect(error).toBeInstanceOf(WeftError);
    return (error as WeftError).message;
  };
  expect(await refused({ jobId, task: "trian" })).toContain('did you mean "train"');
  expect(await refused({ jobId, task: "train", index: 3 })).toContain("one instance, 0");
  expect(await refused({ jobId, task: "train", attempt: 7 })).toContain("attempts 1 to 1");
  expect(await refused({ jobId, index: 3 })).toContain("which task");
  await end(keys[0]!, 0);
});
