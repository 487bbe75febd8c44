import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fetchInto, type ArtifactClient } from "../lib/artifacts.ts";
import { openStore, type Store } from "../lib/cas.ts";
import { type ErrorCode, WeftError } from "../lib/core/error.ts";
import type { Digest } from "../lib/core/ids.ts";

/** Of code and inputs together: a few models, and far from filling a machine's disk. */
export const CACHE_BYTES_MAX = 20 * 2 ** 30;
/** How long code, inputs and outputs wait for a store that does not answer: longer than any restart, shorter than a night. */
export const STORE_WAIT_MS_MAX = 10 * 60_000;
/** Fetched at the same time, by all attempts together. */
const PARALLEL_FETCHES = 4;
const STORE_PAUSE_MS = 500;

/** `usedAtMs` orders them for eviction. */
interface Entry {
  readonly path: string;
  readonly bytes: number;
  usedAtMs: number;
  pins: number;
}

/**
 * Content on this machine, shared by attempts: <dir>/sha256/… (see lib/cas.ts). What is pinned is never evicted;
 * everything else goes, least recently used first, when the limit is passed.
 */
export class Cache {
  readonly store: Store;
  readonly #artifacts: ArtifactClient;
  readonly #bytesMax: number;
  readonly #entries = new Map<Digest, Entry>();
  readonly #pending = new Map<Digest, Promise<void>>();
  readonly #lanes: (() => void)[] = [];
  #bytes = 0;
  #fetching = 0;

  constructor(store: Store, artifacts: ArtifactClient, bytesMax: number) {
    this.store = store;
    this.#artifacts = artifacts;
    this.#bytesMax = bytesMax;
  }

  static async open(dir: string, artifacts: ArtifactClient, bytesMax: number): Promise<Cache> {
    const cache = new Cache(await openStore(dir), artifacts, bytesMax);
    await cache.#load();
    return cache;
  }

  /** Keeps the digest, there or to come, until as many `unpin`s. */
  pin(digest: Digest): void {
    this.#entry(digest).pins += 1;
  }

  unpin(digest: Digest): void {
    this.#entry(digest).pins -= 1;
  }

  /** Has the files of these digests when it returns; the caller has pinned them. Errors as those of ArtifactClient.open. */
  async fetch(digests: Iterable<Digest>): Promise<void> {
    await Promise.all([...new Set(digests)].map((digest) => this.#once(digest, () => this.#fetch(digest))));
  }

  /** Counts in what was put into its store directly, and pinned since; false: it was evicted before it was pinned. */
  async take(digest: Digest): Promise<boolean> {
    const found = await this.store.stat(digest);
    if (found) await this.#keep(digest, this.store.path(digest), found.bytes);
    return found !== undefined;
  }

  /** Runs `make` unless it is running for this digest already; everyone gets its end. */
  #once(digest: Digest, make: () => Promise<void>): Promise<void> {
    const running = this.#pending.get(digest);
    if (running) return running;
    const made = make().finally(() => this.#pending.delete(digest));
    this.#pending.set(digest, made);
    return made;
  }

  /** Something of this size lies at `path` now; may evict others. */
  async #keep(digest: Digest, path: string, bytes: number): Promise<void> {
    const before = this.#entry(digest);
    this.#bytes += bytes - before.bytes;
    this.#entries.set(digest, { path, bytes, usedAtMs: Date.now(), pins: before.pins });
    await this.#evict();
  }

  async #fetch(digest: Digest): Promise<void> {
    const entry = this.#entry(digest);
    entry.usedAtMs = Date.now();
    if (entry.path !== "" && (await this.store.stat(digest))) return;
    while (this.#fetching >= PARALLEL_FETCHES) await new Promise<void>((resolve) => this.#lanes.push(resolve));
    this.#fetching += 1;
    try {
      await fetchInto(this.store, this.#artifacts, digest);
    } finally {
      this.#fetching -= 1;
      this.#lanes.shift()?.();
    }
    const bytes = (await this.store.stat(digest))?.bytes ?? 0;
    await this.#keep(digest, this.store.path(digest), bytes);
  }

  #entry(digest: Digest): Entry {
    let entry = this.#entries.get(digest);
    if (!entry) {
      entry = { path: "", bytes: 0, usedAtMs: Date.now(), pins: 0 };
      this.#entries.set(digest, entry);
    }
    return entry;
  }

  async #evict(): Promise<void> {
    if (this.#bytes <= this.#bytesMax) return;
    const idle = [...this.#entries].filter(([digest, entry]) => entry.pins <= 0 && !this.#pending.has(digest));
    for (const [digest, entry] of idle.toSorted(([, a], [, b]) => a.usedAtMs - b.usedAtMs)) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#entries.delete(digest);
      this.#bytes -= entry.bytes;
      if (entry.path !== "") await rm(entry.path, { recursive: true, force: true });
    }
  }

  /** What is there from before, by the time it was written. */
  async #load(): Promise<void> {
    const root = join(this.store.root, "sha256");
    for (const prefix of await readdir(root)) {
      for (const hex of await readdir(join(root, prefix))) await this.#found(hex, join(root, prefix, hex));
    }
  }

  async #found(hex: string, path: string): Promise<void> {
    const { size, mtimeMs } = await stat(path);
    this.#entries.set(`sha256:${hex}` as Digest, { path, bytes: size, usedAtMs: mtimeMs, pins: 0 });
    this.#bytes += size;
  }
}

/** Tries again while the store fails with one of `codes`, until `waitMsMax` have passed or the signal says stop. */
export async function patiently<T>(
  waitMsMax: number,
  signal: AbortSignal,
  work: () => Promise<T>,
  codes: readonly ErrorCode[] = ["unavailable"],
): Promise<T> {
  const deadlineMs = performance.now() + waitMsMax;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await unlessAborted(signal, work());
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof WeftError && codes.includes(error.code)) || performance.now() > deadlineMs) throw error;
    }
    await delay(STORE_PAUSE_MS, undefined, { signal });
  }
}

/** Fails at once when the signal comes; the work itself goes on and its end is of no interest. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        onAbort = () => reject(signal.reason as Error);
        signal.addEventListener("abort", onAbort, { once: true });
      }),
    ]);
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
    work.catch(() => {});
  }
}
