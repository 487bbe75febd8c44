import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { WeftError } from "../lib/core/error.ts";

export interface Lock {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: tells the holder from a later process with its number. Empty where there is no /proc. */
  readonly startTicks: string;
  readonly id: string;
}

/** Takes over what dead agents left; another that takes it over at the same moment costs one more round. */
const ROUNDS_MAX = 20;

/** One agent a folder. Error: `conflict`, with the pid of the agent that holds it. A lock whose holder is dead is taken over. */
export async function takeLock(path: string): Promise<Lock> {
  const holder: Holder = { pid: process.pid, startTicks: await startTicks(process.pid), id: randomUUID() };
  const temp = `${path}.${holder.id}`;
  await writeFile(temp, JSON.stringify(holder));
  try {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (await linked(temp, path)) return { release: () => release(path, holder) };
      const other = await read(path);
      if (other && (await isAlive(other)))
        throw new WeftError(
          "conflict",
          `another agent (pid ${other.pid}) uses the same folder (${path}); stop it, or start this one with another --dir`,
        );
      await moveAway(path, other, temp);
    }
    throw new WeftError("conflict", `${path} changes hands again and again; is something starting agents in a loop?`);
  } finally {
    await rm(temp, { force: true });
  }
}

async function linked(temp: string, path: string): Promise<boolean> {
  try {
    await link(temp, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Only one can rename a file. If what was moved is not the dead holder's, someone was faster: it gets its lock back. */
async function moveAway(path: string, dead: Holder | undefined, temp: string): Promise<void> {
  const stale = `${temp}.stale`;
  try {
    await rename(path, stale);
  } catch {
    return;
  }
  const moved = await read(stale);
  if (moved?.id !== dead?.id) await linked(stale, path);
  await rm(stale, { force: true });
}

async function release(path: string, holder: Holder): Promise<void> {
  if ((await read(path))?.id === holder.id) await rm(path, { force: true });
}

async function read(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return holder.startTicks === (await startTicks(holder.pid));
}

async function startTicks(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name, in brackets, may hold spaces: count from its end.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
