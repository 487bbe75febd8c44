import pg from "pg";
import { startAnsweringAgent } from "../answering-agent.ts";
import type { Bench } from "../bench.ts";
import { type Cluster, timeJob, timeJobs } from "../cluster.ts";
import { cpuPerTask } from "../cpu.ts";
import { figure, type Figure, type Row } from "../figure.ts";
import { mappedNoops, plainNoops } from "../noop.ts";
import { queueInPostgres } from "../queue-in-postgres.ts";

const WARM_UP_TASKS = 1_000;
/** One CPU a task: so many are under way at a time, on this many nodes. */
const NODES = 2;
const CPUS_PER_NODE = 128;
/** What one job may have (LIMITS.tasks). */
const TASKS_PER_JOB_MAX = 100_000;
/** More would only take longer: its speed does not depend on how many there are. */
const REFERENCE_TASKS = 10_000;
const PLAIN = { compare: "≥", limit: 10_000, of: "value" } as const;
const MAPPED = { compare: "≥", limit: 20_000, of: "value" } as const;

export const noopAnswered: readonly Row[] = [10_000, 100_000, 1_000_000].map((tasks) => {
  const name = `noop-${tasks < 1_000_000 ? `${tasks / 1000}k` : `${tasks / 1_000_000}m`}-answered`;
  const jobs = tasks > TASKS_PER_JOB_MAX ? ` (plain ones in jobs of ${TASKS_PER_JOB_MAX})` : "";
  return {
    name,
    about: `${tasks} independent tasks, then as instances of mapped tasks of one job${jobs}, whose processes are replaced by an immediate answer: from submit to the jobs' committed end, a lineage row each. Bound by the CPU time of the server and Postgres, which is said`,
    run: (bench) => measure(bench, name, tasks),
  };
});

async function measure(bench: Bench, name: string, tasks: number): Promise<Figure[]> {
  const cluster = await bench.cluster();
  for (let i = 0; i < NODES; i += 1) {
    const agent = await startAnsweringAgent({ server: cluster.grpc, cpus: CPUS_PER_NODE });
    bench.onEnd(() => agent.stop());
  }
  await timeJob(cluster, plainNoops(WARM_UP_TASKS, 1));
  const jobs = Math.max(1, tasks / TASKS_PER_JOB_MAX);
  const plain = plainNoops(tasks / jobs, 1);
  const plainMs = await timed(bench, cluster, tasks, () => timeJobs(cluster, Array<typeof plain>(jobs).fill(plain)));
  const mapped = mappedNoops(tasks, 1);
  const mappedMs = await timed(bench, cluster, tasks, () => timeJob(cluster, mapped));
  const rows = await countExecutions(cluster);
  if (rows !== WARM_UP_TASKS + 2 * tasks) throw new Error(`${rows} lineage rows were written`);
  const peer = {
    unit: "tasks/s",
    reference: "a table with skip locked in the same Postgres, one transaction to take and one to end, 8 connections",
    referenceValue: await queueInPostgres(cluster.databaseUrl, REFERENCE_TASKS),
  };
  return [
    figure({ row: name, value: tasks / (plainMs / 1000), ...peer }, PLAIN),
    figure({ row: `${name} mapped`, value: tasks / (mappedMs / 1000), ...peer }, MAPPED),
  ];
}

async function timed(bench: Bench, cluster: Cluster, tasks: number, work: () => Promise<number>): Promise<number> {
  const before = cluster.cpu();
  const own = process.cpuUsage();
  const ms = await work();
  const { user, system } = process.cpuUsage(own);
  const ours = (user + system) / 1000 / tasks;
  bench.say(
    `${cpuPerTask(before, cluster.cpu(), tasks)}; and ${ours.toFixed(3)} ms of the answering agents and this bench`,
  );
  return ms;
}

async function countExecutions(cluster: Cluster): Promise<number> {
  const database = new pg.Client({ connectionString: cluster.databaseUrl });
  await database.connect();
  try {
    const { rows } = await database.query<{ count: string }>(
      "select count(*) from executions where state = 'succeeded'",
    );
    return Number(rows[0]!.count);
  } finally {
    await database.end();
  }
}
