import type { ReadStream } from "node:tty";
import type { Terminal } from "./terminal.ts";

/** The terminal's second page, which leaves the first as it was; and no cursor. */
const OPEN = "\u001B[?1049h\u001B[?25l";
const CLOSE = "\u001B[?25h\u001B[?1049l";
const HOME = "\u001B[H";
const REST_OF_LINE = "\u001B[K";
const REST_OF_SCREEN = "\u001B[J";
/** q, Ctrl-C and Ctrl-D: a raw terminal sends keys and no signals. */
const QUIT_KEYS = ["q", "Q", "\u0003", "\u0004"];

/** The whole terminal, drawn again in place, and the key that ends it. */
export class Screen {
  readonly #terminal: Terminal;
  readonly #keys: ReadStream & { readonly fd: 0 };
  readonly #restore = (): void => this.#terminal.write(CLOSE);
  readonly #onKey = (key: Buffer): void => {
    const pressed = key.toString("latin1");
    if (QUIT_KEYS.some((quit) => pressed.includes(quit))) this.#quit();
  };
  #quit: () => void = () => {};
  readonly #quitted = new Promise<void>((resolve) => (this.#quit = resolve));

  constructor(terminal: Terminal, keys: ReadStream & { readonly fd: 0 }) {
    this.#terminal = terminal;
    this.#keys = keys;
  }

  open(): void {
    // However the process ends, the user's page is there again.
    process.once("exit", this.#restore);
    // Input may be a pipe or closed: then Ctrl-C comes as the signal.
    if (this.#keys.isTTY) {
      this.#keys.setRawMode(true);
      this.#keys.on("data", this.#onKey);
    }
    process.once("SIGINT", this.#quit).once("SIGTERM", this.#quit);
    this.#terminal.write(OPEN);
  }

  draw(lines: readonly string[]): void {
    // No line feed after the last one: on a full page it would scroll.
    const body = lines
      .slice(0, this.#terminal.rows)
      .map((line) => line + REST_OF_LINE)
      .join("\r\n");
    this.#terminal.write(`${HOME}${body}${REST_OF_SCREEN}`);
  }

  /** Resolves at a key that ends it, or after the time. */
  async quitWithin(ms: number): Promise<"quit" | "goOn"> {
    let timer: NodeJS.Timeout | undefined;
    const passed = new Promise<"goOn">((resolve) => {
      timer = setTimeout(() => resolve("goOn"), ms);
    });
    const how = await Promise.race([this.#quitted.then(() => "quit" as const), passed]);
    clearTimeout(timer);
    return how;
  }

  close(): void {
    if (this.#keys.isTTY) {
      this.#keys.off("data", this.#onKey);
      this.#keys.setRawMode(false);
      this.#keys.pause();
    }
    process.off("SIGINT", this.#quit).off("SIGTERM", this.#quit);
    process.off("exit", this.#restore);
    this.#restore();
  }
}
