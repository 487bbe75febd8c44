import { chmod, mkdir, open, readdir, rename, rm, stat, statfs, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Store, Stored } from "../../lib/cas.ts";
import { WeftError } from "../../lib/core/error.ts";
import { writeAt } from "../../lib/write-at.ts";
import { countedOn } from "./grace.ts";
import {
  bytesOfPart,
  checkPart,
  partsMissing,
  readUploadId,
  type Upload,
  UPLOAD_AGE_MS_MAX,
  type UploadPromise,
  type Uploads,
  uploadId,
} from "./upload.ts";

const DATA = "data";
/** The same while it is checked and moved into the store: no part is written to it then. */
const TAKEN = "data.taken";
const DONE = ".done";

/**
 * Uploads in a folder of the store: <id>/data takes all parts at their places, <id>/<n>.done says that part n was written
 * whole. After a crash of the machine a part may be less than its file says: the digest of the whole tells.
 */
export class FolderUploads implements Uploads {
  readonly #root: string;
  readonly #store: Store;
  readonly #finishing = new Map<string, Promise<Stored>>();
  /** Parts that are being written, by upload. */
  readonly #writing = new Map<string, number>();

  constructor(root: string, store: Store) {
    this.#root = root;
    this.#store = store;
  }

  static async open(root: string, store: Store): Promise<FolderUploads> {
    await mkdir(root, { recursive: true });
    const uploads = new FolderUploads(root, store);
    await uploads.sweep(Date.now() - UPLOAD_AGE_MS_MAX);
    return uploads;
  }

  async begin(promise: UploadPromise): Promise<Upload> {
    const upload = readUploadId(uploadId(promise));
    const folder = join(this.#root, upload.id);
    if (!this.#finishing.has(upload.id)) await this.#putBack(folder);
    if ((await this.#read(upload)) === undefined) {
      const disk = await statfs(this.#root);
      const free = disk.bavail * disk.bsize;
      if (upload.bytes > free) throw diskFull(this.#root, `${free} bytes are free and ${upload.bytes} are needed`);
      await mkdir(folder, { recursive: true });
      await (await open(join(folder, DATA), "a")).close();
    }
    const now = new Date();
    await utimes(folder, now, now);
    return { ...upload, done: (await this.#read(upload)) ?? [] };
  }

  async putPart(id: string, index: number, source: Readable): Promise<void> {
    source.on("error", () => {});
    // Its file may be the artifact already, and a part that comes twice must not write to that.
    if (this.#finishing.has(id))
      throw new WeftError("conflict", `upload ${id} is being finished; it takes no part more`);
    this.#writing.set(id, (this.#writing.get(id) ?? 0) + 1);
    try {
      await this.#writePart(id, index, source);
    } finally {
      const others = this.#writing.get(id)! - 1;
      if (others > 0) this.#writing.set(id, others);
      else this.#writing.delete(id);
    }
  }

  async #writePart(id: string, index: number, source: Readable): Promise<void> {
    const upload = readUploadId(id);
    const bytes = bytesOfPart(upload, index);
    const folder = join(this.#root, id);
    const file = await open(join(folder, DATA), "r+").catch((error: unknown) => {
      throw isAbsent(error) ? noUpload(id) : error;
    });
    const start = index * upload.partBytes;
    let sent = 0;
    try {
      await pipeline(source, async (chunks: AsyncIterable<Buffer>) => {
        await writeAt(file, chunks, start, (chunk) => {
          sent += chunk.length;
          // What is too long must not run into the next part.
          if (sent > bytes) checkPart(upload, index, sent);
        });
      });
      checkPart(upload, index, sent);
    } catch (error) {
      throw isFull(error) ? diskFull(this.#root, "no space is left", error) : error;
    } finally {
      await file.close();
    }
    await writeFile(join(folder, `${index}${DONE}`), "");
  }

  finish(id: string): Promise<Stored> {
    const running = this.#finishing.get(id);
    if (running) return running;
    if (this.#writing.has(id))
      return Promise.reject(
        new WeftError("conflict", `upload ${id} cannot be finished while a part of it is being sent; ask again`),
      );
    const finishing = this.#finish(id).finally(() => this.#finishing.delete(id));
    this.#finishing.set(id, finishing);
    return finishing;
  }

  async #finish(id: string): Promise<Stored> {
    const upload = readUploadId(id);
    const folder = join(this.#root, upload.id);
    await this.#putBack(folder);
    const done = await this.#read(upload);
    const stored = upload.digest === null ? undefined : await this.#store.stat(upload.digest);
    if (done === undefined) {
      // It was finished, and the answer was lost.
      if (upload.digest !== null && stored) return { digest: upload.digest, bytes: stored.bytes, existed: true };
      throw noUpload(id);
    }
    const missing = partsMissing(upload, done);
    if (missing !== undefined) throw missing;
    const taken = join(folder, TAKEN);
    await rename(join(folder, DATA), taken);
    try {
      return await countedOn(this.#store, await this.#store.takeFile(upload.digest, taken));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** What a process that was killed while it finished the upload had taken. */
  async #putBack(folder: string): Promise<void> {
    try {
      await rename(join(folder, TAKEN), join(folder, DATA));
      await chmod(join(folder, DATA), 0o644);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  async abort(id: string): Promise<void> {
    await rm(join(this.#root, readUploadId(id).id), { recursive: true, force: true });
  }

  async sweep(beforeMs: number): Promise<number> {
    let swept = 0;
    for (const id of await readdir(this.#root)) {
      const folder = join(this.#root, id);
      // A part that is done is a new file in it, which changes its time.
      const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs >= beforeMs) continue;
      await rm(folder, { recursive: true, force: true });
      swept += 1;
    }
    return swept;
  }

  /** Parts that are there; undefined: no such upload. */
  async #read({ id, parts }: Omit<Upload, "done">): Promise<number[] | undefined> {
    const names = await readdir(join(this.#root, id)).catch((error: unknown) => {
      if (isAbsent(error)) return [] as string[];
      throw error;
    });
    if (!names.includes(DATA)) return undefined;
    const there = names.filter((name) => name.endsWith(DONE)).map((name) => Number(name.slice(0, -DONE.length)));
    return there.filter((index) => index < parts).toSorted((a, b) => a - b);
  }
}

export function noUpload(id: string): WeftError {
  return new WeftError("not_found", `there is no upload ${id}: it was finished or given up; begin it again`);
}

function diskFull(root: string, why: string, cause?: unknown): WeftError {
  return new WeftError("disk_full", `the artifact store cannot take more in ${root}: ${why}; free space there`, {
    cause,
  });
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException | null)?.code ?? "";
const isAbsent = (error: unknown): boolean => codeOf(error) === "ENOENT";
const isFull = (error: unknown): boolean => ["ENOSPC", "EDQUOT"].includes(codeOf(error));
