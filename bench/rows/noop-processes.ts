import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { timeJob } from "../cluster.ts";
import { cpuPerTask } from "../cpu.ts";
import { figure, type Row } from "../figure.ts";
import { nodeAloneMs } from "../node-alone.ts";
import { plainNoops } from "../noop.ts";

const TASKS = 10_000;
const WARM_UP_TASKS = 500;
/** At a time: the cores never wait for a commit, and each commit holds many tasks. */
const CONCURRENCY = 64;
const AGENT_CPUS = 2;

const runFile = promisify(execFile);

export const noopProcesses: Row = {
  name: "noop-10k-processes",
  about:
    "10,000 independent tasks, a real `true` each, with logs, usage and lineage: from submit to the job's committed end",
  run: async (bench) => {
    // Half of it before and half after, so that a machine that others use too is the same for both.
    const half = (): Promise<number> => nodeAloneMs(TASKS / 2, CONCURRENCY, ["true"]);
    const nodeMs = await half();
    const xargs = TASKS / ((await xargsMs()) / 1000);
    const cluster = await bench.cluster({ agentCpus: AGENT_CPUS });
    const cpus = AGENT_CPUS / CONCURRENCY;
    await timeJob(cluster, plainNoops(WARM_UP_TASKS, cpus));
    const before = cluster.cpu();
    const value = TASKS / ((await timeJob(cluster, plainNoops(TASKS, cpus))) / 1000);
    bench.say(cpuPerTask(before, cluster.cpu(), TASKS));
    const nodeAlone = TASKS / ((nodeMs + (await half())) / 1000);
    const unit = "tasks/s";
    const reference = `Node alone spawning \`true\`, ${CONCURRENCY} at a time, 10,000 times`;
    return [
      figure(
        { row: "noop-10k-processes", value, unit, reference, referenceValue: nodeAlone },
        { compare: "≥", limit: 0.7, of: "ratio" },
      ),
      figure({
        row: "noop-10k-processes xargs",
        value,
        unit,
        reference: "xargs -n1 -P2 true, 10,000 times",
        referenceValue: xargs,
      }),
    ];
  },
};

async function xargsMs(): Promise<number> {
  const started = performance.now();
  await runFile("sh", ["-c", `seq ${TASKS} | xargs -n1 -P2 true`]);
  return performance.now() - started;
}
