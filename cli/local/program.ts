import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WeftError } from "../../lib/core/error.ts";
import { startGuarded } from "./guard.ts";
import type { Running } from "./keep-alive.ts";
import { logSize, logTail } from "./log-tail.ts";

/** What a program of ours sends over the channel of the process that started it. */
export interface Ready {
  readonly kind: "ready";
  readonly http?: number;
  readonly grpc?: number;
  /** No job was ever submitted to this server. */
  readonly fresh?: boolean;
  /** The agent's node. */
  readonly node?: string;
}

export interface Program extends Running {
  readonly ready: Ready;
}

export interface ProgramOptions {
  readonly name: "server" | "agent";
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFolder: string;
}

/** Reached by none that works: a server migrates an empty database in a second. A big migration may take minutes. */
const READY_LIMIT_MS = 300_000;
/** The server drains streams and hands over its term; the agent gives tasks their grace and reports how they ended. */
const STOP_GRACE_SECONDS = { server: 20, agent: 70 } as const;

/**
 * A submit of 100,000 tasks makes a quarter of a gigabyte of young objects, of which half live on: with V8's 16 MiB for the
 * young generation they are copied again and again, a third of the time it takes. At most three times so much memory is used.
 */
const NODE_FLAGS = { server: ["--max-semi-space-size=64"], agent: [] } as const;

/** The built command line beside this file. */
const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));

/** Starts `weft <name>` and resolves when it says that it is ready. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const logFile = join(options.logFolder, `${options.name}.log`);
  const from = logSize(logFile);
  let tell: (ready: Ready) => void = () => {};
  const ready = new Promise<Ready>((resolve) => (tell = resolve));
  const child = await startGuarded(
    process.execPath,
    [...NODE_FLAGS[options.name], MAIN, options.name, ...options.args],
    {
      stopSignal: "TERM",
      graceSeconds: STOP_GRACE_SECONDS[options.name],
      logFile,
      env: options.env,
      onMessage: (message) => {
        if (isReady(message)) tell(message);
      },
    },
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`was not ready after ${READY_LIMIT_MS / 1000} s`), READY_LIMIT_MS);
  });
  const outcome = await Promise.race([ready, late, child.ended.then((how) => `ended with ${how}`)]);
  clearTimeout(timer);
  if (typeof outcome !== "string") return { ...child, ready: outcome };
  await child.stop();
  throw new WeftError(
    "internal",
    `weft ${options.name} ${outcome}. The end of its log (${logFile}):\n${logTail(logFile, from)}`,
  );
}

function isReady(message: unknown): message is Ready {
  return typeof message === "object" && message !== null && (message as { kind?: unknown }).kind === "ready";
}
