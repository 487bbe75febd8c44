import { constants, existsSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Logger } from "pino";
import type { Assignment } from "../lib/core/dispatch.ts";
import { describeError, WeftError } from "../lib/core/error.ts";
import type { AttemptKey } from "../lib/core/ids.ts";
import type { EventFileClient } from "../lib/event-files.ts";
import { patiently } from "./cache.ts";
import { taskRunId } from "../lib/task-run.ts";
import { TENSORBOARD } from "./folder.ts";

/** Between two looks into the folders: what a training shows is a few seconds old at most. */
const LOOK_MS = 2_000;
/** Of a file in one request. */
const CHUNK_BYTES = 1024 * 1024;
/** For a record that is larger than a chunk; the server takes none beyond it. */
const CHUNK_BYTES_MAX = 66 * 1024 * 1024;
/** Of one attempt; a folder with more is not one of event files. */
const FILES_MAX = 1_000;
const DEPTH_MAX = 4;

export interface Tailed {
  readonly key: AttemptKey;
  readonly assignment: Assignment;
  /** The attempt's. */
  readonly folder: string;
}

/** Sends on what attempts write under $WEFT_TENSORBOARD, while they run. Never stands in a task's way. */
export class EventFileTails {
  readonly #client: EventFileClient;
  readonly #log: Logger;
  readonly #waitMsMax: number;
  readonly #followed = new Map<AttemptKey, Tailed>();
  /** Of those followed that have a folder: most tasks never make it, and cost a look for it now and then. */
  readonly #tails = new Map<AttemptKey, Tail>();
  #timer: NodeJS.Timeout | undefined;

  constructor(client: EventFileClient, log: Logger, waitMsMax: number) {
    this.#client = client;
    this.#log = log;
    this.#waitMsMax = waitMsMax;
  }

  follow(attempt: Tailed): void {
    this.#followed.set(attempt.key, attempt);
    this.#timer ??= setTimeout(() => void this.#look(), LOOK_MS).unref();
  }

  /** No more will be written: sends what is left. No promise when there is nothing. */
  finish(attempt: Tailed, signal: AbortSignal): void | Promise<void> {
    const { key } = attempt;
    const last = this.#tailOf(attempt);
    this.#followed.delete(key);
    if (last === undefined) return;
    this.#tails.delete(key);
    return patiently(this.#waitMsMax, signal, () => last.sync()).catch((error: unknown) =>
      this.#log.warn({ key, err: error }, "what the task wrote for TensorBoard could not be sent"),
    );
  }

  /** For good. Attempts that go on are followed by the next worker, from where the server is in their files. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#followed.clear();
    this.#tails.clear();
  }

  /** Undefined: the task has not made its folder. */
  #tailOf({ key, folder, assignment }: Tailed): Tail | undefined {
    const held = this.#tails.get(key);
    if (held !== undefined) return held;
    const path = join(folder, TENSORBOARD);
    if (!existsSync(path)) return undefined;
    const tail = new Tail(taskRunId(assignment.ref), path, this.#client, this.#log);
    this.#tails.set(key, tail);
    return tail;
  }

  async #look(): Promise<void> {
    for (const attempt of this.#followed.values()) {
      try {
        await this.#tailOf(attempt)?.sync();
      } catch (error) {
        this.#log.debug({ err: error }, `event files wait: ${describeError(error)}`);
      }
    }
    this.#timer = this.#followed.size === 0 ? undefined : setTimeout(() => void this.#look(), LOOK_MS).unref();
  }
}

/** The event files of one attempt, and how far each was sent. */
class Tail {
  /** The attempt's own, which is made when the first bytes come. */
  readonly #run: string;
  readonly #folder: string;
  readonly #client: EventFileClient;
  readonly #log: Logger;
  readonly #offsets = new Map<string, number>();
  readonly #broken = new Set<string>();
  #syncing: Promise<void> = Promise.resolve();

  constructor(run: string, folder: string, client: EventFileClient, log: Logger) {
    this.#run = run;
    this.#folder = folder;
    this.#client = client;
    this.#log = log;
  }

  /** One at a time: the last look may meet one that is under way. */
  sync(): Promise<void> {
    const done = this.#syncing.catch(() => undefined).then(() => this.#sync());
    this.#syncing = done;
    return done;
  }

  async #sync(): Promise<void> {
    for (const file of await eventFiles(this.#folder)) if (!this.#broken.has(file)) await this.#sendOrGiveUp(file);
  }

  async #sendOrGiveUp(file: string): Promise<void> {
    try {
      await this.#send(file);
    } catch (error) {
      if (error instanceof WeftError && error.code === "unavailable") throw error;
      // It would fail the same way every two seconds.
      this.#giveUp(file, describeError(error));
    }
  }

  #giveUp(file: string, why: string): void {
    this.#broken.add(file);
    this.#log.warn({ run: this.#run, file }, `the rest of an event file is not read: ${why}`);
  }

  async #send(file: string): Promise<void> {
    for (let chunkBytes = CHUNK_BYTES; ;) {
      // From the start, also after a restart: the server says where it is.
      const from = this.#offsets.get(file) ?? 0;
      const bytes = await readAt(join(this.#folder, file), from, chunkBytes);
      if (bytes.length === 0) return;
      const { offset, fault } = await this.#client.append(this.#run, file, from, bytes);
      this.#offsets.set(file, offset);
      if (fault !== undefined) return this.#giveUp(file, fault);
      if (offset !== from) continue;
      // The record that begins there is not whole: in the file, or in what was sent of it.
      if (bytes.length < chunkBytes) return;
      if (chunkBytes === CHUNK_BYTES_MAX) return;
      chunkBytes = Math.min(chunkBytes * 4, CHUNK_BYTES_MAX);
    }
  }
}

/** Relative paths. Links are not followed: what they lead to is not the attempt's to show. */
async function eventFiles(folder: string, depth = 0, top = folder): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth < DEPTH_MAX) found.push(...(await eventFiles(path, depth + 1, top)));
    else if (entry.isFile() && entry.name.includes("tfevents")) found.push(relative(top, path));
    if (found.length >= FILES_MAX) break;
  }
  return found.slice(0, FILES_MAX);
}

async function readAt(path: string, offset: number, bytesMax: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat();
    const length = Math.max(Math.min(bytesMax, size - offset), 0);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
