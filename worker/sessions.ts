import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { WeftError } from "../lib/core/error.ts";
import type { AttemptKey } from "../lib/core/ids.ts";
import { socketPathFor } from "./runner/door.ts";
import type { Request, VisitedNotice, VisitRequest } from "./runner/protocol.ts";
import { NOT_RUNNING } from "./runner/visits.ts";
import { type CommandExit, type CommandSpec, readFrames, type WindowSize, writeFrame } from "./session/frame.ts";

export { NO_TERMINAL, type CommandExit, type CommandSpec, type WindowSize } from "./session/frame.ts";

/** It is there in about 50 ms; a machine that is short of everything may take its time. */
const HOST_MS_MAX = 15_000;
/** The hosts are small too (see link.ts). */
const NODE_FLAGS = ["--v8-pool-size=0", "--max-semi-space-size=1"];

export type CommandOutput =
  | { readonly kind: "stdout" | "stderr"; readonly bytes: Buffer }
  /** The last. */
  | ({ readonly kind: "exit" } & CommandExit);

/** A command that runs in an attempt for somebody outside. */
export interface TaskCommand {
  /** Ends without an exit when the machine broke the session off. */
  readonly output: AsyncIterable<CommandOutput>;
  /** Settles when it can take more. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): Promise<void>;
  resize(size: WindowSize): Promise<void>;
  /** Ends the command if it has not ended. */
  close(): void;
}

type Frames = ReturnType<typeof readFrames>;

interface Waiting {
  readonly onHost: (socket: Socket, frames: Frames) => void;
  readonly onOver: (notice: VisitedNotice) => void;
}

/** Commands and probes in attempts that run. Their processes are the runner's; those that talk dial in here. */
export class Sessions {
  readonly #path: string;
  readonly #program: string;
  readonly #send: (request: Request) => void;
  readonly #server: Server;
  readonly #waiting = new Map<string, Waiting>();
  readonly #sockets = new Set<Socket>();

  /** `runnerProgram`: the host's lies beside it. */
  constructor(dir: string, runnerProgram: string, send: (request: Request) => void) {
    this.#path = socketPathFor(dir, "sessions.sock");
    this.#program = join(dirname(runnerProgram), "../session/main.js");
    this.#send = send;
    this.#server = createServer((socket) => void this.#greet(socket));
  }

  async open(): Promise<void> {
    rmSync(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      const mask = process.umask(0o177);
      this.#server.listen(this.#path, resolve);
      process.umask(mask);
    });
  }

  /**
   * Starts the command in the attempt's environment; the attempt ends it at the latest. Errors: `failed_precondition` when
   * the attempt has no process here, `unavailable` when the machine does not get it started.
   */
  async exec(key: AttemptKey, spec: CommandSpec): Promise<TaskCommand> {
    if (!existsSync(this.#program))
      throw new WeftError("failed_precondition", `the program ${this.#program} is not there; run \`npm run build\``);
    const visit = randomUUID();
    const argv = [process.execPath, ...NODE_FLAGS, this.#program, this.#path, visit];
    const request: VisitRequest = { kind: "visit", key, visit, what: "host", argv, timeoutMs: 0 };
    const { socket, frames } = await this.#hostOf(request);
    await writeFrame(socket, "start", spec);
    return {
      output: outputOf(frames),
      write: (bytes) => writeFrame(socket, "stdin", bytes),
      endInput: () => writeFrame(socket, "stdinEnd"),
      resize: (size) => writeFrame(socket, "resize", size),
      close: () => {
        socket.destroy();
        // It may be deep in input that its command does not read, and not hear that we have gone.
        this.#send({ kind: "unvisit", visit });
      },
    };
  }

  /** Runs the command without input and output in the attempt's environment, and tells how it ended. */
  run(key: AttemptKey, argv: readonly string[], timeoutMs: number): Promise<VisitedNotice> {
    const visit = randomUUID();
    return new Promise((resolve) => {
      this.#waiting.set(visit, { onHost: (socket) => socket.destroy(), onOver: resolve });
      this.#send({ kind: "visit", key, visit, what: "command", argv, timeoutMs });
    });
  }

  onVisited(notice: VisitedNotice): void {
    const waiting = this.#waiting.get(notice.visit);
    this.#waiting.delete(notice.visit);
    waiting?.onOver(notice);
  }

  /** Those that it ran have died with it, and nobody will tell of them. */
  onRunnerGone(): void {
    for (const visit of this.#waiting.keys())
      this.onVisited({
        kind: "visited",
        visit,
        exitCode: null,
        signal: null,
        error: "the runner of the machine is gone",
      });
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.onRunnerGone();
    rmSync(this.#path, { force: true });
  }

  #hostOf(request: VisitRequest): Promise<{ socket: Socket; frames: Frames }> {
    const { visit, key } = request;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(visit);
        this.#send({ kind: "unvisit", visit });
        reject(new WeftError("unavailable", `the node did not start the session in ${HOST_MS_MAX / 1000} s`));
      }, HOST_MS_MAX);
      this.#waiting.set(visit, {
        onHost: (socket, frames) => {
          clearTimeout(timer);
          this.#waiting.delete(visit);
          resolve({ socket, frames });
        },
        onOver: ({ error, exitCode, signal }) => {
          clearTimeout(timer);
          reject(
            error === NOT_RUNNING
              ? new WeftError("failed_precondition", `attempt ${key} has no process any more`)
              : new WeftError("unavailable", `the node could not start the session: ${error ?? signal ?? exitCode}`),
          );
        },
      });
      this.#send(request);
    });
  }

  async #greet(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    const frames = readFrames(socket);
    const first = await frames.next();
    const hello = first.done ? undefined : first.value;
    const waiting = hello?.kind === "hello" ? this.#waiting.get(hello.payload.toString()) : undefined;
    if (waiting) waiting.onHost(socket, frames);
    else socket.destroy();
  }
}

async function* outputOf(frames: Frames): AsyncGenerator<CommandOutput, void> {
  for await (const { kind, payload } of frames) {
    if (kind === "stdout" || kind === "stderr") yield { kind, bytes: payload };
    else if (kind === "exit") return yield { kind, ...(JSON.parse(payload.toString()) as CommandExit) };
  }
}
