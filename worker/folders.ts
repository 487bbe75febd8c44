import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { EXIT, PROCESS, SCRIPT, STDERR, STDOUT, TMP, WORKSPACE } from "./folder.ts";

/** Of 24 kB each; more than are between start and archive of an attempt when they come by the thousand. */
const SPARES_MAX = 1024;
const FOLDER_MODE = 0o700;
/** A folder that once held many files stays large, and slow to list. */
const FOLDER_BYTES_MAX = 64 * 1024;
const SUBFOLDERS = [WORKSPACE, TMP];
const FILES: ReadonlySet<string> = new Set([STDOUT, STDERR, EXIT, PROCESS, SCRIPT]);

/**
 * Folders of attempts, used again where nothing is left in them: a file system is slow to make files just after many
 * were deleted (ext4 avoids their inodes for minutes, and looks at each; measured 0.5 ms of CPU a file), and short tasks
 * by the thousand do just that. To move a folder costs 20 µs.
 */
export class Folders {
  readonly #spareDir: string;
  readonly #spares: string[] = [];
  #made = 0;

  constructor(dir: string) {
    this.#spareDir = join(dir, "spare");
    mkdirSync(this.#spareDir, { recursive: true });
    for (const name of readdirSync(this.#spareDir)) {
      const path = join(this.#spareDir, name);
      this.#made = Math.max(this.#made, Number.parseInt(name, 10) + 1 || 0);
      if (isEmpty(path, false)) this.#spares.push(path);
      else rmSync(path, { recursive: true, force: true });
    }
  }

  /** Makes the attempt's folder, empty but for `workspace` and `tmp`; what was there goes. Throws errno errors. */
  make(folder: string): void {
    const spare = this.#spares.pop();
    try {
      if (spare === undefined) mkdirSync(folder, { mode: FOLDER_MODE });
      else renameSync(spare, folder);
    } catch (error) {
      if (!["EEXIST", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      if (spare !== undefined) this.#spares.push(spare);
      rmSync(folder, { recursive: true, force: true });
      return this.make(folder);
    }
    if (spare === undefined) for (const name of SUBFOLDERS) mkdirSync(join(folder, name), { mode: FOLDER_MODE });
  }

  /** The folder is not used any more. */
  async give(folder: string): Promise<void> {
    if (this.#spares.length < SPARES_MAX && isEmpty(folder, true)) {
      const spare = join(this.#spareDir, String((this.#made += 1)));
      renameSync(folder, spare);
      this.#spares.push(spare);
    } else await rm(folder, { recursive: true, force: true, maxRetries: 2 });
  }
}

/**
 * True when nothing is there but what `make` and the runner make, as they make it (no link that leads the next attempt
 * elsewhere), and the files are empty. With `clear`, files are emptied and what else is there is removed first.
 */
function isEmpty(folder: string, clear: boolean): boolean {
  try {
    const names = readdirSync(folder);
    if (!isOwn(folder) || !SUBFOLDERS.every((name) => names.includes(name))) return false;
    return names.every((name) => {
      const path = join(folder, name);
      if (SUBFOLDERS.includes(name)) return isOwn(path) && readdirSync(path).length === 0;
      if (!FILES.has(name)) {
        if (clear) rmSync(path, { recursive: true, force: true });
        return clear;
      }
      const info = lstatSync(path);
      if (!info.isFile() || info.nlink !== 1) return false;
      if (info.size > 0 && clear) truncateSync(path);
      return info.size === 0 || clear;
    });
  } catch {
    return false;
  }
}

function isOwn(folder: string): boolean {
  const info = lstatSync(folder);
  return info.isDirectory() && (info.mode & 0o7777) === FOLDER_MODE && info.size <= FOLDER_BYTES_MAX;
}
