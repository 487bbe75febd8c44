import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listFolder } from "./pack.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "weft-pack-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text = "x"): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
const git = (...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main", ...args], {
    cwd: root,
    encoding: "utf8",
  });

describe("in a git work tree", () => {
  beforeEach(() => {
    git("init", "-q");
    write(".gitignore", "*.log\ndata/\n");
    write("a.py");
    write("sub/b.py");
    write("sub/gone.py");
    git("add", ".");
    git("commit", "-qm", "x");
  });

  test("tracked files travel, and untracked ones that are not ignored", async () => {
    write("new.py");
    write("x.log");
    write("data/big.bin");
    write("node_modules/m/index.js");
    rmSync(join(root, "sub/gone.py"));
    const content = await listFolder(root);
    expect(content.paths).toEqual([".gitignore", "a.py", "new.py", "sub/b.py"]);
    expect(content).toMatchObject({ commit: git("rev-parse", "HEAD").trim(), dirty: true });
  });

  test("a folder is clean while what is below it is as committed", async () => {
    write("new.py");
    const content = await listFolder(join(root, "sub"));
    expect(content).toMatchObject({ paths: ["b.py", "gone.py"], dirty: false });
    expect((await listFolder(root)).dirty).toBe(true);
  });

  test(".weftignore leaves tracked files behind", async () => {
    write(".weftignore", "sub/\n*.py\n!a.py\n");
    expect((await listFolder(root)).paths).toEqual([".gitignore", ".weftignore", "a.py"]);
  });

  test("a folder that git ignores is taken as a plain folder", async () => {
    write("data/p/weft.yaml");
    expect(await listFolder(join(root, "data/p"))).toMatchObject({ paths: ["weft.yaml"], commit: null, dirty: false });
  });

  test("files of a repository inside travel, without its .git", async () => {
    write("inner/c.py");
    execFileSync("git", ["init", "-q"], { cwd: join(root, "inner") });
    expect((await listFolder(root)).paths).toContain("inner/c.py");
    expect((await listFolder(root)).paths.join()).not.toContain("inner/.git");
  });

  test("names with spaces, newlines and letters of all kinds travel", async () => {
    write("a b\nü.py");
    expect((await listFolder(root)).paths).toContain("a b\nü.py");
  });
});

describe("elsewhere", () => {
  test("all files travel, but .git, node_modules, .weft and what .weftignore names", async () => {
    for (const path of ["a", "b/c", "node_modules/x", "b/node_modules/x", ".weft/x", "skip/x", "keep.log"]) write(path);
    write(".weftignore", "skip/\n");
    expect(await listFolder(root)).toMatchObject({
      paths: [".weftignore", "a", "b/c", "keep.log"],
      bytes: 9,
      commit: null,
    });
  });

  test("more than 100 MB are refused, and the largest files are named", async () => {
    for (const [name, megabytes] of [
      ["small", 1],
      ["data/large.bin", 90],
      ["model.bin", 20],
    ] as const) {
      write(name);
      truncateSync(join(root, name), megabytes * 1e6);
    }
    await expect(listFolder(root)).rejects.toThrow(
      /has 105\.9MiB; at most 95\.4MiB can be submitted.*85\.8MiB {2}data\/large\.bin\n.*model\.bin/s,
    );
    write(".weftignore", "data/");
    expect((await listFolder(root)).paths).not.toContain("data/large.bin");
  });

  test("a link that leads nowhere is named", async () => {
    symlinkSync("nowhere", join(root, "link"));
    await expect(listFolder(root)).rejects.toThrow(
      "link is a link to something that is not there; repair it, or name it in .weftignore",
    );
  });

  test.skipIf(process.getuid?.() === 0)("a folder that cannot be read is named", async () => {
    write("secret/x");
    chmodSync(join(root, "secret"), 0);
    await expect(listFolder(root)).rejects.toThrow(/cannot read the folder .*secret/);
    chmodSync(join(root, "secret"), 0o755);
  });
});
