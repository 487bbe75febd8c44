import type { Pool } from "pg";
import { describeError, WeftError } from "../lib/core/error.ts";
import type { Digest } from "../lib/core/ids.ts";
import { decodeTree, type TreeManifest } from "../lib/core/tree.ts";
import type { Records } from "./api/parts.ts";
import type { Log } from "../lib/log.ts";
import { formatDuration } from "../proto/units.ts";
import { cacheKey, type CacheKey, differences } from "./cache-key.ts";
import { expectResults, findCached, findLanes, forgetUnused, type LaneRow } from "./cache-store.ts";
import type { CacheAnswer, CacheRow, Lookup } from "./core/index.ts";

/** Manifests of submitted folders kept: some ten megabytes. */
const MANIFESTS_MAX = 50;
/** A task waits for the answer: rather run it than let it wait for a store that hangs. */
const ANSWER_MS_MAX = 10_000;
const FORGET_EVERY_MS = 3_600_000;

export interface CacheDeskParts {
  readonly pool: Pool;
  readonly records: Pick<Records, "openArtifact">;
  readonly now: () => number;
  readonly log: Log;
}

/** Finds out whether what is about to run has run before: some queries for however many instances. */
export class CacheDesk {
  readonly #parts: CacheDeskParts;
  readonly #manifests = new Map<Digest, Promise<TreeManifest>>();
  #forgotAtMs = 0;

  constructor(parts: CacheDeskParts) {
    this.#parts = parts;
  }

  /** One answer for each, in their order; never rejects. What could not be found out is run, and not kept. */
  async answer(lookups: readonly Lookup[]): Promise<CacheAnswer[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS_MAX} ms`)), ANSWER_MS_MAX);
    });
    try {
      return await Promise.race([this.#find(lookups), late]);
    } catch (error) {
      this.#parts.log.warn({ err: error, instances: lookups.length }, "the result cache could not be asked");
      const why = `the cache could not be asked: ${describeError(error)}`;
      return lookups.map((lookup) => answerTo(lookup, { key: null, why, hit: null }));
    } finally {
      clearTimeout(timer);
    }
  }

  async #find(lookups: readonly Lookup[]): Promise<CacheAnswer[]> {
    const { pool, now } = this.#parts;
    const keys = await Promise.all(lookups.map(async (lookup) => cacheKey(lookup, await this.#codeOf(lookup))));
    const [cached, lanes] = await Promise.all([
      findCached(
        pool,
        keys.map(({ key }) => key),
      ),
      findLanes(
        pool,
        keys.map(({ lane }) => lane),
      ),
    ]);
    const byKey = new Map(cached.map((row) => [row.key, row]));
    const byLane = new Map(lanes.map((row) => [row.lane, row]));
    const nowMs = now();
    const answers = lookups.map((lookup, i) => {
      const key = keys[i]!;
      const row = byKey.get(key.key);
      const isFresh = row && (lookup.ttlMs === 0 || row.madeAtMs > nowMs - lookup.ttlMs);
      if (isFresh) return answerTo(lookup, { key: key.key, why: "", hit: row });
      return answerTo(lookup, {
        key: key.key,
        why: whyMissed(lookup, key, row, byLane.get(key.lane), nowMs),
        hit: null,
      });
    });
    await expectResults(
      pool,
      keys.filter((_, i) => answers[i]!.hit === null),
      nowMs,
    );
    if (nowMs - this.#forgotAtMs > FORGET_EVERY_MS) {
      this.#forgotAtMs = nowMs;
      await forgetUnused(pool, nowMs);
    }
    return answers;
  }

  async #codeOf({ assignment: { code } }: Lookup): Promise<TreeManifest | null> {
    if (code === null) return null;
    let manifest = this.#manifests.get(code);
    if (!manifest) {
      manifest = this.#readManifest(code);
      if (this.#manifests.size >= MANIFESTS_MAX) this.#manifests.clear();
      this.#manifests.set(code, manifest);
      manifest.catch(() => this.#manifests.delete(code));
    }
    return manifest;
  }

  async #readManifest(digest: Digest): Promise<TreeManifest> {
    const parts: Uint8Array[] = [];
    for await (const part of await this.#parts.records.openArtifact(digest, 0)) parts.push(part);
    const manifest = decodeTree(Buffer.concat(parts).toString("utf8"));
    if (manifest) return manifest;
    throw new WeftError("corrupt", `${digest} is no manifest of a folder`);
  }
}

function answerTo({ assignment: { ref } }: Lookup, found: Pick<CacheAnswer, "key" | "why" | "hit">): CacheAnswer {
  return { job: ref.job, task: ref.task, index: ref.index, ...found };
}

function whyMissed(
  { ttlMs }: Lookup,
  key: CacheKey,
  old: CacheRow | undefined,
  last: LaneRow | undefined,
  nowMs: number,
): string {
  if (old) {
    const age = formatDuration(Math.round((nowMs - old.madeAtMs) / 1000) * 1000);
    return `miss: ${old.execution} made it ${age} before, and its time is ${formatDuration(ttlMs)}`;
  }
  if (!last) return "miss: no result of it is kept";
  return `miss: since ${last.execution} ${differences(last.parts, key.parts).join(", ")} changed`;
}
