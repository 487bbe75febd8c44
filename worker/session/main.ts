import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { HostPlace } from "../runner/protocol.ts";
import { type Command, signalSession, startCommand } from "./command.ts";
import { type CommandExit, type CommandSpec, readFrames, type WindowSize, writeFrame } from "./frame.ts";

/**
 * The host of one session: starts a command for somebody outside in a running attempt, and carries its input and output.
 * The runner starts it (see VisitRequest), and it dials the worker's socket. It ends with its command, and its command with
 * it: when the worker hangs up, and on SIGTERM, which says that the attempt ends or that nobody waits any more.
 */
const HANGUP_GRACE_MS = 1_000;
/** After SIGKILL: for the last words to leave. */
const LEAVE_MS_MAX = 2_000;

const [socketPath, visit] = process.argv.slice(2);
if (socketPath === undefined || visit === undefined) {
  console.error("usage: node main.js SOCKET VISIT; the runner starts this program");
  process.exit(2);
}

let command: Command | undefined;
let leaving = false;
for (const name of ["SIGINT", "SIGHUP"] as const) process.on(name, () => {});
process.on("SIGTERM", () => void leave(0));

const place = JSON.parse(await readStdin()) as HostPlace;
const socket = connect(socketPath);
socket.on("error", () => {});
socket.once("close", () => void leave(HANGUP_GRACE_MS));
await writeFrame(socket, "hello", Buffer.from(visit));
let begun = false;
for await (const { kind, payload } of readFrames(socket)) {
  switch (kind) {
    case "start":
      // Once: whoever sends a second one is not our worker.
      if (!begun && !leaving) await begin(JSON.parse(payload.toString()) as CommandSpec);
      begun = true;
      break;
    case "stdin":
      await command?.write(payload);
      break;
    case "stdinEnd":
      command?.end();
      break;
    case "resize":
      command?.resize(JSON.parse(payload.toString()) as WindowSize);
      break;
    default:
  }
}
void leave(HANGUP_GRACE_MS);

async function begin(spec: CommandSpec): Promise<void> {
  const started = await startCommand(spec, place, (stream, bytes) => writeFrame(socket, stream, bytes));
  if ("ended" in started) {
    command = started;
    void started.ended.then(finish);
  } else await finish(started);
}

/** The command has ended. */
async function finish(exit: CommandExit): Promise<void> {
  await writeFrame(socket, "exit", exit);
  if (socket.destroyed) process.exit(0);
  socket.end(() => process.exit(0));
}

async function leave(graceMs: number): Promise<void> {
  if (leaving) return;
  leaving = true;
  if (!command) return process.exit(0);
  if (graceMs > 0) {
    signalSession(command.pid, "SIGHUP");
    signalSession(command.pid, "SIGCONT");
    await Promise.race([command.ended, delay(graceMs)]);
  }
  signalSession(command.pid, "SIGKILL");
  await delay(LEAVE_MS_MAX);
  process.exit(0);
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
