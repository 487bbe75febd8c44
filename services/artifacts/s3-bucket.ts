import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { Readable } from "node:stream";
import { describeError, WeftError } from "../../lib/core/error.ts";

/** Of one part of a stream whose length is not known; lib-storage holds so many times PARALLEL_PARTS in memory. */
const STREAM_PART_BYTES = 16 * 2 ** 20;
const PARALLEL_PARTS = 3;
/** S3 copies no larger object in one request. */
export const COPY_BYTES_MAX = 5 * 2 ** 30;
/** An endpoint that swallows packets would hold a request for ever. */
const CONNECT_MS_MAX = 5_000;
const IDLE_MS_MAX = 60_000;
/** Of the client's own tries: a gateway's restart takes seconds. */
const ATTEMPTS_MAX = 5;
const SOCKETS_MAX = 64;

export interface Found {
  readonly key: string;
  readonly bytes: number;
  readonly atMs: number;
}

/** One bucket, as the store uses it: objects whole or not at all. Errors are WeftErrors that name bucket and key. */
export class Bucket {
  readonly name: string;
  readonly client: S3Client;

  constructor(name: string) {
    this.name = name;
    this.client = new S3Client({
      // Buckets of other servers than Amazon's have seldom a host name of their own.
      forcePathStyle: hasEndpoint(process.env),
      // A digest holds what is stored; older servers refuse checksums that they do not know.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(process.env["AWS_REGION"] === undefined ? { region: "us-east-1" } : {}),
      maxAttempts: ATTEMPTS_MAX,
      requestHandler: {
        connectionTimeout: CONNECT_MS_MAX,
        socketTimeout: IDLE_MS_MAX,
        httpsAgent: { maxSockets: SOCKETS_MAX },
        httpAgent: { maxSockets: SOCKETS_MAX },
      },
    });
  }

  async check(): Promise<void> {
    await this.run("use", "", () => this.client.send(new HeadBucketCommand({ Bucket: this.name })));
  }

  async head(key: string): Promise<Found | undefined> {
    try {
      const found = await this.client.send(new HeadObjectCommand({ Bucket: this.name, Key: key }));
      return { key, bytes: found.ContentLength ?? 0, atMs: found.LastModified?.getTime() ?? 0 };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw this.explain("look for", key, error);
    }
  }

  /** Undefined: there is none. `range` as in HTTP. */
  async get(key: string, range?: string): Promise<Readable | undefined> {
    try {
      const found = await this.client.send(
        new GetObjectCommand({ Bucket: this.name, Key: key, ...(range === undefined ? {} : { Range: range }) }),
      );
      return found.Body as Readable;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw this.explain("read", key, error);
    }
  }

  /** Visible when the stream has ended, and not at all when it fails; the stream's own error passes through. */
  async put(key: string, source: Readable): Promise<void> {
    const upload = new Upload({
      client: this.client,
      params: { Bucket: this.name, Key: key, Body: source },
      partSize: STREAM_PART_BYTES,
      queueSize: PARALLEL_PARTS,
    });
    let failure: Error | undefined;
    source.on("error", (error) => {
      failure = error;
      void upload.abort();
    });
    try {
      await upload.done();
    } catch (error) {
      source.destroy();
      if (failure !== undefined) throw failure;
      throw error instanceof WeftError ? error : this.explain("write", key, error);
    }
  }

  /** At most COPY_BYTES_MAX. Onto itself: it is as young as if it were stored now. */
  async copy(from: string, to: string): Promise<void> {
    await this.run("copy", from, () =>
      this.client.send(
        new CopyObjectCommand({
          Bucket: this.name,
          Key: to,
          CopySource: `${this.name}/${from.split("/").map(encodeURIComponent).join("/")}`,
          ...(from === to ? { MetadataDirective: "REPLACE" as const } : {}),
        }),
      ),
    );
  }

  async remove(key: string): Promise<void> {
    await this.run("remove", key, () => this.client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key })));
  }

  async *list(prefix: string): AsyncGenerator<Found> {
    const pages = paginateListObjectsV2({ client: this.client }, { Bucket: this.name, Prefix: prefix });
    try {
      for await (const page of pages) {
        for (const { Key, Size, LastModified } of page.Contents ?? [])
          yield { key: Key!, bytes: Size ?? 0, atMs: LastModified?.getTime() ?? 0 };
      }
    } catch (error) {
      throw this.explain("list", prefix, error);
    }
  }

  async run<T>(what: string, key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.explain(what, key, error);
    }
  }

  explain(what: string, key: string, error: unknown): WeftError {
    const where = `s3://${this.name}${key === "" ? "" : `/${key}`}`;
    const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;
    const why = describeError(error) || (error as Error).name;
    if (status === 404) return new WeftError("not_found", `cannot ${what} ${where}: it is not there`, { cause: error });
    if (status === 401 || status === 403) {
      const remedy = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what they may do";
      return new WeftError("failed_precondition", `may not ${what} ${where}; ${remedy}`, { cause: error });
    }
    if (status === 507) return new WeftError("disk_full", `cannot ${what} ${where}: ${why}`, { cause: error });
    return new WeftError("unavailable", `cannot ${what} ${where}: ${why}`, { cause: error });
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404;
}

function hasEndpoint(env: NodeJS.ProcessEnv): boolean {
  return (env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"] ?? "") !== "";
}
