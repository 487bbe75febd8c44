/**
 * Where a position of a POSIX shell script stands, as far as quoting goes. A value may be put in only where it is
 * certain how the shell will read it:
 *
 *   bare        a word, or a part of one       'value'
 *   double      inside "…"                     "'value'"   closes the quotes, opens them again
 *   single      inside '…'                     ''value''   likewise
 *   comment     the shell does not read it     left as it is: a newline in a value would end the comment
 *   refused     here-documents, `…`, ${…}, $((…)), $'…', after \ or $, and whatever could not be followed
 */
export type Place =
  | { readonly kind: "bare" | "double" | "single" | "comment" }
  | { readonly kind: "refused"; readonly where: string };

type Frame = "command" | "double" | "single" | "ansi" | "parameter" | "arithmetic" | "backtick" | "comment";

const REFUSED: Partial<Record<Frame, string>> = {
  ansi: "inside $'…'",
  parameter: "inside ${…}",
  arithmetic: "inside $((…))",
  backtick: "inside `…`",
};

/** A value as one word of the shell, whatever it holds (but a zero byte, which no argument can hold). */
export function shellQuote(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Reads the script once; `placeAt` is asked for rising positions, and `skipTo` jumps over what is not shell. */
export class ShellReader {
  private readonly script: string;
  private at = 0;
  private readonly frames: { kind: Frame; parens: number }[] = [{ kind: "command", parens: 0 }];
  private wordStart = true;
  private previous = "";
  private heredocs: { delimiter: string; tabs: boolean }[] = [];
  private lost: string | undefined;
  private overHeredoc = false;

  constructor(script: string) {
    this.script = script;
  }

  placeAt(position: number): Place {
    while (this.at < position) this.advance();
    // Overshot: what was read in one piece holds the position.
    if (this.at > position)
      return { kind: "refused", where: this.overHeredoc ? "in a here-document" : "after a backslash" };
    if (this.lost !== undefined) return { kind: "refused", where: this.lost };
    const top = this.frames.at(-1)!;
    if (top.kind === "comment") return { kind: "comment" };
    const bad = this.frames.find((frame) => REFUSED[frame.kind] !== undefined);
    if (bad) return { kind: "refused", where: REFUSED[bad.kind]! };
    if (top.kind !== "single" && this.previous === "$") return { kind: "refused", where: "after $" };
    return { kind: top.kind === "command" ? "bare" : top.kind === "double" ? "double" : "single" };
  }

  /** The text up to `position` is a placeholder: to the shell it is a part of a word. */
  skipTo(position: number): void {
    if (position < this.at) return;
    this.at = position;
    this.wordStart = false;
    this.previous = "}";
  }

  private advance(): void {
    const top = this.frames.at(-1)!;
    const char = this.script[this.at]!;
    this.overHeredoc = false;
    switch (top.kind) {
      case "comment":
        if (char === "\n") this.frames.pop();
        else this.step(1);
        return;
      case "single":
        if (char === "'") this.frames.pop();
        return this.step(1);
      case "ansi":
        // bash reads \' as a quote here, dash does not know $'…' at all.
        if (char === "\\") this.lost = "after $'…' with a backslash in it";
        if (char === "'") this.frames.pop();
        return this.step(1);
      case "double":
        return this.advanceDouble(char);
      case "parameter":
        return this.advanceParameter(char);
      case "arithmetic":
        return this.advanceArithmetic(char, top);
      case "backtick":
        if (char === "\\") return this.step(2);
        if (char === "`") this.frames.pop();
        return this.step(1);
      case "command":
        return this.advanceCommand(char, top);
    }
  }

  private advanceDouble(char: string): void {
    if (char === "\\") return this.step(2);
    if (char === '"') {
      this.frames.pop();
      return this.step(1);
    }
    this.openExpansion(char);
  }

  private advanceParameter(char: string): void {
    if (char === "\\") return this.step(2);
    if (char === "}") {
      this.frames.pop();
      return this.step(1);
    }
    // In "${…}" it is a plain character, in ${…} it quotes.
    if (char === "'") this.lost = "after a single quote inside ${…}";
    if (char === '"') return this.push("double", 1);
    this.openExpansion(char);
  }

  private advanceArithmetic(char: string, top: { parens: number }): void {
    if (char === "(") top.parens += 1;
    if (char === ")") {
      if (top.parens === 0) {
        this.frames.pop();
        if (this.script[this.at + 1] === ")") return this.step(2);
        this.lost = "after $(( that does not end with ))";
        return this.step(1);
      }
      top.parens -= 1;
    }
    this.openExpansion(char);
  }

  private advanceCommand(char: string, top: { parens: number }): void {
    switch (char) {
      case "\\":
        return this.step(2);
      case "'":
        return this.push(this.previous === "$" ? "ansi" : "single", 1);
      case '"':
        return this.push("double", 1);
      case "#":
        return this.wordStart ? this.push("comment", 1) : this.step(1);
      case "\n":
        this.step(1);
        this.wordStart = true;
        return this.heredocs.length > 0 ? this.skipHeredocs() : undefined;
      case "<":
        return this.advanceLess();
      case "(":
        top.parens += 1;
        return this.separator();
      case ")":
        if (top.parens > 0) top.parens -= 1;
        else if (this.frames.length > 1) this.frames.pop();
        return this.separator();
      case ";":
      case "&":
      case "|":
      case ">":
      case " ":
      case "\t":
        return this.separator();
      default:
        // The patterns of `case` end with a parenthesis that nothing opened: inside $(…) it cannot be told apart.
        if (this.wordStart && this.frames.length > 1 && /^case\s/.test(this.script.slice(this.at, this.at + 5))) {
          this.lost = "after a `case` inside $(…)";
        }
        return this.openExpansion(char);
    }
  }

  private advanceLess(): void {
    const rest = this.script.slice(this.at, this.at + 200);
    if (rest.startsWith("<<<")) {
      this.step(3);
      this.wordStart = true;
      return;
    }
    const match = /^<<(-?)[ \t]*((?:'[^'\n]*'|"[^"\n]*"|\\.|[^\s'"\\;&|<>()`$])+)/.exec(rest);
    if (!match) {
      if (rest.startsWith("<<")) this.lost = "after a here-document whose end could not be found";
      return this.separator();
    }
    const delimiter = match[2]!.replaceAll(/['"]/g, "").replaceAll(/\\(.)/g, "$1");
    this.heredocs.push({ delimiter, tabs: match[1] === "-" });
    this.step(match[0].length);
    this.wordStart = false;
  }

  private skipHeredocs(): void {
    while (this.heredocs.length > 0 && this.at < this.script.length) {
      const end = this.script.indexOf("\n", this.at);
      const line = this.script.slice(this.at, end === -1 ? undefined : end);
      const { delimiter, tabs } = this.heredocs[0]!;
      if ((tabs ? line.replace(/^\t+/, "") : line) === delimiter) this.heredocs.shift();
      this.at = end === -1 ? this.script.length : end + 1;
    }
    this.overHeredoc = true;
    this.wordStart = true;
    this.previous = "\n";
  }

  /** `$(`, `${`, `$((`, a backtick, or an ordinary character. */
  private openExpansion(char: string): void {
    if (char === "`") return this.push("backtick", 1);
    if (char === "$") {
      if (this.script.startsWith("$((", this.at)) return this.push("arithmetic", 3);
      if (this.script.startsWith("$(", this.at)) return this.push("command", 2);
      // `${{ x }}` is a placeholder after a dollar, not an expansion.
      if (this.script.startsWith("${", this.at) && !this.script.startsWith("${{", this.at))
        return this.push("parameter", 2);
    }
    this.step(1);
  }

  private push(kind: Frame, length: number): void {
    this.frames.push({ kind, parens: 0 });
    this.step(length);
    this.wordStart = kind === "command";
  }

  private separator(): void {
    this.step(1);
    this.wordStart = true;
  }

  private step(length: number): void {
    // A backslash before a line's end joins the lines: a word that had not begun has still not begun.
    const joins = length === 2 && this.script.startsWith("\\\n", this.at);
    this.previous = length === 1 ? this.script[this.at]! : "";
    this.at += length;
    this.wordStart &&= joins;
  }
}
