import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, statSync, truncateSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import { WeftError } from "../lib/core/error.ts";
import { RUNNER_LOG } from "./folder.ts";
import { Channel } from "./runner/channel.ts";
import { isAlive, readRunnerRecord, TAKEN_EXIT_CODE } from "./runner/door.ts";
import { PROTOCOL, type LiveAttempt, type Notice, type Request } from "./runner/protocol.ts";

/** What a runner says once it is there. */
export type RunnerNotice = Exclude<Notice, { kind: "welcome" | "busy" }>;

export interface LinkOptions {
  readonly dir: string;
  readonly program: string;
  readonly log: Logger;
  readonly onNotice: (notice: RunnerNotice) => void;
  /** The runner is gone, before another one is started. */
  readonly onGone: () => void;
  /** The runner is gone, and with it the processes it had; another one is there, which has `live`. */
  readonly onRestart: (live: readonly LiveAttempt[]) => void;
}

/** It is there in about 50 ms; a machine that is short of everything may take its time. */
const START_MS_MAX = 20_000;
const START_POLL_MS = 5;
/** After a runner that could not be started: the machine is out of something. */
const RESTART_PAUSE_MS = 1000;
const LOG_BYTES_MAX = 4 * 1024 * 1024;
/** Flags that make the runner small, so that forking it is quick; it needs no second thread. */
const NODE_FLAGS = ["--v8-pool-size=0", "--max-semi-space-size=1"];

/** The worker's end of the runner's socket. Finds the folder's runner or starts one, and again whenever it is gone. */
export class Link {
  readonly #options: LinkOptions;
  #channel: Channel<Request, Notice> | undefined;
  #lease: { readonly untilBootMs: number; readonly marginMs: number } | undefined;
  #closing = false;
  #onGone: () => void = () => {};

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Errors: `conflict` when another worker holds the runner, `failed_precondition`, `unavailable`. */
  async open(): Promise<readonly LiveAttempt[]> {
    const deadlineMs = performance.now() + START_MS_MAX;
    let started: { readonly failure: () => string | undefined } | undefined;
    for (;;) {
      const record = readRunnerRecord(this.#options.dir);
      if (record && isAlive(record)) {
        const socket = await tryConnect(record.socket);
        const live = socket && (await this.#greet(socket));
        if (live) return live;
      } else started ??= this.#startRunner();
      const failure = started?.failure();
      if (failure !== undefined || performance.now() > deadlineMs) {
        const why = failure ?? `it did not answer in ${START_MS_MAX / 1000} s`;
        throw new WeftError(
          "unavailable",
          `cannot start the runner of ${this.#options.dir}: ${why}; see ${RUNNER_LOG} there`,
        );
      }
      await delay(START_POLL_MS);
    }
  }

  /** Nothing is kept for later: whoever calls learns from `onRestart` what the runner has. */
  send(request: Request): void {
    this.#channel?.send(request);
  }

  renewLease(untilBootMs: number, marginMs: number): void {
    if (this.#lease === undefined || untilBootMs > this.#lease.untilBootMs) this.#lease = { untilBootMs, marginMs };
    this.send({ kind: "lease", ...this.#lease });
  }

  /** With `quit` the runner ends (it must have no attempt any more), and is gone when this returns. */
  async close(quit: boolean): Promise<void> {
    this.#closing = true;
    const channel = this.#channel;
    if (!channel) return;
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    if (quit) channel.send({ kind: "quit" });
    if (quit) channel.flush();
    else channel.end();
    await gone;
  }

  #startRunner(): { readonly failure: () => string | undefined } {
    const { dir, program } = this.#options;
    if (!existsSync(program))
      throw new WeftError("failed_precondition", `the runner's program ${program} is not there; run \`npm run build\``);
    const path = join(dir, RUNNER_LOG);
    if (existsSync(path) && statSync(path).size > LOG_BYTES_MAX) truncateSync(path);
    const logFile = openSync(path, "a");
    const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...env } = process.env;
    let failure: string | undefined;
    // A session of its own: Ctrl-C and the end of the agent's terminal are not meant for the attempts.
    const child = spawn(process.execPath, [...NODE_FLAGS, program, dir], {
      cwd: dir,
      env,
      detached: true,
      stdio: ["ignore", logFile, logFile],
    });
    closeSync(logFile);
    child.on("error", (error) => (failure = error.message));
    child.on("exit", (code, signal) => {
      // Another one was quicker: that one is asked then.
      if (code !== TAKEN_EXIT_CODE) failure ??= `it ended with ${signal ?? `exit code ${code}`}`;
    });
    child.unref();
    return { failure: () => failure };
  }

  /** Undefined: it hung up, being on its way out. */
  #greet(socket: Socket): Promise<readonly LiveAttempt[] | undefined> {
    return new Promise((resolve, reject) => {
      let welcomed = false;
      const channel: Channel<Request, Notice> = new Channel<Request, Notice>(
        socket,
        (notice) => {
          if (notice.kind !== "welcome" && notice.kind !== "busy") return this.#options.onNotice(notice);
          const refusal = refuse(notice, this.#options.dir);
          if (refusal) {
            reject(refusal);
            return channel.destroy();
          }
          welcomed = true;
          this.#channel = channel;
          if (this.#lease) this.send({ kind: "lease", ...this.#lease });
          if (notice.kind === "welcome") resolve(notice.attempts);
        },
        () => {
          if (!welcomed) resolve(undefined);
          else this.#onClosed();
        },
      );
      channel.send({ kind: "hello", protocol: PROTOCOL, pid: process.pid });
    });
  }

  #onClosed(): void {
    this.#channel = undefined;
    this.#onGone();
    this.#options.onGone();
    if (!this.#closing) void this.#reopen();
  }

  async #reopen(): Promise<void> {
    this.#options.log.error({ dir: this.#options.dir }, "the runner is gone; starting another");
    while (!this.#closing) {
      try {
        return this.#options.onRestart(await this.open());
      } catch (error) {
        this.#options.log.error({ err: error }, "cannot start the runner");
        await delay(RESTART_PAUSE_MS);
      }
    }
  }
}

/** In the built program beside this file; run from source (tests), the built one. */
export function runnerProgram(): string {
  const here = fileURLToPath(import.meta.url);
  const name = here.endsWith(".ts") ? "../dist/worker/runner/main.js" : "./runner/main.js";
  return fileURLToPath(new URL(name, import.meta.url));
}

function refuse(notice: Notice, dir: string): WeftError | undefined {
  if (notice.kind === "busy") {
    return new WeftError(
      "conflict",
      `another agent, process ${notice.pid}, uses ${dir}; stop it, or give this one another folder`,
    );
  }
  if (notice.kind === "welcome" && notice.protocol !== PROTOCOL) {
    return new WeftError(
      "failed_precondition",
      `process ${notice.pid} of another version of Weft runs the attempts of ${dir}; let them end, or send it SIGTERM`,
    );
  }
  return undefined;
}

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    // Not there yet: it claims its folder before it opens its door.
    socket.once("error", () => resolve(undefined));
  });
}
