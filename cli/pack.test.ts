import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listFolder } from "./pack.ts";
import { withoutLogin } from "./work-tree.ts";

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

  describe("what differs from the commit", () => {
    const diffOf = async (folder = root): Promise<string> => (await listFolder(folder)).origin?.diff?.toString() ?? "";

    test("is a patch that brings a clean copy to the same files, whatever the user's git is set to", async () => {
      git("config", "diff.noprefix", "true");
      git("config", "color.ui", "always");
      write("a.py", "changed\n");
      writeFileSync(join(root, "sub/b.py"), Buffer.from([0, 255, 1, 2]));
      write("latin1.txt", "");
      writeFileSync(join(root, "latin1.txt"), Buffer.from([0x61, 0xe9, 0x0a]));
      git("add", "latin1.txt");
      rmSync(join(root, "sub/gone.py"));
      const diff = (await listFolder(root)).origin!.diff!;
      const copy = mkdtempSync(join(tmpdir(), "weft-pack-copy-"));
      try {
        execFileSync("git", ["clone", "-q", root, copy]);
        execFileSync("git", ["apply", "-"], { cwd: copy, input: diff });
        for (const path of ["a.py", "sub/b.py", "latin1.txt"])
          expect(readFileSync(join(copy, path)), path).toEqual(readFileSync(join(root, path)));
        expect(existsSync(join(copy, "sub/gone.py"))).toBe(false);
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    });

    test("names untracked files that travel, and says nothing of what stays behind", async () => {
      write(".env", "old");
      git("add", ".");
      git("commit", "-qm", "y");
      write(".weftignore", ".env\nnotes\n");
      write(".env", "password");
      write("notes", "private");
      write("new.py");
      const diff = await diffOf();
      expect(diff).toContain("#   .weftignore\n#   new.py\n");
      expect(diff).not.toMatch(/\.env|password|private|notes/);
    });

    test("is of the folder alone, and absent where nothing below it differs", async () => {
      write("a.py", "changed");
      expect(await diffOf(join(root, "sub"))).toBe("");
      write("sub/b.py", "changed");
      expect(await diffOf(join(root, "sub"))).toMatch(/^# What was not in commit [0-9a-f]{40}.*a\/sub\/b\.py/s);
    });

    test("is a list of names when it is too large to be kept", async () => {
      write("a.py", "x".repeat(9 * 1024 * 1024));
      expect(await diffOf()).toMatch(/\n# More than 8MiB differ; the files that do:\n# {3}a\.py$/);
    });
  });

  test("branch and remote are told, without what signs in there", async () => {
    expect((await listFolder(root)).origin).toEqual({ branch: "main", remote: null, diff: null });
    git("remote", "add", "origin", "https://user:to@ken@git.example/x.git");
    git("checkout", "-q", "--detach");
    expect((await listFolder(root)).origin).toEqual({ branch: null, remote: "https://git.example/x.git", diff: null });
    for (const [url, told] of [
      ["git@git.example:x.git", "git@git.example:x.git"],
      ["ssh://git@git.example/x.git", "ssh://git@git.example/x.git"],
      ["ssh://git:word@git.example/x.git", "ssh://git.example/x.git"],
      ["https://token@git.example/x.git", "https://git.example/x.git"],
      ["/srv/x@y", "/srv/x@y"],
    ] as const)
      expect(withoutLogin(url)).toBe(told);
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

  test("without git a work tree is taken as a plain folder", async () => {
    git("init", "-q");
    write("a");
    const { PATH } = process.env;
    process.env["PATH"] = root;
    try {
      expect(await listFolder(root)).toMatchObject({ paths: ["a"], commit: null, origin: null });
    } finally {
      process.env["PATH"] = PATH;
    }
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
