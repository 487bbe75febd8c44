import { readFileSync } from "node:fs";
import { WeftError } from "../../lib/core/error.ts";

/** One line of a table, by column. `number` refuses what is none, naming file, line and column. */
export interface CsvRow {
  readonly line: number;
  text(column: string): string;
  number(column: string): number;
}

/** Reads a comma-separated file with a header line. No quotes: the public traces have none. */
export function readCsv(path: string, columns: readonly string[]): CsvRow[] {
  const lines = read(path).split("\n");
  const head = lines[0]!.trim().split(",");
  const missing = columns.filter((column) => !head.includes(column));
  if (missing.length > 0)
    throw new WeftError("invalid", `${path} has no column ${missing.join(", ")}; it has ${head.join(", ")}`);
  const places = new Map(head.map((column, place) => [column, place]));
  const rows: CsvRow[] = [];
  for (let i = 1; i < lines.length; i += 1) {
    const line = lines[i]!.trimEnd();
    if (line !== "") rows.push(rowOf(path, i + 1, line.split(","), places, head.length));
  }
  if (rows.length === 0) throw new WeftError("invalid", `${path} has a header and no lines`);
  return rows;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new WeftError("not_found", `cannot read ${path}`, { cause });
  }
}

function rowOf(
  path: string,
  line: number,
  cells: readonly string[],
  places: ReadonlyMap<string, number>,
  width: number,
): CsvRow {
  if (cells.length !== width)
    throw new WeftError("invalid", `${path}:${line} has ${cells.length} fields; the header has ${width}`);
  const text = (column: string): string => cells[places.get(column)!]!;
  return {
    line,
    text,
    number: (column) => {
      const value = Number(text(column));
      if (text(column).trim() !== "" && Number.isFinite(value) && value >= 0) return value;
      throw new WeftError(
        "invalid",
        `${path}:${line}: ${column} is "${text(column)}"; it should be a number that is not negative`,
      );
    },
  };
}
