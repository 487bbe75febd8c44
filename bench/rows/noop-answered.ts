import { startAnsweringAgent } from "../answering-agent.ts";
import { timeJob } from "../cluster.ts";
import { figure, type Row } from "../figure.ts";
import { mappedNoops, plainNoops } from "../noop.ts";
import { queueInPostgres } from "../queue-in-postgres.ts";

const TASKS = 10_000;
const WARM_UP_TASKS = 1_000;
/** One CPU a task: so many are under way at a time, on this many nodes. */
const NODES = 2;
const CPUS_PER_NODE = 128;

export const noopAnswered: Row = {
  name: "noop-10k-answered",
  about:
    "10,000 independent tasks whose processes are replaced by an immediate answer: from submit to the job's committed end",
  run: async (bench) => {
    const cluster = await bench.cluster();
    for (let i = 0; i < NODES; i += 1) {
      const agent = await startAnsweringAgent({ server: cluster.grpc, cpus: CPUS_PER_NODE });
      bench.onEnd(() => agent.stop());
    }
    await timeJob(cluster, plainNoops(WARM_UP_TASKS, 1));
    const plainMs = await timeJob(cluster, plainNoops(TASKS, 1));
    const mappedMs = await timeJob(cluster, mappedNoops(TASKS, 1));
    const peer = {
      unit: "tasks/s",
      reference: "a table with skip locked in the same Postgres, one transaction to take and one to end, 8 connections",
      referenceValue: await queueInPostgres(cluster.databaseUrl, TASKS),
    };
    const target = { compare: "≥", limit: 2_000, of: "value" } as const;
    return [
      figure({ row: "noop-10k-answered", value: TASKS / (plainMs / 1000), ...peer }, target),
      figure({ row: "noop-10k-answered mapped", value: TASKS / (mappedMs / 1000), ...peer }, target),
    ];
  },
};
