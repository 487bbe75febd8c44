import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ArtifactClient } from "../../lib/artifacts.ts";
import type { AssignedSource, SourceRead } from "../../lib/core/dispatch.ts";
import { describeError, WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { type Outside, readOutside, VERSION_CHARS_MAX } from "../../lib/core/pipeline/outside.ts";
import { encodeTree, type TreeFile } from "../../lib/core/tree.ts";
import { packFolder } from "../../lib/tree.ts";
import type { Cache } from "../cache.ts";
import { pathsProblem } from "../core/object-paths.ts";
import { download } from "./download.ts";
import { httpRemote } from "./http.ts";
import { OutsideError } from "./remote.ts";
import type { S3Reader } from "./s3.ts";

/** Objects below a prefix that are read at a time. */
const PARALLEL_OBJECTS = 4;

export interface Reading {
  readonly cache: Cache;
  /** Told each digest that must stay. */
  readonly pin: (digest: Digest) => void;
  readonly signal: AbortSignal;
  readonly node: string;
}

/** Content in the cache, and what it is called outside. */
interface Content {
  readonly digest: Digest;
  readonly kind: "file" | "tree";
  readonly bytes: number;
  /** Empty: it has no name. One that is too long for an index is none either. */
  readonly version: string;
  /** Of a folder. */
  readonly files: readonly TreeFile[];
}

/**
 * Reads what the input names into the node's cache. Nothing of it is in memory as a whole. Errors: OutsideError, which names the URI and what was
 * wrong, also when the bytes are not those that were promised; those of the cache's store.
 */
export async function readSource(
  source: AssignedSource,
  reading: Reading,
): Promise<SourceRead & { files: readonly TreeFile[] }> {
  const { uri, name, fileName } = source;
  const read = readOutside(uri);
  if (!read.ok || read.outside.kind === "dataset")
    throw new OutsideError(`input "${name}": ${uri} is no URI that this node reads`);
  const { digest, kind, bytes, version, files } = await contentOf(uri, read.outside, reading);
  if (source.digest !== null && digest !== source.digest)
    throw new OutsideError(
      `${uri} has the digest ${digest} now, and must have ${source.digest}; it has changed, or the digest in the pipeline is of something else`,
    );
  const named = version === "" || version.length > VERSION_CHARS_MAX ? digest : version;
  return { name, uri, fileName, digest, kind, bytes, version: named, kept: false, files };
}

/** Puts what was read into the artifact store. Errors: those of ArtifactClient. */
export async function keepSource(
  artifacts: ArtifactClient,
  cache: Cache,
  { digest, files }: { readonly digest: Digest; readonly files: readonly TreeFile[] },
): Promise<void> {
  const wanted = await artifacts.missing([...new Set(files.map((file) => file.digest)), digest]);
  // The manifest last, so that one that is there has its files there too.
  for (const one of wanted.filter((each) => each !== digest)) await artifacts.putFile(one, cache.store.path(one));
  if (wanted.includes(digest)) await artifacts.putFile(digest, cache.store.path(digest));
}

function contentOf(uri: string, outside: Exclude<Outside, { kind: "dataset" }>, reading: Reading): Promise<Content> {
  switch (outside.kind) {
    case "http":
      return fileContent(reading, () => download(reading.cache.store, uri, httpRemote(uri), reading.signal));
    case "s3":
      return s3Content(uri, outside, reading);
    case "file":
      return localContent(uri, outside.path, reading);
  }
}

async function fileContent(
  reading: Reading,
  fetch: () => Promise<{ readonly digest: Digest; readonly bytes: number; readonly version: string }>,
): Promise<Content> {
  const found = await kept(reading, fetch);
  return { ...found, kind: "file", files: [] };
}

/** Until it stays: what was there already may have been evicted before it was pinned. */
async function kept<T extends { readonly digest: Digest }>(
  { cache, pin, signal }: Reading,
  fetch: () => Promise<T>,
): Promise<T> {
  for (;;) {
    const found = await fetch();
    // The attempt has let its pins go: one more would stay for ever.
    signal.throwIfAborted();
    pin(found.digest);
    if (await cache.take(found.digest)) return found;
  }
}

async function s3Content(
  uri: string,
  { bucket, key, versionId }: Outside & { kind: "s3" },
  reading: Reading,
): Promise<Content> {
  const { S3Reader: Reader } = await import("./s3.ts");
  const s3: S3Reader = new Reader(process.env);
  const { cache, signal } = reading;
  const get = (one: string, from: string) =>
    download(cache.store, from, s3.remote(from, bucket, one, versionId), signal);
  try {
    if (key !== "" && !key.endsWith("/")) return await fileContent(reading, () => get(key, uri));
    const keys = await s3.list(uri, bucket, key, signal);
    if (keys.length === 0) throw new OutsideError(`nothing lies below ${uri}`);
    const paths = keys.map((one) => one.slice(key.length));
    const wrong = pathsProblem(paths);
    if (wrong !== undefined) throw new OutsideError(`${uri}: ${wrong}`);
    const files: TreeFile[] = [];
    const lane = async (): Promise<void> => {
      for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
        const one = key + path;
        const { digest, bytes } = await kept(reading, () => get(one, `s3://${bucket}/${one}`));
        files.push({ path, digest, bytes, executable: false });
      }
    };
    const lanes = Array.from({ length: PARALLEL_OBJECTS }, async () =>
      lane().catch((error: unknown) => {
        paths.length = 0;
        throw error;
      }),
    );
    // All to their end, so that none reads and pins on when the attempt is over.
    for (const end of await Promise.allSettled(lanes)) if (end.status === "rejected") throw end.reason;
    return await treeContent(files, reading);
  } finally {
    s3.close();
  }
}

async function localContent(uri: string, path: string, reading: Reading): Promise<Content> {
  const { cache, node } = reading;
  try {
    const info = await stat(path);
    if (info.isFile())
      return await fileContent(reading, async () => ({
        ...(await cache.store.putFile(path)),
        version: info.mtime.toISOString(),
      }));
    const { manifest } = await packFolder(path, ["."]);
    if (manifest.files.length === 0) throw new OutsideError(`the folder of ${uri} is empty on node ${node}`);
    const files: TreeFile[] = [];
    for (const file of manifest.files) {
      reading.signal.throwIfAborted();
      const { digest, bytes } = await kept(reading, () => cache.store.putFile(join(path, file.path)));
      files.push({ ...file, digest, bytes });
    }
    return await treeContent(files, reading);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (["ENOENT", "ENOTDIR"].includes(code))
      throw new OutsideError(
        `${uri} is not on node ${node}; let the task run where it is, with "placement" and a label of those nodes, or use https:// or s3://`,
      );
    if (["EACCES", "EPERM"].includes(code)) throw new OutsideError(`the agent on node ${node} may not read ${uri}`);
    if (error instanceof WeftError && error.code === "invalid")
      throw new OutsideError(`${uri} on node ${node}: ${describeError(error)}`);
    throw error;
  }
}

async function treeContent(files: TreeFile[], reading: Reading): Promise<Content> {
  const encoded = Buffer.from(encodeTree(files));
  const { digest } = await kept(reading, () =>
    reading.cache.store.putStream(null, Readable.from([encoded], { objectMode: false })),
  );
  return { digest, kind: "tree", bytes: files.reduce((sum, file) => sum + file.bytes, 0), version: "", files };
}
