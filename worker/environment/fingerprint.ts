import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, type Stats, readdirSync } from "node:fs";
import { join } from "node:path";

/** What the files of a folder look like from outside: cheap to ask (50 ms for 10,000 files), and changed by any write. */
export interface Fingerprint {
  /** Of the path, size, mode and time of change of every file, but for those in caches, which come and go. */
  readonly digest: string;
  readonly bytes: number;
}

/** Bytecode of Python; what tools of Node put into node_modules/.cache. */
const CACHES = /\/(__pycache__|\.cache)\//;

export async function fingerprint(folder: string): Promise<Fingerprint> {
  const hash = createHash("sha256");
  let bytes = 0;
  await walk(folder, (path, info) => {
    if (info.isFile()) bytes += info.size;
    if (info.isDirectory() || CACHES.test(path)) return;
    // An interpreter that was removed from the machine takes the environment with it.
    const dangles = info.isSymbolicLink() && !existsSync(path);
    hash.update(`${path.slice(folder.length)}\0${info.size}\0${info.mode}\0${info.mtimeMs}\0${dangles}\n`);
  });
  return { digest: hash.digest("hex"), bytes };
}

/**
 * Takes from everybody the right to write into the files. Not into the folders: who deletes the agent's folder should not
 * need more than `rm -r`. Root may write all the same; the fingerprint tells.
 */
export async function makeReadOnly(folder: string): Promise<void> {
  await walk(folder, (path, info) => {
    if (info.isFile()) chmodSync(path, info.mode & 0o7777 & ~0o222);
  });
}

type Visit = (path: string, info: Stats) => void;

/** All in the folder by name, each folder before what is in it. Others get their turn after each folder. */
async function walk(folder: string, visit: Visit): Promise<void> {
  const folders: string[] = [];
  for (const name of readdirSync(folder).toSorted()) {
    const path = join(folder, name);
    const info = lstatSync(path);
    visit(path, info);
    if (info.isDirectory()) folders.push(path);
  }
  await new Promise<void>((resolve) => setImmediate(resolve));
  for (const path of folders) await walk(path, visit);
}
