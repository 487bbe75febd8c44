import type { GraphSource } from "../lineage/index.ts";
import { ARTIFACT_ROOT } from "./parts.ts";

/** What has neither is a run or a logged model, if it is one of ours at all: nothing is looked up for the many attempts and artifacts. */
const OURS = "strpos(walk.node, ':') = 0 and strpos(walk.node, '.') = 0";

/** Files behind our proxy of a run or logged model, by the folder that they lie in. */
const filesOf = (table: "runs" | "logged_models"): string => `
    select f.digest, 'file', substr(f.path, length(o.folder) + 2)
      from (select substr(artifact_uri, length('${ARTIFACT_ROOT}/') + 1) as folder from ${table}
             where ${OURS} and id = walk.node and artifact_uri like '${ARTIFACT_ROOT}/%') as o
      join tracked_files f on f.path ~>=~ (o.folder || '/') and f.path ~<~ (o.folder || '0')`;

/**
 * Tracked runs and logged models: a task's run came of its attempt and of the logged models it read; a logged model, and files, of their run; and the files
 * of a logged model of that.
 */
export const trackingGraph: GraphSource = {
  backward: `
    select r.attempt as next, 'run' as kind, '' as name from runs r where r.id = walk.node and r.attempt is not null
    union all
    select m.source_run_id, 'logged', m.name from logged_models m where m.id = walk.node and m.source_run_id is not null
    union all
    select split_part(f.path, '/', case when split_part(f.path, '/', 2) = 'models' then 3 else 2 end), 'file',
           split_part(f.path, '/artifacts/', 2)
      from tracked_files f where f.digest = walk.node
    union all
    select o.model, 'input', '' from runs r join run_models o on o.run = r.number and o.direction = 'input'
     where ${OURS} and r.id = walk.node`,
  forward: `
    select r.id as next, 'run' as kind, '' as name from runs r where r.attempt = walk.node
    union all ${filesOf("runs")}
    union all ${filesOf("logged_models")}
    union all
    select m.id, 'logged', m.name from runs r join run_models o on o.run = r.number and o.direction = 'output'
      join logged_models m on m.id = o.model where ${OURS} and r.id = walk.node
    union all
    select r.id, 'input', '' from run_models o join runs r on r.number = o.run
     where ${OURS} and o.model = walk.node and o.direction = 'input'`,
  describe: async (pool, ids) => {
    const { rows } = await pool.query<{ id: string; kind: string; label: string; facts: Record<string, unknown> }>({
      name: "tracking-nodes",
      text: `select id, 'run' as kind, name as label,
                    json_build_object('experiment', experiment::text, 'status', status, 'attempt', attempt,
                      'startedAtMs', start_ms, 'finishedAtMs', end_ms) as facts
               from runs where id = any($1::text[])
             union all
             select id, 'loggedModel', name, json_build_object('run', source_run_id, 'status', status, 'type', model_type)
               from logged_models where id = any($1::text[])`,
      values: [ids],
    });
    return rows;
  },
  find: async (pool, text) => {
    const { rows } = await pool.query<{ id: string }>({
      name: "tracking-find",
      text: `select id from runs where id = $1 union all select id from logged_models where id = $1
             union all (select digest from tracked_files where digest = $1 limit 1)`,
      values: [text.replace(/^(?:run:|runs:\/)/, "").replace(/^models:\/(?=m-)/, "")],
    });
    return rows.map(({ id }) => id);
  },
};
