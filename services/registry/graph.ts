import { isDigest } from "../../lib/core/ids.ts";
import type { GraphSource } from "../lineage/index.ts";

const NODE = `'model:' || m.name || '/' || v.version`;
/** The version that a node names: a name holds no slash. */
const NAMED = `registered_models m join model_versions v on v.model = m.id
  where walk.node like 'model:%' and m.deleted_ms is null and m.name = split_part(substr(walk.node, 7), '/', 1)
    and v.version::text = split_part(walk.node, '/', 2)`;

/** A model that was deleted gives its name, and so its nodes, to one that is made again. */
const KEEPS_NAME = `(m.deleted_ms is null or not exists (select from registered_models n where n.name = m.name and n.deleted_ms is null))`;

/** Versions of models: of the run and the logged model that made them, and of their bytes. */
export const registryGraph: GraphSource = {
  backward: `
    select v.run_id as next, 'registered' as kind, '' as name from ${NAMED} and v.run_id <> ''
    union all
    select v.model_id, 'registered', '' from ${NAMED} and v.model_id <> ''
    union all
    select v.digest, 'version', '' from ${NAMED} and v.digest is not null`,
  forward: `
    select ${NODE} as next, 'registered' as kind, '' as name from model_versions v join registered_models m on m.id = v.model
     where v.run_id = walk.node and v.run_id <> '' and ${KEEPS_NAME}
    union all
    select ${NODE}, 'version', '' from model_versions v join registered_models m on m.id = v.model
     where v.digest = walk.node and ${KEEPS_NAME}`,
  describe: async (pool, ids) => {
    const { rows } = await pool.query<{ id: string; label: string; facts: Record<string, unknown> }>(
      `select ${NODE} as id, m.name || '/' || v.version as label,
              json_build_object('name', m.name, 'version', v.version, 'digest', v.digest, 'run', v.run_id, 'stage', v.stage, 'createdMs', v.created_ms,
                'deleted', v.deleted_ms is not null) as facts
         from unnest($1::text[]) as walk(node), registered_models m join model_versions v on v.model = m.id
        where walk.node like 'model:%' and m.name = split_part(substr(walk.node, 7), '/', 1)
          and v.version::text = split_part(walk.node, '/', 2) and ${KEEPS_NAME}`,
      [ids],
    );
    return rows.map((row) => ({ ...row, kind: "model" }));
  },
  find: async (pool, text) => {
    if (isDigest(text)) {
      const { rows } = await pool.query("select from model_versions where digest = $1 limit 1", [text]);
      return rows.length === 0 ? [] : [text];
    }
    const match = /^(?:models:\/|model:)?([^/@]+)(?:[/@])([^/@]+)$/.exec(text);
    if (match === null) return [];
    const { rows } = await pool.query<{ id: string }>(
      `select ${NODE} as id from registered_models m join model_versions v on v.model = m.id
        where m.deleted_ms is null and m.name = $1
          and (v.version::text = $2 or v.version = (select a.version from model_aliases a where a.model = m.id and a.alias = $2))`,
      [match[1], match[2]],
    );
    return rows.map(({ id }) => id);
  },
};
