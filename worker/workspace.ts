import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AssignedInput, Assignment } from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import { fileFilter } from "../lib/core/file-filter.ts";
import type { Digest } from "../lib/core/ids.ts";
import { decodeTree, type TreeManifest } from "../lib/core/tree.ts";
import { layOutFile, layOutTree } from "../lib/tree.ts";
import type { Cache } from "./cache.ts";

/** Nothing has to come from elsewhere: the workspace is three empty folders. */
export function needsNothing(assignment: Assignment): boolean {
  return (
    assignment.code === null &&
    assignment.inputs.length === 0 &&
    assignment.sources === undefined &&
    assignment.outputs.length === 0 &&
    assignment.checkpoint === null &&
    assignment.environment.kind === "none"
  );
}

/**
 * Lays out code and inputs in the workspace and makes the folders where outputs are expected. Returns the code's
 * manifest. `pin` is told each digest before it is fetched. Errors: those of Cache.fetch; `invalid`, errno.
 */
export async function layOut(
  cache: Cache,
  assignment: Assignment,
  workspace: string,
  pin: (digest: Digest) => void,
): Promise<TreeManifest | null> {
  const code = assignment.code === null ? null : await fetchTree(cache, assignment.code, pin);
  if (code) {
    const wanted = fileFilter(assignment.files);
    const files = code.files.filter((file) => wanted(file.path));
    await fetchAll(
      cache,
      files.map((file) => file.digest),
      pin,
    );
    await layOutTree({ ...code, files }, (digest) => cache.store.path(digest), workspace);
  }
  for (const input of assignment.inputs) await layOutInput(cache, input, workspace, pin);
  for (const { path } of assignment.outputs) {
    // A folder that is expected is made, so that files can be put there at once.
    await mkdir(path.endsWith("/") ? join(workspace, path) : dirname(join(workspace, path)), { recursive: true });
  }
  return code;
}

/** One input, at inputs/<name>. Errors: as of layOut. */
export async function layOutInput(
  cache: Cache,
  input: AssignedInput,
  workspace: string,
  pin: (digest: Digest) => void,
): Promise<void> {
  const folder = join(workspace, "inputs", input.name, input.index === null ? "" : String(input.index));
  const target = join(folder, input.fileName);
  if (input.kind === "tree") await layOutFetched(cache, input.digest, target, pin);
  else {
    await fetchAll(cache, [input.digest], pin);
    await mkdir(folder, { recursive: true });
    await layOutFile(cache.store.path(input.digest), target, false);
  }
}

/** A whole tree, at `target`. */
export async function layOutFetched(
  cache: Cache,
  tree: Digest,
  target: string,
  pin: (digest: Digest) => void,
): Promise<void> {
  const manifest = await fetchTree(cache, tree, pin);
  await fetchAll(
    cache,
    manifest.files.map((file) => file.digest),
    pin,
  );
  await layOutTree(manifest, (digest) => cache.store.path(digest), target);
}

async function fetchTree(cache: Cache, digest: Digest, pin: (digest: Digest) => void): Promise<TreeManifest> {
  await fetchAll(cache, [digest], pin);
  const tree = decodeTree(readFileSync(cache.store.path(digest), "utf8"));
  if (!tree)
    throw new WeftError("corrupt", `artifact ${digest} is no tree manifest, or a path in it leads out of its folder`);
  return tree;
}

async function fetchAll(cache: Cache, digests: readonly Digest[], pin: (digest: Digest) => void): Promise<void> {
  for (const digest of digests) pin(digest);
  await cache.fetch(digests);
}
