import { Readable } from "node:stream";
import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { decodeTree, encodeTree, type TreeFile, type TreeManifest } from "../../lib/core/tree.ts";
import { digestBytes } from "../../lib/digest.ts";
import type { ArtifactStore } from "./store.ts";

/** Of one manifest: a million files of 200 bytes each. A larger one would not fit the memory of who reads it. */
const MANIFEST_BYTES_MAX = 256 * 2 ** 20;

/**
 * Stores the manifest of a folder whose files are stored already, and gives the folder's digest. The same files, named by the same paths, have the
 * same digest, in whatever order they are given. Errors: `failed_precondition` when the store lacks a file; those of putStream.
 */
export async function putManifest(store: ArtifactStore, files: readonly TreeFile[]): Promise<Digest> {
  const missing = await store.missing(files.map(({ digest }) => digest));
  if (missing.length > 0) {
    throw new WeftError(
      "failed_precondition",
      `the store does not have ${missing.length} of the ${files.length} files of the folder, for one ${missing[0]}; store the files first`,
    );
  }
  const encoded = encodeTree(files);
  if (decodeTree(encoded) === undefined)
    throw new WeftError("invalid", "a path of the folder is absolute, empty, or holds . or .. or two slashes in a row");
  const digest = digestBytes(encoded);
  await store.putStream(digest, Readable.from([Buffer.from(encoded)], { objectMode: false }));
  return digest;
}

/** The files of a folder. Errors: `not_found`, `corrupt`; `invalid` when that digest is of a file and of no folder. */
export async function readManifest(store: ArtifactStore, digest: Digest): Promise<TreeManifest> {
  const tree = decodeTree((await readArtifact(store, digest, MANIFEST_BYTES_MAX)).toString("utf8"));
  if (tree !== undefined) return tree;
  throw new WeftError("invalid", `artifact ${digest} is a file and no folder`);
}

/** How a manifest begins; what begins otherwise is a file. */
const MANIFEST_HEAD = '{"weft":"tree.v1"';

/**
 * The files of what may be a folder; none of a file, of which only the first bytes are read. `bytes`: its size. Errors: `not_found`, `corrupt`.
 */
export async function filesWithin(store: ArtifactStore, digest: Digest, bytes: number): Promise<readonly TreeFile[]> {
  // A part of what is empty cannot be asked for.
  if (bytes < MANIFEST_HEAD.length || bytes > MANIFEST_BYTES_MAX) return [];
  const head: Buffer[] = [];
  const start = await store.open(digest, { range: { start: 0, end: MANIFEST_HEAD.length } });
  for await (const chunk of start as AsyncIterable<Buffer>) head.push(chunk);
  if (Buffer.concat(head).toString("latin1") !== MANIFEST_HEAD) return [];
  return decodeTree((await readArtifact(store, digest, MANIFEST_BYTES_MAX)).toString("utf8"))?.files ?? [];
}

/** The whole artifact, checked. Errors: `not_found`, `corrupt`; `too_large` before a byte is read. */
export async function readArtifact(store: ArtifactStore, digest: Digest, bytesMax: number): Promise<Buffer> {
  const found = await store.stat(digest);
  if (found === undefined) throw new WeftError("not_found", `artifact ${digest} is not in the store`);
  if (found.bytes > bytesMax)
    throw new WeftError(
      "too_large",
      `artifact ${digest} has ${found.bytes} bytes; at most ${bytesMax} are read into memory`,
    );
  const chunks: Buffer[] = [];
  for await (const chunk of (await store.open(digest)) as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
