import { timeJob } from "../cluster.ts";
import { cpuPerTask } from "../cpu.ts";
import { figure, type Row } from "../figure.ts";
import { nodeAloneMs } from "../node-alone.ts";
import { plainNoops } from "../noop.ts";
import { AGENT_CPUS, AT_A_TIME, WORKS } from "../work.ts";

const WARM_UP_TASKS = 500;
/** Processes that Node alone starts before and after; enough for a few seconds. */
const SAMPLE = 2_000;
/** Measured by rows of their own, against floors that fit them better. */
const ELSEWHERE: ReadonlySet<string> = new Set(["noop-10k", "chain-100"]);

/** What the peers are given too (see work.ts), each a row that runs without them. */
export const workRows: readonly Row[] = WORKS.filter(({ name }) => !ELSEWHERE.has(name)).map((work) => ({
  name: work.name,
  about: `${work.about}, real processes (\`${work.command.join(" ")}\`), ${AT_A_TIME} under way at a time on ${AGENT_CPUS} CPUs: from submit to the committed end`,
  run: async (bench) => {
    const alone = (): Promise<number> => nodeAloneMs(SAMPLE / 2, AT_A_TIME, work.command);
    const beforeMs = await alone();
    const cluster = await bench.cluster({ agentCpus: AGENT_CPUS });
    await timeJob(cluster, plainNoops(WARM_UP_TASKS, AGENT_CPUS / AT_A_TIME));
    const before = cluster.cpu();
    const { count, seconds } = await work.measure(cluster);
    bench.say(cpuPerTask(before, cluster.cpu(), count));
    const reference = `Node alone running the same command, ${AT_A_TIME} at a time, ${SAMPLE} times`;
    const referenceValue = SAMPLE / ((beforeMs + (await alone())) / 1000);
    return [figure({ row: work.name, value: count / seconds, unit: "tasks/s", reference, referenceValue })];
  },
}));
