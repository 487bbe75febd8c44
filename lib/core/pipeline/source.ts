import type { Issue } from "../error.ts";

/** Lines longer than this are shown around the place only, in characters. */
const FRAME_WIDTH = 110;

/** An issue with its place in a file. Line and column count from 1; a frame shows the place. */
export interface LocatedIssue extends Issue {
  readonly line: number;
  readonly column: number;
  readonly frame: string;
}

/** A text with a name, to point into. */
export class Source {
  readonly fileName: string;
  private readonly text: string;
  private readonly starts: readonly number[];

  constructor(text: string, fileName: string) {
    this.text = text;
    this.fileName = fileName;
    const starts = [0];
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.starts = starts;
  }

  position(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: Math.min(offset, this.text.length) - this.starts[low]! + 1 };
  }

  issueAt(offset: number, path: Issue["path"], message: string): LocatedIssue {
    const { line, column } = this.position(offset);
    return { path, message, line, column, frame: this.frame(line, column) };
  }

  /** The line with a mark under the column, and the one above it. */
  private frame(line: number, column: number): string {
    const width = String(line).length;
    const shift = column > FRAME_WIDTH - 10 ? column - 60 : 0;
    const show = (number: number, mark: string): string => {
      const shown = this.line(number)
        .slice(shift, shift + FRAME_WIDTH)
        .replaceAll("\t", " ");
      return `${mark} ${String(number).padStart(width)} | ${shown}`.trimEnd();
    };
    const above = line > 1 ? [show(line - 1, " ")] : [];
    return [...above, show(line, ">"), `  ${" ".repeat(width)} | ${" ".repeat(column - 1 - shift)}^`].join("\n");
  }

  private line(number: number): string {
    const start = this.starts[number - 1]!;
    const end = this.starts[number] ?? this.text.length + 1;
    return this.text.slice(start, end - 1).replace(/\r$/, "");
  }
}

/** `file:line:column: message` and the frame, as editors and people read it. */
export function formatIssue(fileName: string, issue: LocatedIssue): string {
  return `${fileName}:${issue.line}:${issue.column}: ${issue.message}\n${issue.frame}`;
}
