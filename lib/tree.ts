import { type BigIntStats, constants } from "node:fs";
import { chmod, copyFile, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { type Digested, digestBytes, digestFile } from "./digest.ts";
import { describeError, WeftError } from "./core/error.ts";
import type { Digest } from "./core/ids.ts";
import { encodeTree, isSafePath, type TreeFile, type TreeManifest } from "./core/tree.ts";

/** A folder read and digested, not yet stored anywhere. */
export interface PackedTree {
  readonly manifest: TreeManifest;
  /** What is stored under `digest`. */
  readonly encoded: string;
  readonly digest: Digest;
  /** Sum over the files. */
  readonly bytes: number;
}

/** What is known of files, so that they need not be read again. */
export interface KnownDigests {
  /** `info`: of the file before it is read. */
  of(path: string, info: BigIntStats, read: () => Promise<Digested>): Promise<Digested>;
}

export interface PackOptions {
  /** Names of files and folders that do not count. */
  readonly leaveOut?: (name: string) => boolean;
  readonly known?: KnownDigests;
}

/** Files read or copied at the same time: what libuv's four threads can do, and few open descriptors. */
const PARALLEL_FILES = 4;
/** Depth of folders: a link that leads back to a folder above it would otherwise never end. */
const DEPTH_MAX = 64;

/**
 * Digests the files at `paths` (relative to `root`, with "/"; a folder stands for all files in it). A symbolic link
 * counts as what it leads to; one that leads nowhere or out of `root` is refused, as is anything but files and folders.
 * Errors: `invalid`, naming the path.
 */
export async function packFolder(
  root: string,
  paths: readonly string[],
  options: PackOptions = {},
): Promise<PackedTree> {
  const base = await realpath(root);
  const found = new Map<string, string>();
  for (const path of paths) await collect(base, path === "." ? "" : path, found, options, 0);
  const entries = [...found.entries()];
  const files = await inParallel(entries, ([path, real]) => readEntry(path, real, options.known));
  const encoded = encodeTree(files);
  const manifest: TreeManifest = JSON.parse(encoded);
  return { manifest, encoded, digest: digestBytes(encoded), bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
}

/**
 * Writes the manifest's files (those that `filter` keeps) under `targetDir`, which is made. `source` gives the path of
 * the bytes of a digest. Blocks are shared where the file system can. Each file is writable by its owner.
 */
export async function layOutTree(
  manifest: TreeManifest,
  source: (digest: Digest) => string,
  targetDir: string,
  filter: (path: string) => boolean = () => true,
): Promise<void> {
  const files = manifest.files.filter((file) => filter(file.path));
  const unsafe = files.find((file) => !isSafePath(file.path));
  if (unsafe)
    throw new WeftError(
      "invalid",
      `the tree manifest holds the path ${JSON.stringify(unsafe.path)}, which leads out of the folder`,
    );
  await mkdir(targetDir, { recursive: true });
  for (const folder of new Set(files.map((file) => dirname(file.path)))) {
    await mkdir(join(targetDir, folder), { recursive: true });
  }
  await inParallel(files, (file) => layOutFile(source(file.digest), join(targetDir, file.path), file.executable));
}

/** Copies one file, sharing blocks where the file system can, and makes it writable by its owner. */
export async function layOutFile(source: string, target: string, executable: boolean): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  await chmod(target, executable ? 0o755 : 0o644);
}

async function collect(
  base: string,
  path: string,
  found: Map<string, string>,
  options: PackOptions,
  depth: number,
): Promise<void> {
  if (path !== "" && !isSafePath(path))
    throw new WeftError("invalid", `the path ${JSON.stringify(path)} leads out of the folder ${base}`);
  if (depth > DEPTH_MAX)
    throw new WeftError(
      "invalid",
      `${path} lies more than ${DEPTH_MAX} folders deep; does a link lead back to a folder above it?`,
    );
  let real: string;
  try {
    real = await realpath(join(base, path));
  } catch (error) {
    throw new WeftError(
      "invalid",
      `${path} cannot be read: it, or what it links to, is not there (${describeError(error)})`,
      { cause: error },
    );
  }
  const within = relative(base, real);
  if (within === ".." || within.startsWith(`..${sep}`)) {
    throw new WeftError("invalid", `${path} links to ${real}, outside the folder ${base}; copy it in, or leave it out`);
  }
  const info = await stat(real);
  if (info.isFile()) found.set(path, real);
  else if (info.isDirectory()) {
    for (const name of await readdir(real)) {
      if (options.leaveOut?.(name)) continue;
      await collect(base, path === "" ? name : `${path}/${name}`, found, options, depth + 1);
    }
  } else throw new WeftError("invalid", `${path} is neither a file nor a folder; leave it out`);
}

async function readEntry(path: string, real: string, known: KnownDigests | undefined): Promise<TreeFile> {
  try {
    if (known) {
      const info = await stat(real, { bigint: true });
      const digested = await known.of(real, info, () => digestFile(real));
      return { path, ...digested, executable: (info.mode & 0o100n) !== 0n };
    }
    const { mode } = await stat(real);
    return { path, ...(await digestFile(real)), executable: (mode & 0o100) !== 0 };
  } catch (error) {
    throw new WeftError("invalid", `cannot read ${path}: ${describeError(error)}`, { cause: error });
  }
}

/** Runs `work` over all items, a few at a time; the results are in the order of the items. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length });
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_FILES, items.length) }, lane));
  return results;
}
