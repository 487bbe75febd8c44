import { GetObjectCommand, paginateListObjectsV2, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { describeError } from "../../lib/core/error.ts";
import {
  ChangedError,
  CONNECT_MS_MAX,
  IDLE_MS_MAX,
  isPassing,
  OutsideError,
  PassingError,
  type Remote,
} from "./remote.ts";

/** One folder of the workspace; a manifest of so many is read into memory. */
const OBJECTS_MAX = 1_000_000;

/** Objects of S3 servers. Region, endpoint and credentials come from the agent's environment (AWS_…), as of any AWS client. */
export class S3Reader {
  readonly #client: S3Client;

  constructor(env: NodeJS.ProcessEnv) {
    this.#client = new S3Client({
      // Buckets of other servers than Amazon's have seldom a host name of their own.
      forcePathStyle: (env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"] ?? "") !== "",
      // A digest holds what was read; older servers know no checksums.
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(env["AWS_REGION"] === undefined ? { region: "us-east-1" } : {}),
      // What fails is tried again by whoever reads, who knows how far it came.
      maxAttempts: 1,
      requestHandler: { connectionTimeout: CONNECT_MS_MAX, socketTimeout: IDLE_MS_MAX },
    });
  }

  remote(uri: string, bucket: string, key: string, versionId: string | null): Remote {
    return {
      open: async (start, validator, signal) => {
        const found = await this.#ask(uri, signal, () =>
          this.#client.send(
            new GetObjectCommand({
              Bucket: bucket,
              Key: key,
              ...(versionId === null ? {} : { VersionId: versionId }),
              ...(start === 0 ? {} : { Range: `bytes=${start}-`, IfMatch: validator ?? "" }),
            }),
            { abortSignal: signal },
          ),
        );
        const { VersionId, ETag, ContentLength, ContentRange, Body } = found;
        if (start > 0 && !ContentRange?.startsWith(`bytes ${start}-`))
          throw new ChangedError(`${uri} cannot be read from the middle`);
        return {
          version: VersionId !== undefined && VersionId !== "null" ? VersionId : (ETag ?? "").replaceAll('"', ""),
          validator: ETag ?? null,
          bytes: ContentLength === undefined ? null : start + ContentLength,
          body: Body as unknown as AsyncIterable<Uint8Array>,
        };
      },
    };
  }

  /** Keys below the prefix, without those that only stand for a folder. */
  async list(uri: string, bucket: string, prefix: string, signal: AbortSignal): Promise<string[]> {
    return this.#ask(uri, signal, async () => {
      const keys: string[] = [];
      const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: bucket, Prefix: prefix });
      for await (const page of pages) {
        signal.throwIfAborted();
        for (const { Key = "" } of page.Contents ?? []) if (!Key.endsWith("/")) keys.push(Key);
        if (keys.length > OBJECTS_MAX)
          throw new OutsideError(
            `more than ${OBJECTS_MAX} objects lie below ${uri}; name a longer prefix, or pack them`,
          );
      }
      return keys;
    });
  }

  close(): void {
    this.#client.destroy();
  }

  async #ask<T>(uri: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof OutsideError) throw error;
      throw explain(uri, error);
    }
  }
}

function explain(uri: string, error: unknown): Error {
  const status = error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;
  const name = (error as Error).name;
  const why = `${name}${(error as Error).message === "" || (error as Error).message === name ? "" : `: ${describeError(error)}`}`;
  if (name === "CredentialsProviderError")
    return new OutsideError(
      `${uri} cannot be read: the node's agent has no credentials for S3; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where it is started`,
      { cause: error },
    );
  if (status === 412 || status === 416) return new ChangedError(`${uri} changed while it was read`, { cause: error });
  if (status === 0 || isPassing(status)) return new PassingError(`${uri} cannot be read: ${why}`, { cause: error });
  return new OutsideError(`${uri} answered ${status} ${why}`, { cause: error });
}
