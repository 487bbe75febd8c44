import type { Pool } from "pg";
import { isDigest } from "../../lib/core/ids.ts";
import { parseExecutionName } from "./core/execution-name.ts";
import type { GraphNode } from "./core/node.ts";
import type { GraphSource } from "./source.ts";

/** Of a job that is named as a whole; more are told as truncated. */
const ROOTS_MAX = 10_000;

/** The edge to what an attempt ran: the submitted folder is the input of that name. */
const KIND = `case when e.name = 'code' and e.direction = 'input' then 'code' else e.direction end`;
/** Attempts of the job in view that wrote the artifact. */
const OF_JOB = `from edges e
  where walk.job <> '' and e.digest = walk.node and e.direction = 'output'
    and e.execution ~>=~ (walk.job || '.') and e.execution ~<~ (walk.job || '/')`;

/** Attempts and artifacts, from their compact rows. */
export const attemptSource: GraphSource = {
  // Equal bytes may have been made by any number of attempts; what a job read was made in the job, or else first made by the producer.
  backward: `
    select e.digest as next, ${KIND} as kind, e.name as name from edges e
     where e.execution = walk.node and e.direction = 'input'
    union all
    select x.environment_digest, 'environment', '' from executions x
     where x.id = walk.node and x.environment_digest is not null
    union all
    select e.execution, 'output', e.name ${OF_JOB}
    union all
    select a.producer, 'output', '' from artifacts a
     where a.digest = walk.node and a.producer is not null and not exists (select ${OF_JOB})`,
  forward: `
    select e.execution as next, ${KIND} as kind, e.name as name from edges e
     where e.digest = walk.node and e.direction = 'input'
    union all
    select x.id, 'environment', '' from executions x where x.environment_digest = walk.node
    union all
    select e.digest, 'output', e.name from edges e where e.execution = walk.node and e.direction = 'output'`,
  describe: async (pool, ids) => [...(await executionNodes(pool, ids)), ...(await artifactNodes(pool, ids))],
  find: async (pool, text) => {
    if (/^[0-9a-f]{64}$/.test(text)) return findArtifact(pool, `sha256:${text}`);
    if (text.startsWith("sha256:")) return findArtifact(pool, text);
    return findExecutions(pool, text);
  },
};

async function findExecutions(pool: Pool, text: string): Promise<string[]> {
  const name = parseExecutionName(text);
  if (name === undefined) return [];
  const { job, task, index, attempt } = name;
  const { rows } = await pool.query<{ id: string }>({
    name: "lineage-find-executions",
    text: `select id from executions
            where job_id = $1 and ($2::text is null or task = $2) and ($3::int is null or index = $3)
              and ($4::int is null or attempt = $4)
            order by task, index, attempt limit ${ROOTS_MAX}`,
    values: [job, task ?? null, index ?? null, attempt ?? null],
  });
  return rows.map(({ id }) => id);
}

async function findArtifact(pool: Pool, text: string): Promise<string[]> {
  if (!isDigest(text)) return [];
  const { rows } = await pool.query({
    name: "lineage-find-artifact",
    text: `select 1 where exists (select from artifacts where digest = $1)
              or exists (select from executions where environment_digest = $1)`,
    values: [text],
  });
  return rows.length === 0 ? [] : [text];
}

async function executionNodes(pool: Pool, ids: readonly string[]): Promise<GraphNode[]> {
  const { rows } = await pool.query<{ id: string; label: string; facts: Record<string, unknown> }>({
    name: "lineage-execution-nodes",
    text: `select id, task || case when index = 0 then '' else '[' || index || ']' end || ' of ' || job_id as label,
                  json_build_object('job', job_id, 'task', task, 'index', index, 'attempt', attempt, 'state', state,
                    'node', node, 'gpuUuids', gpu_uuids, 'commit', code_commit, 'dirty', code_dirty, 'params', params, 'map', map,
                    'startedAtMs', started_at_ms, 'finishedAtMs', finished_at_ms) as facts
             from executions where id = any($1::text[])`,
    values: [ids],
  });
  return rows.map((row) => ({ ...row, kind: "execution" }));
}

async function artifactNodes(pool: Pool, ids: readonly string[]): Promise<GraphNode[]> {
  const { rows } = await pool.query<{ id: string; facts: Record<string, unknown> }>({
    name: "lineage-artifact-nodes",
    text: `select digest as id, json_build_object('type', kind, 'bytes', bytes, 'producer', producer) as facts
             from artifacts where digest = any($1::text[])`,
    values: [ids],
  });
  return rows.map(({ id, facts }) => ({ id, kind: "artifact", label: shortDigest(id), facts }));
}

/** "sha256:" and 12 digits: enough to tell apart. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 19);
}
