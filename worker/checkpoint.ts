import { lstatSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type ArtifactClient, putTree } from "../lib/artifacts.ts";
import type { ArtifactRef } from "../lib/core/dispatch.ts";
import type { Digest } from "../lib/core/ids.ts";
import { packFolder } from "../lib/tree.ts";
import type { Cache } from "./cache.ts";
import { CHECKPOINT } from "./folder.ts";
import { layOutFetched } from "./workspace.ts";

/** Makes the folder of $WEFT_CHECKPOINT, with what the attempt before left there. Errors: those of `layOut`. */
export async function layOutCheckpoint(
  cache: Cache,
  from: ArtifactRef | null,
  folder: string,
  pin: (digest: Digest) => void,
): Promise<void> {
  const target = join(folder, CHECKPOINT);
  await mkdir(target, { recursive: true, mode: 0o700 });
  if (from) await layOutFetched(cache, from.digest, target, pin);
}

/**
 * Stores what the task has left there, without bytes that the store has. Undefined: nothing, or it put something else in
 * the folder's place. Errors: those of ArtifactClient; `invalid` for links that lead out of it.
 */
export async function storeCheckpoint(artifacts: ArtifactClient, folder: string): Promise<ArtifactRef | undefined> {
  const source = join(folder, CHECKPOINT);
  // A link would have us read, and publish, what lies elsewhere.
  if (!lstatSync(source, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const packed = await packFolder(source, ["."]);
  if (packed.manifest.files.length === 0) return undefined;
  await putTree(artifacts, packed, source);
  return { digest: packed.digest, kind: "tree", bytes: packed.bytes };
}
