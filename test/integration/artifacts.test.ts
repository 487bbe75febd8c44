import { randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { mkdir, open, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import { Registry } from "prom-client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createArtifactClient, fetchInto, putTree, type ArtifactClient } from "../../lib/artifacts.ts";
import { openStore } from "../../lib/cas.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { digestBytes } from "../../lib/digest.ts";
import { closeHttp, createHttpApp, listenHttp, registerHealth, registerMetrics } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import { packFolder } from "../../lib/tree.ts";
import {
  artifactRoutes,
  type ArtifactStore,
  type FolderArtifactStore,
  openArtifactStore,
} from "../../services/artifacts/index.ts";

const bytes = randomBytes(5_000_000);
const digest = digestBytes(bytes);

let folder: string;
let store: FolderArtifactStore;
let app: FastifyInstance;
let url: string;
let client: ArtifactClient;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-artifacts-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  store = await openArtifactStore(folder);
  app = await serve(store);
  url = `http://127.0.0.1:${portOf(app)}`;
  client = clientOf(url);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function serve(from: ArtifactStore, port = 0): Promise<FastifyInstance> {
  const served = createHttpApp({ logger: silentLog() });
  await served.register(artifactRoutes(from));
  await listenHttp(served, { host: "127.0.0.1", port });
  cleanups.push(() => closeHttp(served, 0));
  return served;
}

function portOf(served: FastifyInstance): number {
  return (served.server.address() as { port: number }).port;
}

function clientOf(baseUrl: string, retryMs = 5_000): ArtifactClient {
  const made = createArtifactClient({ baseUrl, retryMs });
  cleanups.push(() => made.close());
  return made;
}

const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;
const stored = async () =>
  (await readdir(join(store.place, "sha256"), { recursive: true })).filter((name) => name.length > 2);

test("a file goes to the store and comes back, and is sent once", async () => {
  await writeFile(join(folder, "file"), bytes);
  expect(await client.missing([digest])).toEqual([digest]);
  await client.putFile(digest, join(folder, "file"));
  expect(await client.missing([digest])).toEqual([]);
  await client.fetchTo(digest, join(folder, "back"));
  expect((await readFile(join(folder, "back"))).equals(bytes)).toBe(true);
  expect((await buffer(await client.open(digest))).equals(bytes)).toBe(true);

  const put = (body: Buffer) => fetch(`${url}/v1/artifacts/${digest}`, { method: "PUT", body });
  expect((await put(bytes)).status).toBe(200);
  expect(
    (
      await fetch(`${url}/v1/artifacts/${digestBytes("{}")}`, {
        method: "PUT",
        body: "{}",
        headers: { "content-type": "application/json" },
      })
    ).status,
  ).toBe(201);
  const refused = await put(Buffer.from("other"));
  expect([refused.status, await codeOf(refused)]).toEqual([400, "invalid"]);
});

test("HEAD and Range say and give what they should", async () => {
  await client.putBytes(digest, bytes);
  const head = await fetch(`${url}/v1/artifacts/${digest}`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), head.headers.get("etag")]).toEqual([
    200,
    "5000000",
    `"${digest}"`,
  ]);
  const part = await fetch(`${url}/v1/artifacts/${digest}`, { headers: { range: "bytes=4999990-" } });
  expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 4999990-4999999/5000000"]);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(-10))).toBe(true);
  const outside = await fetch(`${url}/v1/artifacts/${digest}`, { headers: { range: "bytes=5000000-" } });
  expect([outside.status, outside.headers.get("content-range")]).toEqual([416, "bytes */5000000"]);
});

test("what is not there, and what is no digest, is said so", async () => {
  const absent = digestBytes("absent");
  await expect(client.open(absent)).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringContaining(absent),
  });
  await expect(client.fetchTo(absent, join(folder, "x"))).rejects.toMatchObject({ code: "not_found" });
  await expect(client.open("sha256:zz" as Digest)).rejects.toMatchObject({ code: "invalid" });
  const bad = await fetch(`${url}/v1/artifacts/missing`, {
    method: "POST",
    body: '{"digests":["x"]}',
    headers: { "content-type": "application/json" },
  });
  expect([bad.status, await codeOf(bad)]).toEqual([400, "invalid"]);
  const nowhere = await fetch(`${url}/v1/nowhere`);
  expect([nowhere.status, await codeOf(nowhere)]).toEqual([404, "not_found"]);
});

test.each([
  ["small", 5_000_000],
  ["large", 80 * 1024 * 1024],
])("a flipped byte in a %s artifact never arrives as the digest", async (_size, length) => {
  const path = join(folder, "zeros");
  await writeFile(path, "");
  await truncate(path, length);
  const { digest: zeros } = await store.files.putFile(path);
  const file = await open(store.files.path(zeros), "r+");
  await file.write(Buffer.from([1]), 0, 1, length - 1);
  await file.close();
  const failure = client.fetchTo(zeros, join(folder, "back"));
  // A large one breaks off before its last bytes, and by then it is out of the store.
  await expect(failure).rejects.toMatchObject({
    code: length < 1e7 ? "corrupt" : "not_found",
    message: expect.stringContaining(zeros),
  });
  expect(await readdir(folder)).not.toContain("back");
  expect(await store.missing([zeros])).toEqual([zeros]);
});

test("an upload whose sender goes away leaves nothing visible", async () => {
  const socket = connect(portOf(app), "127.0.0.1");
  socket.write(`PUT /v1/artifacts/${digest} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`);
  socket.write(bytes.subarray(0, 4_000_000));
  const temporary = join(store.place, "tmp");
  while ((await readdir(temporary)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  socket.destroy();
  while ((await readdir(temporary)).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await stored()).toEqual([]);
});

test("a store that comes back is waited for, one that stays away is unavailable", async () => {
  const port = portOf(app);
  await closeHttp(app, 0);
  const impatient = clientOf(url, 300);
  await expect(impatient.missing([digest])).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringContaining(url),
  });
  const putting = client.putBytes(digest, bytes);
  await serve(store, port);
  await putting;
  expect(await store.missing([digest])).toEqual([]);
});

test("a download goes on where a broken connection left off", async () => {
  await client.putBytes(digest, bytes);
  const proxy = await breakAfter(portOf(app), 2_000_000);
  const broken = clientOf(`http://127.0.0.1:${proxy.port}`);
  await broken.fetchTo(digest, join(folder, "back"));
  expect((await readFile(join(folder, "back"))).equals(bytes)).toBe(true);
  // Begun anew each time, it would never have got past the first 2 MB.
  expect(proxy.connections()).toBeGreaterThanOrEqual(3);
});

/** A proxy that cuts each connection once the server has sent this many bytes on it. */
async function breakAfter(port: number, limit: number): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const proxy: Server = createServer((inbound) => {
    connections += 1;
    const outbound = connect(port, "127.0.0.1");
    let sent = 0;
    for (const socket of [inbound, outbound]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => [inbound, outbound].forEach((end) => end.destroy()));
    }
    inbound.pipe(outbound);
    outbound.on("data", (chunk: Buffer) => {
      sent += chunk.length;
      inbound.write(chunk);
      if (sent >= limit) inbound.destroySoon();
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => proxy.close(resolve));
  });
  return { port: (proxy.address() as { port: number }).port, connections: () => connections };
}

test("a tree is sent file by file, and only what the store lacks", async () => {
  await mkdir(join(folder, "src/a"), { recursive: true });
  await writeFile(join(folder, "src/a/one"), "1");
  await writeFile(join(folder, "src/two"), "2");
  const packed = await packFolder(join(folder, "src"), ["."]);
  await putTree(client, packed, join(folder, "src"));
  expect(await client.missing([packed.digest, digestBytes("1"), digestBytes("2")])).toEqual([]);
  await putTree(client, packed, "/nowhere: nothing is read again");
  const cache = await openStore(join(folder, "cache"));
  await fetchInto(cache, client, packed.digest);
  await fetchInto(cache, client, packed.digest);
  expect(await readFile(cache.path(packed.digest), "utf8")).toBe(packed.encoded);
});

test("a gigabyte goes both ways in bounded memory", { timeout: 300_000 }, async () => {
  const sparse = join(folder, "sparse");
  await writeFile(sparse, "");
  await truncate(sparse, 1024 ** 3);
  const zeros = "sha256:49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14" as Digest;
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const started = performance.now();
  await client.putFile(zeros, sparse);
  const sent = performance.now();
  await client.fetchTo(zeros, join(folder, "back"));
  clearInterval(watch);
  console.log(
    `1 GiB: put in ${((sent - started) / 1000).toFixed(1)} s, fetched in ${((performance.now() - sent) / 1000).toFixed(1)} s, server and client in one process, + ${((peak - before) / 2 ** 20).toFixed(0)} MiB`,
  );
  expect((peak - before) / 2 ** 20).toBeLessThan(250);
});

test.skipIf(process.getuid?.() !== 0)(
  "a full disk is answered with 507, the place and the bytes free, and nothing is visible",
  async () => {
    const small = join(folder, "small");
    await mkdir(small);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", small]);
    cleanups.push(() => execFileSync("umount", [small]));
    const full = await openArtifactStore(small);
    const fullApp = await serve(full);
    const target = `http://127.0.0.1:${portOf(fullApp)}/v1/artifacts/${digest}`;
    const announced = await fetch(target, { method: "PUT", body: bytes });
    expect([announced.status, await codeOf(announced)]).toEqual([507, "disk_full"]);
    const body = new ReadableStream({
      pull: (controller) => {
        for (let at = 0; at < bytes.length; at += 500_000) controller.enqueue(bytes.subarray(at, at + 500_000));
        controller.close();
      },
    });
    const chunked = await fetch(target, { method: "PUT", body, duplex: "half" } as RequestInit);
    expect([chunked.status, await codeOf(chunked)]).toEqual([507, "disk_full"]);
    const failure = clientOf(`http://127.0.0.1:${portOf(fullApp)}`).putBytes(digest, bytes);
    await expect(failure).rejects.toMatchObject({
      code: "disk_full",
      message: expect.stringMatching(new RegExp(`${small}.*\\d+ bytes are free`)),
    });
    expect(await full.missing([digest])).toEqual([digest]);
    expect(await readdir(join(full.place, "tmp"))).toEqual([]);
    await clientOf(`http://127.0.0.1:${portOf(fullApp)}`).putBytes(digestBytes("fits"), "fits");
  },
);

test("a port that is taken is said with its remedy", async () => {
  const second = createHttpApp({ logger: silentLog() });
  cleanups.push(() => second.close());
  const taken = {
    code: "failed_precondition",
    message: expect.stringMatching(new RegExp(`${portOf(app)}.*taken.*another port`)),
  };
  await expect(listenHttp(second, { host: "127.0.0.1", port: portOf(app) })).rejects.toMatchObject(taken);
});

test("health and metrics are served, and a part that does not answer is named", async () => {
  const registry = new Registry();
  const served = createHttpApp({ logger: silentLog(), registry });
  let nats = async (): Promise<void> => {};
  registerHealth(served, { postgres: async () => 1, nats: () => nats() });
  registerMetrics(served, registry);
  served.get("/fails", async () => {
    throw new Error("a secret of the server");
  });
  const base = `http://127.0.0.1:${await listenHttp(served, { host: "127.0.0.1", port: 0 })}`;
  cleanups.push(() => closeHttp(served, 0));
  const healthy = await fetch(`${base}/healthz`, { headers: { "x-request-id": "mine-1" } });
  expect([healthy.status, healthy.headers.get("x-request-id"), await healthy.json()]).toEqual([
    200,
    "mine-1",
    { status: "ok", checks: { postgres: "ok", nats: "ok" } },
  ]);
  nats = () => Promise.reject(new Error("no servers"));
  const failing = await fetch(`${base}/healthz`);
  expect([failing.status, await failing.json()]).toEqual([
    503,
    { status: "failing", checks: { postgres: "ok", nats: "no servers" } },
  ]);
  nats = () => new Promise(() => {});
  expect(await (await fetch(`${base}/healthz`)).json()).toMatchObject({ checks: { nats: "no answer within 2 s" } });
  const broken = await fetch(`${base}/fails`);
  const text = await broken.text();
  expect([broken.status, text.includes("secret"), text.includes(broken.headers.get("x-request-id")!)]).toEqual([
    500,
    false,
    true,
  ]);
  expect(await (await fetch(`${base}/metrics`)).text()).toContain(
    'weft_http_request_duration_seconds_count{method="GET",route="/healthz",status="503"} 2',
  );
});
