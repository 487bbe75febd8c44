import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import {
  CHECKPOINT,
  EXIT,
  EXIT_BYTES_MAX,
  PROCESS,
  PROCESS_BYTES,
  RESULT,
  SCRIPT,
  STDERR,
  STDOUT,
  TMP,
  WORKSPACE,
} from "./folder.ts";

/** Of 24 kB each; more than are between start and archive of an attempt when they come by the thousand. */
const SPARES_MAX = 1024;
const FOLDER_MODE = 0o700;
/** A folder that once held many files stays large, and slow to list. */
const FOLDER_BYTES_MAX = 64 * 1024;
const SUBFOLDERS = [WORKSPACE, TMP];
/**
 * What may stay in each file, in bytes. The runner's records stay: they name their attempt or process, and the next one covers
 * them. To empty a file that was written a moment ago waits for the file system's journal, milliseconds on a busy disk.
 */
const FILES: ReadonlyMap<string, number> = new Map([
  [STDOUT, 0],
  [STDERR, 0],
  [SCRIPT, 0],
  [EXIT, EXIT_BYTES_MAX],
  [PROCESS, PROCESS_BYTES],
]);
/** A file system's clock may stand still for this long, in milliseconds: a time that is older shows any later change. */
const CLOCK_MS_MAX = 2_000;

/** A folder as it was found empty. */
interface Blank {
  readonly path: string;
  /** Of the files in it. */
  readonly files: readonly string[];
  /** Last change of its list of names, and of the subfolders (also of their modes), in epoch milliseconds. */
  readonly changedAtMs: readonly number[];
}

/**
 * Folders of attempts, used again where nothing is left in them: a file system is slow to make files just after many
 * were deleted (ext4 avoids their inodes for minutes, and looks at each; measured 0.5 ms of CPU a file), and short tasks
 * by the thousand do just that. To move a folder costs 20 µs. One that no task has changed is not listed again.
 */
export class Folders {
  readonly #spareDir: string;
  readonly #spares: Blank[] = [];
  /** In use, with what they were before. */
  readonly #used = new Map<string, Blank>();
  readonly #clockMsMax: number;
  #made = 0;

  /** `clockMsMax`: see CLOCK_MS_MAX. */
  constructor(dir: string, clockMsMax = CLOCK_MS_MAX) {
    this.#clockMsMax = clockMsMax;
    this.#spareDir = join(dir, "spare");
    mkdirSync(this.#spareDir, { recursive: true });
    for (const name of readdirSync(this.#spareDir)) {
      const path = join(this.#spareDir, name);
      this.#made = Math.max(this.#made, Number.parseInt(name, 10) + 1 || 0);
      const blank = lookBlank(path);
      if (blank) this.#spares.push(blank);
      else rmSync(path, { recursive: true, force: true });
    }
  }

  /** Makes the attempt's folder, empty but for `workspace` and `tmp`; what was there goes. Throws errno errors. */
  make(folder: string): void {
    const spare = this.#spares.pop();
    try {
      if (spare === undefined) mkdirSync(folder, { mode: FOLDER_MODE });
      else renameSync(spare.path, folder);
    } catch (error) {
      if (!["EEXIST", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      if (spare !== undefined) this.#spares.push(spare);
      rmSync(folder, { recursive: true, force: true });
      return this.make(folder);
    }
    if (spare === undefined) {
      for (const name of SUBFOLDERS) mkdirSync(join(folder, name), { mode: FOLDER_MODE });
    } else if (spare.changedAtMs.every((atMs) => atMs < Date.now() - this.#clockMsMax)) this.#used.set(folder, spare);
  }

  /**
   * Removes what the task has made, all but the spool. A folder that is empty stays, to be used again; any other thing in
   * its place goes as a whole, by its own name: a task may have put a link there, and what it leads to is not ours.
   */
  async clean(folder: string): Promise<void> {
    if (this.#isUnchanged(folder)) return;
    if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
    for (const path of [RESULT, WORKSPACE, TMP, CHECKPOINT].map((name) => join(folder, name))) {
      const info = lstatSync(path, { throwIfNoEntry: false });
      if (!info || (info.isDirectory() && readdirSync(path).length === 0)) continue;
      await rm(path, { recursive: true, force: true, maxRetries: 2 });
    }
  }

  /** The folder is not used any more. */
  async give(folder: string): Promise<void> {
    const before = this.#isUnchanged(folder) ? this.#used.get(folder) : undefined;
    this.#used.delete(folder);
    const makeBlank = async (): Promise<Omit<Blank, "path"> | undefined> =>
      before && (await empty(folder, before.files)) ? before : clear(folder);
    const blank = this.#spares.length < SPARES_MAX ? await makeBlank() : undefined;
    if (!blank) return rm(folder, { recursive: true, force: true, maxRetries: 2 });
    const path = join(this.#spareDir, String((this.#made += 1)));
    renameSync(folder, path);
    this.#spares.push({ ...blank, path });
  }

  /** Nothing was made, removed or renamed in it, nor in its subfolders, since it was found empty. */
  #isUnchanged(folder: string): boolean {
    const before = this.#used.get(folder);
    const isSame = before && changes(folder)?.every((atMs, place) => atMs === before.changedAtMs[place]);
    if (before && !isSame) this.#used.delete(folder);
    return isSame === true;
  }
}

/**
 * The folder, when nothing is there but what `make` and the runner make, as they make it (no link that leads the next attempt
 * elsewhere), and the files are empty as far as they have to be.
 */
function lookBlank(folder: string): Blank | undefined {
  try {
    const names = readdirSync(folder);
    if (!SUBFOLDERS.every((name) => names.includes(name) && readdirSync(join(folder, name)).length === 0)) return;
    const files = names.filter((name) => !SUBFOLDERS.includes(name));
    if (!files.every((name) => (ownFileBytes(`${folder}/${name}`) ?? Infinity) <= (FILES.get(name) ?? -1))) return;
    const changedAtMs = changes(folder);
    return changedAtMs && { path: folder, files, changedAtMs };
  } catch {
    return undefined;
  }
}

/** Makes it so, where nothing is in the subfolders. */
async function clear(folder: string): Promise<Blank | undefined> {
  try {
    const names = readdirSync(folder).filter((name) => !SUBFOLDERS.includes(name));
    for (const name of names) if (!FILES.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
    const files = names.filter((name) => FILES.has(name));
    return (await empty(folder, files)) ? lookBlank(folder) : undefined;
  } catch {
    return undefined;
  }
}

/** False: one of them is not a file of its own. Throws errno errors. */
async function empty(folder: string, files: readonly string[]): Promise<boolean> {
  for (const name of files) {
    const path = `${folder}/${name}`;
    const bytes = ownFileBytes(path);
    if (bytes === undefined) return false;
    if (bytes > FILES.get(name)!) await truncate(path);
  }
  return true;
}

/** See Blank.changedAtMs; undefined: the folder or a subfolder is not as `make` makes them. */
function changes(folder: string): number[] | undefined {
  const infos = [folder, ...SUBFOLDERS.map((name) => `${folder}/${name}`)].map((path) =>
    lstatSync(path, { throwIfNoEntry: false }),
  );
  const isOwn = infos.every(
    (info) => info?.isDirectory() && (info.mode & 0o7777) === FOLDER_MODE && info.size <= FOLDER_BYTES_MAX,
  );
  // To move the folder itself is a change of it, though not of what it lists.
  return isOwn ? infos.map((info, place) => (place === 0 ? info!.mtimeMs : info!.ctimeMs)) : undefined;
}

/** Undefined: it is no regular file, has another name elsewhere, or is not there. */
function ownFileBytes(path: string): number | undefined {
  const info = lstatSync(path, { throwIfNoEntry: false });
  return info?.isFile() && info.nlink === 1 ? info.size : undefined;
}
