import { randomUUID } from "node:crypto";
import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { WeftError } from "../lib/core/error.ts";

export interface Lock {
  release(): Promise<void>;
}

interface Holder {
  /** 0: released. */
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: tells the holder from a later process with its number. Empty where there is no /proc. */
  readonly startTicks: string;
}

/** Each round lost means that someone else has just taken the lock or let go of it. */
const ROUNDS_MAX = 100;

/**
 * One agent a folder. Error: `conflict`, with the pid of the agent that holds it.
 *
 * The lock is the file `<path>.<n>` with the highest n, and is free when its holder is dead or has released it. To take it
 * is to make n + 1, which only one can (link fails when the name is there); the highest is never deleted, so that nobody
 * can be mistaken about which it is. Who finds a higher one after that was far behind, and withdraws.
 */
export async function takeLock(path: string): Promise<Lock> {
  const self: Holder = { pid: process.pid, startTicks: await startTicks(process.pid) };
  const temp = `${path}.new.${randomUUID()}`;
  await writeFile(temp, JSON.stringify(self));
  try {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const highest = (await generations(path)).at(-1) ?? 0;
      if (highest > 0) await refuseIfHeld(path, highest);
      const mine = highest + 1;
      if (!(await linked(temp, `${path}.${mine}`))) continue;
      const all = await generations(path);
      if (all.at(-1) !== mine) {
        await rm(`${path}.${mine}`, { force: true });
        continue;
      }
      for (const old of all.slice(0, -1)) await rm(`${path}.${old}`, { force: true });
      return { release: () => release(`${path}.${mine}`) };
    }
    throw new WeftError("conflict", `${path} changes hands again and again; is something starting agents in a loop?`);
  } finally {
    await rm(temp, { force: true });
  }
}

async function generations(path: string): Promise<number[]> {
  const prefix = `${basename(path)}.`;
  return (await readdir(dirname(path)))
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)))
    .filter((n) => Number.isInteger(n))
    .toSorted((a, b) => a - b);
}

async function refuseIfHeld(path: string, generation: number): Promise<void> {
  const holder = await read(`${path}.${generation}`);
  if (!holder || !(await isAlive(holder))) return;
  throw new WeftError(
    "conflict",
    `another agent (pid ${holder.pid}) uses the folder ${dirname(path)}; stop it, or start this one with another --dir`,
  );
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

async function release(file: string): Promise<void> {
  const temp = join(dirname(file), `.${basename(file)}.released`);
  await writeFile(temp, JSON.stringify({ pid: 0, startTicks: "" } satisfies Holder));
  await rename(temp, file);
}

async function read(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (!(holder.pid > 0)) return false;
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
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // Dead, though nobody has asked for its exit status yet: a killed agent's new parent may be slow to.
    if (fields[0] === "Z" || fields[0] === "X") return "";
    return fields[19] ?? "";
  } catch {
    return "";
  }
}
