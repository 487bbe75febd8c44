import type { GraphSource } from "../lineage/index.ts";

/** Tracked runs and logged models: a task's run came of its attempt, a logged model of its run, and a file of a run leads to the run. */
export const trackingGraph: GraphSource = {
  backward: `
    select r.attempt as next, 'run' as kind, '' as name from runs r where r.id = walk.node and r.attempt is not null
    union all
    select m.source_run_id, 'logged', m.name from logged_models m where m.id = walk.node and m.source_run_id is not null
    union all
    select split_part(f.path, '/', case when split_part(f.path, '/', 2) = 'models' then 3 else 2 end), 'file',
           split_part(f.path, '/artifacts/', 2)
      from tracked_files f where f.digest = walk.node`,
  forward: `
    select r.id as next, 'run' as kind, '' as name from runs r where r.attempt = walk.node`,
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
      text: "select id from runs where id = $1 union all select id from logged_models where id = $1",
      values: [text.replace(/^(?:run:|runs:\/)/, "").replace(/^models:\/(?=m-)/, "")],
    });
    return rows.map(({ id }) => id);
  },
};
