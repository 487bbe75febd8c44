import { createHash, randomBytes } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { copyFile, mkdir, open, readdir, rename, rm, stat, statfs, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { WeftError } from "./core/error.ts";
import { isDigest, type Digest } from "./core/ids.ts";
import { CHUNK_BYTES, DigestGate, digestFile, DigestMeter, type Digested, promised, Sink } from "./digest.ts";
import { writeAt } from "./write-at.ts";

/**
 * Content-addressed files under one folder:
 *
 *   <root>/sha256/ab/<64 hex>   the bytes; read-only; there means whole, synced and checked when it was written
 *   <root>/tmp/…                being written, or being removed; swept at start when its writer is gone
 *   <root>/corrupt/…            found to have other bytes than its name says; kept for whoever wants to know why
 */
export interface Store {
  readonly root: string;
  /** Where the bytes of this digest lie, or would lie. */
  path(digest: Digest): string;
  /** Undefined: the store does not have it. */
  stat(digest: Digest): Promise<{ readonly bytes: number } | undefined>;
  /** Those the store does not have, each once. */
  missing(digests: readonly Digest[]): Promise<Digest[]>;
  /**
   * Stores what the stream yields. Errors: `invalid` when `digest` is given and the bytes have another, `disk_full`;
   * in any case of error nothing is visible. Two writers of one digest do not disturb each other. With `bytes`, what
   * cannot fit is refused before it is read.
   */
  putStream(digest: Digest | null, source: Readable, options?: { readonly bytes?: number }): Promise<Stored>;
  /** Stores a copy of the file as it is now: shared blocks where the file system can, else one pass of reading. */
  putFile(path: string): Promise<Stored>;
  /** Moves a file of the store's own file system in. `invalid`, and the file stays, when `digest` is given and it has another. */
  takeFile(digest: Digest | null, path: string): Promise<Stored>;
  /**
   * The bytes. Without a range they are checked while they pass: the last chunk is held back until the digest is known
   * to be right, else the stream fails with `corrupt` and the file is put aside. Errors: `not_found`.
   */
  open(digest: Digest, options?: { readonly range?: ByteRange; readonly verify?: boolean }): Promise<Readable>;
  /** Reads it all; `corrupt` (and put aside) when the bytes have another digest. */
  verify(digest: Digest): Promise<void>;
  remove(digest: Digest): Promise<void>;
  /** Somebody counts on these: what is there, and older than `olderThanMs`, is as young again as if it were stored now. */
  touch(digests: readonly Digest[], olderThanMs: number): Promise<void>;
  /** All that is there, in no order. */
  list(): AsyncIterable<Listed>;
  /** Removes it unless it was stored, or touched, at `beforeMs` or later. Whether it did. */
  removeOlder(digest: Digest, beforeMs: number): Promise<boolean>;
}

export interface Listed {
  readonly digest: Digest;
  readonly bytes: number;
  /** Stored or touched last; epoch milliseconds. */
  readonly atMs: number;
}

export interface Stored {
  readonly digest: Digest;
  readonly bytes: number;
  /** The store had it before. */
  readonly existed: boolean;
}

/** Offsets in bytes; `end` is exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Of a file being written that nobody has touched: its writer was on another machine and is gone. */
const TEMP_AGE_MS_MAX = 24 * 3600 * 1000;
/** Lets a process tell its own temporary files from those of an earlier one that had the same pid (1, in a container). */
const INSTANCE = randomBytes(4).toString("hex");

let temporaries = 0;

/** Opens the store in `root`, making the folder when it is not there, and sweeps what interrupted writers left. */
export async function openStore(root: string): Promise<Store> {
  await makeFolders(root);
  await sweep(join(root, "tmp"));
  return new FolderStore(root);
}

class FolderStore implements Store {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  path(digest: Digest): string {
    if (!isDigest(digest))
      throw new WeftError("invalid", `"${String(digest)}" is no digest; it must be sha256: and 64 hex digits`);
    const hex = digest.slice("sha256:".length);
    return join(this.root, "sha256", hex.slice(0, 2), hex);
  }

  async stat(digest: Digest): Promise<{ readonly bytes: number } | undefined> {
    try {
      return { bytes: (await stat(this.path(digest))).size };
    } catch (error) {
      if (errno(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async missing(digests: readonly Digest[]): Promise<Digest[]> {
    const unique = [...new Set(digests)];
    const stats = await Promise.all(unique.map((digest) => this.stat(digest)));
    return unique.filter((_, i) => stats[i] === undefined);
  }

  async putStream(digest: Digest | null, source: Readable, options: { readonly bytes?: number } = {}): Promise<Stored> {
    // It may fail while we look around; pipeline then says so.
    source.on("error", () => {});
    // What is there is not written again, but the bytes are still held against the digest that was promised.
    if (digest !== null && (await this.stat(digest)) !== undefined) {
      const meter = new DigestMeter();
      await pipeline(source, meter, new Sink());
      return { ...promised(digest, meter.result()), existed: true };
    }
    const free = await bytesFree(this.root);
    if ((options.bytes ?? 0) > free)
      throw diskFull(this.root, `${free} bytes are free and ${options.bytes} are needed`);
    return this.#write(async (temp) => promised(digest, await copyIn(source, temp)));
  }

  async putFile(path: string): Promise<Stored> {
    return this.#write(async (temp) => {
      try {
        await copyFile(path, temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
      } catch (error) {
        if (!NO_REFLINK.has(errno(error))) throw error;
        await rm(temp, { force: true });
        return copyIn(createReadStream(path, { highWaterMark: CHUNK_BYTES }), temp);
      }
      const [read] = await Promise.all([digestFile(temp), syncAs(temp, 0o444)]);
      return read;
    });
  }

  async takeFile(digest: Digest | null, path: string): Promise<Stored> {
    // The disk writes while the bytes are looked at.
    const [read] = await Promise.all([digestFile(path), syncAs(path, 0o444)]);
    const found = promised(digest, read);
    const existed = (await this.stat(found.digest)) !== undefined;
    if (existed) await rm(path);
    else {
      await rename(path, this.path(found.digest));
      await syncFolder(join(this.path(found.digest), ".."));
    }
    return { ...found, existed };
  }

  async open(
    digest: Digest,
    options: { readonly range?: ByteRange; readonly verify?: boolean } = {},
  ): Promise<Readable> {
    const path = this.path(digest);
    if ((await this.stat(digest)) === undefined) throw notFound(digest, this.root);
    const { range } = options;
    if (range !== undefined) {
      if (range.end <= range.start) return Readable.from([]);
      return createReadStream(path, { start: range.start, end: range.end - 1, highWaterMark: CHUNK_BYTES });
    }
    const file = createReadStream(path, { highWaterMark: CHUNK_BYTES });
    if (options.verify === false) return file;
    const gate = new DigestGate(digest, (found) => this.#putAside(digest, found));
    file.on("error", (error) => gate.destroy(error));
    gate.on("close", () => file.destroy());
    return file.pipe(gate);
  }

  async verify(digest: Digest): Promise<void> {
    if ((await this.stat(digest)) === undefined) throw notFound(digest, this.root);
    const found = await digestFile(this.path(digest));
    if (found.digest !== digest) throw await this.#putAside(digest, found);
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  async touch(digests: readonly Digest[], olderThanMs: number): Promise<void> {
    const now = new Date();
    await Promise.all(
      digests.map(async (digest) => {
        const path = this.path(digest);
        try {
          if (now.getTime() - (await stat(path)).mtimeMs > olderThanMs) await utimes(path, now, now);
        } catch (error) {
          if (errno(error) !== "ENOENT") throw error;
        }
      }),
    );
  }

  async *list(): AsyncGenerator<Listed> {
    const base = join(this.root, "sha256");
    for (const prefix of await readdir(base)) {
      for (const hex of await readdir(join(base, prefix))) {
        const digest = `sha256:${hex}`;
        const found = await stat(join(base, prefix, hex)).catch(() => undefined);
        if (found !== undefined && isDigest(digest)) yield { digest, bytes: found.size, atMs: found.mtimeMs };
      }
    }
  }

  async removeOlder(digest: Digest, beforeMs: number): Promise<boolean> {
    const path = this.path(digest);
    const aside = this.#temporary();
    try {
      if ((await stat(path)).mtimeMs >= beforeMs) return false;
      // Out of sight first: whoever asks from here on is told that it is not there, and stores it again.
      await rename(path, aside);
    } catch (error) {
      if (errno(error) === "ENOENT") return false;
      throw error;
    }
    if ((await stat(aside)).mtimeMs < beforeMs) {
      await rm(aside);
      return true;
    }
    await rename(aside, path);
    return false;
  }

  #temporary(): string {
    return join(this.root, "tmp", `${hostname()}.${process.pid}.${INSTANCE}.${(temporaries += 1)}`);
  }

  /** Runs `fill`, which writes and syncs a temporary file, and makes the file visible under its digest. */
  async #write(fill: (temp: string) => Promise<Digested>): Promise<Stored> {
    const temp = this.#temporary();
    try {
      const { digest, bytes } = await fill(temp);
      const existed = (await this.stat(digest)) !== undefined;
      if (!existed) {
        const path = this.path(digest);
        await rename(temp, path);
        await syncFolder(join(path, ".."));
      }
      return { digest, bytes, existed };
    } catch (error) {
      throw await this.#explain(error);
    } finally {
      await rm(temp, { force: true });
    }
  }

  async #explain(error: unknown): Promise<unknown> {
    const code = errno(error);
    if (code !== "ENOSPC" && code !== "EDQUOT") return error;
    const why = code === "EDQUOT" ? "the disk quota is used up" : `${await bytesFree(this.root)} bytes are free`;
    return diskFull(this.root, why, error);
  }

  /** A wrong file must not pass for the digest any more, so that whoever has the right bytes can store them again. */
  async #putAside(digest: Digest, found: Digested): Promise<WeftError> {
    const aside = join(this.root, "corrupt", digest.slice("sha256:".length));
    await rename(this.path(digest), aside).catch((error: unknown) => {
      if (errno(error) !== "ENOENT") throw error;
    });
    return new WeftError(
      "corrupt",
      `artifact ${digest} is corrupt in ${this.root}: its ${found.bytes} bytes have the digest ${found.digest}; moved to ${aside}, store it again`,
    );
  }
}

/** What `copyFile` answers when blocks cannot be shared: not this file system, not across two, or not on this system. */
const NO_REFLINK = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOTTY", "ENOSYS", "EXDEV", "EINVAL", "EPERM"]);

/** Writes what the stream yields to a new file, and syncs it. */
async function copyIn(source: Readable, path: string): Promise<Digested> {
  const hash = createHash("sha256");
  const file = await open(path, "wx", 0o444);
  try {
    let bytes = 0;
    let failure: unknown;
    const write = async (chunks: AsyncIterable<Buffer>) => {
      bytes = await writeAt(file, chunks, 0, (chunk) => hash.update(chunk)).catch((error: unknown) => {
        failure = error;
        throw error;
      });
    };
    // Where the write fails with more to come, the pipeline's own error says only that it was aborted.
    await pipeline(source, write).catch((error: unknown) => {
      throw failure ?? error;
    });
    await file.sync();
    return { digest: `sha256:${hash.digest("hex")}` as Digest, bytes };
  } finally {
    await file.close();
  }
}

function notFound(digest: Digest, root: string): WeftError {
  return new WeftError("not_found", `artifact ${digest} is not in the store in ${root}`);
}

function diskFull(root: string, why: string, cause?: unknown): WeftError {
  const remedy = "free space there, or move the store to a larger disk";
  return new WeftError("disk_full", `the artifact store in ${root} cannot take more: ${why}; ${remedy}`, { cause });
}

async function bytesFree(folder: string): Promise<number> {
  const disk = await statfs(folder);
  return disk.bavail * disk.bsize;
}

async function makeFolders(root: string): Promise<void> {
  for (const name of ["sha256", "tmp", "corrupt"]) await mkdir(join(root, name), { recursive: true });
  // All prefixes at once, so that no write has to make, and sync, a folder.
  for (let prefix = 0; prefix < 256; prefix += 1) {
    await mkdir(join(root, "sha256", prefix.toString(16).padStart(2, "0")), { recursive: true });
  }
  await syncFolder(join(root, "sha256"));
  await syncFolder(root);
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (await isAbandoned(path, name)) await rm(path, { force: true, recursive: true });
  }
}

async function isAbandoned(path: string, name: string): Promise<boolean> {
  const match = /^(.*)\.(\d+)\.([0-9a-f]{8})\.\d+$/.exec(name);
  if (match?.[3] === INSTANCE) return false;
  if (match?.[1] === hostname() && (Number(match[2]) === process.pid || !isAlive(Number(match[2])))) return true;
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
  return Date.now() - mtimeMs > TEMP_AGE_MS_MAX;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errno(error) === "EPERM";
  }
}

async function syncAs(path: string, mode: number): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function errno(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? "";
}
