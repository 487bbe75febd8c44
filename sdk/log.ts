import type { LogChunk__Output } from "../proto/gen/weft/v1/LogChunk.ts";

export interface LogChunk {
  readonly task: string;
  readonly index: number;
  readonly attempt: number;
  readonly stream: "stdout" | "stderr";
  /** Of the first byte, in this stream of this attempt. */
  readonly offset: number;
  readonly data: Buffer;
  /** When it was read on the node; null once the log is archived, which keeps bytes alone. */
  readonly at: Date | null;
  /** Bytes before `offset` that are gone for good; 0 in the normal case. */
  readonly missingBytes: number;
}

/** Lets each byte through once, also when a stream is read again from its beginning after a lost connection. */
export class LogSieve {
  readonly #ends = new Map<string, number>();

  take(chunk: LogChunk__Output): LogChunk | undefined {
    const key = `${chunk.task}.${chunk.index}.${chunk.attempt}.${chunk.stream}`;
    const end = this.#ends.get(key) ?? 0;
    const skip = Math.max(0, end - chunk.offset);
    const missingBytes = chunk.offset > end ? chunk.missingBytes : 0;
    if (skip >= chunk.data.length && missingBytes === 0) return undefined;
    this.#ends.set(key, Math.max(end, chunk.offset + chunk.data.length));
    return {
      task: chunk.task,
      index: chunk.index,
      attempt: chunk.attempt,
      stream: chunk.stream as "stdout" | "stderr",
      offset: chunk.offset + skip,
      data: chunk.data.subarray(skip),
      at: chunk.atMs === 0 ? null : new Date(chunk.atMs),
      missingBytes,
    };
  }
}
