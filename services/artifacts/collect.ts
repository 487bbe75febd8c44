import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { GRACE_MS } from "./grace.ts";
import { filesWithin } from "./manifest.ts";
import type { ArtifactStore } from "./store.ts";
import { UPLOAD_AGE_MS_MAX } from "./upload.ts";

/** Some rows of who refers to what. "either": it is looked at whether it is a folder, and then keeps its files too. */
export type Referred = readonly { readonly digest: Digest; readonly kind: "file" | "tree" | "either" }[];

/** One component's references to artifacts: all of them, whatever they are of, in pages. What no component refers to is garbage. */
export interface ReferenceSource {
  /** For messages, e.g. "jobs". */
  readonly name: string;
  readonly pages: (pool: Pool) => AsyncIterable<Referred>;
}

export interface Collected {
  readonly dryRun: boolean;
  /** All that the store has. */
  readonly artifacts: number;
  readonly bytes: number;
  /** Of those, nobody refers to and older than the grace: removed, or with dryRun to be removed. */
  readonly garbage: number;
  readonly garbageBytes: number;
  /** Nobody refers to it yet, and it is too young to judge. */
  readonly young: number;
  /** Somebody refers to it, and the store does not have it. */
  readonly missing: number;
  /** Uploads given up. */
  readonly uploads: number;
  /** The first of the garbage, and of what is missing, for people to look at. */
  readonly garbageSample: readonly Digest[];
  readonly missingSample: readonly Digest[];
}

/** Of digests that are shown. */
const SAMPLE = 20;
/** Held in memory at the same time: manifests that are being read. */
const PARALLEL_READS = 4;
/** Any number: whoever collects holds it, so that two collections do not run at once. */
const LOCK = 7_120_331;

interface Parts {
  readonly pool: Pool;
  readonly store: ArtifactStore;
  readonly sources: readonly ReferenceSource[];
  readonly now: () => number;
}

/**
 * Removes what nobody refers to. Safe while others store and submit: what is stored, or was said to be there, within GRACE_MS is left, and
 * the references are read after the list of what is old. When a source cannot be read nothing is removed. `told` is called now and
 * then. Errors: `conflict` while another collection runs; those of the store and of Postgres.
 */
export async function collectGarbage(
  parts: Parts,
  dryRun: boolean,
  told: (what: string, count: number) => void,
): Promise<Collected> {
  const client = await parts.pool.connect();
  try {
    const { rows } = await client.query<{ held: boolean }>("select pg_try_advisory_lock($1) as held", [LOCK]);
    if (!rows[0]!.held) throw new WeftError("conflict", "another collection is running; wait for its end");
    try {
      return await collect(parts, dryRun, told);
    } finally {
      await client.query("select pg_advisory_unlock($1)", [LOCK]);
    }
  } finally {
    client.release();
  }
}

async function collect(
  { pool, store, sources, now }: Parts,
  dryRun: boolean,
  told: (what: string, count: number) => void,
): Promise<Collected> {
  const beforeMs = now() - GRACE_MS;
  const sizes = new Map<Digest, number>();
  const young = new Set<Digest>();
  for await (const { digest, bytes, atMs } of store.shelf.list()) {
    sizes.set(digest, bytes);
    if (atMs >= beforeMs) young.add(digest);
    if (sizes.size % 10_000 === 0) told("artifacts found", sizes.size);
  }
  const referred = await referredTo(pool, store, sources, sizes, told);
  const garbage = [...sizes.keys()].filter((digest) => !referred.has(digest));
  const missing = [...referred].filter((digest) => !sizes.has(digest));
  const old = garbage.filter((digest) => !young.has(digest));
  const gone: Digest[] = [];
  for (const digest of old) {
    if (dryRun || (await store.shelf.removeOlder(digest, beforeMs))) gone.push(digest);
    if (gone.length % 1_000 === 0) told(dryRun ? "to be removed" : "removed", gone.length);
  }
  // Stored, and referred to, after the list was made.
  const lost = missing.length === 0 ? [] : await store.missing(missing);
  const sum = (digests: Iterable<Digest>): number => [...digests].reduce((total, one) => total + sizes.get(one)!, 0);
  return {
    dryRun,
    artifacts: sizes.size,
    bytes: sum(sizes.keys()),
    garbage: gone.length,
    garbageBytes: sum(gone),
    young: garbage.length - old.length,
    missing: lost.length,
    uploads: dryRun ? 0 : await store.uploads.sweep(now() - UPLOAD_AGE_MS_MAX),
    garbageSample: gone.slice(0, SAMPLE),
    missingSample: lost.slice(0, SAMPLE),
  };
}

/** All digests that anybody refers to, the files of folders among them. */
async function referredTo(
  pool: Pool,
  store: ArtifactStore,
  sources: readonly ReferenceSource[],
  sizes: ReadonlyMap<Digest, number>,
  told: (what: string, count: number) => void,
): Promise<Set<Digest>> {
  const referred = new Set<Digest>();
  const looked = new Set<Digest>();
  for (const source of sources) {
    for await (const page of source.pages(pool)) {
      for (const { digest } of page) referred.add(digest);
      // A folder that is gone has no files to keep.
      const folders = page.filter(({ digest, kind }) => kind !== "file" && !looked.has(digest) && sizes.has(digest));
      for (const { digest } of folders) looked.add(digest);
      const lane = async (): Promise<void> => {
        for (let one = folders.pop(); one !== undefined; one = folders.pop()) {
          // A manifest that is corrupt ends it all: nobody knows then what to keep.
          for (const file of await filesWithin(store, one.digest, sizes.get(one.digest)!)) referred.add(file.digest);
        }
      };
      await Promise.all(Array.from({ length: PARALLEL_READS }, lane));
      told(`references of ${source.name} read`, referred.size);
    }
  }
  return referred;
}
