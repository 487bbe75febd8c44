import type { Change, FactValue, RunDifference, SectionDifference } from "../services/tracking/index.ts";
import { renderTable } from "./table.ts";
import { printable, type Terminal } from "./terminal.ts";

/** Of values and names; what is longer is cut, `--json` has it whole. */
const VALUE_CHARS_MAX = 60;
/** Of a number, enough to see a difference. */
const DIGITS = 6;

/** A table a section: what differs, and with `all` the rest. */
export function differenceText(terminal: Terminal, { a, b, equal, sections }: RunDifference): string {
  const head = (side: RunDifference["a"]): string => {
    const what = side.attempts.length > 1 ? `${side.attempts.length} instances` : (side.runs[0] ?? side.attempts[0]);
    return `${printable(side.asked)}${what === undefined || what === side.asked ? "" : ` (${what})`}`;
  };
  const shown = sections.filter(({ changes }) => changes.length > 0);
  const same = sections.filter((section) => section.equal && section.counts).map(({ name }) => name);
  return [
    `${terminal.colors.red("-")} ${head(a)}\n${terminal.colors.green("+")} ${head(b)}`,
    ...shown.map((section) => sectionText(terminal, section)),
    `${equal ? terminal.colors.green("equal") : terminal.colors.red("different")}${same.length === 0 || equal ? "" : `; the same: ${same.join(", ")}`}`,
  ].join("\n\n");
}

function sectionText(terminal: Terminal, { name, counts, changes }: SectionDifference): string {
  const title = `${terminal.colors.bold(name)}${counts ? "" : terminal.colors.dim(" (does not count)")}`;
  const rows = changes.map((change) => [
    mark(terminal, change),
    printable(change.of === "" ? change.kind : `${change.of} ${change.kind}`),
    change.name === change.kind ? "" : cell(change.name),
    cell(change.a),
    cell(change.b),
    numberText(change),
  ]);
  return `${title}\n${renderTable(terminal, ["", "WHAT", "NAME", "A", "B", "DIFFERENCE"], rows)}`;
}

function mark(terminal: Terminal, { change }: Change): string {
  const { red, green, yellow, dim } = terminal.colors;
  return { added: green("+"), removed: red("-"), changed: yellow("~"), same: dim("=") }[change];
}

function cell(value: FactValue): string {
  if (value === null) return "-";
  const text = typeof value === "number" ? numeral(value) : shortened(String(value));
  const line = printable(text).replaceAll(/\s+/g, " ").trim();
  return line.length > VALUE_CHARS_MAX ? `${line.slice(0, VALUE_CHARS_MAX - 1)}…` : line;
}

const shortened = (text: string): string => text.replaceAll(/\bsha256:([0-9a-f]{12})[0-9a-f]{52}\b/g, "sha256:$1");
const numeral = (value: number): string => String(Number.isInteger(value) ? value : Number(value.toPrecision(DIGITS)));

function numberText({ difference, relative, change }: Change): string {
  if (difference === undefined || change === "same") return "";
  const sign = difference > 0 ? "+" : "";
  const share = relative === null || relative === undefined ? "" : ` (${sign}${numeral(relative * 100)}%)`;
  return `${sign}${numeral(difference)}${share}`;
}
