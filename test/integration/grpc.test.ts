import { type AddressInfo, connect, createServer, type Server as TcpServer, type Socket } from "node:net";
import { once } from "node:events";
import { status as Status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { WeftError } from "../../lib/core/error.ts";
import {
  duplexStream,
  fromServiceError,
  type GrpcServer,
  isServiceError,
  Peer,
  serverStream,
  startGrpcServer,
  unary,
} from "../../lib/grpc.ts";
import type { HeartbeatRequest__Output } from "../../proto/gen/weft/v1/HeartbeatRequest.ts";
import type { HeartbeatResponse } from "../../proto/gen/weft/v1/HeartbeatResponse.ts";
import { AGENTS, CLUSTER, JOBS } from "../support/server.ts";
import { until } from "../support/wait.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const logged: string[] = [];
const log = { error: (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`) };

interface Seen {
  beats: number;
  gone: number;
  written: number;
}

async function startServer(port = 0, options = {}): Promise<GrpcServer & { seen: Seen }> {
  const seen: Seen = { beats: 0, gone: 0, written: 0 };
  const heartbeat = duplexStream<HeartbeatRequest__Output, HeartbeatResponse>(log, async (requests, sink, context) => {
    context.signal.addEventListener("abort", () => (seen.gone += 1));
    for await (const { sequence } of requests) {
      seen.beats += 1;
      if (sequence === 99) context.fail(new WeftError("conflict", "ninety-nine"));
      await sink.write({ sequence });
    }
  });
  const logs = serverStream<object, { data: Buffer }>(log, async (_request, sink) => {
    const data = Buffer.alloc(128 * 1024);
    for (; seen.written < 1_000; seen.written += 1) await sink.write({ data });
  });
  const server = await startGrpcServer({
    host: "127.0.0.1",
    port,
    portFlag: "--port",
    options,
    services: [
      {
        name: "weft.v1.AgentService",
        definition: AGENTS,
        handlers: { Heartbeat: heartbeat, Join: unary(log, () => Promise.reject(new Error("secret detail"))) },
      },
      { name: "weft.v1.JobService", definition: JOBS, handlers: { Logs: logs } },
      {
        name: "weft.v1.ClusterService",
        definition: CLUSTER,
        handlers: {
          Info: unary(log, () => ({ version: "1" })),
          Nodes: unary(log, () => {
            const issues = Array.from({ length: 500 }, (_, i) => ({
              path: ["tasks", `t${i}`],
              message: "ä".repeat(50),
            }));
            throw new WeftError("invalid", "five hundred things", { issues });
          }),
        },
      },
    ],
  });
  closers.push(() => server.stop(100));
  return { ...server, seen };
}

function newPeer(port: number, options = {}): Peer {
  const peer = new Peer(`127.0.0.1:${port}`, options);
  closers.push(() => peer.close());
  return peer;
}

/** Accepts and never says a word. */
async function startBlackHole(): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: TcpServer = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, close };
}

test("a call to a peer that accepts and never answers ends at its deadline, and the next reaches the server that is back", async () => {
  const hole = await startBlackHole();
  const peer = newPeer(hole.port);
  const error = await peer.unary(CLUSTER.Info, {}, { deadlineMs: 300 }).catch((cause: unknown) => cause);
  expect(isServiceError(error) && error.code).toBe(Status.DEADLINE_EXCEEDED);
  expect(fromServiceError(error, "ask")).toMatchObject({ code: "unavailable" });
  await hole.close();
  await startServer(hole.port);
  // The channel that hung would fail this one too (grpc-node#2785).
  expect(await peer.unary(CLUSTER.Info, {}, { deadlineMs: 3_000 })).toMatchObject({ version: "1" });
});

test(
  "a stream to a peer that never answers is given up, though streams have no deadline",
  { timeout: 15_000 },
  async () => {
    const hole = await startBlackHole();
    closers.push(hole.close);
    const peer = newPeer(hole.port);
    await expect(peer.duplexStream(AGENTS.Heartbeat)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining(String(hole.port)),
    });
  },
);

test("a peer whose network goes silent is dropped by keepalive, on both sides", async () => {
  const keepalive = { "grpc.keepalive_time_ms": 300, "grpc.keepalive_timeout_ms": 200 };
  const server = await startServer(0, keepalive);
  // A proxy that stops passing bytes: neither side sees a FIN.
  let silent = false;
  const pipes: Socket[] = [];
  const proxy = createServer((downstream) => {
    const upstream = connect(server.port, "127.0.0.1");
    pipes.push(downstream, upstream);
    for (const [from, to] of [
      [downstream, upstream],
      [upstream, downstream],
    ] as const) {
      from.on("error", () => undefined).on("data", (bytes) => silent || to.write(bytes));
    }
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  closers.push(() => {
    for (const socket of pipes) socket.destroy();
    proxy.close();
  });
  const peer = newPeer((proxy.address() as AddressInfo).port, keepalive);
  const stream = await peer.duplexStream(AGENTS.Heartbeat);
  const failed = new Promise<unknown>((resolve) => stream.on("error", resolve));
  stream.on("data", () => undefined).write({ sequence: 1 });
  await until(() => server.seen.beats === 1, "the first beat");
  silent = true;
  expect(isServiceError(await failed)).toBe(true);
  await until(() => server.seen.gone === 1, "the server drops it too");
});

test("a slow reader slows the writer instead of filling the memory", async () => {
  const server = await startServer();
  const peer = newPeer(server.port);
  const stream = await peer.serverStream(JOBS.Logs, { jobId: "x" });
  // The reader's stop must come before its resume, however long the first message is under way.
  const paused = once(stream, "pause");
  stream.once("data", () => stream.pause());
  await paused;
  let last = -1;
  await until(() => last === (last = server.seen.written), "the writer waits", 5_000);
  // 128 MB were to come; what is under way is the windows of HTTP/2 and of the two streams.
  expect(server.seen.written).toBeLessThan(200);
  stream.resume();
  await once(stream, "end");
  expect(server.seen.written).toBe(1_000);
});

test("an unexpected error is logged once and says nothing of itself to the caller", async () => {
  const server = await startServer();
  logged.length = 0;
  const error = await newPeer(server.port)
    .unary(AGENTS.Join, {})
    .catch((cause: unknown) => cause);
  expect(isServiceError(error) && [error.code, error.details]).toEqual([
    Status.INTERNAL,
    expect.not.stringContaining("secret"),
  ]);
  expect(logged).toHaveLength(1);
});

test("issues beyond what metadata may carry are counted, and the message comes whole", async () => {
  const server = await startServer();
  const error = fromServiceError(
    await newPeer(server.port)
      .unary(CLUSTER.Nodes, {})
      .catch((cause: unknown) => cause),
    "ask",
  );
  expect(error).toMatchObject({ code: "invalid", message: "five hundred things" });
  expect(error.issues.length).toBeGreaterThan(10);
  expect(error.issues.at(-1)!.message).toMatch(/^and \d+ more/);
});

test("a stream is ended with an error while its handler waits for a request", async () => {
  const server = await startServer();
  const stream = await newPeer(server.port).duplexStream(AGENTS.Heartbeat);
  const failed = new Promise<unknown>((resolve) => stream.on("error", resolve));
  stream.on("data", () => undefined).write({ sequence: 99 });
  expect(fromServiceError(await failed, "beat")).toMatchObject({ code: "conflict", message: "ninety-nine" });
});

test("a call to a method that the server does not have names the difference of versions", async () => {
  const server = await startServer();
  const error = await newPeer(server.port)
    .unary(JOBS.Get, {})
    .catch((cause: unknown) => cause);
  expect(fromServiceError(error, "get")).toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("version"),
  });
});

test("a stop lets calls under way end, then ends the rest", async () => {
  const server = await startServer();
  const stream = await newPeer(server.port).duplexStream(AGENTS.Heartbeat);
  const failed = new Promise<unknown>((resolve) => stream.on("error", resolve));
  stream.on("data", () => undefined).write({ sequence: 1 });
  await until(() => server.seen.beats === 1, "it runs");
  await server.stop(100);
  expect(isServiceError(await failed)).toBe(true);
});
