import { stripVTControlCharacters } from "node:util";
import picocolors from "picocolors";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Where output goes, and what it may look like there. */
export interface Terminal {
  readonly isTerminal: boolean;
  readonly colors: Colors;
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

/** Colours on a terminal only, and not when NO_COLOR asks for none (no-color.org). */
export function terminalOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Terminal {
  const isTerminal = stream.isTTY && env["TERM"] !== "dumb";
  const wanted = env["NO_COLOR"] ? false : isTerminal || (env["FORCE_COLOR"] ?? "0") !== "0";
  return {
    isTerminal,
    colors: picocolors.createColors(wanted),
    get columns() {
      return stream.columns ?? 100;
    },
    get rows() {
      return stream.rows ?? 30;
    },
    write: (text) => void stream.write(text),
  };
}

export const stdout = terminalOf(process.stdout, process.env);
export const stderr = terminalOf(process.stderr, process.env);

/** Columns that the text takes, without its colours. Wide characters count one: names here are ASCII. */
export function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** Cuts a text that may hold colours to a number of columns. */
export function cut(text: string, columns: number): string {
  if (visibleLength(text) <= columns) return text;
  let shown = 0;
  let result = "";
  for (const [part] of text.matchAll(/\p{Cc}\[[0-9;]*m|\P{Cc}/gu)) {
    if (part.startsWith("\u001B")) result += part;
    else if (shown < columns - 1) {
      result += part;
      shown += 1;
    }
  }
  return `${result}…`;
}

/** What a task wrote, safe to show inside our own lines: no cursor movements, no bells. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (control) => (control === "\n" || control === "\t" ? control : "·"));
}
