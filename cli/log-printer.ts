import type { LogChunk } from "../sdk/index.ts";
import { instanceName } from "./shape.ts";
import type { Terminal } from "./terminal.ts";

/** A line that is not ended is kept back, so that two writers do not meet in one line; up to this many bytes, */
const PARTIAL_BYTES_MAX = 64 * 1024;
/** and on a terminal for this long: a prompt or a progress bar is to be seen. */
const PARTIAL_MS_MAX = 250;
const NEWLINE = 0x0a;

export interface LogPrinterOptions {
  /** False: wait before writing more, as of a stream. */
  readonly out: (bytes: Buffer) => boolean;
  readonly terminal: Terminal;
  /** Before each line the name of its task; the set holds those that are mapped. Null: bytes as they are. */
  readonly prefixes: ReadonlySet<string> | null;
  readonly warn: (line: string) => void;
}

interface Writer {
  readonly prefix: string;
  partial: Buffer;
}

/** Puts the chunks of several streams together line by line; no byte is changed unless lines get a prefix. */
export class LogPrinter {
  readonly #options: LogPrinterOptions;
  readonly #writers = new Map<string, Writer>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LogPrinterOptions) {
    this.#options = options;
  }

  async take(chunk: LogChunk): Promise<void> {
    const writer = this.#writerOf(chunk);
    if (chunk.missingBytes > 0) {
      const name = nameOf(chunk, this.#options.prefixes);
      this.#options.warn(`weft: ${chunk.missingBytes} bytes of ${chunk.stream} of ${name} before this are gone`);
    }
    const end = chunk.data.lastIndexOf(NEWLINE) + 1;
    const parts: Buffer[] = [];
    if (end > 0) {
      parts.push(this.#lines(writer, Buffer.concat([writer.partial, chunk.data.subarray(0, end)])));
      writer.partial = chunk.data.subarray(end);
    } else writer.partial = Buffer.concat([writer.partial, chunk.data]);
    if (writer.partial.length > PARTIAL_BYTES_MAX) parts.push(this.#flush(writer));
    const bytes = Buffer.concat(parts);
    if (bytes.length > 0 && !this.#options.out(bytes)) {
      await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
    }
    this.#flushSoon();
  }

  /** Writes what is left of lines that were not ended. */
  end(): void {
    clearTimeout(this.#timer);
    for (const writer of this.#writers.values()) if (writer.partial.length > 0) this.#options.out(this.#flush(writer));
  }

  #flushSoon(): void {
    clearTimeout(this.#timer);
    if (!this.#options.terminal.isTerminal) return;
    this.#timer = setTimeout(() => this.end(), PARTIAL_MS_MAX);
    this.#timer.unref();
  }

  #flush(writer: Writer): Buffer {
    const bytes = this.#lines(writer, writer.partial);
    writer.partial = Buffer.alloc(0);
    return bytes;
  }

  #lines(writer: Writer, bytes: Buffer): Buffer {
    if (this.#options.prefixes === null) return bytes;
    // Latin-1 keeps every byte as it is.
    const text = bytes.toString("latin1").replace(/\n$/, "");
    const prefix = Buffer.from(writer.prefix, "utf8").toString("latin1");
    return Buffer.from(
      text
        .split("\n")
        .map((line) => `${prefix}${line}\n`)
        .join(""),
      "latin1",
    );
  }

  #writerOf(chunk: LogChunk): Writer {
    const key = `${chunk.task}.${chunk.index}.${chunk.attempt}.${chunk.stream}`;
    let writer = this.#writers.get(key);
    if (!writer) {
      const { prefixes, terminal } = this.#options;
      const color = chunk.stream === "stderr" ? terminal.colors.red : terminal.colors.cyan;
      const prefix = prefixes ? `${color(`${nameOf(chunk, prefixes)} |`)} ` : "";
      writer = { prefix, partial: Buffer.alloc(0) };
      this.#writers.set(key, writer);
    }
    return writer;
  }
}

function nameOf(chunk: LogChunk, mapped: ReadonlySet<string> | null): string {
  return instanceName({ name: chunk.task, index: chunk.index }, mapped?.has(chunk.task) ?? chunk.index > 0);
}
