import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { attemptsDir } from "../folder.ts";
import { findCgroups } from "./cgroup.ts";
import { claim, Door, release, TAKEN_EXIT_CODE } from "./door.ts";
import { enterEnclosure } from "./enclosure.ts";
import { killStrays } from "./house.ts";
import type { Request } from "./protocol.ts";
import { Runner } from "./runner.ts";

/** With no attempt and no worker for so long, nobody is coming back. */
const ALONE_MS_MAX = 60_000;

const dir = process.argv[2];
if (dir === undefined) {
  console.error("usage: node main.js <agent folder>; the agent starts this program");
  process.exit(2);
}
const claimed = claim(dir);
if (claimed.kind === "taken") {
  console.error(`a runner, process ${claimed.pid}, serves ${dir} already`);
  process.exit(TAKEN_EXIT_CODE);
}
mkdirSync(attemptsDir(dir), { recursive: true });
const killed = await killStrays(attemptsDir(dir));
if (killed > 0)
  console.error(`${new Date().toISOString()} killed ${killed} processes that a runner which died has left`);

let quitting = false;
let left = false;
let aloneTimer: NodeJS.Timeout | undefined;

const name = `weft-${createHash("sha256").update(dir).digest("hex").slice(0, 16)}`;
// Looked for from where the runner was started, before it steps into a group of its own.
const cgroups = findCgroups(name);
const enclosure = enterEnclosure(`${name}-all`);
const runner = new Runner({
  attemptsDir: attemptsDir(dir),
  cgroups,
  enclosure,
  notify: (notice, withinMs) => door.notify(notice, withinMs),
  onIdle: settle,
});
const door = new Door({ dir, list: () => runner.list(), onRequest, onAlone });
await door.open();
settle();

// An order to the machine, not to one attempt: each gets its own time to end.
process.on("SIGTERM", () => {
  quitting = true;
  runner.stopAll("node-stopped");
  settle();
});
process.on("SIGINT", () => {});
process.on("SIGHUP", () => {});

function onRequest(request: Request): void {
  clearTimeout(aloneTimer);
  switch (request.kind) {
    case "start":
      return runner.start(request);
    case "stop":
      return runner.stop(request.key, request.reason, request.graceMs);
    case "visit":
      return runner.visit(request);
    case "unvisit":
      return runner.visits.end(request.visit);
    case "measure":
      return runner.measure(request.keys);
    case "lease":
      return runner.renewLease(request.untilBootMs, request.marginMs ?? 0);
    case "quit":
      quitting = true;
      return settle();
    case "hello":
  }
}

/** The worker has gone, and with it whoever sat at a terminal. */
function onAlone(): void {
  runner.visits.endAll();
  settle();
}

function settle(): void {
  if (!runner.idle || left) return;
  if (quitting) return leave();
  clearTimeout(aloneTimer);
  aloneTimer = setTimeout(() => {
    if (runner.idle && !door.hasGuest) leave();
  }, ALONE_MS_MAX);
}

function leave(): void {
  left = true;
  door.close();
  cgroups?.close();
  enclosure?.leave();
  release(dir!);
  // The last lines to the worker are written by now or in the next turn.
  setImmediate(() => process.exit(0));
}
