import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";

/** A line longer than this is no message of ours: an assignment is at most 1 MiB on its way here. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Sends and receives one JSON object a line. What is sent in one turn of the event loop, or soon after, is written in one call. */
export class Channel<Out, In> {
  readonly #socket: Socket;
  #pending = "";
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, onMessage: (message: In) => void, onClose: () => void) {
    this.#socket = socket;
    const decoder = new StringDecoder("utf8");
    let rest = "";
    socket.on("data", (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop()!;
      if (rest.length > LINE_BYTES_MAX) socket.destroy();
      for (const line of lines) onMessage(JSON.parse(line) as In);
    });
    // The close that follows an error is what counts.
    socket.on("error", () => {});
    socket.on("close", onClose);
  }

  /** `withinMs`: how long it may wait for company; 0: to the end of this turn. */
  send(message: Out, withinMs = 0): void {
    const isFirst = this.#pending === "";
    this.#pending += `${JSON.stringify(message)}\n`;
    if (withinMs > 0) {
      if (isFirst) this.#timer = setTimeout(() => this.flush(), withinMs);
    } else if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => this.flush());
    }
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#flushing = false;
    if (this.#pending !== "" && this.#socket.writable) this.#socket.write(this.#pending);
    this.#pending = "";
  }

  end(): void {
    this.flush();
    this.#socket.end();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }
}
