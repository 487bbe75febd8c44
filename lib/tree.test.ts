import { mkdtempSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStore } from "./cas.ts";
import type { Digest } from "./core/ids.ts";
import { decodeTree, type TreeManifest } from "./core/tree.ts";
import { layOutTree, packFolder } from "./tree.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weft-tree-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Entry {
  readonly content: Uint8Array;
  readonly executable: boolean;
}

/** Names a file system takes, among them spaces, quotes, newlines and what is not ASCII. */
const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .filter(
    (text) =>
      !/[/\0]/.test(text) &&
      text !== "." &&
      text !== ".." &&
      Buffer.from(text).toString() === text &&
      Buffer.byteLength(text) < 200,
  );
const entry = fc.record({ content: fc.uint8Array({ maxLength: 200 }), executable: fc.boolean() });
/** Folders have names that no file has, so that no path is both. */
const path = fc
  .tuple(fc.array(name, { maxLength: 3 }), name)
  .map(([dirs, file]) => [...dirs.map((dir) => `d-${dir}`), `f-${file}`].join("/"));
const tree = fc.dictionary(path, entry, { maxKeys: 12, noNullPrototype: true });

async function write(root: string, files: Record<string, Entry>): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const [at, { content, executable }] of Object.entries(files)) {
    await mkdir(dirname(join(root, at)), { recursive: true });
    await writeFile(join(root, at), content);
    await chmod(join(root, at), executable ? 0o755 : 0o640);
  }
}

async function read(root: string): Promise<Record<string, { content: string; executable: boolean }>> {
  const found: Record<string, { content: string; executable: boolean }> = {};
  for (const item of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue;
    const full = join(item.parentPath, item.name);
    const content = (await readFile(full)).toString("hex");
    found[full.slice(root.length + 1)] = { content, executable: ((await stat(full)).mode & 0o100) !== 0 };
  }
  return found;
}

test(
  "a folder that is packed and laid out again is the same, and has the same digest",
  { timeout: 60_000 },
  async () => {
    const store = await openStore(join(folder, "store"));
    let round = 0;
    await fc.assert(
      fc.asyncProperty(tree, async (files) => {
        const base = join(folder, String((round += 1)));
        await write(join(base, "source"), files);
        const packed = await packFolder(join(base, "source"), Object.keys(files).toReversed());
        for (const file of packed.manifest.files) await store.putFile(join(base, "source", file.path));
        await layOutTree(decodeTree(packed.encoded)!, store.path.bind(store), join(base, "target"));
        expect(await read(join(base, "target"))).toEqual(await read(join(base, "source")));
        const again = await packFolder(join(base, "target"), ["."]);
        expect(again.digest).toBe(packed.digest);
        expect(packed.bytes).toBe(Object.values(files).reduce((sum, { content }) => sum + content.length, 0));
      }),
      { numRuns: 30 },
    );
  },
);

test("links to files and folders inside count as what they lead to; others are refused by name", async () => {
  await write(join(folder, "src"), { "a/one.txt": { content: Buffer.from("1"), executable: false } });
  await symlink("a/one.txt", join(folder, "src/link"));
  await symlink("a", join(folder, "src/dir"));
  const packed = await packFolder(join(folder, "src"), ["a/one.txt", "link", "dir"]);
  expect(packed.manifest.files.map((file) => file.path)).toEqual(["a/one.txt", "dir/one.txt", "link"]);
  expect(new Set(packed.manifest.files.map((file) => file.digest)).size).toBe(1);

  await symlink("nowhere", join(folder, "src/dangling"));
  await expect(packFolder(join(folder, "src"), ["dangling"])).rejects.toMatchObject({
    code: "invalid",
    message: /dangling.*not there/,
  });
  await symlink("/etc/passwd", join(folder, "src/outside"));
  await expect(packFolder(join(folder, "src"), ["outside"])).rejects.toMatchObject({
    code: "invalid",
    message: /outside.*etc\/passwd/,
  });
  await expect(packFolder(join(folder, "src"), ["../src/link"])).rejects.toThrow(/leads out/);
  await symlink("..", join(folder, "src/a/up"));
  await expect(packFolder(join(folder, "src"), ["a"])).rejects.toThrow(/back to a folder above/);
});

test("only the files that are asked for are laid out, and never outside the folder", async () => {
  await writeFile(join(folder, "bytes"), "x");
  const file = (at: string) => ({ path: at, digest: "sha256:00" as Digest, bytes: 1, executable: false });
  const manifest = (...paths: string[]): TreeManifest => ({ weft: "tree.v1", files: paths.map(file) });
  const source = () => join(folder, "bytes");
  await layOutTree(manifest("keep/a", "drop/b"), source, join(folder, "target"), (at) => at.startsWith("keep/"));
  expect(await readdir(join(folder, "target"), { recursive: true })).toEqual(["keep", "keep/a"]);
  for (const bad of ["../x", "/x", "a/../../x", "a//b", "."]) {
    await expect(layOutTree(manifest(bad), source, join(folder, "target"))).rejects.toMatchObject({ code: "invalid" });
  }
});
