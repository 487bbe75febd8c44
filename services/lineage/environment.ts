import { posix } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import type { Environment } from "../../lib/core/pipeline/spec.ts";
import type { TreeFile } from "../../lib/core/tree.ts";
import { type ArtifactStore, readArtifact, readManifest } from "../artifacts/index.ts";
import { type Locked, readLock } from "./core/lock.ts";

/** By `job.task`: the environments that those tasks ask for. Injected: pipelines are the scheduler's. */
export type FindEnvironments = (
  tasks: readonly { readonly job: string; readonly task: string }[],
) => Promise<ReadonlyMap<string, Environment>>;

/** Of a lock file, and of one that it includes. */
const LOCK_BYTES_MAX = 8 * 2 ** 20;
const INCLUDED_FILES_MAX = 20;

export interface LockFacts extends Locked {
  /** The lock file, then those that it includes. */
  readonly files: readonly Pick<TreeFile, "path" | "digest">[];
  /** Files that are named and not there: no such path in the submitted folder, or no bytes in the store. */
  readonly missing: readonly string[];
}

/** The files of submitted folders and what is in them, each read once for as long as it lives: one question. */
export class CodeReader {
  readonly #store: ArtifactStore;
  readonly #trees = new Map<Digest, Promise<readonly TreeFile[] | undefined>>();
  readonly #locks = new Map<string, Promise<LockFacts>>();

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  /** Undefined: the store does not have it, or has other bytes. */
  files(code: Digest): Promise<readonly TreeFile[] | undefined> {
    const known = this.#trees.get(code) ?? unlessGone(readManifest(this.#store, code).then((tree) => tree.files));
    this.#trees.set(code, known);
    return known;
  }

  lock(code: Digest, path: string): Promise<LockFacts> {
    const key = `${code} ${path}`;
    const known = this.#locks.get(key) ?? this.#readLock(code, path);
    this.#locks.set(key, known);
    return known;
  }

  async #readLock(code: Digest, path: string): Promise<LockFacts> {
    const tree = new Map((await this.files(code))?.map((file) => [file.path, file]));
    const paths = [path];
    const facts = { files: [] as TreeFile[], missing: [] as string[], loose: [] as string[], packages: new Map() };
    for (let i = 0; i < Math.min(paths.length, INCLUDED_FILES_MAX); i += 1) {
      const file = tree.get(paths[i]!);
      const text = file && (await unlessGone(readArtifact(this.#store, file.digest, LOCK_BYTES_MAX)));
      if (file !== undefined) facts.files.push(file);
      if (text === undefined) {
        facts.missing.push(paths[i]!);
        continue;
      }
      const locked = readLock(paths[i]!, text.toString("utf8"));
      for (const [name, version] of locked.packages) facts.packages.set(name, version);
      facts.loose.push(...locked.loose);
      const included = locked.includes.map((one) => posix.join(posix.dirname(paths[i]!), one));
      paths.push(...included.filter((one) => !paths.includes(one)));
    }
    return { ...facts, includes: paths.slice(1) };
  }
}

/** Undefined where the store does not have the bytes, or has others. */
async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof WeftError && ["not_found", "corrupt", "invalid", "too_large"].includes(error.code))
      return undefined;
    throw error;
  }
}
