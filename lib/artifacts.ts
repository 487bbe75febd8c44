import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Store } from "./cas.ts";
import { WeftError } from "./core/error.ts";
import type { Digest } from "./core/ids.ts";
import { CHUNK_BYTES, DigestGate } from "./digest.ts";
import { createRequester, readBody, type Requester } from "./request.ts";
import type { PackedTree } from "./tree.ts";
import { writeAt } from "./write-at.ts";

/**
 * The server's artifact store over HTTP. Bytes are streamed both ways and checked against their digest. Connection
 * errors and answers that say "later" are tried again with backoff until `retryMs` have passed. Errors: `not_found` (the
 * store answered that it has no such digest), `unavailable` (no useful answer in time), `corrupt`, `invalid`, `disk_full`.
 */
export interface ArtifactClient {
  /** Those the store does not have. */
  missing(digests: readonly Digest[]): Promise<Digest[]>;
  /**
   * Sends the file; `invalid` when it no longer has that digest. A large one goes in parts, several at a time, and who was cut off goes on where
   * it was, also in another process.
   */
  putFile(digest: Digest, path: string): Promise<void>;
  putBytes(digest: Digest, bytes: string | Uint8Array): Promise<void>;
  /** Fails with `corrupt` instead of ending when the bytes have another digest, with `unavailable` when cut off. */
  open(digest: Digest): Promise<Readable>;
  /** Writes the file whole and checked, or not at all; goes on where a broken connection left off. */
  fetchTo(digest: Digest, path: string): Promise<void>;
  close(): void;
}

/** Answer to POST /v1/uploads. */
type Begun =
  | { readonly stored: true }
  | {
      readonly stored: false;
      readonly id: string;
      readonly partBytes: number;
      readonly parts: number;
      /** Parts that the store has. */
      readonly done: readonly number[];
    };

export interface ArtifactClientOptions {
  /** E.g. http://127.0.0.1:8080; a function is asked before each try, so that a server may move. */
  readonly baseUrl: string | (() => string);
  /** How long to go on trying after a first failure, in milliseconds. Default 30 s: a server's restart. */
  readonly retryMs?: number;
  readonly signal?: AbortSignal;
}

/** Digests asked for in one request, so that its body stays under 1 MiB. */
const MISSING_BATCH = 10_000;
/** Files sent at the same time: more does not make one disk or one link faster. */
const PARALLEL_PUTS = 4;
/** Larger files go in parts: what has come of them need not be sent again, and one connection's pace is not the limit. */
const IN_PARTS_BYTES_MIN = 64 * 2 ** 20;
/** Of one file; together with PARALLEL_PUTS as many as the requester has sockets. */
const PARALLEL_PARTS = 4;
/** In a row that broke off without a byte: the store, or the way to it, will not deliver the rest. */
const BARREN_CONNECTIONS_MAX = 5;

export function createArtifactClient(options: ArtifactClientOptions): ArtifactClient {
  return new HttpArtifactClient(createRequester(options));
}

class HttpArtifactClient implements ArtifactClient {
  readonly #requester: Requester;

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  async missing(digests: readonly Digest[]): Promise<Digest[]> {
    const missing: Digest[] = [];
    for (let i = 0; i < digests.length; i += MISSING_BATCH) {
      const body = { digests: digests.slice(i, i + MISSING_BATCH) };
      const what = "ask which artifacts are missing";
      const answer = await this.#json<{ missing: Digest[] }>(what, "POST", "/v1/artifacts/missing", body);
      missing.push(...answer.missing);
    }
    return missing;
  }

  async putFile(digest: Digest, path: string): Promise<void> {
    const whole = await open(path, "r");
    try {
      const { size } = await whole.stat();
      if (size > IN_PARTS_BYTES_MIN) return await this.#putParts(digest, whole, size);
    } finally {
      await whole.close();
    }
    // Opened anew for each try, and by descriptor, so that length and bytes are those of one file.
    await this.#put(digest, async (put) => {
      const file = await open(path, "r");
      try {
        const { size } = await file.stat();
        await put(
          size,
          file.createReadStream({
            autoClose: false,
            highWaterMark: CHUNK_BYTES,
            ...(size === 0 ? {} : { end: size - 1 }),
          }),
        );
      } finally {
        await file.close();
      }
    });
  }

  async #putParts(digest: Digest, file: FileHandle, bytes: number): Promise<void> {
    const upload = await this.#json<Begun>(`begin the upload of ${digest}`, "POST", "/v1/uploads", { digest, bytes });
    if (upload.stored) return;
    const { id, partBytes, parts } = upload;
    const done = new Set(upload.done);
    const left = Array.from({ length: parts }, (_, index) => index).filter((index) => !done.has(index));
    const lane = async (): Promise<void> => {
      for (let index = left.shift(); index !== undefined; index = left.shift()) {
        const start = index * partBytes;
        const length = Math.min(partBytes, bytes - start);
        await this.#requester.retry(`send part ${index} of artifact ${digest}`, async (send) => {
          const end = start + length - 1;
          // By its number: each stream of the handle's own would listen to it until it is closed.
          const body = createReadStream("", { fd: file.fd, autoClose: false, start, end, highWaterMark: CHUNK_BYTES });
          const headers = { "content-type": "application/octet-stream", "content-length": String(length) };
          await readBody(await send("PUT", `/v1/uploads/${id}/${index}`, headers, body));
        });
      }
    };
    // All lanes to their end, so that none reads from a file that is closed.
    const ends = await Promise.allSettled(Array.from({ length: PARALLEL_PARTS }, lane));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    await this.#json(`finish the upload of ${digest}`, "POST", `/v1/uploads/${id}/finish`, {});
  }

  async #json<T>(what: string, method: string, path: string, body: unknown): Promise<T> {
    const headers = { "content-type": "application/json" };
    const text = await this.#requester.retry(what, async (send) =>
      readBody(await send(method, path, headers, JSON.stringify(body))),
    );
    return JSON.parse(text.toString()) as T;
  }

  async putBytes(digest: Digest, bytes: string | Uint8Array): Promise<void> {
    const buffer = Buffer.from(bytes);
    await this.#put(digest, (put) => put(buffer.length, buffer));
  }

  async open(digest: Digest): Promise<Readable> {
    const first = await this.#get(digest, 0);
    const gate = new DigestGate(digest, async (found) => corrupt(digest, found.digest, this.#requester.baseUrl()));
    const bytes = Readable.from(this.#bytes(digest, first), { objectMode: false, highWaterMark: CHUNK_BYTES });
    bytes.on("error", (error) => gate.destroy(error));
    gate.on("close", () => bytes.destroy());
    return bytes.pipe(gate);
  }

  async fetchTo(digest: Digest, path: string): Promise<void> {
    const bytes = await this.open(digest);
    const temp = `${path}.${process.pid}.part`;
    const file = await open(temp, "w");
    try {
      await pipeline(bytes, async (chunks: AsyncIterable<Buffer>) => {
        await writeAt(file, chunks, 0, () => {});
      });
      await file.sync();
      await rename(temp, path);
    } finally {
      await file.close();
      await rm(temp, { force: true });
    }
  }

  close(): void {
    this.#requester.close();
  }

  #get(digest: Digest, from: number): Promise<IncomingMessage> {
    const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
    return this.#requester.retry(`fetch artifact ${digest}`, (send) => send("GET", `/v1/artifacts/${digest}`, headers));
  }

  /** The bytes over as many connections as it takes; a connection that brought nothing counts towards giving up. */
  async *#bytes(digest: Digest, first: IncomingMessage): AsyncGenerator<Buffer> {
    let received = 0;
    let barren = 0;
    for (let response = first; ; response = await this.#get(digest, received)) {
      // A server that does not honour ranges starts again; what was had is passed over.
      let skip = response.statusCode === 206 ? 0 : received;
      const before = received;
      try {
        for await (const chunk of response as AsyncIterable<Buffer>) {
          const fresh = chunk.subarray(Math.min(skip, chunk.length));
          skip -= chunk.length - fresh.length;
          received += fresh.length;
          if (fresh.length > 0) yield fresh;
        }
        return;
      } catch (error) {
        barren = received > before ? 0 : barren + 1;
        if (barren < BARREN_CONNECTIONS_MAX) continue;
        throw new WeftError(
          "unavailable",
          `cannot fetch artifact ${digest}: ${this.#requester.baseUrl()} broke off after ${received} bytes`,
          { cause: error },
        );
      }
    }
  }

  async #put(
    digest: Digest,
    source: (put: (bytes: number, body: Readable | Buffer) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    await this.#requester.retry(`store artifact ${digest}`, (send) =>
      source(async (bytes, body) => {
        const headers = { "content-type": "application/octet-stream", "content-length": String(bytes) };
        await readBody(await send("PUT", `/v1/artifacts/${digest}`, headers, body));
      }),
    );
  }
}

/**
 * Sends what the store lacks of a packed folder: its files, read under `root`, then the manifest, so that a manifest
 * that is there has its files there too.
 */
export async function putTree(client: ArtifactClient, packed: PackedTree, root: string): Promise<void> {
  const byDigest = new Map(packed.manifest.files.map((file) => [file.digest, file.path]));
  const wanted = await client.missing([...byDigest.keys(), packed.digest]);
  const files = wanted.filter((digest) => byDigest.has(digest));
  const lane = async () => {
    for (let digest = files.pop(); digest; digest = files.pop())
      await client.putFile(digest, `${root}/${byDigest.get(digest)!}`);
  };
  await Promise.all(Array.from({ length: PARALLEL_PUTS }, lane));
  if (wanted.includes(packed.digest)) await client.putBytes(packed.digest, packed.encoded);
}

/** Has the digest in the local store when it returns, fetching it when it is not there. */
export async function fetchInto(store: Store, client: ArtifactClient, digest: Digest): Promise<void> {
  if ((await store.stat(digest)) !== undefined) return;
  await store.putStream(digest, await client.open(digest));
}

function corrupt(digest: Digest, found: Digest, from: string): WeftError {
  return new WeftError(
    "corrupt",
    `artifact ${digest} came from ${from} with the digest ${found}; the store's disk or the way to it changes bytes`,
  );
}
