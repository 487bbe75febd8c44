import Table from "cli-table3";
import { cut, type Terminal } from "./terminal.ts";

const NO_LINES = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
  ].map((name) => [name, ""]),
);

/** Rows under a head, in columns; cut to the width of a terminal, whole anywhere else. */
export function renderTable(terminal: Terminal, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: head.map((text) => terminal.colors.dim(text)),
    chars: { ...NO_LINES, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  const lines = table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
  return lines.map((line) => (terminal.isTerminal ? cut(line, terminal.columns) : line)).join("\n");
}
