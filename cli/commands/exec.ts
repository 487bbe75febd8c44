import { constants } from "node:os";
import { Command } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import { drained } from "../../proto/drained.ts";
import type { Exec, ExecOptions, WeftClient } from "../../sdk/index.ts";
import { EXIT } from "../failure.ts";
import { oneInstance, wholeNumber } from "../instance.ts";
import { RawTerminal } from "../raw-terminal.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { stderr } from "../terminal.ts";

interface Options extends ServerOption {
  readonly index?: number;
  readonly terminal: boolean;
}

/** A shell that people like to type in, where there is one. */
const SHELL = ["/bin/sh", "-c", "command -v bash >/dev/null && exec bash; exec sh"];
/** As shells say that a signal ended a program. */
const SIGNAL_EXIT = 128;
/** How long the end of its task is waited for, when a command was killed. */
const NEWS_MS_MAX = 3_000;

export function execCommand(): Command {
  return new Command("exec")
    .description("run a command in the environment of a running task")
    .argument("<job>", "id of the job, or its beginning")
    .argument("<task>", "name of the task, or of an instance like train[3]")
    .argument("[command...]", "what to run, after --; without it: a shell")
    .option("-i, --index <n>", "this instance of a mapped task", wholeNumber(0))
    .option("-T, --no-terminal", "no terminal: stdin, stdout and stderr stay apart, byte for byte")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
The command has the task's variables, working folder and GPUs, counts as part of the task and ends with it. When stdin and
stdout are a terminal it gets one too. Its exit code is this one's; 128 and the signal's number when a signal ended it.

Examples:
  $ weft exec 0mf3x train
  $ weft exec 0mf3x train[3] -- nvidia-smi
  $ weft exec 0mf3x train -- tar c checkpoints > checkpoints.tar
  $ weft exec 0mf3x train -- sh -c 'cat > hints.json' < hints.json`,
    )
    .action(exec);
}

async function exec(jobId: string, taskArgument: string, command: string[], options: Options): Promise<void> {
  const { task, index } = oneInstance(taskArgument, options.index);
  const wantsTerminal = options.terminal && process.stdin.isTTY && process.stdout.isTTY;
  if (command.length === 0 && !wantsTerminal && process.stdin.isTTY)
    throw new WeftError("invalid", "there is no terminal to type in; say what to run after --");
  const end = new AbortController();
  const terminal = wantsTerminal ? new RawTerminal() : undefined;
  const request: ExecOptions = {
    task,
    index,
    command: command.length === 0 ? SHELL : command,
    signal: end.signal,
    ...(terminal ? { terminal: { ...terminal.size(), term: process.env["TERM"] ?? "" } } : {}),
  };
  let interruptedBy: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    interruptedBy = signal;
    end.abort();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  try {
    await withServer(options, async (client) => {
      const session = await client.exec(jobId, request);
      const exit = await converse(session, terminal);
      if (exit?.signal === "SIGKILL") await explainKill(client, jobId, task, index);
      process.exitCode = exit ? exitCode(exit.exitCode, exit.signal) : exitCode(null, interruptedBy ?? "SIGINT");
    });
  } finally {
    for (const name of signals) process.off(name, onSignal);
    terminal?.restore();
    // Whoever would still type has nobody to type to.
    process.stdin.destroy();
  }
}

/** Undefined: it was interrupted here. */
async function converse(
  session: Exec,
  terminal: RawTerminal | undefined,
): Promise<{ exitCode: number | null; signal: string } | undefined> {
  let typing: Promise<void> | undefined;
  for await (const output of session.output) {
    switch (output.kind) {
      case "opened":
        terminal?.enter((size) => void session.resize(size));
        typing = feed(session);
        // A broken stdin is its end, and a broken session is told by its output.
        typing.catch(() => undefined);
        break;
      case "stdout":
      case "stderr":
        if (!process[output.kind].write(output.data)) await drained(process[output.kind]);
        break;
      case "exit":
        return output;
    }
  }
  return undefined;
}

async function feed(session: Exec): Promise<void> {
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) await session.write(chunk);
  await session.endInput();
}

function exitCode(code: number | null, signal: string): number {
  if (code !== null) return code;
  const number = constants.signals[signal as NodeJS.Signals] as number | undefined;
  return number === undefined ? EXIT.jobFailed : SIGNAL_EXIT + number;
}

/** Killed, most likely because its task has ended. */
async function explainKill(client: WeftClient, jobId: string, task: string, index: number): Promise<void> {
  const name = index === 0 ? task : `${task}[${index}]`;
  let state = "running";
  try {
    // The news of its end comes by another way, and a little later.
    for await (const { tasks } of client.watch(jobId, { signal: AbortSignal.timeout(NEWS_MS_MAX) })) {
      state = tasks.find((each) => each.name === task && each.index === index)?.state ?? state;
      if (state !== "running") break;
    }
  } catch {
    // It is told what is known.
  }
  const why = state === "running" ? "" : `: the attempt it ran in has ended, and ${name} is ${state}`;
  stderr.write(`weft: the command was killed${why}\n`);
}
