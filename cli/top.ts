import { formatSize } from "../lib/core/pipeline/units.ts";
import type { Node, QueueClass, ServerInfo } from "../sdk/index.ts";
import { resourcesText } from "./resources-text.ts";
import { inColor } from "./state.ts";
import { renderTable } from "./table.ts";
import { cut, printable, type Terminal } from "./terminal.ts";
import { ago } from "./when.ts";

/** The cluster at one moment. */
export interface Snapshot {
  readonly at: Date;
  readonly server: ServerInfo;
  readonly nodes: readonly Node[];
  /** What waits and what is on nodes, by what it asks for. */
  readonly classes: readonly QueueClass[];
}

/** Wide enough to tell a tenth. */
const BAR_COLUMNS = 10;
/** Nearly full: what is asked for may not fit, and what runs may be slow. */
const HIGH = 0.9;
/** Rows of the screen for classes, of those that heads and nodes leave; nodes get the rest. */
const CLASSES_SHARE = 0.4;
/** Title, two table heads and two empty lines, and the line in which the cursor stands. */
const FIXED_LINES = 6;
const ROWS_MIN = 2;

/** The lines of a screen; no more of them, and no wider, than the terminal where there is one. */
export function drawTop({ at, server, nodes, classes }: Snapshot, terminal: Terminal): string[] {
  const { colors } = terminal;
  const troubles = nodes.flatMap(({ name, problems }) =>
    problems.map((problem) => `${name}: ${colors.red(printable(problem))}`),
  );
  const rows = terminal.isTerminal ? terminal.rows - FIXED_LINES - troubles.length : Infinity;
  const classRows = Math.max(ROWS_MIN, Math.min(classes.length, Math.floor(rows * CLASSES_SHARE)));
  const nodeRows = Math.max(ROWS_MIN, rows - Math.min(classes.length, classRows));
  const lines = [
    title({ at, server, nodes, classes }, terminal),
    "",
    ...table(terminal, NODE_HEAD, nodes.toSorted(busiestFirst), (node) => nodeRow(node, terminal, at), nodeRows),
    ...troubles,
    "",
    ...(classes.length === 0
      ? ["nothing runs and nothing waits"]
      : table(terminal, CLASS_HEAD, classes, (one) => classRow(one, at), classRows)),
  ];
  return terminal.isTerminal ? lines.map((line) => cut(line, terminal.columns)) : lines;
}

function title({ at, server, nodes, classes }: Snapshot, { colors }: Terminal): string {
  const ready = nodes.filter(({ state }) => state === "ready").length;
  const total = (of: (one: QueueClass) => number): number => classes.reduce((sum, one) => sum + of(one), 0);
  const lost = nodes.filter(({ state }) => state === "lost").length;
  return [
    colors.bold("weft"),
    at.toTimeString().slice(0, 8),
    `${ready}/${nodes.length} nodes ready${lost > 0 ? colors.red(`, ${lost} lost`) : ""}`,
    `${total((one) => one.running)} on nodes`,
    `${total((one) => one.waiting)} waiting`,
    colors.dim(`term ${server.term}, ${server.version}`),
  ].join("  ");
}

/** At most `rows` lines under the head; the last one counts what is left out. */
function table<T>(
  terminal: Terminal,
  head: readonly string[],
  all: readonly T[],
  row: (one: T) => string[],
  rows: number,
): string[] {
  const shown = all.length <= rows ? all : all.slice(0, Math.max(1, rows - 1));
  const lines = renderTable(terminal, head, shown.map(row)).split("\n");
  return shown.length === all.length
    ? lines
    : [...lines, terminal.colors.dim(`… and ${all.length - shown.length} more`)];
}

const NODE_HEAD = ["NODE", "STATE", "TASKS", "CPU BUSY", "CPUS HELD", "MEMORY", "GPUS BUSY", "GPUS HELD", "HEARD"];

function nodeRow(node: Node, { colors }: Terminal, at: Date): string[] {
  const { capacity, usage, reserved, gpus } = node;
  const memory = usage.memoryBytesUsed;
  const busy = gpus.map((gpu) => gpu.utilizationFraction).filter((fraction) => fraction !== null);
  return [
    node.name,
    inColor(colors, node.state),
    String(node.attempts),
    bar(usage.cpuFraction, colors),
    `${amount(reserved.cpus)}/${amount(capacity.cpus)}`,
    `${bar(memory === null || capacity.memoryBytes === 0 ? null : memory / capacity.memoryBytes, colors)} ${memory === null ? "-" : formatSize(memory)}/${formatSize(capacity.memoryBytes)}`,
    gpus.length === 0 ? "" : bar(busy.length === 0 ? null : mean(busy), colors),
    gpus.length === 0 ? "" : `${amount(reserved.gpus)}/${gpus.length}`,
    ago(node.lastHeartbeatAt, at.getTime()),
  ];
}

const CLASS_HEAD = ["ON NODES", "WAITING", "PRIORITY", "PROJECT", "ASKS FOR", "OLDEST", "WHY"];

function classRow(one: QueueClass, at: Date): string[] {
  return [
    String(one.running),
    String(one.waiting),
    String(one.priority),
    one.project,
    `${one.nodes > 1 ? `${one.nodes} nodes × ` : ""}${resourcesText(one.resources)}`,
    one.oldestReadyAt === null ? "" : ago(one.oldestReadyAt, at.getTime()),
    one.reason,
  ];
}

/** "█████····· 50%" of a fraction from 0 to 1; "-" for what was not measured. */
export function bar(fraction: number | null, colors: Terminal["colors"]): string {
  if (fraction === null) return "-";
  const bounded = Math.min(1, Math.max(0, fraction));
  const full = Math.round(bounded * BAR_COLUMNS);
  const text = "█".repeat(full) + "·".repeat(BAR_COLUMNS - full);
  const percent = `${Math.round(bounded * 100)}%`.padStart(5);
  return `${bounded >= HIGH ? colors.red(text) : colors.green(text)}${percent}`;
}

/** Those in trouble, then those with the most to do, then by name. */
function busiestFirst(a: Node, b: Node): number {
  const rank = (node: Node): number => (node.state === "ready" ? 1 : 0);
  return rank(a) - rank(b) || b.attempts - a.attempts || (a.name < b.name ? -1 : 1);
}

/** Shares of 64 and of 3 are no round numbers. */
const amount = (value: number): string => String(Math.round(value * 100) / 100);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
