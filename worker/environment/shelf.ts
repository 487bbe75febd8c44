import { lutimesSync, lstatSync, readdirSync, readFileSync, readlinkSync, renameSync, unlinkSync } from "node:fs";
import { appendFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../../lib/core/ids.ts";
import { AttemptStopped } from "./failure.ts";
import { fingerprint, makeReadOnly, type Fingerprint } from "./fingerprint.ts";

/** Of built environments together: a few with a deep-learning framework in them, and far from filling a machine's disk. */
export const SHELF_BYTES_MAX = 20 * 2 ** 30;
/** One that nobody has used for so long is of a lock file that has changed since. */
const AGE_MS_MAX = 30 * 86_400_000;
/** An environment is compared with what was built at most this often. */
const CHECK_MS = 10_000;
/** What was built, as it was then; the last thing to be written. */
const RECORD = "weft.json";

interface Built {
  readonly folder: string;
  readonly fingerprint: Fingerprint;
  usedAtMs: number;
  checkedNowMs: number;
}

/**
 * The environments that are built on this machine, shared by attempts:
 *
 *   <dir>/<hex of the digest>        a link to the folder that holds it; an environment without it is not there
 *   <dir>/<hex of the digest>.<n>/   where it was built, and stays: programs in it name their own place
 *
 * Each is built once, by whoever wants it first, while the others wait. Its files are read-only; root may write nevertheless, and anybody of
 * the same user add some, so one is looked at before it is used, and built anew when it is not as it was. What is pinned stays; the rest goes when it
 * was not used for AGE_MS_MAX, and, least recently used first, when all have more than `bytesMax`.
 */
export class Shelf {
  readonly #dir: string;
  readonly #bytesMax: number;
  readonly #ageMsMax: number;
  readonly #built = new Map<Digest, Built>();
  /** Folders that no link leads to: left half built, or replaced while in use. */
  readonly #retired = new Map<string, Digest>();
  readonly #pending = new Map<Digest, Promise<void>>();
  readonly #pins = new Map<Digest, number>();
  #made = 0;

  constructor(dir: string, bytesMax: number, ageMsMax: number) {
    this.#dir = dir;
    this.#bytesMax = bytesMax;
    this.#ageMsMax = ageMsMax;
  }

  /** What half-built environments an earlier agent has left goes with `sweep`, once all that is in use is pinned. */
  static async open(dir: string, bytesMax = SHELF_BYTES_MAX, ageMsMax = AGE_MS_MAX): Promise<Shelf> {
    await mkdir(dir, { recursive: true });
    const shelf = new Shelf(dir, bytesMax, ageMsMax);
    shelf.#load();
    return shelf;
  }

  pin(digest: Digest): void {
    this.#pins.set(digest, (this.#pins.get(digest) ?? 0) + 1);
  }

  unpin(digest: Digest): void {
    const pins = (this.#pins.get(digest) ?? 0) - 1;
    if (pins > 0) this.#pins.set(digest, pins);
    else this.#pins.delete(digest);
    if (pins <= 0 && this.#bytes() > this.#bytesMax) this.#sweepSoon();
  }

  /**
   * The folder of the environment, which the caller has pinned; `build` fills it if it is not there. What is to be said
   * about it goes to the file `stderr`. Errors: those of `build`; errno.
   */
  async provide(
    digest: Digest,
    build: (folder: string) => Promise<void>,
    options: { readonly signal: AbortSignal; readonly stderr: string },
  ): Promise<string> {
    for (;;) {
      try {
        await this.#once(digest, () => this.#make(digest, build, options.stderr));
        break;
      } catch (error) {
        // Another attempt may have begun the build and be stopped in the middle of it; then it is begun again.
        if (!(error instanceof AttemptStopped) || options.signal.aborted) throw error;
      }
    }
    const built = this.#built.get(digest)!;
    built.usedAtMs = Date.now();
    const now = new Date(built.usedAtMs);
    lutimesSync(this.#link(digest), now, now);
    return built.folder;
  }

  /** Removes what nobody uses: too old, too much, or left over. */
  async sweep(): Promise<void> {
    const oldestMs = Date.now() - this.#ageMsMax;
    let bytes = this.#bytes();
    for (const [digest, built] of [...this.#built].toSorted(([, a], [, b]) => a.usedAtMs - b.usedAtMs)) {
      if (bytes <= this.#bytesMax && built.usedAtMs >= oldestMs) continue;
      if (this.#inUse(digest)) continue;
      bytes -= built.fingerprint.bytes;
      this.#retire(digest, built);
    }
    for (const [folder, digest] of this.#retired) {
      if (!this.#inUse(digest)) await this.#remove(folder);
    }
  }

  #inUse(digest: Digest): boolean {
    return this.#pins.has(digest) || this.#pending.has(digest);
  }

  #once(digest: Digest, make: () => Promise<void>): Promise<void> {
    const running = this.#pending.get(digest);
    if (running) return running;
    const made = make().finally(() => this.#pending.delete(digest));
    this.#pending.set(digest, made);
    return made;
  }

  async #make(digest: Digest, build: (folder: string) => Promise<void>, stderr: string): Promise<void> {
    const before = this.#built.get(digest);
    if (before && (await this.#isWhole(before))) return;
    if (before) {
      const words = "is not as it was built: somebody wrote into it, or its interpreter is gone; it is built again";
      await appendFile(stderr, `weft: the shared environment ${before.folder} ${words}\n`);
      this.#retire(digest, before);
    }
    const folder = `${this.#link(digest)}.${(this.#made += 1)}`;
    this.#retired.set(folder, digest);
    try {
      await mkdir(folder);
      await build(folder);
      await makeReadOnly(folder);
      const built = {
        folder,
        fingerprint: await fingerprint(folder),
        usedAtMs: Date.now(),
        checkedNowMs: performance.now(),
      };
      await writeFile(`${folder}.${RECORD}`, JSON.stringify(built.fingerprint));
      // From here on it is there.
      await symlink(folder, this.#link(digest));
      this.#retired.delete(folder);
      this.#built.set(digest, built);
    } catch (error) {
      await this.#remove(folder);
      throw error;
    }
    this.#sweepSoon();
  }

  /** Nobody waits for it; what it cannot remove now, the next one may. */
  #sweepSoon(): void {
    this.sweep().catch(() => {});
  }

  #bytes(): number {
    return [...this.#built.values()].reduce((sum, built) => sum + built.fingerprint.bytes, 0);
  }

  async #isWhole(built: Built): Promise<boolean> {
    if (performance.now() - built.checkedNowMs < CHECK_MS) return true;
    try {
      if ((await fingerprint(built.folder)).digest !== built.fingerprint.digest) return false;
    } catch {
      return false;
    }
    built.checkedNowMs = performance.now();
    return true;
  }

  /** From here on it is not there; its folder goes when nobody is in it. */
  #retire(digest: Digest, { folder }: Built): void {
    unlinkSync(this.#link(digest));
    this.#built.delete(digest);
    this.#retired.set(folder, digest);
  }

  async #remove(folder: string): Promise<void> {
    try {
      await rm(folder, { recursive: true, force: true });
      await rm(`${folder}.${RECORD}`, { force: true });
      this.#retired.delete(folder);
    } catch {
      // Whoever was building in it when the agent was killed writes on in there. Then the next sweep gets it.
    }
  }

  #link(digest: Digest): string {
    return join(this.#dir, digest.slice("sha256:".length));
  }

  #load(): void {
    const names = readdirSync(this.#dir);
    for (const name of names) {
      const [, hex, number, record] = /^([0-9a-f]{64})(?:\.(\d+)(\.weft\.json)?)?$/.exec(name) ?? [];
      const digest = `sha256:${hex}` as Digest;
      const path = join(this.#dir, name);
      this.#made = Math.max(this.#made, Number(number ?? 0));
      if (record !== undefined) continue;
      if (number !== undefined) this.#retired.set(path, digest);
    }
    for (const hex of names.filter((name) => /^[0-9a-f]{64}$/.test(name))) {
      const path = join(this.#dir, hex);
      try {
        const folder = readlinkSync(path);
        const record = JSON.parse(readFileSync(`${folder}.${RECORD}`, "utf8")) as Fingerprint;
        const usedAtMs = lstatSync(path).mtimeMs;
        this.#built.set(`sha256:${hex}` as Digest, { folder, fingerprint: record, usedAtMs, checkedNowMs: -Infinity });
        this.#retired.delete(folder);
      } catch {
        // A folder of an earlier version, or a link without a record after a crash of the machine.
        if (lstatSync(path).isSymbolicLink()) unlinkSync(path);
        else {
          renameSync(path, `${path}.${(this.#made += 1)}`);
          this.#retired.set(`${path}.${this.#made}`, `sha256:${hex}` as Digest);
        }
      }
    }
  }
}
