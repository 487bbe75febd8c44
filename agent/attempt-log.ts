import { type FSWatcher, watch } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StreamName } from "../lib/core/dispatch.ts";
import type { AttemptKey } from "../lib/core/ids.ts";
import { LogTail, type TailOptions } from "./log-tail.ts";

/** A watch is a hint: every spool is looked at again after this, in milliseconds. */
const LOOK_MS = 2_000;
/** The same where the machine has no watches left. */
const LOOK_UNWATCHED_MS = 100;
/** How far a log got is noted this often, in milliseconds; after a crash no more than that is sent twice. */
const NOTE_MS = 2_000;
/** In the attempt's folder: how far it got. */
const NOTE_FILE = "shipped.json";

type Sizes = Readonly<Record<StreamName, number>>;

export interface AttemptLogOptions extends Pick<TailOptions, "publish" | "lanes" | "log"> {
  readonly key: AttemptKey;
  /** The attempt's folder, which holds the spool files. */
  readonly dir: string;
  /** An earlier agent may have shipped a part. */
  readonly resumed: boolean;
  /** It has ended, and both streams are out. Called once. */
  readonly onShipped: (sizes: Sizes) => void;
  readonly onUnwatchable: () => void;
  /** An attempt that ends sooner is never watched, in milliseconds; it delays a first line by no more than that. */
  readonly watchAfterMs: number;
}

/** Both streams of one attempt. Quiet for the first moments, then woken by file events and, slower, by `look`. */
export class AttemptLog {
  readonly #options: AttemptLogOptions;
  #timer: NodeJS.Timeout | undefined;
  #tails: Readonly<Record<StreamName, LogTail>> | undefined;
  #watcher: FSWatcher | undefined;
  #watchable = true;
  #lookedAtMs = performance.now();
  #notedAtMs = performance.now();
  #noted = 0;
  #sizes: Sizes | undefined;
  #closed = false;

  constructor(options: AttemptLogOptions) {
    this.#options = options;
    this.#timer = setTimeout(() => void this.#open(), options.watchAfterMs);
  }

  get ended(): boolean {
    return this.#sizes !== undefined;
  }

  /** No more is written: ships what is left. */
  end(sizes: Sizes): void {
    this.#sizes = sizes;
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
    if (this.#tails) this.#finish(this.#tails, sizes);
    else void this.#open();
  }

  /** To be called often: looks at the files when it is time, whether an event came or not. */
  look(nowMs: number): void {
    if (!this.#tails || nowMs - this.#lookedAtMs < (this.#watchable ? LOOK_MS : LOOK_UNWATCHED_MS)) return;
    this.#lookedAtMs = nowMs;
    this.#tails.stdout.touch();
    this.#tails.stderr.touch();
    if (nowMs - this.#notedAtMs >= NOTE_MS) void this.#note();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#tails?.stdout.close();
    this.#tails?.stderr.close();
  }

  /** Closes it so that the next agent goes on from here. */
  async leave(): Promise<void> {
    this.close();
    await this.#note();
  }

  async #open(): Promise<void> {
    const offsets = this.#options.resumed ? await readNote(this.#options.dir) : { stdout: 0, stderr: 0 };
    if (this.#closed || this.#tails) return;
    this.#noted = offsets.stdout + offsets.stderr;
    this.#tails = { stdout: this.#tail("stdout", offsets.stdout), stderr: this.#tail("stderr", offsets.stderr) };
    if (this.#sizes) this.#finish(this.#tails, this.#sizes);
    else this.#watch(this.#tails);
  }

  #tail(stream: StreamName, offset: number): LogTail {
    const { key, dir, publish, lanes, log } = this.#options;
    const onMoved = (): void => this.#moved();
    return new LogTail({ key, stream, path: join(dir, stream), offset, publish, lanes, log, onMoved });
  }

  #watch(tails: Readonly<Record<StreamName, LogTail>>): void {
    try {
      this.#watcher = watch(this.#options.dir, { persistent: false }, (_, file) => {
        if (file === "stdout" || file === null) tails.stdout.touch();
        if (file === "stderr" || file === null) tails.stderr.touch();
      });
      this.#watcher.on("error", () => this.#unwatchable());
    } catch {
      this.#unwatchable();
    }
    tails.stdout.touch();
    tails.stderr.touch();
  }

  #unwatchable(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#watchable = false;
    this.#options.onUnwatchable();
  }

  #finish(tails: Readonly<Record<StreamName, LogTail>>, sizes: Sizes): void {
    tails.stdout.finish(sizes.stdout);
    tails.stderr.finish(sizes.stderr);
    this.#moved();
  }

  #moved(): void {
    if (this.#closed || !this.#sizes || !this.#tails?.stdout.done || !this.#tails.stderr.done) return;
    this.close();
    this.#options.onShipped(this.#sizes);
  }

  async #note(): Promise<void> {
    if (!this.#tails) return;
    const { stdout, stderr } = this.#tails;
    if (stdout.offset + stderr.offset === this.#noted) return;
    this.#noted = stdout.offset + stderr.offset;
    this.#notedAtMs = performance.now();
    const text = JSON.stringify({ stdout: stdout.offset, stderr: stderr.offset } satisfies Sizes);
    // Lost on a full disk, it costs a few chunks sent twice.
    await writeFile(join(this.#options.dir, NOTE_FILE), text).catch(() => undefined);
  }
}

async function readNote(dir: string): Promise<Sizes> {
  try {
    const value = JSON.parse(await readFile(join(dir, NOTE_FILE), "utf8")) as Partial<Sizes>;
    return { stdout: value.stdout ?? 0, stderr: value.stderr ?? 0 };
  } catch {
    // None yet, or torn: from the start, and whoever reads drops what it has.
    return { stdout: 0, stderr: 0 };
  }
}
