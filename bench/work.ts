import pg from "pg";
import { pipeline, type PipelineBuilder } from "../sdk/index.ts";
import { type Cluster, timeJob } from "./cluster.ts";
import { mappedNoops, plainNoops } from "./noop.ts";
import { median } from "./sample.ts";

/** What doing it took. */
export interface Measured {
  /** Tasks, or jobs of one task. */
  readonly count: number;
  readonly seconds: number;
  /** Of a chain: the median from one step's start to the next one's. */
  readonly stepMs: number | null;
}

/** Work that Weft and its peers are given alike. */
export interface Work {
  /** What bench/peers/run_*.py call it too. */
  readonly name: string;
  readonly about: string;
  /** What each of its tasks runs. */
  readonly command: readonly string[];
  /** Weft does it, with real processes, on a cluster that has warmed up. */
  readonly measure: (cluster: Cluster) => Promise<Measured>;
  /** Seconds a peer may take for it before it is stopped. */
  readonly limitSeconds: number;
}

export const AGENT_CPUS = 2;
/** Under way at once, as in bench/peers/contest.py: the cores never wait for a commit. */
export const AT_A_TIME = 64;
const CPUS = AGENT_CPUS / AT_A_TIME;

const MANY = 10_000;
const MAPPED = 100_000;
const JOBS = 5_000;
const TREE_LEAVES = 2 ** 14;
const STEPS = 100;
/** Submits under way at once: the client never waits for a commit either. */
const SUBMITS = 32;
const LOOK_MS = 20;

/** Peers of the first class need 20 s for 10,000 tasks on two cores. */
const LIMIT_SECONDS = 180;
/** And 200 s for 100,000. */
const LONG_LIMIT_SECONDS = 400;

export const WORKS: readonly Work[] = [
  work("noop-10k", "10,000 independent tasks", (cluster) => timed(cluster, MANY, plainNoops(MANY, CPUS))),
  work("merge-10k", "10,000 tasks, and one that needs them all", (cluster) => timed(cluster, MANY + 1, merge(MANY))),
  work("tree-15", "a binary reduction of 32,767 tasks", (cluster) => timed(cluster, 2 * TREE_LEAVES - 1, tree())),
  work("chain-100", "100 tasks, each after the one before", chain),
  ...[1, 10, 100].map((ms) => ({
    ...work(`sleep-${ms}ms`, `10,000 independent tasks that sleep ${ms} ms`, (cluster) =>
      timed(cluster, MANY, sleeps(MANY, ms)),
    ),
    command: sleep(ms),
  })),
  {
    ...work("map-100k", "100,000 instances of one task", (cluster) =>
      timed(cluster, MAPPED, mappedNoops(MAPPED, CPUS)),
    ),
    limitSeconds: LONG_LIMIT_SECONDS,
  },
  work("jobs-5k", "5,000 jobs of one task, queued and drained", manyJobs),
];

function work(name: string, about: string, measure: Work["measure"]): Work {
  return { name, about, command: ["true"], measure, limitSeconds: LIMIT_SECONDS };
}

async function timed(cluster: Cluster, count: number, built: PipelineBuilder<string, string>): Promise<Measured> {
  return { count, seconds: (await timeJob(cluster, built)) / 1000, stepMs: null };
}

function merge(count: number): PipelineBuilder<string, string> {
  const needs = Array.from({ length: count }, (_, i) => `n-${i}`);
  return plainNoops(count, CPUS).task("last", { run: ["true"], needs, resources: { cpus: CPUS } });
}

function sleep(ms: number): [string, string] {
  return ["sleep", String(ms / 1000)];
}

function sleeps(count: number, ms: number): PipelineBuilder<string, string> {
  const run = sleep(ms);
  let built: PipelineBuilder<string, string> = pipeline("bench-sleep");
  for (let i = 0; i < count; i += 1) built = built.task(`n-${i}`, { run, resources: { cpus: CPUS } });
  return built;
}

function tree(): PipelineBuilder<string, string> {
  let built: PipelineBuilder<string, string> = pipeline("bench-tree");
  const add = (name: string, needs: readonly string[]): string => {
    built = built.task(name, { run: ["true"], needs, resources: { cpus: CPUS } });
    return name;
  };
  let level = Array.from({ length: TREE_LEAVES }, (_, i) => add(`l-${i}`, []));
  while (level.length > 1) {
    const below = level;
    level = Array.from({ length: below.length / 2 }, (_, i) =>
      add(`t${below.length}-${i}`, [below[2 * i]!, below[2 * i + 1]!]),
    );
  }
  return built;
}

async function chain(cluster: Cluster): Promise<Measured> {
  let built: PipelineBuilder<string, string> = pipeline("bench-chain");
  for (let i = 0; i < STEPS; i += 1)
    built = built.task(`s-${i}`, { run: ["true"], needs: i === 0 ? [] : [`s-${i - 1}`] });
  const began = performance.now();
  const { id } = await cluster.client.submit(built);
  const job = await cluster.client.wait(id);
  if (job.state !== "succeeded") throw new Error(`job ${id} ${job.state}: ${job.reason ?? ""}`);
  const seconds = (performance.now() - began) / 1000;
  const starts = job.tasks.map((task) => task.startedAt!.getTime()).toSorted((a, b) => a - b);
  return { count: STEPS, seconds, stepMs: median(starts.slice(1).map((at, i) => at - starts[i]!)) };
}

/** From the first submit until the end of the last job is in Postgres. */
async function manyJobs(cluster: Cluster): Promise<Measured> {
  const database = new pg.Client({ connectionString: cluster.databaseUrl });
  database.on("error", () => {});
  await database.connect();
  try {
    const unfinished = async (): Promise<number> => {
      const { rows } = await database.query<{ left: string }>(
        "select count(*) as left from jobs where state <> 'succeeded'",
      );
      return Number(rows[0]!.left);
    };
    const before = await unfinished();
    const started = performance.now();
    let next = 0;
    const submitter = async (): Promise<void> => {
      while (next < JOBS) {
        next += 1;
        await cluster.client.submit(plainNoops(1, CPUS));
      }
    };
    await Promise.all(Array.from({ length: SUBMITS }, submitter));
    while ((await unfinished()) > before) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    return { count: JOBS, seconds: (performance.now() - started) / 1000, stepMs: null };
  } finally {
    await database.end();
  }
}
