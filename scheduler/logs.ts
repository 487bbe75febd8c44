import { setTimeout as delay } from "node:timers/promises";
import type { StreamName } from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import { type AttemptKey, attemptKey, type AttemptRef, type JobId, parseAttemptKey } from "../lib/core/ids.ts";
import type { LogChunk } from "../proto/gen/weft/v1/LogChunk.ts";
import type { EndedLog, JobReader, Records, WholeJob } from "./api/parts.ts";
import type { JobState } from "./core/index.ts";
import { chooseAttempts, type LogChoice, type LogSelection } from "./log-choice.ts";
import { LogOrder, type LogPiece } from "./log-order.ts";
import type { LogMessage, LogTail } from "./log-tail.ts";

/** Bytes that neither the log stream nor an archive gives are waited for this long, then marked as missing. */
const GIVE_UP_MS = 5_000;
/** Between two looks at the store while a log is followed or bytes are waited for: how late the end may be noticed. */
const LOOK_MS = 500;
/** The pause is at least this many times what the last look took: a job with many executions is not read all the time. */
const LOOK_COST_FACTOR = 10;
/** Of one chunk from an archive, in bytes. */
const CHUNK_BYTES_MAX = 128 * 1024;
const STREAM_NAMES: readonly StreamName[] = ["stdout", "stderr"];

export interface LogParts {
  readonly jobs: Pick<JobReader, "getProgress">;
  readonly records: Pick<Records, "endedLogs" | "openArtifact">;
  openTail(subjects: readonly string[]): Promise<LogTail>;
  nowMs(): number;
}

type Write = (chunk: LogChunk) => Promise<void>;

interface AttemptLog {
  readonly ref: AttemptRef;
  readonly key: AttemptKey;
  readonly streams: Readonly<Record<StreamName, LogOrder>>;
  /** Null: it runs, as far as we know. */
  ended: EndedLog | null;
  /** Streams whose archive was read to its end. */
  readonly archiveRead: Set<StreamName>;
}

/**
 * The logs of a job's attempts, each stream in the order of its offsets: from the archive where there is one, else from
 * the log stream. Without `follow` it ends when what there is has been given; with it, when the job has ended and every
 * byte that its attempts wrote was given. Bytes that are gone are marked (LogChunk.missing_bytes). `write` is
 * awaited, so a slow reader slows the reading.
 */
export async function streamLogs(
  parts: LogParts,
  job: WholeJob,
  selection: LogSelection,
  write: Write,
  signal: AbortSignal,
): Promise<void> {
  await new LogReader(parts, job, selection, write).run(signal);
}

class LogReader {
  readonly #parts: LogParts;
  readonly #job: JobId;
  readonly #choice: LogChoice;
  readonly #follow: boolean;
  readonly #write: Write;
  readonly #logs = new Map<AttemptKey, AttemptLog>();
  /** Those not known to be complete, so that a job of many attempts is not walked with each message. */
  readonly #open = new Set<AttemptLog>();
  /** Messages that were stored when the tail was opened and have not been read; Infinity: it is not open. */
  #storedLeft = Infinity;
  #jobEnded: boolean;
  /** Every attempt that has to be given is in #logs, with its end when it has ended. */
  #allKnown = false;
  /** Since when nothing came although bytes are missing; null: something did. */
  #quietSinceMs: number | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: LogParts, job: WholeJob, selection: LogSelection, write: Write) {
    this.#parts = parts;
    this.#job = job.row.id;
    this.#choice = chooseAttempts(job, selection);
    this.#follow = selection.follow;
    this.#write = write;
    this.#jobEnded = isEnded(job.progress.state);
  }

  async run(signal: AbortSignal): Promise<void> {
    for (const ref of this.#choice.current) this.#logOf(ref);
    await this.#readEnded();
    for (const log of this.#open) await this.#readArchive(log, signal);
    if (this.#isDone()) return;
    const open = [...this.#open].filter((log) => !this.#isComplete(log)).map((log) => log.ref);
    const tail = await this.#openTail(this.#choice.subjects(open), signal);
    this.#storedLeft = tail.stored;
    const over = new AbortController();
    const stop = (): void => over.abort();
    signal.addEventListener("abort", stop, { once: true });
    over.signal.addEventListener("abort", () => void tail.close(), { once: true });
    if (signal.aborted || this.#isDone()) stop();
    // Both stop before this goes on, so that nothing is written after the call has ended.
    const results = await Promise.allSettled([this.#pump(tail, over), this.#look(over)]);
    signal.removeEventListener("abort", stop);
    await tail.close();
    for (const result of results) if (result.status === "rejected") throw result.reason;
    if (!signal.aborted && !this.#isDone()) throw new WeftError("unavailable", "the log stream was closed; ask again");
  }

  /** Who follows stays through an outage of NATS; who asks for what there is wants an answer. */
  async #openTail(subjects: readonly string[], signal: AbortSignal): Promise<LogTail> {
    for (;;) {
      try {
        return await this.#parts.openTail(subjects);
      } catch (error) {
        signal.throwIfAborted();
        if (!this.#follow || !(error instanceof WeftError) || error.code !== "unavailable") throw error;
      }
      await delay(LOOK_MS, undefined, { signal });
    }
  }

  /** What arrives goes out at once. */
  async #pump(tail: LogTail, over: AbortController): Promise<void> {
    try {
      for await (const message of tail.messages) {
        if (over.signal.aborted) return;
        await this.#inTurn(() => this.#onMessage(message));
        if (this.#isDone()) return;
      }
    } finally {
      over.abort();
    }
  }

  /** What no message tells: the end of the job and of attempts, archives that have come, bytes that never will. */
  async #look(over: AbortController): Promise<void> {
    try {
      let pauseMs = LOOK_MS;
      while (!over.signal.aborted && !this.#isDone()) {
        await delay(pauseMs, undefined, { signal: over.signal }).catch(() => undefined);
        if (over.signal.aborted) return;
        const startedMs = this.#parts.nowMs();
        await this.#inTurn(() => this.#onLook(over.signal));
        pauseMs = Math.max(LOOK_MS, (this.#parts.nowMs() - startedMs) * LOOK_COST_FACTOR);
      }
    } finally {
      over.abort();
    }
  }

  async #onMessage(message: LogMessage): Promise<void> {
    if (this.#storedLeft > 0) this.#storedLeft -= 1;
    this.#quietSinceMs = null;
    const ref = parseAttemptKey(message.key);
    if (!ref || !this.#choice.wants(ref)) return;
    const log = this.#logOf(ref);
    const { offset, data, atMs } = message;
    const pieces = log.streams[message.stream].accept({ offset, data, atMs, missingBytes: 0 }, this.#parts.nowMs());
    await this.#send(log, message.stream, pieces);
  }

  async #onLook(signal: AbortSignal): Promise<void> {
    if (this.#follow && !this.#jobEnded) {
      const progress = await this.#parts.jobs.getProgress(this.#job);
      this.#jobEnded = progress === undefined || isEnded(progress.state);
    }
    if (!this.#follow || this.#jobEnded || [...this.#open].some(holdsBack)) await this.#readEnded();
    for (const log of this.#open) await this.#readArchive(log, signal);
    await this.#giveUp();
  }

  /** Marks as missing what was waited for too long. */
  async #giveUp(): Promise<void> {
    const nowMs = this.#parts.nowMs();
    for (const log of this.#open) {
      for (const stream of STREAM_NAMES) {
        const order = log.streams[stream];
        if (order.heldSinceMs !== null && nowMs - order.heldSinceMs > GIVE_UP_MS)
          await this.#send(log, stream, order.skipGap());
      }
    }
    if (this.#storedLeft > 0 || !this.#allKnown) return;
    this.#quietSinceMs ??= nowMs;
    if (nowMs - this.#quietSinceMs <= GIVE_UP_MS) return;
    for (const log of this.#open) {
      for (const stream of STREAM_NAMES) {
        await this.#send(log, stream, log.streams[stream].skipTo(log.ended?.bytes?.[stream] ?? 0, nowMs));
      }
    }
  }

  async #readEnded(): Promise<void> {
    const known = !this.#follow || this.#jobEnded;
    for (const ended of await this.#parts.records.endedLogs(this.#job)) {
      const ref = parseAttemptKey(ended.key);
      if (ref && this.#choice.wants(ref) && (this.#follow || this.#logs.has(ended.key))) this.#onEnded(ref, ended);
    }
    this.#allKnown = known;
  }

  #onEnded(ref: AttemptRef, ended: EndedLog): void {
    const log = this.#logOf(ref);
    log.ended = ended;
    if (!this.#isComplete(log)) this.#open.add(log);
  }

  /** Gives the rest of an attempt whose log is archived. */
  async #readArchive(log: AttemptLog, signal: AbortSignal): Promise<void> {
    if (!log.ended?.archive) return;
    for (const stream of STREAM_NAMES) {
      const digest = log.ended.archive[stream];
      const order = log.streams[stream];
      if (digest === null || log.archiveRead.has(stream) || order.next >= totalOf(log, stream)) continue;
      try {
        for await (const bytes of await this.#parts.records.openArtifact(digest, order.next)) {
          signal.throwIfAborted();
          this.#quietSinceMs = null;
          await this.#sendBytes(log, stream, bytes);
        }
      } catch (error) {
        // The log stream may have the bytes still; if not, they are marked as missing in the end.
        if (!(error instanceof WeftError) || (error.code !== "not_found" && error.code !== "corrupt")) throw error;
      }
      log.archiveRead.add(stream);
    }
  }

  async #sendBytes(log: AttemptLog, stream: StreamName, bytes: Uint8Array): Promise<void> {
    const order = log.streams[stream];
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES_MAX) {
      const data = bytes.subarray(start, start + CHUNK_BYTES_MAX);
      const pieces = order.accept({ offset: order.next, data, atMs: 0, missingBytes: 0 }, this.#parts.nowMs());
      await this.#send(log, stream, pieces);
    }
  }

  async #send(
    { ref: { task, index, attempt } }: AttemptLog,
    stream: StreamName,
    pieces: readonly LogPiece[],
  ): Promise<void> {
    for (const { offset, data, atMs, missingBytes } of pieces) {
      await this.#write({ task, index, attempt, stream, offset, data, atMs, missingBytes });
    }
  }

  #isDone(): boolean {
    if (!this.#allKnown) return false;
    for (const log of this.#open) {
      if (!this.#isComplete(log)) return false;
      this.#open.delete(log);
    }
    return true;
  }

  /** With no count to go by (it runs, or was lost), all that was stored when we began has to do. */
  #isComplete(log: AttemptLog): boolean {
    if (log.ended?.bytes) return STREAM_NAMES.every((stream) => log.streams[stream].next >= totalOf(log, stream));
    return this.#storedLeft === 0 && !holdsBack(log);
  }

  #logOf(ref: AttemptRef): AttemptLog {
    const key = attemptKey(ref);
    let log = this.#logs.get(key);
    if (!log) {
      log = {
        ref,
        key,
        streams: { stdout: new LogOrder(), stderr: new LogOrder() },
        ended: null,
        archiveRead: new Set(),
      };
      this.#logs.set(key, log);
      this.#open.add(log);
    }
    return log;
  }

  /** One at a time: messages and looks write to the same streams. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

function totalOf(log: AttemptLog, stream: StreamName): number {
  return log.ended?.bytes?.[stream] ?? Infinity;
}

function holdsBack(log: AttemptLog): boolean {
  return STREAM_NAMES.some((stream) => log.streams[stream].heldSinceMs !== null);
}

function isEnded(state: JobState): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}
