import type { Pool } from "pg";
import type { GraphNode } from "../core/node.ts";
import type { GraphSource } from "../source.ts";
import { datasetNode, jobNode, parseMarquezNode } from "./core/node.ts";

/** A URI as it was read, and the one without its version: only then is anything looked up. */
const VERSIONED = "strpos(walk.node, '://') > 0 and strpos(walk.node, '#') > 0";
const PLAIN = "regexp_replace(walk.node, '#[^#]*$', '')";

/**
 * Jobs, runs and data sets that others told of. Their edges are links; here is what they are, and the one edge that nobody can have written down: from a
 * URI to a version of it that Weft itself read.
 */
export const openLineageSource: GraphSource = {
  backward: `
    select ${PLAIN} as next, 'version' as kind, '' as name
     where ${VERSIONED} and exists (select from openlineage_datasets d where d.node = ${PLAIN})
       and not exists (select from openlineage_versions v where v.node = walk.node)`,
  forward: `
    select v.source || '#' || v.source_version as next, 'version' as kind, '' as name from data_versions v
     where strpos(walk.node, '://') > 0 and v.source <> '' and v.source = walk.node and v.source_version <> ''
       and exists (select from openlineage_datasets d where d.node = walk.node)`,
  describe: async (pool, ids) => [...(await runs(pool, ids)), ...(await named(pool, ids))],
  find: async (pool, text) => {
    const parsed = parseMarquezNode(text);
    const node = parsed === undefined ? text : parsed.type === "job" ? jobNode(parsed) : datasetNode(parsed);
    const { rows } = await pool.query<{ id: string }>({
      name: "openlineage-find",
      text: `select id from openlineage_runs where id = $2
             union all select node from openlineage_jobs where node = any($1::text[])
             union all select node from openlineage_datasets where node = any($1::text[])
             union all select node from openlineage_versions where node = any($1::text[])`,
      values: [[...new Set([text, node])], text.toLowerCase()],
    });
    return rows.map(({ id }) => id);
  },
};

async function runs(pool: Pool, ids: readonly string[]): Promise<GraphNode[]> {
  const { rows } = await pool.query<GraphNode>({
    name: "openlineage-run-nodes",
    text: `select id, 'externalRun' as kind, name as label,
                  json_build_object('namespace', namespace, 'job', name, 'state', state, 'startedAtMs', started_ms, 'finishedAtMs', ended_ms) as facts
             from openlineage_runs where id = any($1::text[])`,
    values: [ids],
  });
  return rows;
}

async function named(pool: Pool, ids: readonly string[]): Promise<GraphNode[]> {
  const { rows } = await pool.query<GraphNode>({
    name: "openlineage-named-nodes",
    text: `select node as id, 'externalJob' as kind, name as label, json_build_object('namespace', namespace, 'name', name) as facts
             from openlineage_jobs where node = any($1::text[])
           union all
           select node, 'external', name, json_build_object('namespace', namespace, 'name', name)
             from openlineage_datasets where node = any($1::text[]) and node not like 'sha256:%'
           union all
           select v.node, 'external', d.name || '@' || v.version,
                  json_build_object('namespace', d.namespace, 'name', d.name, 'version', v.version, 'run', v.run)
             from openlineage_versions v join openlineage_datasets d on d.node = v.dataset
            where v.node = any($1::text[]) and v.node <> v.dataset and v.node not like 'sha256:%'`,
    values: [ids],
  });
  return rows;
}
