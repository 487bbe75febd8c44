import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { type Drainable, drained } from "../../proto/drained.ts";
import { findCommand } from "../runner/find-command.ts";
import { isDead, listPids, readStat } from "../runner/proc.ts";
import type { HostPlace } from "../runner/protocol.ts";
import { type CommandExit, type CommandSpec, NO_TERMINAL, type WindowSize } from "./frame.ts";

/** A command that runs for somebody outside. It leads a session of its own. */
export interface Command {
  readonly pid: number;
  /** Settles when it can take more; input that it does not want is dropped. */
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
  resize(size: WindowSize): void;
  /** With all that it printed behind it. Its session is empty then. */
  readonly ended: Promise<CommandExit>;
}

/** Told in order; the next bytes come when the promise is fulfilled. */
export type OnOutput = (stream: "stdout" | "stderr", bytes: Uint8Array) => Promise<void>;

/** A CommandExit: it could not be started. */
export async function startCommand(
  spec: CommandSpec,
  place: HostPlace,
  onOutput: OnOutput,
): Promise<Command | CommandExit> {
  if (!place.container && !findCommand(spec.argv[0]!, place.env["PATH"] ?? "", place.cwd)) return notStarted("ENOENT");
  const enter = place.container?.[spec.terminal ? "enterTerminal" : "enter"] ?? place.enter;
  const argv = [...enter, ...spec.argv];
  try {
    return spec.terminal
      ? await startOnTerminal(argv, spec.terminal, place, onOutput)
      : await startOnPipes(argv, place, onOutput);
  } catch (error) {
    return notStarted((error as NodeJS.ErrnoException).code ?? String(error));
  }
}

function notStarted(error: string): CommandExit {
  return { exitCode: null, signal: null, error };
}

async function startOnPipes(
  argv: readonly string[],
  { cwd, env }: HostPlace,
  onOutput: OnOutput,
): Promise<Command | CommandExit> {
  const child = spawn(argv[0]!, argv.slice(1), { cwd, env, detached: true, stdio: "pipe" });
  const { pid, stdin, stdout, stderr } = child;
  if (pid === undefined) {
    const [error] = (await once(child, "error")) as [NodeJS.ErrnoException];
    return notStarted(error.code ?? error.message);
  }
  // It may close its input, or end, while there is more.
  stdin.on("error", () => {});
  child.on("error", () => {});
  const pump = async (stream: "stdout" | "stderr", from: AsyncIterable<Buffer>): Promise<void> => {
    for await (const bytes of from) await onOutput(stream, bytes);
  };
  const printed = Promise.all([pump("stdout", stdout), pump("stderr", stderr)]).catch(() => undefined);
  const exited = new Promise<CommandExit>((resolve) => {
    child.once("exit", (exitCode, signal) => {
      // What it has left in the background would keep the pipes open.
      signalSession(pid, "SIGKILL");
      resolve({ exitCode, signal, error: null });
    });
  });
  return {
    pid,
    write: async (bytes) => {
      if (stdin.writable && !stdin.write(bytes)) await drained(stdin);
    },
    end: () => void stdin.end(),
    resize: () => {},
    ended: exited.then((exit) => printed.then(() => exit)),
  };
}

/** What of node-pty's socket is needed and not in its public face: whether it has room. */
interface Roomy {
  readonly _socket?: Drainable & { readonly writableNeedDrain: boolean };
}

async function startOnTerminal(
  argv: readonly string[],
  { name, columns, rows }: NonNullable<CommandSpec["terminal"]>,
  { cwd, env }: HostPlace,
  onOutput: OnOutput,
): Promise<Command | CommandExit> {
  const pty = await import("@lydell/node-pty").catch(() => undefined);
  if (!pty) return notStarted(NO_TERMINAL);
  const terminal = pty.spawn(argv[0]!, argv.slice(1), { cwd, env, name, cols: columns, rows, encoding: null });
  let printed = Promise.resolve();
  // Without an encoding it gives bytes, whatever its types say.
  terminal.onData((data: unknown) => {
    terminal.pause();
    printed = printed.then(() => onOutput("stdout", data as Buffer)).finally(() => terminal.resume());
  });
  const { pid } = terminal;
  const ended = new Promise<CommandExit>((resolve) => {
    terminal.onExit(({ exitCode, signal }) => {
      signalSession(pid, "SIGKILL");
      const bySignal = signal !== undefined && signal !== 0;
      const exit = { exitCode: bySignal ? null : exitCode, signal: bySignal ? signalName(signal) : null, error: null };
      void printed.catch(() => undefined).then(() => resolve(exit));
    });
  });
  const socket = (terminal as Roomy)._socket;
  return {
    pid,
    write: async (bytes) => {
      // Bytes are taken as they are; its types say otherwise.
      terminal.write(bytes as unknown as string);
      if (socket?.writableNeedDrain) await drained(socket);
    },
    // End of input is a key there.
    end: () => terminal.write("\u0004"),
    resize: (size) => terminal.resize(size.columns, size.rows),
    ended,
  };
}

/** All processes of the session that the process leads, and those that they have started in others. */
export function signalSession(leader: number, name: NodeJS.Signals): void {
  const stats = listPids().flatMap((pid) => readStat(pid) ?? []);
  const members = new Set(stats.filter(({ session }) => session === leader).map(({ pid }) => pid));
  for (let before = 0; before !== members.size;) {
    before = members.size;
    for (const { pid, ppid } of stats) if (members.has(ppid)) members.add(pid);
  }
  for (const stat of stats) {
    if (!members.has(stat.pid) || isDead(stat)) continue;
    try {
      process.kill(stat.pid, name);
    } catch {
      // Gone already.
    }
  }
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, each]) => each === number)?.[0] ?? `signal ${number}`;
}
