import { existsSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import type { ArtifactClient } from "../lib/artifacts.ts";
import { WeftError } from "../lib/core/error.ts";
import { decodeTree, type TreeFile } from "../lib/core/tree.ts";
import type { Digest } from "../lib/core/ids.ts";

/** An artifact, as whoever refers to it knows it. */
export interface Downloadable {
  readonly digest: string;
  readonly kind: "file" | "tree";
}

/**
 * Writes a file or a folder to `path`, each byte checked. Errors: `conflict` when something is there and `force` is not given; `corrupt`, `not_found`.
 */
export async function download(
  store: ArtifactClient,
  { digest, kind }: Downloadable,
  path: string,
  force: boolean,
): Promise<void> {
  if (existsSync(path) && !force)
    throw new WeftError("conflict", `${path} exists already; --force writes over it, or choose another place`);
  await mkdir(dirname(path), { recursive: true });
  if (kind === "file") return store.fetchTo(digest as Digest, path);
  await mkdir(path, { recursive: true });
  for (const file of await filesOfFolder(store, digest)) {
    const target = join(path, file.path);
    await mkdir(dirname(target), { recursive: true });
    await store.fetchTo(file.digest, target);
    if (file.executable) await chmod(target, 0o755);
  }
}

/** Errors: `not_found`; `corrupt`, also when a path would lead out of the folder. */
export async function filesOfFolder(store: ArtifactClient, digest: string): Promise<readonly TreeFile[]> {
  const tree = decodeTree(await text(await store.open(digest as Digest)));
  if (tree) return tree.files;
  throw new WeftError("corrupt", `what the store has as ${digest} is no folder, or one with paths that lead out of it`);
}
