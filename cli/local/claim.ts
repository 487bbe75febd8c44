import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import { goneWithin, isRunning, processId, sendSignal } from "./process-id.ts";
import type { ProcessId } from "./process-id.ts";

/** What `weft.json` in the home says while a cluster is ready there: how the command line finds it. */
export interface Addresses {
  readonly http: string;
  readonly grpc: string;
  readonly pid: number;
}

/** The home, held by this process alone. */
export interface Claim {
  /** Notes a part that runs, so that the next start can wait for its end should we be killed. */
  readonly note: (part: string, pid: number) => void;
  /** Writes weft.json. */
  readonly announce: (addresses: Addresses) => void;
  /** Takes weft.json away. */
  readonly withdraw: () => void;
  readonly release: () => void;
}

interface Held {
  readonly owner: ProcessId;
  /** The npm that the owner stops with, should it be killed. */
  readonly launcher: ProcessId | null;
  readonly parts: Readonly<Record<string, ProcessId>>;
}

/**
 * The parts of a killed start stop by themselves: each has a watcher. Servers that keep data are given the time to; those of
 * ours lose nothing by a kill, and who starts again should not wait for them.
 */
const PATIENCE_MS: Readonly<Record<string, number>> = { server: 2_000, agent: 2_000 };
const PATIENCE_MS_DEFAULT = 30_000;
const KILLED_MS = 5_000;

function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    // Not there, or cut short by a crash: either way it tells nothing.
    return null;
  }
}

/** Readers see the old or the new file, never half of one. */
function writeWhole(path: string, value: unknown): void {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(fresh, path);
}

/** Takes the home for this process, once what a killed start left in it has ended. Throws `conflict` when it is in use. */
export async function claimHome(
  home: string,
  say: (line: string) => void,
  startedBy: ProcessId | null = null,
): Promise<Claim> {
  const lock = join(home, "weft.lock");
  const addressFile = join(home, "weft.json");
  const parts: Record<string, ProcessId> = {};
  const held = (): Held => ({ owner: processId(process.pid), launcher: startedBy, parts });
  const owner = readJson<Held>(lock);
  if (owner?.launcher && !isRunning(owner.launcher)) await outlast("weft up", owner.owner, say);
  for (const [part, id] of Object.entries(take(home, lock, held()).parts)) await outlast(part, id, say);
  rmSync(addressFile, { force: true });
  return {
    note: (part, pid) => {
      parts[part] = processId(pid);
      writeWhole(lock, held());
    },
    announce: (addresses) => writeWhole(addressFile, addresses),
    withdraw: () => rmSync(addressFile, { force: true }),
    release: () => rmSync(lock, { force: true }),
  };
}

/** Makes the lock ours, and gives what the last owner left in it. */
function take(home: string, lock: string, mine: Held): Pick<Held, "parts"> {
  try {
    writeFileSync(lock, JSON.stringify(mine), { flag: "wx", mode: 0o600 });
    return { parts: {} };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new WeftError("failed_precondition", `cannot write in ${home}: choose another folder with --home DIR`, {
        cause: error,
      });
    }
  }
  const before = readJson<Held>(lock);
  if (before?.owner !== undefined && isRunning(before.owner)) throw inUse(home, before.owner.pid);
  // Of several that start at once and find the same dead owner, the one whose rename meets that owner's lock goes on.
  const aside = `${lock}.${process.pid}.old`;
  renameSync(lock, aside);
  const moved = readJson<Held>(aside);
  if (moved?.owner?.pid !== before?.owner?.pid) {
    renameSync(aside, lock);
    throw inUse(home, moved?.owner?.pid ?? 0);
  }
  rmSync(aside);
  take(home, lock, mine);
  return { parts: before?.parts ?? {} };
}

function inUse(home: string, pid: number): WeftError {
  const at = readJson<Addresses>(join(home, "weft.json"));
  const where = at === null ? "and is still starting" : `at http://${at.http} (HTTP) and ${at.grpc} (gRPC)`;
  return new WeftError(
    "conflict",
    `Weft is already running here (${home}), pid ${pid}, ${where}. ` +
      `Use it, stop it (kill ${pid}), or start another with --home DIR --http-port 0 --grpc-port 0`,
  );
}

async function outlast(part: string, id: ProcessId, say: (line: string) => void): Promise<void> {
  if (!isRunning(id)) return;
  say(`waiting for the ${part} of a start that was killed (pid ${id.pid})`);
  if (await goneWithin(id, PATIENCE_MS[part] ?? PATIENCE_MS_DEFAULT)) return;
  sendSignal(id.pid, "SIGKILL");
  if (await goneWithin(id, KILLED_MS)) return;
  throw new WeftError(
    "failed_precondition",
    `the ${part} of an earlier start (pid ${id.pid}) does not end. Stop it: kill -9 ${id.pid}`,
  );
}
