import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import type { Stored } from "../../lib/cas.ts";
import { WeftError } from "../../lib/core/error.ts";
import { type Digest, isDigest } from "../../lib/core/ids.ts";

/**
 * A file that comes in parts, several at a time, and over as many connections, processes and restarts as it takes. Nothing
 * of it is visible before it is finished. Uploads of one promised digest and size are one upload, so that whoever is cut off
 * goes on, with any process, where it was; parts may come twice.
 */
export interface Uploads {
  /** Goes on with what is there; else begins. Errors: `invalid`, `disk_full`. */
  begin(promise: UploadPromise): Promise<Upload>;
  /** Errors: `not_found` upload; `invalid`: no such part, or another number of bytes than it has; `disk_full`. */
  putPart(id: string, index: number, source: Readable): Promise<void>;
  /** Makes it visible. Errors: `not_found`; `failed_precondition`: parts are missing; `invalid`: another digest, and all parts are forgotten. */
  finish(id: string): Promise<Stored>;
  abort(id: string): Promise<void>;
  /** Forgets uploads that nobody has touched since `beforeMs`. How many. */
  sweep(beforeMs: number): Promise<number>;
}

export interface UploadPromise {
  /** Null: not known; the upload is then one of its own. */
  readonly digest: Digest | null;
  readonly bytes: number;
}

export interface Upload extends UploadPromise {
  readonly id: string;
  /** Of each part but the last. */
  readonly partBytes: number;
  readonly parts: number;
  /** Parts that are there, from 0, in order. */
  readonly done: readonly number[];
}

/** Small enough to send again after a broken connection, large enough that requests cost nothing beside the bytes. */
const PART_BYTES_MIN = 16 * 2 ** 20;
/** S3's limit. */
const PARTS_MAX = 10_000;
/** S3's limit, too. */
export const UPLOAD_BYTES_MAX = 5 * 2 ** 40;
/** Nobody comes back to an upload after a week. */
export const UPLOAD_AGE_MS_MAX = 7 * 24 * 3600 * 1000;

/** The id says all that was promised, so that nothing has to be kept about an upload but its parts. */
export function uploadId({ digest, bytes }: UploadPromise): string {
  return `${digest === null ? randomUUID().replaceAll("-", "") : digest.slice("sha256:".length)}.${bytes}`;
}

/** The upload of an id, without its parts; `not_found` for what is no id. */
export function readUploadId(id: string): Omit<Upload, "done"> {
  const match = /^([0-9a-f]{32}|[0-9a-f]{64})\.(\d{1,13})$/.exec(id);
  if (match === null) throw new WeftError("not_found", `there is no upload "${id}"; begin one with POST /v1/uploads`);
  const bytes = Number(match[2]);
  const digest = `sha256:${match[1]}`;
  const partBytes = partSize(bytes);
  const parts = Math.max(1, Math.ceil(bytes / partBytes));
  return { id, digest: isDigest(digest) ? digest : null, bytes, partBytes, parts };
}

/** A whole number of MiB, so that no upload has more parts than S3 takes. */
export function partSize(bytes: number): number {
  const mebibyte = 2 ** 20;
  return Math.max(PART_BYTES_MIN, Math.ceil(bytes / PARTS_MAX / mebibyte) * mebibyte);
}

/** Bytes that a part must have; `invalid` when there is no such part. */
export function bytesOfPart(upload: Omit<Upload, "done">, index: number): number {
  if (!Number.isInteger(index) || index < 0 || index >= upload.parts) {
    throw new WeftError("invalid", `upload ${upload.id} has the parts 0 to ${upload.parts - 1}; there is no ${index}`);
  }
  return index < upload.parts - 1 ? upload.partBytes : upload.bytes - upload.partBytes * (upload.parts - 1);
}

export function checkPart(upload: Omit<Upload, "done">, index: number, sent: number): void {
  const bytes = bytesOfPart(upload, index);
  if (sent === bytes) return;
  throw new WeftError("invalid", `part ${index} of upload ${upload.id} has ${sent} bytes; it must have ${bytes}`);
}

/** `failed_precondition` that names the first few parts that have not come. */
export function partsMissing(upload: Omit<Upload, "done">, done: readonly number[]): WeftError | undefined {
  const there = new Set(done);
  const missing = Array.from({ length: upload.parts }, (_, i) => i).filter((i) => !there.has(i));
  if (missing.length === 0) return undefined;
  const some = `${missing.slice(0, 10).join(", ")}${missing.length > 10 ? " and more" : ""}`;
  return new WeftError(
    "failed_precondition",
    `upload ${upload.id} cannot be finished: ${missing.length} of its ${upload.parts} parts have not come (${some})`,
  );
}
