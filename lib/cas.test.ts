import { randomBytes } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore, type Store } from "./cas.ts";
import type { Digest } from "./core/ids.ts";
import { digestBytes } from "./digest.ts";

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "weft-cas-"));
  store = await openStore(join(folder, "store"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = randomBytes(3_000_000);
const digest = digestBytes(bytes);

async function visible(): Promise<string[]> {
  const names = await readdir(join(store.root, "sha256"), { recursive: true });
  return names.filter((name) => name.length > 2);
}
const temporary = () => readdir(join(store.root, "tmp"));

test("what was stored comes back, whole and by range", async () => {
  expect(await store.putStream(digest, Readable.from([bytes]))).toEqual({
    digest,
    bytes: bytes.length,
    existed: false,
  });
  expect((await buffer(await store.open(digest))).equals(bytes)).toBe(true);
  const part = await buffer(await store.open(digest, { range: { start: 1_000_000, end: 2_500_001 } }));
  expect(part.equals(bytes.subarray(1_000_000, 2_500_001))).toBe(true);
  expect(await buffer(await store.open(digest, { range: { start: 7, end: 7 } }))).toHaveLength(0);
  expect((await stat(store.path(digest))).mode & 0o777).toBe(0o444);
});

test("a file, an empty file and bytes of no promised digest are stored under what they are", async () => {
  await writeFile(join(folder, "file"), bytes);
  expect(await store.putFile(join(folder, "file"))).toEqual({ digest, bytes: bytes.length, existed: false });
  expect(await store.putFile(join(folder, "file"))).toEqual({ digest, bytes: bytes.length, existed: true });
  await writeFile(join(folder, "empty"), "");
  const empty = await store.putFile(join(folder, "empty"));
  expect(empty).toEqual({ digest: digestBytes(""), bytes: 0, existed: false });
  expect(await buffer(await store.open(empty.digest))).toHaveLength(0);
  expect((await store.putStream(null, Readable.from([Buffer.from("x")]))).digest).toBe(digestBytes("x"));
  expect(await temporary()).toEqual([]);
});

test("writers of one digest at the same time do not disturb each other", async () => {
  const results = await Promise.all(Array.from({ length: 8 }, () => store.putStream(digest, Readable.from(slices()))));
  expect(results.every((result) => result.digest === digest && result.bytes === bytes.length)).toBe(true);
  expect((await buffer(await store.open(digest))).equals(bytes)).toBe(true);
  expect(await visible()).toHaveLength(1);
  expect(await temporary()).toEqual([]);
});

async function* slices(): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100_000) {
    yield bytes.subarray(at, at + 100_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("bytes of another digest are refused by both digests, also where the store has the promised one", async () => {
  const other = Buffer.from("other");
  const refused = { code: "invalid", message: expect.stringMatching(new RegExp(`${digest}.*${digestBytes(other)}`)) };
  await expect(store.putStream(digest, Readable.from([other]))).rejects.toMatchObject(refused);
  expect(await visible()).toEqual([]);
  await store.putStream(digest, Readable.from([bytes]));
  await expect(store.putStream(digest, Readable.from([other]))).rejects.toMatchObject(refused);
  expect((await buffer(await store.open(digest))).equals(bytes)).toBe(true);
  expect(await temporary()).toEqual([]);
});

test("an interrupted write leaves nothing visible", async () => {
  const source = new Readable({ read: () => {} });
  source.push(bytes.subarray(0, 2_000_000));
  const writing = store.putStream(digest, source);
  setImmediate(() => source.destroy(new Error("the sender went away")));
  await expect(writing).rejects.toThrow("the sender went away");
  expect(await visible()).toEqual([]);
  expect(await temporary()).toEqual([]);
});

test("what a killed writer left is swept at the next start, what others write now is not", async () => {
  const tmp = join(store.root, "tmp");
  const dead = `${(await import("node:os")).hostname()}.${2 ** 22 + 1}.0badcafe.1`;
  for (const name of [dead, "elsewhere.77.0badcafe.1", "elsewhere.77.0badcafe.2"])
    await writeFile(join(tmp, name), "x");
  await utimes(join(tmp, "elsewhere.77.0badcafe.2"), new Date(0), new Date(0));
  await openStore(store.root);
  expect(await temporary()).toEqual(["elsewhere.77.0badcafe.1"]);
});

test("a flipped byte is never handed out as the digest, and right bytes heal it", async () => {
  await store.putStream(digest, Readable.from([bytes]));
  const file = await open(store.path(digest), "r+");
  await file.write(Buffer.from([bytes[2_999_999]! ^ 1]), 0, 1, 2_999_999);
  await file.close();
  const got: Buffer[] = [];
  const reading = (async () => {
    for await (const chunk of (await store.open(digest)) as AsyncIterable<Buffer>) got.push(chunk);
  })();
  await expect(reading).rejects.toMatchObject({ code: "corrupt", message: expect.stringContaining(digest) });
  expect(Buffer.concat(got).length).toBeLessThan(bytes.length);
  expect(await store.missing([digest])).toEqual([digest]);
  expect(await readdir(join(store.root, "corrupt"))).toHaveLength(1);
  expect(await store.putStream(digest, Readable.from([bytes]))).toMatchObject({ existed: false });
  await store.verify(digest);
});

test("missing gives each absent digest once", async () => {
  await store.putStream(digest, Readable.from([bytes]));
  const absent = digestBytes("absent");
  expect(await store.missing([absent, digest, absent])).toEqual([absent]);
  await expect(store.open(absent)).rejects.toMatchObject({
    code: "not_found",
    message: expect.stringContaining(absent),
  });
  await store.remove(digest);
  expect(await store.missing([digest])).toEqual([digest]);
});

test("a name that is no digest reaches no file", () => {
  for (const name of ["sha256:../../etc/passwd", "sha256:ABC", ""])
    expect(() => store.path(name as Digest)).toThrow(/no digest/);
});

test("a gigabyte passes through in bounded memory", { timeout: 300_000 }, async () => {
  const sparse = join(folder, "sparse");
  await writeFile(sparse, "");
  await truncate(sparse, 1024 ** 3);
  const before = process.memoryUsage.rss();
  let peak = before;
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const started = performance.now();
  const stored = await store.putFile(sparse);
  const written = performance.now();
  await store.verify(stored.digest);
  console.log(
    `1 GiB: stored in ${((written - started) / 1000).toFixed(1)} s, verified in ${((performance.now() - written) / 1000).toFixed(1)} s`,
  );
  for await (const _ of await store.open(stored.digest)) await Promise.resolve();
  clearInterval(watch);
  expect(stored.bytes).toBe(1024 ** 3);
  expect((peak - before) / 1024 ** 2).toBeLessThan(150);
});

test("the copy is of the file as it was, whatever happens to the file later", async () => {
  const path = join(folder, "file");
  await writeFile(path, bytes);
  await store.putFile(path);
  await writeFile(path, "changed");
  expect((await readFile(store.path(digest))).equals(bytes)).toBe(true);
});
