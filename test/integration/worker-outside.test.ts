import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AssignedSource } from "../../lib/core/dispatch.ts";
import { digestBytes } from "../../lib/digest.ts";
import { noS3, S3_BUILD_MS, startS3 } from "../support/s3.ts";
import { run, StoreBench } from "../support/store-bench.ts";
import { until } from "../support/wait.ts";
import { removeBuilt, type WorkerBench } from "../support/worker.ts";

let bench: StoreBench;
let worker: WorkerBench;
beforeEach(async () => {
  bench = await StoreBench.open();
  worker = await bench.worker();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bench.close();
});
afterAll(removeBuilt);

function source(uri: string, parts: Partial<AssignedSource> = {}): { sources: [AssignedSource] } {
  return { sources: [{ name: "x", uri, fileName: "x.bin", digest: null, keep: true, ...parts }] };
}

/** An HTTP server that ends with the test; gives where it is. */
async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  bench.cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("what a URL names is laid out, kept in the store, and told with its version and digest", async () => {
  const url = await serve((request, response) => {
    if (request.url === "/old") return response.writeHead(302, { location: "/x" }).end();
    return response.writeHead(200, { etag: '"v7"' }).end("hello\n");
  });
  const [ended, printed] = await run(worker, 'cat inputs/x/x.bin "$WEFT_INPUT_X"', source(`${url}/old`));
  expect([ended.outcome, printed]).toEqual([{ kind: "succeeded" }, "hello\nhello\n"]);
  const digest = digestBytes("hello\n");
  expect(ended.reads).toEqual([
    { name: "x", uri: `${url}/old`, version: "v7", digest, kind: "file", bytes: 6, fileName: "x.bin", kept: true },
  ]);
  expect(await bench.stored(digest)).toBe("hello\n");
});

test("what is not to be kept does not travel to the store; without a name for its version it has its digest", async () => {
  const url = await serve((_, response) => response.end("hello\n"));
  const digest = digestBytes("hello\n");
  const [ended] = await run(worker, "cat inputs/x/x.bin", source(`${url}/x`, { keep: false, digest }));
  expect(ended.reads).toMatchObject([{ version: digest, kept: false }]);
  expect(await bench.client.missing([digest])).toEqual([digest]);
});

test("a version whose name is too long has the digest instead", async () => {
  const url = await serve((_, response) => response.writeHead(200, { etag: `"${"v".repeat(201)}"` }).end("hello\n"));
  const [ended] = await run(worker, "true", source(`${url}/x`));
  expect(ended.reads).toMatchObject([{ version: digestBytes("hello\n") }]);
});

test.each([
  ["no JSON", "echo no > ../reads.json"],
  ["something else", "echo '[null]' > ../reads.json"],
  ["a pipe", "rm ../reads.json; mkfifo ../reads.json"],
  ["a version that is too long", `sed 's/v7/${"v".repeat(300)}/' ../reads.json > r; mv r ../reads.json`],
])("what was read is not told when the task has put %s in its place", async (_what, script) => {
  const url = await serve((_, response) => response.writeHead(200, { etag: '"v7"' }).end("hello\n"));
  const [ended] = await run(worker, script, source(`${url}/x`));
  expect([ended.outcome, ended.reads]).toEqual([{ kind: "succeeded" }, undefined]);
});

test("a download that breaks off is read on where it broke off, and nothing of it is seen before it is whole", async () => {
  const whole = Buffer.alloc(3_000_000, "0123456789");
  const ranges: string[] = [];
  let files: string[] = [];
  const url = await serve((request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    ranges.push(`${start} ${String(request.headers["if-range"] ?? "")}`);
    const headers = { etag: '"v1"', "content-length": whole.length - start };
    const part = { "content-range": `bytes ${start}-${whole.length - 1}/${whole.length}` };
    response.writeHead(start === 0 ? 200 : 206, start === 0 ? headers : { ...headers, ...part });
    if (ranges.length === 3) return response.end(whole.subarray(start));
    files = readdirSync(join(worker.dir, "cache/sha256"), { recursive: true }).map(String);
    return response.write(whole.subarray(start, start + 1_000_000), () => response.destroy());
  });
  const [ended] = await run(worker, "wc -c < inputs/x/x.bin", source(`${url}/x`));
  expect(ended.reads).toMatchObject([{ digest: digestBytes(whole), bytes: whole.length }]);
  expect(ranges[0]).toBe("0 ");
  expect(ranges).toHaveLength(3);
  expect(ranges[2]).toMatch(/^[1-9]\d* "v1"$/);
  expect(files.filter((name) => name.length > 2)).toEqual([]);
});

test("what changes while it is read is read again from its start", async () => {
  let asked = 0;
  const url = await serve((_, response) => {
    asked += 1;
    if (asked > 1) return response.writeHead(200, { etag: '"new"' }).end("new");
    response.writeHead(200, { etag: '"old"', "content-length": 1000 });
    return response.write("old", () => response.destroy());
  });
  const [ended, printed] = await run(worker, "cat inputs/x/x.bin", source(`${url}/x`));
  expect([printed, ended.reads![0]!.version]).toEqual(["new", "new"]);
});

test.each([
  [404, "answered 404 Not Found"],
  [403, "answered 403 Forbidden"],
])("a URL that answers %i fails the attempt, which says so", async (status, said) => {
  const url = await serve((_, response) => response.writeHead(status).end("<html>no</html>"));
  const [ended] = await run(worker, "true", source(`${url}/gone.csv`));
  expect(ended.outcome).toEqual({ kind: "failed", reason: "input-missing" });
  expect(ended.message).toBe(`${url}/gone.csv ${said}`);
});

test("a redirect to what is no URL fails the attempt, which says so", async () => {
  const url = await serve((_, response) => response.writeHead(302, { location: "http://[" }).end());
  const [ended] = await run(worker, "true", source(`${url}/x`));
  expect(ended.outcome).toEqual({ kind: "failed", reason: "input-missing" });
  expect(ended.message).toBe(`${url}/x leads to something that is no URL`);
});

test("a server that is busy for a moment is asked again", async () => {
  let asked = 0;
  const url = await serve((_, response) => response.writeHead((asked += 1) < 3 ? 503 : 200).end("hello\n"));
  expect((await run(worker, "cat inputs/x/x.bin", source(`${url}/x`)))[1]).toBe("hello\n");
});

test("bytes other than those promised fail the attempt, which names both digests", async () => {
  const url = await serve((_, response) => response.end("other"));
  const digest = digestBytes("hello\n");
  const [ended] = await run(worker, "true", source(`${url}/x`, { digest }));
  expect(ended.outcome).toEqual({ kind: "failed", reason: "input-missing" });
  expect(ended.message).toContain(`${url}/x has the digest ${digestBytes("other")} now, and must have ${digest}`);
});

test("an attempt that is cancelled while it reads ends at once", async () => {
  let isAsked = false;
  let isClosed = false;
  const url = await serve((request, response) => {
    request.socket.on("close", () => (isClosed = true));
    response.write("a", () => (isAsked = true));
  });
  const key = worker.start("true", source(`${url}/x`));
  await until(() => isAsked, "the URL is asked for");
  worker.worker.stop(key, "cancelled", 1000);
  expect((await worker.ended(key)).outcome).toEqual({ kind: "stopped", reason: "cancelled" });
  await until(() => isClosed, "nobody reads on");
});

test("a path on the node is read, file or folder; one that is not there says on which node", async () => {
  const folder = join(bench.folder, "data");
  mkdirSync(join(folder, "sub"), { recursive: true });
  writeFileSync(join(folder, "a"), "one\n");
  writeFileSync(join(folder, "sub/b"), "two\n");
  const [ended, printed] = await run(worker, "cat inputs/x/x.bin/a inputs/x/x.bin/sub/b", source(`file://${folder}`));
  expect(printed).toBe("one\ntwo\n");
  expect(ended.reads).toMatchObject([{ kind: "tree", bytes: 8, version: ended.reads![0]!.digest }]);
  const [single] = await run(worker, "cat inputs/x/x.bin", source(`file://${folder}/a`));
  expect(single.reads).toMatchObject([{ kind: "file", version: expect.stringMatching(/^20.*Z$/) }]);
  rmSync(folder, { recursive: true });
  const [gone] = await run(worker, "true", source(`file://${folder}/a`));
  expect(gone.message).toContain(`file://${folder}/a is not on node ${hostname()}; let the task run where it is`);
});

test.skipIf(noS3)("objects of an S3 server and all below a prefix are read", { timeout: S3_BUILD_MS }, async () => {
  const s3 = await startS3();
  bench.cleanups.push(() => s3.stop());
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
  const client = new S3Client({ forcePathStyle: true });
  bench.cleanups.push(() => client.destroy());
  for (const [Key, Body] of [
    ["in/a.csv", "one\n"],
    ["in/deep/b.csv", "two\n"],
  ] as const)
    await client.send(new PutObjectCommand({ Bucket: s3.bucket, Key, Body }));
  const at = `s3://${s3.bucket}`;
  const [object, text] = await run(worker, "cat inputs/x/x.bin", source(`${at}/in/a.csv`));
  expect(text).toBe("one\n");
  expect(object.reads).toMatchObject([
    { digest: digestBytes("one\n"), version: expect.stringMatching(/^[0-9a-f]{32}$/) },
  ]);
  const [prefix, both] = await run(worker, "cat inputs/x/x.bin/a.csv inputs/x/x.bin/deep/b.csv", source(`${at}/in/`));
  expect([both, prefix.reads![0]!.kind]).toEqual(["one\ntwo\n", "tree"]);
  expect((await run(worker, "true", source(`${at}/in/c.csv`)))[0].message).toContain(
    `${at}/in/c.csv answered 404 NoSuchKey`,
  );
  expect((await run(worker, "true", source(`${at}/no/`)))[0].message).toBe(`nothing lies below ${at}/no/`);
});
