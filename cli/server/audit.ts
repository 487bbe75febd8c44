import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { type ArtifactStore, filesWithin } from "../../services/artifacts/index.ts";

/** One thing that a model's version rests on. */
export interface Pin {
  readonly kind: "model" | "code" | "data";
  /** Null: nothing is recorded. */
  readonly id: string | null;
  /** there: its bytes are in the store; absent: they are not, or not all; unknown: nothing is recorded, or it is not kept here. */
  readonly state: "there" | "absent" | "unknown";
}

export interface Audit {
  readonly models: readonly { readonly name: string; readonly version: number; readonly pins: readonly Pin[] }[];
  /** Pins that are absent, over all models. */
  readonly missing: number;
}

/** A version with what its run's attempt read: code, and inputs. */
const VERSIONS = `
  select m.name, v.version, v.digest as model, x.code_digest as code,
         array(select distinct e.digest from edges e where e.execution = x.id and e.direction = 'input' and e.name <> 'code') as data
    from model_versions v
    join registered_models m on m.id = v.model
    left join runs r on r.id = v.run_id
    left join executions x on x.id = r.attempt
   where v.deleted_ms is null and m.deleted_ms is null
   order by m.name, v.version`;

interface Row {
  readonly name: string;
  readonly version: number;
  readonly model: Digest | null;
  readonly code: Digest | null;
  readonly data: readonly Digest[];
}

/** Whether the bytes of all that each registered version rests on are in the store, the files of folders among them. */
export async function audit(pool: Pool, store: ArtifactStore): Promise<Audit> {
  const { rows } = await pool.query<Row>(VERSIONS);
  const seen = new Map<Digest, Promise<Pin["state"]>>();
  const stateOf = (digest: Digest): Promise<Pin["state"]> => {
    const known = seen.get(digest) ?? whole(store, digest);
    seen.set(digest, known);
    return known;
  };
  const models = [];
  for (const { name, version, model, code, data } of rows) {
    const pins: Pin[] = [];
    for (const [kind, id] of [["model", model], ["code", code], ...data.map((one) => ["data", one] as const)] as const)
      pins.push({ kind, id, state: id === null ? "unknown" : await stateOf(id) });
    models.push({ name, version, pins });
  }
  const missing = models.flatMap(({ pins }) => pins).filter(({ state }) => state === "absent").length;
  return { models, missing };
}

async function whole(store: ArtifactStore, digest: Digest): Promise<"there" | "absent"> {
  const found = await store.stat(digest);
  if (found === undefined) return "absent";
  try {
    const files = await filesWithin(store, digest, found.bytes);
    return (await store.missing(files.map((file) => file.digest))).length === 0 ? "there" : "absent";
  } catch (error) {
    if (error instanceof WeftError && ["corrupt", "not_found"].includes(error.code)) return "absent";
    throw error;
  }
}
