import pg, { type Pool } from "pg";
import { openDatabase } from "../../lib/db.ts";
import { migrate } from "../../lib/db-migrate.ts";
import { digestBytes } from "../../lib/digest.ts";
import { silentLog } from "../../lib/log.ts";
import { GRAPH } from "../../cli/server/records.ts";
import { type Direction, walkGraph } from "../../services/lineage/index.ts";
import { type Figure, figure, type Row } from "../figure.ts";
import { median, sample } from "../sample.ts";

const JOBS = 10_000;
/** Each job reads what the one before it in its chain made. */
const CHAIN = 50;
const SAMPLES = 5;

/**
 * 10,000 jobs of ten attempts with ten edges each, a million in all: extract (code, seven of a thousand shared files, and the last result of the job
 * before it), eight trainings of its table, and a choice among their models. Code changes every hundred jobs.
 */
const EDGES = `
  with attempts as (
    select 'job' || lpad(j::text, 6, '0') as job, j, k,
           case when k = 0 then 'extract' when k = 9 then 'best' else 'train' end as task,
           case when k between 1 and 8 then k - 1 else 0 end as index
      from generate_series(0, ${JOBS - 1}) as j, generate_series(0, 9) as k
  ), named as (select *, job || '.' || task || '.' || index || '.1' as id from attempts)
  select id as execution, 'input' as direction, 'code' as name, 'code' || j / 100 as digest from named
  union all
  select id, 'input', 'file' || f, 'shared' || (j * 31 + f * 7 + k) % 1000 from named, generate_series(0, 6) as f where k < 9
  union all
  select id, 'input', 'before', case when j % ${CHAIN} = 0 then 'origin' || j / ${CHAIN} else 'best' || j - 1 end
    from named where k = 0
  union all
  select id, 'input', 'table', 'table' || j from named where k between 1 and 8
  union all
  select id, 'input', 'model', 'model' || j || '-' || m from named, generate_series(1, 8) as m where k = 9
  union all
  select id, 'output', 'out',
         case when k = 0 then 'table' || j when k = 9 then 'best' || j else 'model' || j || '-' || k end
    from named`;

export const lineageGraph: Row = {
  name: "lineage-graph",
  about:
    "trace and impact over 100,000 attempts and a million edges: the way back from the last of 50 jobs that each read the one before, the way forward from what the first of them read, and forward from one of a thousand files that all jobs share, cut off at 10,000 nodes; with the answer's JSON",
  run: async (bench) => {
    const url = await bench.postgres();
    await migrate(url, { log: silentLog() });
    const database = openDatabase(url);
    const { pool } = database;
    bench.onEnd(() => database.close());
    await seed(url);
    const last = `job${String(CHAIN * 3 - 1).padStart(6, "0")}.best.0.1`;
    const figures: Figure[] = [];
    for (const [row, direction, id] of [
      ["lineage-trace", "trace", last],
      ["lineage-impact", "impact", digestBytes("origin2")],
      ["lineage-impact-10k-nodes", "impact", digestBytes("shared7")],
    ] as const) {
      figures.push(await measure(bench.say, pool, row, direction, id));
    }
    return figures;
  },
};

async function measure(
  say: (line: string) => void,
  pool: Pool,
  row: string,
  direction: Direction,
  id: string,
): Promise<Figure> {
  let size = 0;
  const walk = async (): Promise<void> => {
    const graph = await walkGraph(pool, GRAPH, direction, id);
    size = JSON.stringify(graph).length;
    say(`${row}: ${graph.nodes.length} nodes, ${graph.edges.length} edges${graph.truncated ? ", cut off" : ""}`);
  };
  await walk();
  const seconds = median(await sample(SAMPLES, walk)) / 1000;
  const bare = median(await sample(SAMPLES, () => pool.query("select repeat('x', $1)", [size]))) / 1000;
  return figure(
    {
      row,
      value: seconds,
      unit: "s",
      reference: "a text as long as the answer, from the same Postgres",
      referenceValue: bare,
    },
    { compare: "≤", limit: 1, of: "value" },
  );
}

/** On a connection of its own, without limits of time. */
async function seed(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`insert into edges (execution, direction, name, digest)
       select execution, direction, name, 'sha256:' || encode(sha256(digest::bytea), 'hex') from (${EDGES}) as named_edges`);
    await client.query(
      `insert into executions (id, job_id, task, index, attempt, state, node_id, node, gpu_uuids, code_digest, code_dirty, command, params, map,
         finished_at_ms, reason, message, cpu_ms, peak_memory_bytes, usage_source, stdout_bytes, stderr_bytes)
       select id, split_part(id, '.', 1), split_part(id, '.', 2), split_part(id, '.', 3)::int, 1, 'succeeded', 'n', 'node-1', '{}', null, false,
              'python train.py', '{"seed": 1}', '{}', 0, '', '', 0, 0, 'cgroup', 0, 0
         from (select distinct execution as id from edges) as ids`,
    );
    await client.query(
      `insert into artifacts (digest, kind, bytes, producer)
       select digest, 'file', 1, min(execution) filter (where direction = 'output') from edges group by digest`,
    );
    await client.query("analyze");
  } finally {
    await client.end();
  }
}
