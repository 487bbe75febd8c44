import { lstatSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ArtifactClient, putTree } from "../lib/artifacts.ts";
import type { ArtifactRef, CheckpointRef } from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import type { Digest } from "../lib/core/ids.ts";
import type { TreeFile } from "../lib/core/tree.ts";
import { digestBytes } from "../lib/digest.ts";
import { type KnownDigests, packFolder } from "../lib/tree.ts";
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

/** Digits of a number, and the end of the line. */
const ROUND_BYTES_MAX = 32;
/** What a task that runs is still writing: it renames that when it is whole. */
const UNFINISHED = ".tmp";

/**
 * Stores what the task has left there, without bytes that the store has. Undefined: nothing, or it put something else in
 * the folder's place. Errors: those of ArtifactClient; `invalid` for links that lead out of it. With `known` the task goes on meanwhile: `invalid` is thrown when
 * anything changed before all of it was stored. `finishedOnly`: what is still being written by its name is left out.
 */
export async function storeCheckpoint(
  artifacts: ArtifactClient,
  folder: string,
  {
    known,
    finishedOnly = known !== undefined,
  }: { readonly known?: KnownDigests; readonly finishedOnly?: boolean } = {},
): Promise<CheckpointRef | undefined> {
  const source = join(folder, CHECKPOINT);
  // A link would have us read, and publish, what lies elsewhere.
  if (!lstatSync(source, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const leaveOut = finishedOnly ? (name: string) => name.endsWith(UNFINISHED) : () => false;
  const pack = () => packFolder(source, ["."], { leaveOut, ...(known ? { known } : {}) });
  const packed = await pack();
  if (packed.manifest.files.length === 0) return undefined;
  await putTree(artifacts, packed, source).catch((error: unknown) => {
    // What was sent had become something else by then.
    throw known && error instanceof WeftError && error.code === "invalid" ? changed(error) : error;
  });
  const round = await roundOf(source, packed.manifest.files);
  if (known && (await pack()).digest !== packed.digest) throw changed();
  return { digest: packed.digest, kind: "tree", bytes: packed.bytes, ...(round === undefined ? {} : { round }) };
}

/** A file in which a member of a gang says of which round its checkpoint is: a whole number. */
const ROUND = "ROUND";

/** Undefined: there is no such file among those that were stored, or no number in it. */
async function roundOf(source: string, files: readonly TreeFile[]): Promise<number | undefined> {
  const file = files.find(({ path }) => path === ROUND);
  if (file === undefined || file.bytes > ROUND_BYTES_MAX) return undefined;
  const bytes = await readFile(join(source, ROUND));
  if (digestBytes(bytes) !== file.digest) throw changed();
  const text = bytes.toString("utf8").trim();
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function changed(cause?: Error): WeftError {
  return new WeftError(
    "invalid",
    `files in $WEFT_CHECKPOINT changed while they were read; write to a name that ends in ${UNFINISHED}, and rename it when it is whole`,
    cause === undefined ? {} : { cause },
  );
}
