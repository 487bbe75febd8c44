import type { Pool, PoolClient } from "pg";
import type { AttemptKey, Digest } from "../../lib/core/ids.ts";
import { CODE_EDGE } from "./core/graph.ts";

/** An artifact that an attempt read or wrote. */
export interface AttemptEdge {
  readonly execution: AttemptKey;
  readonly direction: "input" | "output";
  /** Of the input or output. */
  readonly name: string;
  readonly digest: Digest;
  readonly kind: "file" | "tree";
  /** Null: it came from outside, and nobody has counted. */
  readonly bytes: number | null;
  /** Null: it came from outside. */
  readonly producer: AttemptKey | null;
}

/** What these attempts read, without their code, and wrote: of each and each way the first `limit`, by name. */
export async function attemptEdges(
  client: Pool | PoolClient,
  attempts: readonly AttemptKey[],
  limit: number,
): Promise<AttemptEdge[]> {
  const { rows } = await client.query<{ row: AttemptEdge }>({
    name: "lineage-attempt-edges",
    text: `select json_build_object('execution', x.id, 'direction', g.direction, 'name', g.name, 'digest', g.digest,
                                    'kind', coalesce(a.kind, 'file'), 'bytes', a.bytes, 'producer', a.producer) as row
             from unnest($1::text[]) as x(id), unnest(array['input', 'output']) as way(direction),
                  lateral (select direction, name, digest from edges
                            where execution = x.id and direction = way.direction
                              and not (direction = 'input' and name = '${CODE_EDGE}')
                            order by name, digest limit $2) as g
             left join artifacts a on a.digest = g.digest`,
    values: [attempts, limit],
  });
  return rows.map(({ row }) => row);
}
