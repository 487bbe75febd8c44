import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Digest } from "../../lib/core/ids.ts";
import { until } from "../../test/support/wait.ts";
import { Shelf } from "./shelf.ts";

const [A, B, C] = ["a", "b", "c"].map((letter) => `sha256:${letter.repeat(64)}`) as [Digest, Digest, Digest];
const LONG = 3_600_000;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "weft-shelf-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const options = () => ({ signal: new AbortController().signal, stderr: join(dir, "stderr") });
const fill = (bytes: number) => async (folder: string) => writeFileSync(join(folder, "file"), "x".repeat(bytes));

/** Those that are there, and the folders that take room. */
function seen(): { there: string; folders: number } {
  const names = readdirSync(join(dir, "shelf"));
  const there = ["a", "b", "c"].filter((letter) => names.includes(letter.repeat(64)));
  return { there: there.join(""), folders: names.filter((name) => /\.\d+$/.test(name)).length };
}

async function use(shelf: Shelf, digest: Digest, bytes: number): Promise<string> {
  shelf.pin(digest);
  const folder = await shelf.provide(digest, fill(bytes), options());
  shelf.unpin(digest);
  return folder;
}

test("what an agent had half built when it was killed is never seen, and goes", async () => {
  const killed = await Shelf.open(join(dir, "shelf"));
  killed.pin(A);
  void killed.provide(A, async (folder) => (await fill(10)(folder), new Promise(() => {})), options());
  await until(() => seen().folders === 1, "the build to begin");
  expect(seen()).toEqual({ there: "", folders: 1 });
  const next = await Shelf.open(join(dir, "shelf"));
  const folder = await use(next, A, 20);
  expect(readFileSync(join(folder, "file"), "utf8")).toHaveLength(20);
  await next.sweep();
  expect(seen()).toEqual({ there: "a", folders: 1 });
});

test("what is too much goes, least recently used first, and never what is in use", async () => {
  const shelf = await Shelf.open(join(dir, "shelf"), 250, LONG);
  for (const digest of [A, B]) await use(shelf, digest, 100);
  shelf.pin(A);
  await shelf.provide(A, fill(100), options());
  shelf.pin(B);
  await use(shelf, C, 100);
  // C itself is the only one that nobody uses.
  await until(() => seen().there === "ab" && seen().folders === 2, "the sweep");
  shelf.unpin(B);
  await use(shelf, C, 100);
  await until(() => seen().there === "ac" && seen().folders === 2, "the sweep");
});

test("what nobody has used for long goes, also when it was built by an earlier agent", async () => {
  const folder = await use(await Shelf.open(join(dir, "shelf")), A, 10);
  const next = await Shelf.open(join(dir, "shelf"), undefined, LONG);
  await next.sweep();
  expect(seen().there).toBe("a");
  const none = await Shelf.open(join(dir, "shelf"), undefined, -1);
  await none.sweep();
  expect(seen()).toEqual({ there: "", folders: 0 });
  expect(existsSync(folder)).toBe(false);
});

test("one that was written into is built anew, while who is in it keeps its folder", async () => {
  await use(await Shelf.open(join(dir, "shelf")), A, 10);
  // As after a restart of the agent: what it finds is compared with what was built.
  const shelf = await Shelf.open(join(dir, "shelf"));
  shelf.pin(A);
  const before = await shelf.provide(A, fill(10), options());
  utimesSync(join(before, "file"), 1, 1);
  const next = await Shelf.open(join(dir, "shelf"));
  next.pin(A);
  const after = await next.provide(A, fill(10), options());
  expect(after).not.toBe(before);
  expect(readFileSync(join(dir, "stderr"), "utf8")).toContain(before);
  await next.sweep();
  expect(existsSync(before)).toBe(true);
  next.unpin(A);
  await next.sweep();
  expect([existsSync(before), existsSync(after)]).toEqual([false, true]);
});
