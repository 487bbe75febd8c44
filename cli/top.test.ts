import { stripVTControlCharacters } from "node:util";
import picocolors from "picocolors";
import { expect, test } from "vitest";
import type { Node, QueueClass } from "../sdk/index.ts";
import type { Terminal } from "./terminal.ts";
import { bar, drawTop, type Snapshot } from "./top.ts";

const GIB = 2 ** 30;
const AT = new Date(2026, 0, 1, 12, 0, 0);
const PLAIN = picocolors.createColors(false);

const terminal = (over: Partial<Terminal> = {}): Terminal => ({
  isTerminal: false,
  colors: PLAIN,
  columns: 80,
  rows: 24,
  write: () => {},
  ...over,
});

const node = (name: string, over: Partial<Node> = {}): Node => ({
  id: name,
  name,
  state: "ready",
  capacity: { cpus: 4, memoryBytes: 8 * GIB, diskBytes: 0, gpus: 0 },
  reserved: { cpus: 1.5, memoryBytes: 0, diskBytes: 0, gpus: 0 },
  gpus: [],
  labels: {},
  lastHeartbeatAt: AT,
  attempts: 0,
  usage: { cpuFraction: 0.5, memoryBytesUsed: 2 * GIB, diskBytesFree: null },
  problems: [],
  os: "linux",
  arch: "x64",
  cpuModel: "",
  hostname: name,
  agentVersion: "",
  address: "",
  taints: [],
  pool: "",
  maintenance: [],
  drainAt: null,
  held: false,
  ...over,
});

const waits = (over: Partial<QueueClass> = {}): QueueClass => ({
  priority: 0,
  project: "default",
  nodes: 1,
  resources: { cpus: 1, memoryBytes: 0, diskBytes: 0, gpus: 0 },
  waiting: 7,
  running: 3,
  oldestReadyAt: new Date(AT.getTime() - 5_000),
  head: "j.t.0",
  reason: "all 4 CPUs are taken",
  ...over,
});

const snapshot = (over: Partial<Snapshot> = {}): Snapshot => ({
  at: AT,
  server: { version: "0.1.0", httpPort: 1, leader: true, term: 3, leaderAddress: null },
  nodes: [node("a")],
  classes: [waits()],
  ...over,
});

test("a bar shows the fraction in tenths, stays within its width, and says when nothing was measured", () => {
  expect(bar(0.5, PLAIN)).toBe("█████·····  50%");
  expect(bar(1.7, PLAIN)).toBe("██████████ 100%");
  expect(bar(null, PLAIN)).toBe("-");
});

test("machines come with what is busy and what is held, classes with what runs and what waits", () => {
  const lines = drawTop(snapshot(), terminal());
  expect(lines[0]).toBe("weft  12:00:00  1/1 nodes ready  3 on nodes  7 waiting  term 3, 0.1.0");
  expect(lines[3]).toMatch(/^a +ready +0 +█████····· +50% +1\.5\/4 +███······· +25% 2GiB\/8GiB +0ms ago$/);
  expect(lines[6]).toMatch(/^3 +7 +0 +default +1 CPU +5s ago +all 4 CPUs are taken$/);
});

test("a machine's problems are told, and control characters in them do nothing", () => {
  const lines = drawTop(snapshot({ nodes: [node("a", { problems: ["disk full\u001B[2J"] })] }), terminal());
  expect(lines).toContain("a: disk full·[2J");
});

test("a screen is no longer and no wider than the terminal, shows machines in trouble first, and counts the rest", () => {
  const nodes = [...Array.from({ length: 100 }, (_, i) => node(`n${i}`)), node("gone", { state: "lost" })];
  const small = terminal({ isTerminal: true, rows: 20, columns: 60 });
  const lines = drawTop(snapshot({ nodes, classes: Array.from({ length: 50 }, () => waits()) }), small);
  expect(lines.length).toBeLessThanOrEqual(20);
  expect(Math.max(...lines.map((line) => stripVTControlCharacters(line).length))).toBeLessThanOrEqual(60);
  expect(lines[3]).toMatch(/^gone +lost/);
  expect(lines.join("\n")).toMatch(/… and \d+ more\n[^]*… and \d+ more/);
});
