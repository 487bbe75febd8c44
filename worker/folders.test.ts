import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Folders } from "./folders.ts";

/** Longer than any clock of a Linux file system stands still (jiffies of 10 ms). */
const CLOCK_MS = 50;

let dir: string;
let folders: Folders;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "weft-folders-"));
  mkdirSync(join(dir, "attempts"));
  folders = new Folders(dir, CLOCK_MS);
});
afterAll(() => rmSync(dir, { recursive: true }));

/** One attempt: its folder is made, the runner writes its files, the task does something, all is cleaned. Gives the inode. */
async function attempt(name: string, task: (folder: string) => void = () => {}): Promise<number> {
  const folder = join(dir, "attempts", name);
  folders.make(folder);
  const inode = statSync(folder).ino;
  expect([readdirSync(join(folder, "workspace")), readdirSync(join(folder, "tmp"))]).toEqual([[], []]);
  for (const file of ["stdout", "stderr"]) writeFileSync(join(folder, file), "", { flag: "a" });
  expect(statSync(join(folder, "stdout")).size).toBe(0);
  writeFileSync(join(folder, "exit.json"), "{}");
  task(folder);
  await folders.clean(folder);
  await folders.give(folder);
  return inode;
}

test("a folder is used again and again while tasks leave nothing in it", async () => {
  const first = await attempt("a");
  for (const name of ["b", "c", "d"]) {
    await delay(CLOCK_MS * 2);
    expect(await attempt(name)).toBe(first);
  }
  expect(await attempt("printed", (folder) => writeFileSync(join(folder, "stdout"), "hello"))).toBe(first);
  expect(await attempt("more", (folder) => writeFileSync(join(folder, "more"), ""))).toBe(first);
  expect(await attempt("e")).toBe(first);
});

test.each<[string, (folder: string) => void]>([
  ["a file in the workspace", (folder) => writeFileSync(join(folder, "workspace/x"), "")],
  ["a file in tmp", (folder) => writeFileSync(join(folder, "tmp/x"), "")],
  ["another mode of the workspace", (folder) => chmodSync(join(folder, "workspace"), 0o777)],
  ["another mode of the folder", (folder) => chmodSync(folder, 0o777)],
  ["another stdout", (folder) => renameSync(join(folder, "exit.json"), join(folder, "stdout"))],
  ["a second name of stdout elsewhere", (folder) => linkSync(join(folder, "stdout"), join(dir, "elsewhere"))],
])("%s is not found by the next attempt in the folder", async (_what, task) => {
  const before = await attempt("f");
  // Old enough that it is not listed, were nothing to change.
  await delay(CLOCK_MS * 2);
  expect(await attempt("g", task)).toBe(before);
  await attempt("h");
  rmSync(join(dir, "elsewhere"), { force: true });
});
