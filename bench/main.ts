import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { describeError } from "../lib/core/error.ts";
import { withBench } from "./bench.ts";
import type { Figure, Row } from "./figure.ts";
import { PEERS } from "./peer.ts";
import { ROWS } from "./rows.ts";
import { peerRows } from "./rows/peers.ts";
import { WORKS } from "./work.ts";

/** In the clone and not in /tmp, which may be memory: what is measured must reach a disk. */
const FOLDER = fileURLToPath(new URL(`../../.weft/bench-${process.pid}`, import.meta.url));

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h" },
    only: { type: "string", multiple: true },
    json: { type: "boolean" },
    peers: { type: "boolean" },
    peer: { type: "string", multiple: true },
    work: { type: "string", multiple: true },
    "peer-limit": { type: "string" },
  },
});
if (values.help) {
  console.log(help());
  process.exit(0);
}
/** Those of `all` that are asked for, all when none is. Ends the bench at a name that is none of them. */
function chosen<T extends { readonly name: string }>(what: string, all: readonly T[], asked?: readonly string[]): T[] {
  const names = (asked ?? []).flatMap((some) => some.split(","));
  const unknown = names.filter((name) => !all.some((one) => one.name === name));
  if (unknown.length > 0) {
    console.error(`there is no ${what} ${unknown.join(", ")}; there are ${all.map(({ name }) => name).join(", ")}`);
    process.exit(2);
  }
  return all.filter(({ name }) => names.length === 0 || names.includes(name));
}
const limitSeconds = values["peer-limit"] === undefined ? null : Number(values["peer-limit"]);
if (limitSeconds !== null && !(limitSeconds > 0)) {
  console.error(`--peer-limit is ${values["peer-limit"]}; a number of seconds above 0 would be right`);
  process.exit(2);
}
const peers = values.peers
  ? peerRows({
      peers: chosen("peer", PEERS, values.peer),
      works: chosen("work", WORKS, values.work),
      limitSeconds,
    })
  : [];
const rows = chosen("row", [...ROWS, ...peers], values.only);

const say = (line: string): void => console.error(line);
/** As a shell has it for SIGINT. */
const INTERRUPTED = 130;
/** The first asks for an end in order, the second has it at once. */
const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => {
    say(`${name}: stopping what was started`);
    interruption.abort(new Error(`interrupted by ${name}`));
  });
}
const found: Figure[] = [];
try {
  for (const row of rows) if (!interruption.signal.aborted) await measure(row);
} finally {
  rmSync(FOLDER, { recursive: true, force: true });
}
// What was interrupted may still be waiting for what is gone.
if (interruption.signal.aborted) process.exit(INTERRUPTED);
if (!values.json && found.length > 0) console.log(table(found));

async function measure(row: Row): Promise<void> {
  say(`${row.name}: ${row.about}`);
  try {
    const figures = await withBench({ folder: join(FOLDER, row.name), say, signal: interruption.signal }, row.run);
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
      referenceValue === null ? "failed" : `${referenceValue} ${unit}`,
      ratio ?? "",
      target,
      holds === null ? "" : holds ? "yes" : "NO",
      reference,
    ]);
  }
  return made.toString();
}

function help(): string {
  const rows = ROWS.map(({ name, about }) => `  ${name.padEnd(22)}${about}`);
  return `npm run bench -- [--only ROW[,ROW]] [--json] [--peers [--peer PEER] [--work WORK] [--peer-limit SECONDS]]

Each row starts its own Postgres, NATS, server and agents, measures a floor or a reference in the same run, and leaves
nothing behind. All of them take over half an hour; a quiet machine is assumed. What the processes used (CPU
milliseconds a task), which load by others disturbs least, is said on stderr.

  --only         these rows and no other; may be repeated
  --json         a figure a line on stdout, instead of a table
  --peers        compare with other orchestrators too (bench/peers/README.md): ${PEERS.map(({ name }) => name).join(", ")}
  --work         what they are given: ${WORKS.map(({ name }) => name).join(", ")}
  --peer-limit   seconds after which a peer is stopped

Rows:
${rows.join("\n")}`;
}
