import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { Transform, Writable } from "node:stream";
import { WeftError } from "./core/error.ts";
import type { Digest } from "./core/ids.ts";

export interface Digested {
  readonly digest: Digest;
  readonly bytes: number;
}

/** Of reads and writes: large enough that a gigabyte is a thousand turns of the event loop, small enough to hash in a few ms. */
export const CHUNK_BYTES = 1024 * 1024;

/** Lets bytes through and knows their digest at the end. */
export class DigestMeter extends Transform {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  constructor() {
    super({ readableHighWaterMark: CHUNK_BYTES, writableHighWaterMark: CHUNK_BYTES });
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    done(null, chunk);
  }

  /** Once, after the end. */
  result(): Digested {
    return { digest: `sha256:${this.#hash.digest("hex")}` as Digest, bytes: this.#bytes };
  }
}

/** Lets bytes through but the last chunk only when all of them have the digest; else it fails with what `refuse` makes. */
export class DigestGate extends Transform {
  readonly #expected: Digest;
  readonly #refuse: (found: Digested) => Promise<Error>;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #held: Buffer | undefined;

  constructor(expected: Digest, refuse: (found: Digested) => Promise<Error>) {
    super({ readableHighWaterMark: CHUNK_BYTES, writableHighWaterMark: CHUNK_BYTES });
    this.#expected = expected;
    this.#refuse = refuse;
  }

  override _transform(chunk: Buffer, _encoding: string, done: (error?: null, chunk?: Buffer) => void): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    const before = this.#held;
    this.#held = chunk;
    if (before === undefined) done();
    else done(null, before);
  }

  override _flush(finish: (error?: Error | null, chunk?: Buffer) => void): void {
    const digest = `sha256:${this.#hash.digest("hex")}` as Digest;
    if (digest === this.#expected) finish(null, this.#held);
    else void this.#refuse({ digest, bytes: this.#bytes }).then(finish, finish);
  }
}

/** Where bytes go that are only looked at. */
export class Sink extends Writable {
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }
}

/** What was found, held against what was promised. Throws `invalid`. */
export function promised(digest: Digest | null, found: Digested): Digested {
  if (digest !== null && found.digest !== digest) throw wrongDigest(digest, found);
  return found;
}

export function wrongDigest(digest: Digest, found: Digested): WeftError {
  return new WeftError(
    "invalid",
    `the ${found.bytes} bytes sent as ${digest} have the digest ${found.digest}; nothing was stored`,
  );
}

/** Reads the whole file. `bytes` is what was read. */
export async function digestFile(path: string): Promise<Digested> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { digest: `sha256:${hash.digest("hex")}` as Digest, bytes };
}

export function digestBytes(bytes: string | Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}
