import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import ignore, { type Ignore } from "ignore";
import { describeError, WeftError } from "../lib/core/error.ts";
import { formatSize } from "../lib/core/pipeline/units.ts";
import { git } from "./git.ts";
import { type Origin, readOrigin } from "./work-tree.ts";

/** Of all files together: code, not data. It is stored for each change and copied for each attempt. */
const PACK_BYTES_MAX = 100_000_000;
/** Each is an entry of the manifest, which is read for each attempt. */
const PACK_FILES_MAX = 50_000;
const NAMED_FILES = 8;
/** Never code, whoever tracks them. */
const NEVER = new Set([".git", "node_modules", ".weft"]);

export interface FolderContent {
  /** Relative to the folder, with "/", sorted. */
  readonly paths: readonly string[];
  readonly bytes: number;
  /** Null: not in a git work tree, or nothing is committed yet. */
  readonly commit: string | null;
  /** The work tree below the folder differs from the commit. */
  readonly dirty: boolean;
  /** Null: as `commit`. */
  readonly origin: Origin | null;
}

/**
 * The files that travel with a pipeline: in a git work tree those that are tracked or could be (not ignored), elsewhere
 * all; without what .weftignore names. Errors: `too_large`, naming the largest; `invalid` for what cannot be read.
 */
export async function listFolder(folder: string): Promise<FolderContent> {
  const root = resolve(folder);
  const ignored = await readIgnore(root);
  const listing = await readGit(root);
  const listed = listing ? await expand(root, listing.paths) : await walk(root, "", ignored);
  const paths = [...new Set(listed)].filter((path) => !isNever(path) && !ignored.ignores(path)).toSorted();
  const bytes = await checkSizes(root, paths);
  const commit = listing?.commit ?? null;
  const dirty = listing?.dirty ?? false;
  const travels = (path: string): boolean => !isNever(path) && !ignored.ignores(path);
  const origin = commit === null ? null : await readOrigin(root, { commit, dirty, paths, travels });
  return { paths, bytes, commit, dirty, origin };
}

function isNever(path: string): boolean {
  return path.split("/").some((part) => NEVER.has(part));
}

async function readIgnore(root: string): Promise<Ignore> {
  try {
    return ignore().add(await readFile(join(root, ".weftignore"), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return ignore();
    throw new WeftError("invalid", `cannot read ${join(root, ".weftignore")}`, { cause: error });
  }
}

async function walk(root: string, folder: string, ignored: Ignore): Promise<string[]> {
  const paths: string[] = [];
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
    throw new WeftError(
      "invalid",
      `cannot read the folder ${join(root, folder)}: ${describeError(error)}; make it readable, or name it in .weftignore`,
      { cause: error },
    );
  });
  for (const entry of entries) {
    if (NEVER.has(entry.name)) continue;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (!entry.isDirectory()) paths.push(path);
    else if (!ignored.ignores(`${path}/`)) paths.push(...(await walk(root, path, ignored)));
  }
  return paths;
}

interface GitListing {
  readonly paths: readonly string[];
  readonly commit: string | null;
  readonly dirty: boolean;
}

/** Undefined when the folder is in no work tree, or is ignored by the one it is in, or there is no git. */
async function readGit(root: string): Promise<GitListing | undefined> {
  const inside = await git(root, ["rev-parse", "--is-inside-work-tree"]);
  if (inside.stderr.includes("safe.directory")) {
    throw new WeftError(
      "invalid",
      `git does not trust ${root}, which someone else owns; allow it with: git config --global --add safe.directory ${root}`,
    );
  }
  if (!inside.ok || inside.stdout.trim() !== "true") return undefined;
  if ((await git(root, ["check-ignore", "-q", "."])).ok) return undefined;
  const files = await git(root, ["ls-files", "-co", "--exclude-standard", "-z"]);
  if (!files.ok) throw new WeftError("invalid", `git cannot list the files of ${root}: ${files.stderr.trim()}`);
  const head = await git(root, ["rev-parse", "--verify", "-q", "HEAD"]);
  const status = await git(root, ["status", "--porcelain", "-z", "--", "."]);
  return {
    paths: files.stdout.split("\0").filter((path) => path !== ""),
    commit: head.ok ? head.stdout.trim() : null,
    // A work tree that cannot be compared is not known to be the commit.
    dirty: !status.ok || status.stdout !== "",
  };
}

/** Without tracked files that are gone, and with the files of repositories inside this one. */
async function expand(root: string, listed: readonly string[]): Promise<string[]> {
  const none = ignore();
  const expanded = await Promise.all(
    listed.map(async (path) => {
      const bare = path.replace(/\/$/, "");
      const info = await lstat(join(root, bare)).catch(() => undefined);
      if (!info) return [];
      return info.isDirectory() ? await walk(root, bare, none) : [bare];
    }),
  );
  return expanded.flat();
}

async function checkSizes(root: string, paths: readonly string[]): Promise<number> {
  if (paths.length > PACK_FILES_MAX) {
    throw new WeftError(
      "too_large",
      `the folder ${root} has ${paths.length} files; at most ${PACK_FILES_MAX} can be submitted. Name what tasks do not need in .weftignore`,
    );
  }
  const sizes: { path: string; bytes: number }[] = [];
  for (const path of paths) sizes.push({ path, bytes: await sizeOf(root, path) });
  const bytes = sizes.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes <= PACK_BYTES_MAX) return bytes;
  const largest = sizes.toSorted((a, b) => b.bytes - a.bytes).slice(0, NAMED_FILES);
  const list = largest.map((file) => `  ${formatSize(file.bytes).padStart(9)}  ${file.path}`).join("\n");
  throw new WeftError(
    "too_large",
    `the folder ${root} has ${formatSize(bytes)}; at most ${formatSize(PACK_BYTES_MAX)} can be submitted. Name data in .weftignore, and let a task fetch it. The largest files:\n${list}`,
  );
}

async function sizeOf(root: string, path: string): Promise<number> {
  try {
    return (await stat(join(root, path))).size;
  } catch (error) {
    const link = (await lstat(join(root, path)).catch(() => undefined))?.isSymbolicLink();
    const what = link ? "is a link to something that is not there" : `cannot be read: ${describeError(error)}`;
    throw new WeftError("invalid", `${path} ${what}; repair it, or name it in .weftignore`, { cause: error });
  }
}
