import { readFileSync } from "node:fs";
import { posix } from "node:path";
import type { TreeFile } from "../../lib/core/tree.ts";
import { EnvironmentError } from "./failure.ts";
import { submittedFile, type Kitchen } from "./recipe.ts";

/** Lock files of a thousand packages with their hashes have 3 MB; more is no lock file. */
const LOCK_BYTES_MAX = 32 * 2 ** 20;
/** `-r base.txt` and `-c limits.txt`, in all the ways pip reads them. */
const NAMES_FILE = /^(?:-r|--requirement|-c|--constraint)[\s=]*(\S+)/;
const HASH = /--hash[= ]/;

export interface Requirements {
  /** The file itself, and the submitted files that it names: others of its kind, and wheels. */
  readonly files: readonly TreeFile[];
  /** Packages are checked against hashes in it. */
  readonly hashed: boolean;
}

/** Reads a requirements file as far as it names other files of the submitted folder. Throws EnvironmentError, those of Cache.fetch. */
export async function readRequirements(kitchen: Kitchen, lockPath: string): Promise<Requirements> {
  const files = new Map<string, TreeFile>();
  let hashed = false;
  const waiting = [{ path: lockPath, by: "" }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (files.has(next.path)) continue;
    const text = await readSubmitted(kitchen, next.path, next.by);
    files.set(next.path, text.file);
    for (const line of text.lines) {
      hashed ||= HASH.test(line);
      const named = NAMES_FILE.exec(line)?.[1];
      const path = posix.join(posix.dirname(next.path), named ?? line.split(/[\s;]/, 1)[0]!);
      if (named !== undefined && !/^[a-z+]+:\/\//i.test(named)) waiting.push({ path, by: next.path });
      const wheel = named === undefined && path.endsWith(".whl") ? submittedFile(kitchen.code, path) : undefined;
      if (wheel) files.set(path, wheel);
    }
  }
  return { files: [...files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1)), hashed };
}

async function readSubmitted(
  { cache, code }: Kitchen,
  path: string,
  by: string,
): Promise<{ readonly file: TreeFile; readonly lines: string[] }> {
  const file = submittedFile(code, path);
  if (!file)
    throw new EnvironmentError(
      by === ""
        ? `${path} is not in the submitted folder; environment.python names a requirements file there`
        : `${by} names ${path}, which is not in the submitted folder`,
    );
  if (file.bytes > LOCK_BYTES_MAX)
    throw new EnvironmentError(
      `${path} has ${file.bytes} bytes; a requirements file of at most ${LOCK_BYTES_MAX} would be right`,
    );
  cache.pin(file.digest);
  try {
    await cache.fetch([file.digest]);
    const text = readFileSync(cache.store.path(file.digest), "utf8");
    // A line that ends with \ goes on in the next one.
    const lines = text.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/);
    return { file, lines: lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#")) };
  } finally {
    cache.unpin(file.digest);
  }
}
