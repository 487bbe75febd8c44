import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createWriteStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { logTail } from "../cli/local/log-tail.ts";
import type { Measured } from "./work.ts";

/** Another scheduler, installed and measured by its own scripts in bench/peers/. */
export interface Peer {
  /** bench/peers/install/NAME.sh, bench/peers/run_NAME.py. */
  readonly name: string;
  /** As its makers write it. */
  readonly title: string;
  /** Keeps its state in a Postgres that we give it. */
  readonly postgres: boolean;
  /** What one work leaves behind slows the next one down: start anew for each. */
  readonly startAnew: boolean;
}

export const PEERS: readonly Peer[] = [
  { name: "hyperqueue", title: "HyperQueue", postgres: false, startAnew: false },
  { name: "dask", title: "Dask", postgres: false, startAnew: false },
  { name: "prefect", title: "Prefect", postgres: true, startAnew: true },
  { name: "airflow", title: "Airflow", postgres: true, startAnew: false },
];

/** What a peer's script says of one work. */
export type PeerResult =
  | (Measured & {
      readonly kind: "measured";
      readonly work: string;
      readonly version: string;
      /** How it did it, and what it does not do. */
      readonly note: string;
    })
  | { readonly kind: "failed"; readonly work: string; readonly words: string };

interface Line {
  readonly ready?: string;
  readonly row?: string;
  readonly failed?: string;
  readonly count?: number;
  readonly seconds?: number;
  readonly stepMs?: number;
  readonly note?: string;
}

export interface RunOptions {
  readonly works: readonly { readonly name: string; readonly limitSeconds: number }[];
  readonly postgresUrl: string | null;
  /** Gets what the peer prints. */
  readonly logFile: string;
  readonly say: (line: string) => void;
  /** Runs when the bench ends, however it ends. */
  readonly onEnd: (stop: () => Promise<unknown>) => void;
  /** Aborted when nothing more is to be started. */
  readonly signal: AbortSignal;
}

type Process = Pick<RunOptions, "logFile" | "onEnd" | "signal">;

/** The scripts are used where they are written: what is built lies in dist/bench. */
const SCRIPTS = fileURLToPath(new URL("../../bench/peers", import.meta.url));
const CACHE = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "weft", "peers");
/** Airflow makes its tables and starts three programs. */
const START_LIMIT_SECONDS = 180;
/** Of downloads: Airflow with all that it needs is 300 MB. */
const INSTALL_LIMIT_SECONDS = 900;
const STOP_GRACE_SECONDS = 30;
/** Marks all processes of one run, so that the sweep after it finds those that left the group. */
const MARK = "WEFT_PEER_RUN";
const WORDS_LINES = 6;
const ENDED = "ended";

/** Makes the peer's own virtual environment, at once if that is done. Rejects with the installer's words. */
export async function installPeer(peer: Peer, options: Process): Promise<void> {
  const script = join(SCRIPTS, "install", `${peer.name}.sh`);
  const child = start("sh", [script, join(CACHE, peer.name)], { ...options, env: {} });
  const how = await Promise.race([child.ended, after(INSTALL_LIMIT_SECONDS)]);
  await child.stop();
  if (how !== "exit code 0") throw new Error(`${script}: ${how}\n${tail(options.logFile)}`);
}

/** One result a work, in their order. A peer that hangs or dies is stopped, and started again for the works after it. */
export async function runPeer(peer: Peer, options: RunOptions): Promise<PeerResult[]> {
  const results: PeerResult[] = [];
  let left = [...options.works];
  while (left.length > 0) {
    const found = await runOnce(peer, { ...options, works: peer.startAnew ? left.slice(0, 1) : left });
    results.push(...found.results);
    left = left.slice(found.results.length);
    // That it does not start is not tried again for every work.
    if (found.neverReady) {
      const { words } = found.results[0] as PeerResult & { kind: "failed" };
      return [...results, ...left.map(({ name }): PeerResult => ({ kind: "failed", work: name, words }))];
    }
  }
  return results;
}

/** Until the works are done, or the first at which the peer hangs or dies: that one has failed. At least one result. */
async function runOnce(peer: Peer, options: RunOptions): Promise<{ results: PeerResult[]; neverReady: boolean }> {
  const env = options.postgresUrl === null ? {} : { WEFT_PEER_POSTGRES: options.postgresUrl };
  const python = join(CACHE, peer.name, "bin", "python");
  const names = options.works.map(({ name }) => name);
  const child = start(python, ["-u", join(SCRIPTS, `run_${peer.name}.py`), ...names], { ...options, env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const results: PeerResult[] = [];
  const fail = (words: string): void => {
    const work = names[results.length]!;
    results.push({ kind: "failed", work, words });
    options.say(`  ${peer.title} ${work}: ${words}`);
  };
  try {
    const ready = await nextLine(lines, START_LIMIT_SECONDS);
    if (typeof ready === "string") {
      fail(`${peer.title} ${ready} while it started: ${tail(options.logFile)}`);
      return { results, neverReady: true };
    }
    for (const { limitSeconds } of options.works) {
      const line = await nextLine(lines, limitSeconds);
      if (typeof line === "string") {
        fail(line === ENDED ? `${line}: ${tail(options.logFile)}` : line);
        break;
      }
      if (line.failed !== undefined) fail(line.failed);
      else results.push(said(line, ready.ready!, options.say, peer));
    }
    return { results, neverReady: false };
  } finally {
    await child.stop();
  }
}

function said(line: Line, version: string, say: (line: string) => void, peer: Peer): PeerResult {
  const { row: work = "", count = 0, seconds = 0, stepMs = null, note = "" } = line;
  say(`  ${peer.title} ${work}: ${count} in ${seconds.toFixed(2)} s`);
  return { kind: "measured", work, version, count, seconds, stepMs, note };
}

/** The next line, or what came instead. */
async function nextLine(lines: AsyncIterator<string>, limitSeconds: number): Promise<Line | string> {
  const line = lines.next().then(({ value, done }) => (done === true ? ENDED : (JSON.parse(value) as Line)));
  return Promise.race([line, after(limitSeconds).then(() => `was not done after ${limitSeconds} s`)]);
}

function after(seconds: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`was not done after ${seconds} s`), seconds * 1000).unref();
  });
}

interface Started {
  readonly stdout: NodeJS.ReadableStream;
  readonly ended: Promise<string>;
  /** Asks it to stop, then kills it and all that it started. Resolves when nothing of it is left. */
  readonly stop: () => Promise<void>;
}

function start(
  command: string,
  args: readonly string[],
  options: Process & { readonly env: NodeJS.ProcessEnv },
): Started {
  options.signal.throwIfAborted();
  const mark = randomUUID();
  const child: ChildProcess = spawn(command, args, {
    // A group of its own: Ctrl-C reaches the bench alone, which stops things in order.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env, [MARK]: mark, WEFT_PEER_FOLDER: dirname(options.logFile) },
  });
  child.stderr!.pipe(createWriteStream(options.logFile, { flags: "a" }));
  child.stdin!.on("error", () => {});
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const stop = async (): Promise<void> => {
    // Its scripts end when their stdin does; an installer does not read it.
    child.stdin!.end();
    child.kill("SIGTERM");
    await Promise.race([ended, after(STOP_GRACE_SECONDS)]);
    child.kill("SIGKILL");
    for (const pid of marked(mark)) kill(pid);
    if (child.pid !== undefined) await ended;
  };
  options.onEnd(stop);
  return { stdout: child.stdout!, ended, stop };
}

/** Processes that carry the mark in their environment (Linux). */
function marked(mark: string): number[] {
  if (!existsSync("/proc/self/environ")) return [];
  const needle = `${MARK}=${mark}\0`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "latin1").includes(needle);
      } catch {
        // It has ended, or is another account's.
        return false;
      }
    })
    .map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended since.
  }
}

function tail(logFile: string): string {
  return logTail(logFile, 0).trim().split("\n").slice(-WORDS_LINES).join(" | ");
}
