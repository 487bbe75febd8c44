import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type ByteRange, type Listed, openStore, type Store, type Stored } from "../../lib/cas.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { FolderUploads } from "./folder-uploads.ts";
import { countedOn, TOUCH_AFTER_MS } from "./grace.ts";
import type { Uploads } from "./upload.ts";

/** Content by digest, wherever its bytes lie. The methods are those of lib/cas.ts, with the same errors. */
export interface ArtifactStore {
  /** For messages: the folder, or s3://bucket/prefix. */
  readonly place: string;
  /** Undefined: the store does not have it. */
  stat(digest: Digest): Promise<{ readonly bytes: number } | undefined>;
  /** Those the store does not have, each once. What it has is counted on from now: garbage collection leaves it for three days. */
  missing(digests: readonly Digest[]): Promise<Digest[]>;
  /** Stores what the stream yields; null: under whatever digest it has. In any case of error nothing is visible. */
  putStream(digest: Digest | null, source: Readable, options?: { readonly bytes?: number }): Promise<Stored>;
  /** The bytes, checked while they pass; of a range they are not. */
  open(digest: Digest, options?: { readonly range?: ByteRange; readonly verify?: boolean }): Promise<Readable>;
  /** Reads it all; `corrupt`, and put aside, when the bytes have another digest. */
  verify(digest: Digest): Promise<void>;
  /**
   * What is no larger is read twice when it is sent over HTTP, the first time to know that it is right, so that a wrong file is answered with an
   * error; the connection of a larger one is cut before the last bytes.
   */
  readonly checkFirstBytesMax: number;
  /** Large files in parts; see Uploads. */
  readonly uploads: Uploads;
  /** Of the garbage collector. */
  readonly shelf: Shelf;
  /** Rejects when nothing can be stored at the moment. */
  check(): Promise<void>;
}

/** What the garbage collector sees of a store. */
export interface Shelf {
  list(): AsyncIterable<Listed>;
  /** Removes it unless it was stored, or counted on, at `beforeMs` or later. Whether it did. */
  removeOlder(digest: Digest, beforeMs: number): Promise<boolean>;
}

/** The second reading comes from memory. */
const CHECK_FIRST_BYTES_MAX = 64 * 2 ** 20;

export interface FolderArtifactStore extends ArtifactStore {
  readonly files: Store;
}

/** The store in a folder of this machine, or of one that all servers share. */
export async function openFolderStore(root: string): Promise<FolderArtifactStore> {
  const store = await openStore(root);
  return {
    place: root,
    stat: (digest) => store.stat(digest),
    missing: (digests) => missing(store, digests),
    putStream: (digest, source, options) => put(store, digest, source, options),
    open: (digest, options) => store.open(digest, options),
    verify: (digest) => store.verify(digest),
    uploads: await FolderUploads.open(join(root, "uploads"), store),
    shelf: store,
    files: store,
    checkFirstBytesMax: CHECK_FIRST_BYTES_MAX,
    check: () => access(root, constants.W_OK),
  };
}

async function missing(store: Store, digests: readonly Digest[]): Promise<Digest[]> {
  // Touched before it is looked for: what is there after the touch has its full time.
  await store.touch([...new Set(digests)], TOUCH_AFTER_MS);
  return store.missing(digests);
}

async function put(
  store: Store,
  digest: Digest | null,
  source: Readable,
  options?: { readonly bytes?: number },
): Promise<Stored> {
  // It may fail meanwhile; who reads it says so.
  source.on("error", () => {});
  // As in missing(): the bytes may take long to come.
  if (digest !== null) await store.touch([digest], TOUCH_AFTER_MS);
  return countedOn(store, await store.putStream(digest, source, options));
}
