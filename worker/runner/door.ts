import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RUNNER_RECORD } from "../folder.ts";
import { Channel } from "./channel.ts";
import { isDead, isSame, readStat } from "./proc.ts";
import { PROTOCOL, type LiveAttempt, type Notice, type Request, type RunnerRecord } from "./protocol.ts";

/** sun_path of man 7 unix, with its end mark. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Of a runner that finds another one serving its folder. */
export const TAKEN_EXIT_CODE = 3;

export interface DoorOptions {
  readonly dir: string;
  readonly onRequest: (request: Request) => void;
  readonly list: () => readonly LiveAttempt[];
  /** The worker has gone. */
  readonly onAlone: () => void;
}

/** The runner's unix socket. One worker at a time: a second one is told `busy` as long as the first one lives. */
export class Door {
  readonly #options: DoorOptions;
  readonly #server: Server;
  readonly #socketPath: string;
  #guest: { readonly channel: Channel<Notice, Request>; readonly pid: number } | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#socketPath = socketPathFor(options.dir);
    this.#server = createServer((socket) => {
      const channel: Channel<Notice, Request> = new Channel(
        socket,
        (request: Request) => {
          if (request.kind === "hello") this.#greet(channel, request.pid);
          else if (this.#guest?.channel === channel) this.#options.onRequest(request);
        },
        () => {
          if (this.#guest?.channel !== channel) return;
          this.#guest = undefined;
          this.#options.onAlone();
        },
      );
    });
  }

  get hasGuest(): boolean {
    return this.#guest !== undefined;
  }

  /** Only for the holder of the folder (see `claim`). */
  async open(): Promise<void> {
    rmSync(this.#socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      // Whoever can write to the socket can run anything as this user.
      const mask = process.umask(0o177);
      this.#server.listen(this.#socketPath, resolve);
      process.umask(mask);
    });
  }

  /** `withinMs`: how long it may wait to be told together with others. */
  notify(notice: Notice, withinMs: number): void {
    this.#guest?.channel.send(notice, withinMs);
  }

  close(): void {
    this.#guest?.channel.end();
    this.#server.close();
    rmSync(this.#socketPath, { force: true });
  }

  #greet(channel: Channel<Notice, Request>, pid: number): void {
    const before = this.#guest;
    if (before && before.pid !== pid && !isDead(readStat(before.pid))) {
      channel.send({ kind: "busy", pid: before.pid });
      channel.end();
      return;
    }
    this.#guest = { channel, pid };
    before?.channel.destroy();
    channel.send({ kind: "welcome", protocol: PROTOCOL, pid: process.pid, attempts: this.#options.list() });
  }
}

/**
 * Makes this process the folder's runner by writing runner.pid, or gives the pid of the one that is. The record also
 * says where the socket is.
 */
export function claim(dir: string): { readonly kind: "claimed" } | { readonly kind: "taken"; readonly pid: number } {
  const path = join(dir, RUNNER_RECORD);
  const record: RunnerRecord = {
    pid: process.pid,
    startTicks: readStat("self")?.startTicks ?? 0,
    socket: socketPathFor(dir),
  };
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify(record));
  try {
    for (;;) {
      try {
        // Unlike a rename it fails where there is one already.
        linkSync(own, path);
        return { kind: "claimed" };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = readRunnerRecord(dir);
      if (holder && isAlive(holder)) return { kind: "taken", pid: holder.pid };
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

export function release(dir: string): void {
  if (readRunnerRecord(dir)?.pid === process.pid) rmSync(join(dir, RUNNER_RECORD), { force: true });
}

/** Undefined: no runner was started here, or it ended in order. */
export function readRunnerRecord(dir: string): RunnerRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, RUNNER_RECORD), "utf8")) as RunnerRecord;
  } catch {
    return undefined;
  }
}

export function isAlive(record: RunnerRecord): boolean {
  return record.startTicks === 0 ? signalReaches(record.pid) : isSame(record.pid, record.startTicks);
}

/** `name` in the folder; where that path is too long for a socket, one in the system's folder for temporary files. */
export function socketPathFor(dir: string, name = "runner.sock"): string {
  const path = join(dir, name);
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return path;
  const folder = join(tmpdir(), `weft-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, `${createHash("sha256").update(path).digest("hex").slice(0, 24)}.sock`);
}

function signalReaches(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
