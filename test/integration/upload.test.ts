import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { mkdtempSync } from "node:fs";
import { createArtifactClient } from "../../lib/artifacts.ts";
import { digestBytes } from "../../lib/digest.ts";
import { closeHttp, createHttpApp, listenHttp } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import {
  type ArtifactStore,
  artifactRoutes,
  filesWithin,
  openArtifactStore,
  putManifest,
  readManifest,
} from "../../services/artifacts/index.ts";
import { until } from "../support/wait.ts";
import { noS3, S3_BUILD_MS, startS3, type TestS3 } from "../support/s3.ts";

const MEBIBYTE = 2 ** 20;
const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const stream = (bytes: Uint8Array): Readable => Readable.from([bytes], { objectMode: false });
const read = async (store: ArtifactStore, digest: never): Promise<Buffer> => buffer(await store.open(digest));

interface Bench {
  readonly store: ArtifactStore;
  /** Paths of all files under the store. */
  readonly files: () => Promise<string[]>;
  /** Where the bytes of a digest lie. */
  readonly fileOf: (digest: string) => string;
}

async function folderBench(): Promise<Bench> {
  const store = await openArtifactStore(mkdtempSync(join(inject("folder"), "store-")));
  return {
    store,
    files: () => list(store.place),
    fileOf: (digest) => store.files.path(digest as never),
  };
}

let s3: TestS3 | undefined;
async function s3Bench(): Promise<Bench> {
  s3 = await startS3();
  cleanups.push(() => s3!.stop());
  // The AWS client reads its settings there, and nowhere else.
  Object.assign(process.env, s3.env);
  const store = await openArtifactStore({ kind: "s3", bucket: s3.bucket, prefix: "of/weft/" });
  const { folder } = s3;
  const hex = (digest: string) => digest.slice("sha256:".length);
  return {
    store,
    files: () => list(join(folder, "of/weft")),
    fileOf: (digest) => join(folder, "of/weft/sha256", hex(digest).slice(0, 2), hex(digest)),
  };
}

async function list(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function serve(store: ArtifactStore): Promise<string> {
  const app = createHttpApp({ logger: silentLog() });
  await app.register(artifactRoutes(store));
  const port = await listenHttp(app, { host: "127.0.0.1", port: 0 });
  cleanups.push(() => closeHttp(app, 0));
  return `http://127.0.0.1:${port}`;
}

const stores: [string, () => Promise<Bench>][] = [["a folder", folderBench]];
if (noS3 === undefined) stores.push(["S3", s3Bench]);

describe.each(stores)("artifacts in %s", (kind, open) => {
  let bench: Bench;
  let store: ArtifactStore;
  beforeAll(async () => {
    bench = await open();
    store = bench.store;
  }, S3_BUILD_MS);

  test("a stream is stored under its digest, once, and comes back whole and in ranges", async () => {
    const bytes = randomBytes(3 * MEBIBYTE);
    const digest = digestBytes(bytes);
    expect(await store.missing([digest])).toEqual([digest]);
    expect(await store.putStream(null, stream(bytes))).toEqual({ digest, bytes: bytes.length, existed: false });
    expect(await store.putStream(digest, stream(bytes))).toEqual({ digest, bytes: bytes.length, existed: true });
    expect(await store.putStream(null, stream(bytes))).toEqual({ digest, bytes: bytes.length, existed: true });
    expect(await store.missing([digest, digest])).toEqual([]);
    expect(await store.stat(digest)).toMatchObject({ bytes: bytes.length });
    expect((await buffer(await store.open(digest))).equals(bytes)).toBe(true);
    const part = await buffer(await store.open(digest, { range: { start: 1_000_000, end: 1_000_010 } }));
    expect(part.equals(bytes.subarray(1_000_000, 1_000_010))).toBe(true);
    expect(await bench.files()).toEqual([bench.fileOf(digest)]);
  });

  test("bytes with another digest than was promised, and a stream that breaks off, leave nothing", async () => {
    const before = await bench.files();
    const digest = digestBytes("promised");
    await expect(store.putStream(digest, stream(Buffer.from("sent")))).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining(digest),
    });
    const broken = new Readable({ read() {} });
    broken.push(randomBytes(MEBIBYTE));
    setImmediate(() => broken.destroy(new Error("cut off")));
    await expect(store.putStream(null, broken)).rejects.toThrow("cut off");
    expect(await store.missing([digest])).toEqual([digest]);
    expect(await bench.files()).toEqual(before);
  });

  test("a flipped byte in storage is refused with the digest, and the right bytes can be stored again", async () => {
    const bytes = randomBytes(2 * MEBIBYTE);
    const { digest } = await store.putStream(null, stream(bytes));
    const path = bench.fileOf(digest);
    const wrong = await readFile(path);
    wrong[wrong.length - 3]! ^= 1;
    await chmod(path, 0o644);
    await writeFile(path, wrong);
    const refused = expect(read(store, digest as never)).rejects;
    await refused.toMatchObject({ code: "corrupt", message: expect.stringContaining(digest) });
    await expect(store.open(digest)).rejects.toMatchObject({ code: "not_found" });
    await store.putStream(digest, stream(bytes));
    expect((await read(store, digest as never)).equals(bytes)).toBe(true);
  });

  test("a folder is stored as its manifest; equal files once; a file that is missing is named", async () => {
    const [one, two] = [Buffer.from("one"), Buffer.from("two")];
    const entry = (path: string, bytes: Buffer) => ({
      path,
      digest: digestBytes(bytes),
      bytes: bytes.length,
      executable: false,
    });
    const files = [entry("b/two", two), entry("a", one), entry("b/also-two", two)];
    await expect(putManifest(store, files)).rejects.toMatchObject({ code: "failed_precondition" });
    await store.putStream(null, stream(one));
    await store.putStream(null, stream(two));
    const digest = await putManifest(store, files);
    expect(await putManifest(store, files.toReversed())).toBe(digest);
    const { files: back } = await readManifest(store, digest);
    expect(back.map(({ path }) => path)).toEqual(["a", "b/also-two", "b/two"]);
    await expect(readManifest(store, digestBytes(one))).rejects.toMatchObject({ code: "invalid" });
    const within = async (what: typeof digest) => filesWithin(store, what, (await store.stat(what))!.bytes);
    expect(await within(digest)).toEqual(back);
    const empty = await store.putStream(null, stream(Buffer.alloc(0)));
    const almost = await store.putStream(null, stream(Buffer.from('{"weft":"tree.v1" but it is none')));
    for (const file of [digestBytes(one), empty.digest, almost.digest]) expect(await within(file)).toEqual([]);
    await expect(putManifest(store, [entry("../a", one)])).rejects.toMatchObject({ code: "invalid" });
  });

  test("an upload in parts that is cut off is invisible, goes on where it was, and is finished once", async () => {
    const bytes = randomBytes(40 * MEBIBYTE);
    const digest = digestBytes(bytes);
    const { uploads } = store;
    const upload = await uploads.begin({ digest, bytes: bytes.length });
    expect(upload).toMatchObject({ partBytes: 16 * MEBIBYTE, parts: 3, done: [] });
    const part = (index: number) => stream(bytes.subarray(index * 16 * MEBIBYTE, (index + 1) * 16 * MEBIBYTE));
    await Promise.all([uploads.putPart(upload.id, 2, part(2)), uploads.putPart(upload.id, 0, part(0))]);
    const broken = new Readable({ read() {} });
    broken.push(bytes.subarray(0, MEBIBYTE));
    setImmediate(() => broken.destroy(new Error("cut off")));
    await expect(uploads.putPart(upload.id, 1, broken)).rejects.toThrow("cut off");
    await expect(uploads.putPart(upload.id, 3, part(0))).rejects.toMatchObject({ code: "invalid" });
    await expect(uploads.putPart(upload.id, 2, part(0))).rejects.toMatchObject({ code: "invalid" });
    const early = { code: "failed_precondition", message: expect.stringMatching(/1 of its 3 parts.*\(1\)/) };
    await expect(uploads.finish(upload.id)).rejects.toMatchObject(early);
    expect(await store.missing([digest])).toEqual([digest]);

    const again = await uploads.begin({ digest, bytes: bytes.length });
    expect(again).toMatchObject({ id: upload.id, done: [0, 2] });
    await uploads.putPart(again.id, 1, part(1));
    expect(await uploads.finish(again.id)).toEqual({ digest, bytes: bytes.length, existed: false });
    expect(await uploads.finish(again.id)).toEqual({ digest, bytes: bytes.length, existed: true });
    expect((await read(store, digest as never)).equals(bytes)).toBe(true);
    expect(await uploads.sweep(Date.now() + 60_000)).toBe(0);
  });

  if (kind === "a folder")
    test("an upload is finished by the next process when one is killed while it finishes it", async () => {
      const bytes = randomBytes(MEBIBYTE);
      const promise = { digest: digestBytes(bytes), bytes: bytes.length };
      const { id } = await store.uploads.begin(promise);
      await store.uploads.putPart(id, 0, stream(bytes));
      // As it lies there while the digest is taken.
      const data = join(store.place, "uploads", id, "data");
      await rename(data, `${data}.taken`);
      await chmod(`${data}.taken`, 0o444);
      const { uploads } = await openArtifactStore({ kind: "folder", root: store.place });
      expect(await uploads.begin(promise)).toMatchObject({ id, done: [0] });
      await rename(data, `${data}.taken`);
      expect(await uploads.finish(id)).toEqual({ ...promise, existed: false });
      expect((await read(store, promise.digest as never)).equals(bytes)).toBe(true);
    });

  test("an upload whose parts are not what was promised is refused with both digests and forgotten", async () => {
    const digest = digestBytes("promised");
    const { id } = await store.uploads.begin({ digest, bytes: 4 });
    await store.uploads.putPart(id, 0, stream(Buffer.from("sent")));
    await expect(store.uploads.finish(id)).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(new RegExp(`${digest}.*${digestBytes("sent")}`)),
    });
    await expect(store.uploads.finish(id)).rejects.toMatchObject({ code: "not_found" });
    expect(await store.missing([digest])).toEqual([digest]);
    await store.uploads.begin({ digest: null, bytes: 9 });
    expect(await store.uploads.sweep(Date.now() + 60_000)).toBe(1);
  });

  test("a client's large file goes in parts, and a client that comes after sends only what is missing", async () => {
    const bytes = randomBytes(70 * MEBIBYTE);
    const digest = digestBytes(bytes);
    const file = join(mkdtempSync(join(inject("folder"), "file-")), "large");
    await writeFile(file, bytes);
    const upload = await store.uploads.begin({ digest, bytes: bytes.length });
    const rest = bytes.subarray(16 * MEBIBYTE, 32 * MEBIBYTE);
    await store.uploads.putPart(upload.id, 1, stream(rest));
    const baseUrl = await serve(store);
    const sent: string[] = [];
    const proxy = await counting(baseUrl, sent);
    const client = createArtifactClient({ baseUrl: proxy });
    cleanups.push(() => client.close());
    await client.putFile(digest, file);
    expect(sent.filter((line) => line.startsWith("PUT")).toSorted()).toEqual(
      [0, 2, 3, 4].map((index) => `PUT /v1/uploads/${upload.id}/${index}`),
    );
    await client.fetchTo(digest, `${file}.back`);
    expect((await readFile(`${file}.back`)).equals(bytes)).toBe(true);
    await client.putFile(digest, file);
    expect(sent.filter((line) => line.startsWith("PUT"))).toHaveLength(4);
  });

  if (kind === "S3")
    test("an S3 server that is away is said to be, with its name; when it is back all is there", async () => {
      const { digest } = await store.putStream(null, stream(Buffer.from("kept")));
      await s3!.kill();
      await expect(store.stat(digest)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining(s3!.bucket),
      });
      await s3!.restart();
      await until(() => store.check().then(() => true), "the S3 server answers again");
      expect((await read(store, digest as never)).toString()).toBe("kept");
    });
});

/** Passes requests on and writes down their first lines. */
async function counting(target: string, lines: string[]): Promise<string> {
  const proxy = createServer((request, response) => {
    lines.push(`${request.method} ${request.url}`);
    const onward = httpRequest(
      new URL(request.url!, target),
      { method: request.method!, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  cleanups.push(
    () => proxy.closeAllConnections(),
    () => proxy.close(),
  );
  return `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
}

test.skipIf(noS3 !== undefined)("a bucket that is not there is refused at start with its name", async () => {
  await expect(openArtifactStore({ kind: "s3", bucket: "not-there", prefix: "" })).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringContaining("s3://not-there"),
  });
});
