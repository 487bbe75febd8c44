import { setTimeout as delay } from "node:timers/promises";
import { Option } from "commander";
import type { Terminal } from "./terminal.ts";

/** Lists change slowly enough to be looked at by people. */
const REFRESH_MS = 1_000;
const CLEAR = "\u001B[H\u001B[2J\u001B[3J";

export function watchOption(): Option {
  return new Option("-w, --watch", "show it again every second, until Ctrl-C");
}

/** Shows what `render` gives, once, or again and again: in place on a terminal, below each other elsewhere. */
export async function show(terminal: Terminal, watch: boolean, render: () => Promise<string>): Promise<void> {
  if (!watch) return terminal.write(`${await render()}\n`);
  for (;;) {
    const text = await render();
    terminal.write(terminal.isTerminal ? `${CLEAR}${text}\n` : `${text}\n\n`);
    await delay(REFRESH_MS);
  }
}
