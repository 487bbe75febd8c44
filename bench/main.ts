import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { describeError } from "../lib/core/error.ts";
import { withBench } from "./bench.ts";
import type { Figure, Row } from "./figure.ts";
import { chain100 } from "./rows/chain-100.ts";
import { logLine } from "./rows/log-line.ts";
import { noopAnswered } from "./rows/noop-answered.ts";
import { noopProcesses } from "./rows/noop-processes.ts";
import { schedulerMemory } from "./rows/scheduler-memory.ts";
import { submitToStart } from "./rows/submit-to-start.ts";

const ROWS: readonly Row[] = [submitToStart, chain100, noopAnswered, noopProcesses, logLine, schedulerMemory];
/** In the clone and not in /tmp, which may be memory: what is measured must reach a disk. */
const FOLDER = fileURLToPath(new URL(`../../.weft/bench-${process.pid}`, import.meta.url));

const { values } = parseArgs({ options: { only: { type: "string", multiple: true }, json: { type: "boolean" } } });
const only = (values.only ?? []).flatMap((names) => names.split(","));
const unknown = only.filter((name) => !ROWS.some((row) => row.name === name));
if (unknown.length > 0) {
  console.error(`there is no row ${unknown.join(", ")}; there are ${ROWS.map((row) => row.name).join(", ")}`);
  process.exit(2);
}

const say = (line: string): void => console.error(line);
const found: Figure[] = [];
try {
  for (const row of ROWS.filter(({ name }) => only.length === 0 || only.includes(name))) await measure(row);
} finally {
  rmSync(FOLDER, { recursive: true, force: true });
}
if (!values.json && found.length > 0) console.log(table(found));

async function measure(row: Row): Promise<void> {
  say(`${row.name}: ${row.about}`);
  try {
    const figures = await withBench({ folder: join(FOLDER, row.name), say }, row.run);
    found.push(...figures);
    if (values.json) for (const one of figures) console.log(JSON.stringify(one));
  } catch (error) {
    // The other rows are still worth having.
    say(`${row.name} failed: ${describeError(error)}`);
    process.exitCode = 1;
  }
}

function table(figures: readonly Figure[]): string {
  const made = new Table({
    head: ["row", "Weft", "reference", "ratio", "target", "holds", "the reference is"],
    wordWrap: true,
    colWidths: [27, 18, 18, 8, 20, 7, 50],
    style: { head: [], border: [] },
  });
  for (const { row, value, unit, referenceValue, ratio, target, holds, reference } of figures) {
    made.push([
      row,
      `${value} ${unit}`,
      `${referenceValue} ${unit}`,
      ratio,
      target,
      holds === null ? "" : holds ? "yes" : "NO",
      reference,
    ]);
  }
  return made.toString();
}
