import { spawnSync } from "node:child_process";
import type { WindowSize } from "../sdk/index.ts";

/** Where a terminal does not say its size. */
const SIZE_DEFAULT: WindowSize = { columns: 80, rows: 24 };

/** This process' terminal, handed over key by key. It is given back as it was however the process ends, short of SIGKILL. */
export class RawTerminal {
  #onResize: (() => void) | undefined;
  readonly #restore = (): void => this.restore();

  size(): WindowSize {
    const { columns, rows } = process.stdout;
    return columns > 0 && rows > 0 ? { columns, rows } : SIZE_DEFAULT;
  }

  enter(onResize: (size: WindowSize) => void): void {
    process.on("exit", this.#restore);
    process.stdin.setRawMode(true);
    // Node leaves the terminal turning line feeds into new lines, which the other end has done already. What is restored
    // is the state from before both.
    spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
    this.#onResize = () => onResize(this.size());
    process.stdout.on("resize", this.#onResize);
    // It may have changed while the session was being opened.
    this.#onResize();
  }

  restore(): void {
    if (!this.#onResize) return;
    process.stdout.off("resize", this.#onResize);
    process.off("exit", this.#restore);
    this.#onResize = undefined;
    process.stdin.setRawMode(false);
  }
}
