import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Stored } from "../../lib/cas.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { DigestMeter, type Digested, promised, Sink } from "../../lib/digest.ts";
import { noUpload } from "./folder-uploads.ts";
import type { Bucket } from "./s3-bucket.ts";
import {
  bytesOfPart,
  checkPart,
  partsMissing,
  readUploadId,
  type Upload,
  type UploadPromise,
  type Uploads,
  uploadId,
} from "./upload.ts";

/** The store that finished uploads go to. */
export interface UploadTarget {
  readonly bucket: Bucket;
  readonly prefix: string;
  stat(digest: Digest): Promise<{ readonly bytes: number } | undefined>;
  /** Makes an object that was checked visible under its digest. */
  adopt(found: Digested, from: string): Promise<Stored>;
}

/** Of names kept in memory; far more than there are uploads at a time. */
const TOKENS_MAX = 1_000;

interface Part extends CompletedPart {
  readonly ETag: string;
  readonly PartNumber: number;
}

/**
 * Uploads as multipart uploads to <prefix>uploads/<id>, of which S3 keeps the parts. A finished one is read once to know its digest, and then
 * copied to its place within the bucket: S3's own checksums of parts are none of the whole.
 */
export class S3Uploads implements Uploads {
  readonly #store: UploadTarget;
  /** S3's names of uploads that are under way, so that not each part has to ask for it. */
  readonly #tokens = new Map<string, string>();

  constructor(store: UploadTarget) {
    this.#store = store;
  }

  get #bucket(): Bucket {
    return this.#store.bucket;
  }

  #key(id: string): string {
    return `${this.#store.prefix}uploads/${id}`;
  }

  async begin(promise: UploadPromise): Promise<Upload> {
    const upload = readUploadId(uploadId(promise));
    const token = await this.#find(upload.id);
    if (token !== undefined) return { ...upload, done: (await this.#parts(upload.id, token)).map(indexOf) };
    await this.#bucket.run("begin an upload to", this.#key(upload.id), () =>
      this.#bucket.client.send(
        new CreateMultipartUploadCommand({ Bucket: this.#bucket.name, Key: this.#key(upload.id) }),
      ),
    );
    return { ...upload, done: [] };
  }

  async putPart(id: string, index: number, source: Readable): Promise<void> {
    source.on("error", () => {});
    const upload = readUploadId(id);
    const bytes = bytesOfPart(upload, index);
    const token = await this.#tokenOf(id);
    // In memory, so that the client of S3 can send it again when a connection breaks.
    const chunks: Buffer[] = [];
    let sent = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      sent += chunk.length;
      if (sent > bytes) checkPart(upload, index, sent);
      chunks.push(chunk);
    }
    checkPart(upload, index, sent);
    await this.#bucket.run("write a part of", this.#key(id), () =>
      this.#bucket.client.send(
        new UploadPartCommand({
          Bucket: this.#bucket.name,
          Key: this.#key(id),
          UploadId: token,
          PartNumber: index + 1,
          Body: Buffer.concat(chunks),
        }),
      ),
    );
  }

  async finish(id: string): Promise<Stored> {
    const upload = readUploadId(id);
    const { digest } = upload;
    this.#tokens.delete(id);
    const token = await this.#find(id);
    const whole = await this.#bucket.head(this.#key(id));
    if (token === undefined && whole === undefined) {
      const stored = digest === null ? undefined : await this.#store.stat(digest);
      if (digest !== null && stored) return { digest, bytes: stored.bytes, existed: true };
      throw noUpload(id);
    }
    if (token !== undefined) await this.#complete(upload, token);
    const meter = new DigestMeter();
    const bytes = await this.#bucket.get(this.#key(id));
    if (bytes === undefined) throw noUpload(id);
    await pipeline(bytes, meter, new Sink());
    try {
      return await this.#store.adopt(promised(digest, meter.result()), this.#key(id));
    } finally {
      await this.#bucket.remove(this.#key(id)).catch(() => {});
    }
  }

  async #complete(upload: Omit<Upload, "done">, token: string): Promise<void> {
    const parts = await this.#parts(upload.id, token);
    const missing = partsMissing(upload, parts.map(indexOf));
    if (missing !== undefined) throw missing;
    const Key = this.#key(upload.id);
    await this.#bucket.run("finish the upload to", Key, () =>
      this.#bucket.client.send(
        new CompleteMultipartUploadCommand({
          Bucket: this.#bucket.name,
          Key,
          UploadId: token,
          MultipartUpload: { Parts: parts },
        }),
      ),
    );
  }

  async abort(id: string): Promise<void> {
    this.#tokens.delete(id);
    const token = await this.#find(readUploadId(id).id);
    if (token !== undefined) await this.#abort(this.#key(id), token);
    await this.#bucket.remove(this.#key(id));
  }

  async sweep(beforeMs: number): Promise<number> {
    let swept = 0;
    for await (const { key, token, atMs } of this.#all(`${this.#store.prefix}`)) {
      if (atMs >= beforeMs) continue;
      await this.#abort(key, token);
      swept += 1;
    }
    // Finished but not taken, and streams whose writer was killed.
    for (const folder of ["uploads/", "tmp/"]) {
      for await (const { key, atMs } of this.#bucket.list(`${this.#store.prefix}${folder}`)) {
        if (atMs >= beforeMs) continue;
        await this.#bucket.remove(key);
        swept += 1;
      }
    }
    return swept;
  }

  async #abort(Key: string, UploadId: string): Promise<void> {
    await this.#bucket.run("give up the upload to", Key, () =>
      this.#bucket.client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket.name, Key, UploadId })),
    );
  }

  async #tokenOf(id: string): Promise<string> {
    const token = this.#tokens.get(id) ?? (await this.#find(id));
    if (token === undefined) throw noUpload(id);
    if (this.#tokens.size >= TOKENS_MAX) this.#tokens.clear();
    this.#tokens.set(id, token);
    return token;
  }

  /** S3's name of the upload. Two servers that began it at once have made two: all take the one whose name comes first. */
  async #find(id: string): Promise<string | undefined> {
    let first: string | undefined;
    for await (const { key, token } of this.#all(this.#key(id))) {
      if (key === this.#key(id) && (first === undefined || token < first)) first = token;
    }
    return first;
  }

  async *#all(prefix: string): AsyncGenerator<{ key: string; token: string; atMs: number }> {
    let after: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const page = await this.#bucket.run("list uploads in", prefix, () =>
        this.#bucket.client.send(
          new ListMultipartUploadsCommand({ Bucket: this.#bucket.name, Prefix: prefix, ...after }),
        ),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
        yield { key: Key!, token: UploadId!, atMs: Initiated?.getTime() ?? 0 };
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return;
      after = {
        KeyMarker: page.NextKeyMarker,
        ...(page.NextUploadIdMarker === undefined ? {} : { UploadIdMarker: page.NextUploadIdMarker }),
      };
    }
  }

  async #parts(id: string, UploadId: string): Promise<Part[]> {
    const parts: Part[] = [];
    // Not the library's pages: some servers give the last page a marker, which it would follow for ever.
    for (let after: string | undefined, more = true; more;) {
      const page = await this.#bucket.run("list the parts of", this.#key(id), () =>
        this.#bucket.client.send(
          new ListPartsCommand({
            Bucket: this.#bucket.name,
            Key: this.#key(id),
            UploadId,
            ...(after === undefined ? {} : { PartNumberMarker: after }),
          }),
        ),
      );
      for (const { ETag, PartNumber } of page.Parts ?? []) parts.push({ ETag: ETag!, PartNumber: PartNumber! });
      more = page.IsTruncated === true && page.NextPartNumberMarker !== after;
      after = page.NextPartNumberMarker;
    }
    return parts.toSorted((a, b) => a.PartNumber - b.PartNumber);
  }
}

const indexOf = (part: Part): number => part.PartNumber - 1;
