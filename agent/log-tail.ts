import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { LOG_CHUNK_BYTES_MAX, LOG_HEADERS, logSubject, type StreamName } from "../lib/core/dispatch.ts";
import { describeError } from "../lib/core/error.ts";
import type { AttemptKey } from "../lib/core/ids.ts";
import type { Log } from "../lib/log.ts";
import { backoffMs } from "./core/backoff.ts";
import type { Lanes } from "./lanes.ts";
import type { Publish } from "./reports.ts";

/** Between two reads of one stream that has been read to its end, in milliseconds: a chatty task costs 40 messages a second. */
const COALESCE_MS = 25;
/** Most logs are short, and a buffer for the longest would be thrown away for each. */
const FIRST_CHUNK_BYTES = 8 * 1024;
const PUBLISH_MS_MAX = 5_000;
const RETRY_MS_FIRST = 200;
const RETRY_MS_MOST = 5_000;

export interface TailOptions {
  readonly key: AttemptKey;
  readonly stream: StreamName;
  readonly path: string;
  /** Where an earlier agent left off. */
  readonly offset: number;
  readonly publish: Publish;
  /** How many chunks of all tails may be under way; each holds one in memory. */
  readonly lanes: Lanes;
  readonly onMoved: () => void;
  readonly log: Log;
}

/**
 * One spool file on its way to the log stream. One chunk is under way at a time, so that the stream holds them in order; it
 * stays in memory until the stream has it, and the offset moves only then. What is not read yet waits on the disk.
 */
export class LogTail {
  readonly #options: TailOptions;
  #offset: number;
  /** Size of the finished file; undefined: it may grow. */
  #size: number | undefined;
  #reading = false;
  #roomBytes = FIRST_CHUNK_BYTES;
  /** Something may have been written since the last read began. */
  #dirty = false;
  #lastReadMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#offset = options.offset;
  }

  /** Bytes that the stream has. */
  get offset(): number {
    return this.#offset;
  }

  get done(): boolean {
    return this.#size !== undefined && this.#offset >= this.#size;
  }

  /** The file may have grown. */
  touch(): void {
    if (this.#closed || this.done) return;
    this.#dirty = true;
    if (this.#reading || this.#timer) return;
    const waitMs = this.#size === undefined ? this.#lastReadMs + COALESCE_MS - performance.now() : 0;
    if (waitMs > 0) this.#timer = setTimeout(() => this.#begin(), waitMs);
    else this.#begin();
  }

  /** The file has this many bytes and gets no more. */
  finish(size: number): void {
    this.#size = size;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.touch();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #begin(): void {
    this.#timer = undefined;
    if (this.#closed) return;
    this.#reading = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    for (let failures = 0; ;) {
      try {
        await this.#readAll();
        break;
      } catch (error) {
        if (this.#closed) return;
        failures += 1;
        const { key, stream } = this.#options;
        if (failures === 1)
          this.#options.log.warn({ key, stream, reason: describeError(error) }, "a log cannot be read; trying again");
        await new Promise((resolve) =>
          setTimeout(resolve, backoffMs(failures, RETRY_MS_FIRST, RETRY_MS_MOST, Math.random())),
        );
      }
    }
    this.#reading = false;
    this.#lastReadMs = performance.now();
    if (this.#dirty) this.touch();
  }

  async #readAll(): Promise<void> {
    this.#dirty = false;
    // Most looks find nothing, and to open a file costs a hundred times what this does.
    const info = statSync(this.#options.path, { throwIfNoEntry: false });
    if (info && info.size === this.#offset && this.#size === undefined) return;
    const file = info && (await this.#open());
    if (!file) return this.#absent();
    try {
      while (!this.#closed && !this.done) {
        const more = await this.#options.lanes.run(() => this.#ship(file));
        if (!more) return;
      }
    } finally {
      await file.close();
    }
  }

  /** Undefined: there is none (yet, or any more). */
  async #open(): Promise<FileHandle | undefined> {
    try {
      return await open(this.#options.path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return undefined;
    }
  }

  /** A finished spool that is gone was removed by someone else: there is nothing to wait for. */
  #absent(): void {
    if (this.#size !== undefined) this.#move(this.#size);
  }

  /** Sends the next chunk; false: there was none. */
  async #ship(file: FileHandle): Promise<boolean> {
    const room = Math.min(this.#roomBytes, (this.#size ?? Infinity) - this.#offset);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(room), 0, room, this.#offset);
    if (bytesRead === 0) {
      // Shorter than it was: a file that was cut cannot be waited for.
      if (this.#size !== undefined) this.#move(this.#size);
      return false;
    }
    this.#roomBytes = bytesRead === room ? LOG_CHUNK_BYTES_MAX : FIRST_CHUNK_BYTES;
    await this.#publish(buffer.subarray(0, bytesRead));
    if (!this.#closed) this.#move(this.#offset + bytesRead);
    return true;
  }

  async #publish(bytes: Buffer): Promise<void> {
    const { key, stream, publish, log } = this.#options;
    const headers = {
      [LOG_HEADERS.stream]: stream,
      [LOG_HEADERS.offset]: String(this.#offset),
      [LOG_HEADERS.atMs]: String(Date.now()),
    };
    // With the length: after a restart the same offset may begin a longer chunk, which is not the same message.
    const id = `${key}.${stream}.${this.#offset}.${bytes.length}`;
    for (let attempt = 1; !this.#closed; attempt++) {
      try {
        await publish(logSubject(key), bytes, { id, timeoutMs: PUBLISH_MS_MAX, headers });
        return;
      } catch (error) {
        if (attempt === 1)
          log.warn({ key, stream, reason: describeError(error) }, "log bytes are not taken; they wait on the disk");
        await new Promise((resolve) =>
          setTimeout(resolve, backoffMs(attempt, RETRY_MS_FIRST, RETRY_MS_MOST, Math.random())),
        );
      }
    }
  }

  #move(offset: number): void {
    this.#offset = offset;
    this.#options.onMoved();
  }
}
