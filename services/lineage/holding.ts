import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import type { TreeFile } from "../../lib/core/tree.ts";
import { type ArtifactStore, filesWithin } from "../artifacts/index.ts";

export type Holding =
  | { readonly kind: "held" }
  /** `path`: of the first file of a folder that the store lacks; null: it lacks the artifact itself, or its bytes are others. */
  | { readonly kind: "missing"; readonly path: string | null };

const HELD: Holding = { kind: "held" };
/** Asked of the store at once: a bucket answers one request a digest. */
const ASKED = 1_000;
/** Folders whose files are in memory at once. */
const FOLDERS = 64;

/** Which artifacts the store has, with all their files where they are folders. Each digest is looked for once, however many ask. */
export class Holdings {
  readonly #store: ArtifactStore;
  readonly #artifacts = new Map<Digest, Holding>();
  /** Files of folders. */
  readonly #files = new Map<Digest, boolean>();

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  /** Looks for all of them; `of` says afterwards what was found. */
  async look(digests: Iterable<Digest>): Promise<void> {
    const fresh = [...new Set(digests)].filter((digest) => !this.#artifacts.has(digest));
    const there = new Map<Digest, boolean>();
    await this.#find(fresh, there);
    for (let at = 0; at < fresh.length; at += FOLDERS) {
      const some = fresh.slice(at, at + FOLDERS);
      const trees = await Promise.all(some.map(async (digest) => (there.get(digest) ? this.#within(digest) : "gone")));
      const files = trees.flatMap((tree) => (tree === "gone" ? [] : tree.map(({ digest }) => digest)));
      await this.#find(files, this.#files);
      some.forEach((digest, i) => {
        const tree = trees[i]!;
        const gone = tree === "gone" ? undefined : tree.find((file) => !this.#files.get(file.digest));
        const path = tree === "gone" ? null : gone?.path;
        this.#artifacts.set(digest, path === undefined ? HELD : { kind: "missing", path });
      });
    }
  }

  of(digest: Digest): Holding {
    const found = this.#artifacts.get(digest);
    if (found === undefined) throw new Error(`nobody has looked for ${digest}`);
    return found;
  }

  async #find(digests: readonly Digest[], into: Map<Digest, boolean>): Promise<void> {
    const fresh = [...new Set(digests)].filter((digest) => !into.has(digest));
    for (let at = 0; at < fresh.length; at += ASKED) {
      const some = fresh.slice(at, at + ASKED);
      const missing = new Set(await this.#store.missing(some));
      for (const digest of some) into.set(digest, !missing.has(digest));
    }
  }

  async #within(digest: Digest): Promise<readonly TreeFile[] | "gone"> {
    try {
      const found = await this.#store.stat(digest);
      return found === undefined ? "gone" : await filesWithin(this.#store, digest, found.bytes);
    } catch (error) {
      if (error instanceof WeftError && ["corrupt", "not_found"].includes(error.code)) return "gone";
      throw error;
    }
  }
}
