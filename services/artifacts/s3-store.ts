import { randomUUID } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ByteRange, Listed, Stored } from "../../lib/cas.ts";
import { WeftError } from "../../lib/core/error.ts";
import { type Digest, isDigest } from "../../lib/core/ids.ts";
import { DigestGate, DigestMeter, type Digested, promised, Sink, wrongDigest } from "../../lib/digest.ts";
import { Bucket, COPY_BYTES_MAX } from "./s3-bucket.ts";
import { S3Uploads } from "./s3-uploads.ts";
import type { ArtifactStore, Shelf } from "./store.ts";
import { TOUCH_AFTER_MS } from "./grace.ts";

/** Asked for at the same time. */
const PARALLEL_HEADS = 32;

/**
 * Content by digest in a bucket:
 *
 *   <prefix>sha256/ab/<64 hex>   the bytes; there means whole and checked when it was written
 *   <prefix>tmp/…                being written under a digest that is not known yet
 *   <prefix>uploads/…            parts of large files, see S3Uploads
 *   <prefix>corrupt/…            found to have other bytes than its name says
 */
export async function openS3Store(place: { readonly bucket: string; readonly prefix: string }): Promise<ArtifactStore> {
  const store = new S3Store(new Bucket(place.bucket), place.prefix);
  await store.check();
  return store;
}

export class S3Store implements ArtifactStore, Shelf {
  readonly place: string;
  readonly bucket: Bucket;
  readonly prefix: string;
  readonly uploads: S3Uploads;
  /** The second reading would come over the network. */
  readonly checkFirstBytesMax = 0;

  constructor(bucket: Bucket, prefix: string) {
    this.bucket = bucket;
    this.prefix = prefix;
    this.place = `s3://${bucket.name}/${prefix}`;
    this.uploads = new S3Uploads(this);
  }

  get shelf(): Shelf {
    return this;
  }

  check(): Promise<void> {
    return this.bucket.check();
  }

  key(digest: Digest): string {
    const hex = digest.slice("sha256:".length);
    return `${this.prefix}sha256/${hex.slice(0, 2)}/${hex}`;
  }

  async stat(digest: Digest): Promise<{ readonly bytes: number } | undefined> {
    return this.bucket.head(this.key(digest));
  }

  async missing(digests: readonly Digest[]): Promise<Digest[]> {
    const waiting = [...new Set(digests)];
    const absent = new Set<Digest>();
    const lane = async (): Promise<void> => {
      for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
        if (!(await this.#countOn(digest))) absent.add(digest);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_HEADS }, lane));
    return [...new Set(digests)].filter((digest) => absent.has(digest));
  }

  async putStream(digest: Digest | null, source: Readable): Promise<Stored> {
    source.on("error", () => {});
    if (digest === null) return this.#putUnknown(source);
    const meter = new DigestMeter();
    if (await this.#countOn(digest)) {
      await pipeline(source, meter, new Sink());
      return { ...promised(digest, meter.result()), existed: true };
    }
    // The last chunk is let through only when the digest is right, so that a wrong object is never complete.
    const gate = new DigestGate(digest, async (found) => wrongDigest(digest, found));
    const body = new PassThrough();
    await Promise.all([pipeline(source, meter, gate, body), this.bucket.put(this.key(digest), body)]).catch((error) => {
      throw body.errored ?? error;
    });
    return { ...meter.result(), existed: false };
  }

  async #putUnknown(source: Readable): Promise<Stored> {
    const temp = `${this.prefix}tmp/${randomUUID()}`;
    const meter = new DigestMeter();
    const body = new PassThrough();
    try {
      await Promise.all([pipeline(source, meter, body), this.bucket.put(temp, body)]).catch((error) => {
        throw body.errored ?? error;
      });
      return await this.adopt(meter.result(), temp);
    } finally {
      await this.bucket.remove(temp).catch(() => {});
    }
  }

  /** Makes an object that was checked visible under its digest; the object itself stays. */
  async adopt({ digest, bytes }: Digested, from: string): Promise<Stored> {
    const existed = await this.#countOn(digest);
    if (!existed) await this.#copy(from, this.key(digest), bytes);
    return { digest, bytes, existed };
  }

  async #copy(from: string, to: string, bytes: number): Promise<void> {
    if (bytes <= COPY_BYTES_MAX) return this.bucket.copy(from, to);
    const whole = await this.bucket.get(from);
    if (whole === undefined)
      throw new WeftError("unavailable", `s3://${this.bucket.name}/${from} has gone; send it again`);
    await this.bucket.put(to, whole);
  }

  async open(
    digest: Digest,
    options: { readonly range?: ByteRange; readonly verify?: boolean } = {},
  ): Promise<Readable> {
    const { range } = options;
    if (range !== undefined && range.end <= range.start) return Readable.from([]);
    const bytes = range === undefined ? undefined : `bytes=${range.start}-${range.end - 1}`;
    const body = await this.bucket.get(this.key(digest), bytes);
    if (body === undefined) throw new WeftError("not_found", `artifact ${digest} is not in the store in ${this.place}`);
    if (range !== undefined || options.verify === false) return body;
    const gate = new DigestGate(digest, (found) => this.#putAside(digest, found));
    body.on("error", (error) => gate.destroy(this.bucket.explain("read", this.key(digest), error)));
    gate.on("close", () => body.destroy());
    return body.pipe(gate);
  }

  async verify(digest: Digest): Promise<void> {
    await pipeline(await this.open(digest), new Sink());
  }

  async *list(): AsyncGenerator<Listed> {
    for await (const { key, bytes, atMs } of this.bucket.list(`${this.prefix}sha256/`)) {
      const digest = `sha256:${key.slice(key.lastIndexOf("/") + 1)}`;
      if (isDigest(digest)) yield { digest, bytes, atMs };
    }
  }

  /** Between the look and the removal lies one round trip: S3 has no removal on condition. The grace is a thousand times that. */
  async removeOlder(digest: Digest, beforeMs: number): Promise<boolean> {
    const found = await this.bucket.head(this.key(digest));
    if (found === undefined || found.atMs >= beforeMs) return false;
    await this.bucket.remove(this.key(digest));
    return true;
  }

  /** Whether it is there; if so it stays for the grace. */
  async #countOn(digest: Digest): Promise<boolean> {
    const key = this.key(digest);
    const found = await this.bucket.head(key);
    if (found === undefined) return false;
    if (found.bytes <= COPY_BYTES_MAX && Date.now() - found.atMs > TOUCH_AFTER_MS) await this.bucket.copy(key, key);
    return true;
  }

  async #putAside(digest: Digest, found: Digested): Promise<WeftError> {
    const aside = `${this.prefix}corrupt/${digest.slice("sha256:".length)}`;
    await this.#copy(this.key(digest), aside, found.bytes);
    await this.bucket.remove(this.key(digest));
    return new WeftError(
      "corrupt",
      `artifact ${digest} is corrupt in ${this.place}: its ${found.bytes} bytes have the digest ${found.digest}; moved to ${aside}, store it again`,
    );
  }
}
