import { createReadStream, writeSync } from "node:fs";
import { type FileHandle, open, rename, rm, statfs } from "node:fs/promises";
import { createInterface } from "node:readline";
import { WeftError } from "../lib/core/error.ts";
import type { Log } from "../lib/log.ts";
import { decodeEntry, type JournalEntry, Records } from "./core/record.ts";

/** How long entries that need not be durable wait for company, in milliseconds: what a kill -9 can lose is only told again. */
const LAZY_MS = 100;
/** After the disk refused, in milliseconds between tries. */
const RETRY_MS = 1_000;
/** A disk that was full has room again when so many bytes are free: a few assignments, not the rest of a block. */
const ROOM_BYTES_MIN = 64 * 1024;
/** The file is rewritten when it is this large and four times what was left the last time, in bytes. */
const COMPACT_BYTES_MIN = 64 * 1024 * 1024;
/** Entries encoded between two looks at other work: a rewrite of 20,000 must not hold up a heartbeat. */
const ENCODE_SLICE = 500;

/** Looked through for the end of a torn last line, in bytes: no entry is longer than a NATS message by much. */
const LINE_BYTES_MAX = 2 * 1024 * 1024;

interface Waiting {
  readonly entries: readonly JournalEntry[];
  /** `refuse`: dropped when the disk refuses. `keep`: tried again. `lazy`: as keep, and not synced. */
  readonly mode: "refuse" | "keep" | "lazy";
  readonly onWritten: () => void;
  readonly settle: (error?: Error) => void;
}

/** Nobody waits for it. */
const UNHEARD = { onWritten: () => undefined, settle: () => undefined };

/** Entries that are in the file: a kill -9 loses nothing of them any more; a crash of the machine may, until `synced`. */
export interface Written {
  /** Fulfilled when the entries are on disk, or when the disk refused: it is tried again until it takes them. */
  readonly synced: Promise<void>;
}

/**
 * The node's memory: an append-only file of JSON lines. One write and one fdatasync take everything that has gathered.
 * A disk that is full refuses new assignments; ends of attempts are remembered meanwhile and written when it can be.
 */
export interface Journal {
  /** What is on disk, and ends that could not be written yet. */
  readonly records: Records;
  /** Why the disk refused the last write; undefined: it did not. */
  readonly trouble: string | undefined;
  /** Fulfilled when the entries are on disk. Error: `disk_full`, `unavailable`; then they are forgotten. */
  append(entries: readonly JournalEntry[]): Promise<void>;
  /**
   * Known at once; fulfilled when written, or when the disk refused. Whatever was appended or noted before is on disk then.
   * Keeps the pace: what is noted sooner after the last write than that is written together.
   */
  note(entries: readonly JournalEntry[]): Promise<Written>;
  /** Known at once; on disk soon. */
  jot(entry: JournalEntry): void;
  close(): Promise<void>;
}

export interface JournalOptions {
  readonly log: Log;
  readonly nowMs: () => number;
  /** Between two writes of what is noted, in milliseconds; default: none is kept. */
  readonly paceMs?: () => number;
}

/** Reads the journal, forgets what is old and writes it anew. Error: `unavailable` when the folder cannot be written. */
export async function openJournal(path: string, options: JournalOptions): Promise<Journal> {
  const records = await replay(path, options.log);
  records.prune(options.nowMs());
  const journal = new FileJournal(path, records, options);
  await journal.begin();
  return journal;
}

async function replay(path: string, log: Log): Promise<Records> {
  const records = new Records();
  let torn = 0;
  const file = await open(path, "a+");
  try {
    const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
    for await (const line of lines) {
      const entry = decodeEntry(line);
      if (entry) records.apply(entry);
      else if (line !== "") torn += 1;
    }
  } finally {
    await file.close();
  }
  if (torn > 0)
    log.warn(
      { path, lines: torn },
      "the journal held torn lines (a crash in the middle of a write); they are left out",
    );
  return records;
}

class FileJournal implements Journal {
  readonly records: Records;
  readonly #path: string;
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #paceMs: () => number;
  #file: FileHandle | undefined;
  /** Bytes of whole lines; what a failed write left behind them is cut off. */
  #bytes = 0;
  #bytesCompacted = 0;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Of the timer, and of the end of the last write, on the monotonic clock. */
  #timerDueMs = Infinity;
  #writtenMs = -Infinity;
  #writing: Promise<void> | undefined;
  #failed: Error | undefined;
  #closed = false;

  constructor(path: string, records: Records, options: JournalOptions) {
    this.#path = path;
    this.records = records;
    this.#log = options.log;
    this.#nowMs = options.nowMs;
    this.#paceMs = options.paceMs ?? (() => 0);
  }

  get trouble(): string | undefined {
    return this.#failed?.message;
  }

  append(entries: readonly JournalEntry[]): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#add({
        entries,
        mode: "refuse",
        ...UNHEARD,
        settle: (error) => (error ? reject(error) : resolve()),
      }),
    );
  }

  note(entries: readonly JournalEntry[]): Promise<Written> {
    for (const entry of entries) this.records.apply(entry);
    return new Promise((resolve) => {
      let settle = (): void => undefined;
      const synced = new Promise<void>((done) => (settle = done));
      const onWritten = (): void => resolve({ synced });
      this.#add({ entries, mode: "keep", onWritten, settle: () => void [onWritten(), settle()] });
    });
  }

  jot(entry: JournalEntry): void {
    this.records.apply(entry);
    this.#add({ entries: [entry], mode: "lazy", ...UNHEARD });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    if (this.#waiting.length > 0) await this.#write();
    await this.#file?.close();
    this.#file = undefined;
  }

  #add(waiting: Waiting): void {
    const { mode, settle } = waiting;
    if (this.#closed)
      return settle(mode === "refuse" ? new WeftError("unavailable", "the journal is closed") : undefined);
    this.#waiting.push(waiting);
    if (mode === "refuse") this.#now();
    else this.#later(this.#failed ? RETRY_MS : mode === "lazy" ? LAZY_MS : this.#paceLeftMs());
  }

  #paceLeftMs(): number {
    return this.#writtenMs + this.#paceMs() - performance.now();
  }

  #later(ms: number): void {
    if (this.#closed || this.#writing) return;
    if (ms <= 0) return this.#now();
    const dueMs = performance.now() + ms;
    if (dueMs >= this.#timerDueMs) return;
    clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => this.#now(), ms);
  }

  #now(): void {
    clearTimeout(this.#timer);
    this.#timerDueMs = Infinity;
    if (this.#writing || this.#closed) return;
    // Not before the rest of this turn: what is added in it goes in the same write.
    this.#writing = Promise.resolve().then(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    do await this.#write();
    while (this.#waiting.some(({ mode }) => mode === "refuse") && !this.#failed);
    if (!this.#failed && this.#bytes > Math.max(COMPACT_BYTES_MIN, 4 * this.#bytesCompacted))
      await this.#compactQuietly();
    this.#writing = undefined;
    // Also with nothing to write: it is how room is found again.
    if (this.#failed) this.#later(RETRY_MS);
    else if (this.#waiting.some(({ mode }) => mode === "keep")) this.#later(this.#paceLeftMs());
    else if (this.#waiting.length > 0) this.#later(LAZY_MS);
  }

  async #write(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    const text = batch.flatMap(({ entries }) => entries.map((entry) => `${JSON.stringify(entry)}\n`)).join("");
    try {
      await this.#put(Buffer.from(text));
      for (const { onWritten } of batch) onWritten();
      if (batch.some(({ mode }) => mode !== "lazy")) await this.#file?.datasync();
    } catch (error) {
      this.#refused(error as NodeJS.ErrnoException, batch);
      return;
    }
    this.#bytes += Buffer.byteLength(text);
    this.#writtenMs = performance.now();
    if (this.#failed) this.#log.info({ path: this.#path }, "the journal can be written again");
    this.#failed = undefined;
    for (const { entries, mode, settle } of batch) {
      if (mode === "refuse") for (const entry of entries) this.records.apply(entry);
      settle();
    }
  }

  async #put(bytes: Buffer): Promise<void> {
    // With nothing to write the disk is asked; else it would seem well, and what it cannot take would be sent for again.
    if (bytes.length === 0) return this.#failed ? requireRoom(this.#path) : undefined;
    this.#file ??= await open(this.#path, "r+");
    if (this.#failed) await this.#file.truncate(this.#bytes);
    // At once, since it only goes to the system's memory: a turn by the thread pool takes longer.
    for (let done = 0; done < bytes.length;)
      done += writeSync(this.#file.fd, bytes, done, bytes.length - done, this.#bytes + done);
  }

  #refused(cause: NodeJS.ErrnoException, batch: readonly Waiting[]): void {
    const error = refusal(this.#path, cause);
    if (!this.#failed)
      this.#log.error({ err: error }, "the journal cannot be written: no new work is taken, what runs goes on");
    this.#failed = error;
    const kept = batch.filter(({ mode }) => mode !== "refuse");
    // First in line, as one: settled already, so that reports are not held up by the disk.
    if (kept.length > 0)
      this.#waiting.unshift({ entries: kept.flatMap(({ entries }) => entries), mode: "keep", ...UNHEARD });
    for (const { mode, settle } of batch) settle(mode === "refuse" ? error : undefined);
  }

  /** On a full disk the old file stays: ends must be reported, and it takes new lines when there is room again. */
  async begin(): Promise<void> {
    try {
      await this.#compact();
    } catch (error) {
      if (!(error instanceof WeftError) || error.code !== "disk_full") throw error;
      this.#log.error({ err: error }, "the journal cannot be written: no new work is taken, what runs goes on");
      this.#failed = error;
      this.#file = await open(this.#path, "r+");
      this.#bytes = await wholeLines(this.#file);
      this.#later(RETRY_MS);
    }
  }

  /** Writes what is known to a new file and puts it in the old one's place. */
  async #compact(): Promise<void> {
    const temp = `${this.#path}.new`;
    const file = await open(temp, "w");
    let bytes = 0;
    try {
      for (const slice of slices(this.records.entries(), ENCODE_SLICE)) {
        const text = slice.map((entry) => `${JSON.stringify(entry)}\n`).join("");
        bytes += (await file.write(text)).bytesWritten;
      }
      await file.datasync();
      await rename(temp, this.#path);
    } catch (error) {
      await file.close();
      await rm(temp, { force: true });
      throw refusal(this.#path, error as NodeJS.ErrnoException);
    }
    await this.#file?.close();
    this.#file = file;
    this.#bytes = bytes;
    this.#bytesCompacted = bytes;
  }

  async #compactQuietly(): Promise<void> {
    this.records.prune(this.#nowMs());
    // Without room for a second file the first one goes on growing; that is said when it cannot.
    await this.#compact().catch((error: unknown) =>
      this.#log.warn({ err: error }, "the journal could not be rewritten smaller"),
    );
  }
}

/** Throws ENOSPC when the disk has next to nothing free. */
async function requireRoom(path: string): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  if (bavail * bsize < ROOM_BYTES_MIN) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
}

/** Bytes up to the end of the last whole line; a torn one is cut off by the next write. */
async function wholeLines(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.min(size, LINE_BYTES_MAX));
  await file.read(tail, 0, tail.length, size - tail.length);
  return size - tail.length + tail.lastIndexOf(0x0a) + 1;
}

function* slices<T>(all: Iterable<T>, size: number): Generator<T[]> {
  let slice: T[] = [];
  for (const one of all) {
    slice.push(one);
    if (slice.length < size) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

function refusal(path: string, cause: NodeJS.ErrnoException): WeftError {
  if (cause.code === "ENOSPC" || cause.code === "EDQUOT")
    return new WeftError(
      "disk_full",
      `the disk that holds ${path} is full; free some space on it, or start the agent with another --dir`,
      { cause },
    );
  return new WeftError("unavailable", `cannot write ${path} (${cause.code ?? cause.message})`, { cause });
}
