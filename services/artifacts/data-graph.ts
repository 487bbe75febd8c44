import type { Pool } from "pg";
import { resolveData } from "./data-store.ts";

interface DataNode {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What may be a source: neither an attempt nor a digest. */
const OUTSIDE = "strpos(walk.node, ':') > 0 and walk.node not like 'sha256:%' and walk.node not like 'dataset:%'";

/**
 * Data sets in the lineage graph (a GraphSource of services/lineage). A version and its bytes are one thing under two names, so that each leads to
 * the other in both directions; a version came from its source.
 */
export const dataGraph = {
  backward: `
    select v.node as next, 'version' as kind, v.name as name from data_versions v where v.digest = walk.node
    union all
    select v.digest, 'version', v.name from data_versions v where v.node = walk.node
    union all
    select v.source || case when v.source_version = '' then '' else '#' || v.source_version end, 'source', ''
      from data_versions v where v.node = walk.node and v.source <> ''`,
  forward: `
    select v.node as next, 'version' as kind, v.name as name from data_versions v where v.digest = walk.node
    union all
    select v.digest, 'version', v.name from data_versions v where v.node = walk.node
    union all
    select v.node, 'source', '' from data_versions v
     where ${OUTSIDE} and v.source <> '' and v.source = regexp_replace(walk.node, '#[^#]*$', '')
       and walk.node = v.source || case when v.source_version = '' then '' else '#' || v.source_version end`,
  describe: async (pool: Pool, ids: readonly string[]): Promise<DataNode[]> => {
    const { rows } = await pool.query<DataNode>({
      name: "data-nodes",
      text: `select node as id, 'dataset' as kind, name || '@' || version as label,
                    json_build_object('name', name, 'version', version, 'digest', digest, 'bytes', bytes, 'files', files, 'source', source,
                      'sourceVersion', source_version, 'message', message, 'addedBy', added_by, 'addedAtMs', added_at_ms) as facts
               from data_versions where node = any($1::text[])`,
      values: [ids],
    });
    return rows;
  },
  find: async (pool: Pool, text: string): Promise<string[]> => {
    const name = text.startsWith("dataset:") ? text.slice("dataset:".length) : text;
    const known = await pool.query("select 1 from data_versions where name = $1 limit 1", [name.split("@")[0]]);
    // A name alone might be another's id; whoever means the newest version of a data set says so.
    if (known.rows.length === 0 || (!name.includes("@") && name === text)) return byDigest(pool, text);
    const { name: found, version } = await resolveData(pool, name);
    return [`dataset:${found}@${version}`];
  },
};

async function byDigest(pool: Pool, text: string): Promise<string[]> {
  const { rows } = await pool.query<{ digest: string }>("select digest from data_versions where digest = $1 limit 1", [
    text,
  ]);
  return rows.map(({ digest }) => digest);
}
