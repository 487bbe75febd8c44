import type { Terminal } from "./terminal.ts";

/** Often enough for a spinner, seldom enough for a slow link. */
const REDRAW_MS = 120;
const HIDE_CURSOR = "\u001B[?25l";
const SHOW_CURSOR = "\u001B[?25h";

/** Lines at the end of the terminal that are drawn again and again in their place. */
export class LiveLines {
  readonly #terminal: Terminal;
  readonly #draw: () => readonly string[];
  #height = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #showCursor = (): void => this.#terminal.write(SHOW_CURSOR);

  constructor(terminal: Terminal, draw: () => readonly string[]) {
    this.#terminal = terminal;
    this.#draw = draw;
  }

  start(): void {
    this.#terminal.write(HIDE_CURSOR);
    // However the process ends, the user's cursor is there again.
    process.once("exit", this.#showCursor);
    this.#timer = setInterval(() => this.redraw(), REDRAW_MS);
    this.redraw();
  }

  redraw(): void {
    const lines = this.#draw();
    const up = this.#height > 0 ? `\u001B[${this.#height}A` : "";
    const body = lines.map((line) => `\u001B[2K${line}\n`).join("");
    this.#terminal.write(`${up}${body}\u001B[0J`);
    this.#height = lines.length;
  }

  /** Draws once more, and leaves it there. */
  stop(): void {
    clearInterval(this.#timer);
    this.redraw();
    process.off("exit", this.#showCursor);
    this.#terminal.write(SHOW_CURSOR);
  }
}
