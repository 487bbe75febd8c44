import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { findNats, startNats } from "../cli/local/nats.ts";
import { startProgram } from "../cli/local/program.ts";
import { cpuTimes, type CpuTimes } from "./cpu.ts";
import { connect, type PipelineBuilder, type WeftClient } from "../sdk/index.ts";
import { startDatabase } from "./database.ts";

export interface ClusterOptions {
  /** Without it there is no agent. */
  readonly agentCpus?: number;
  /** A module that the server loads first. */
  readonly serverPreload?: string;
}

/** The real processes, each started from the built command line, with data on disk and nothing tuned. */
export interface Cluster {
  readonly home: string;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** HOST:PORT of the server's gRPC. */
  readonly grpc: string;
  /** Of the server's HTTP. */
  readonly httpUrl: string;
  readonly serverPid: number;
  readonly client: WeftClient;
  /** What its processes have used so far. */
  readonly cpu: () => CpuTimes;
}

type OnEnd = (stop: () => Promise<unknown> | void) => void;

const HOST = "127.0.0.1";

export async function startCluster(
  parts: { readonly folder: string; readonly say: (line: string) => void },
  options: ClusterOptions,
  onEnd: OnEnd,
): Promise<Cluster> {
  mkdirSync(parts.folder, { recursive: true });
  const home = mkdtempSync(join(parts.folder, "cluster-"));
  onEnd(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));
  const { DATABASE_URL: _database, NATS_URL: _nats, ...env } = process.env;
  const place = { home, env, say: () => {} };
  const postgres = await startDatabase(place, onEnd);
  const nats = await startNats(await findNats(place), place);
  onEnd(() => nats.own?.stop());

  const logFolder = join(home, "log");
  mkdirSync(logFolder, { recursive: true });
  const programEnv = { ...env, WEFT_HOME: home, DATABASE_URL: postgres.url, NATS_URL: nats.url };
  const preload = options.serverPreload === undefined ? {} : { NODE_OPTIONS: `--import=${options.serverPreload}` };
  const server = await startProgram({
    name: "server",
    args: ["--home", home, "--host", HOST, "--http-port", "0", "--grpc-port", "0"],
    env: { ...programEnv, ...preload },
    logFolder,
  });
  onEnd(() => server.stop());
  const grpc = `${HOST}:${server.ready.grpc}`;
  const httpUrl = `http://${HOST}:${server.ready.http}`;
  if (options.agentCpus !== undefined) {
    const args = ["--server", grpc, "--dir", join(home, "agent"), "--cpus", String(options.agentCpus)];
    const agent = await startProgram({ name: "agent", args, env: programEnv, logFolder });
    onEnd(() => agent.stop());
  }
  const client = connect(grpc);
  onEnd(() => client.close());
  const cpu = (): CpuTimes => cpuTimes([home, postgres.base]);
  return { home, databaseUrl: postgres.url, natsUrl: nats.url, grpc, httpUrl, serverPid: server.pid, client, cpu };
}

/** Between two looks at a job's row: nothing beside what is measured. */
const LOOK_MS = 50;

/** Submits, and gives the milliseconds from the call until the end of the job, all tasks having succeeded, is in Postgres. */
export function timeJob(cluster: Cluster, pipeline: PipelineBuilder<string, string>): Promise<number> {
  return timeJobs(cluster, [pipeline]);
}

/** The same of several jobs, submitted one after the other: from the first call until all have ended. */
export async function timeJobs(
  cluster: Cluster,
  pipelines: readonly PipelineBuilder<string, string>[],
): Promise<number> {
  const database = new pg.Client({ connectionString: cluster.databaseUrl });
  await database.connect();
  try {
    const started = performance.now();
    const left = new Set<string>();
    for (const pipeline of pipelines) left.add((await cluster.client.submit(pipeline)).id);
    for (;;) {
      // Not by the API: it would count 10,000 tasks each time, on the cores that are measured.
      const { rows } = await database.query<{ id: string; state: string; reason: string }>(
        "select id, state, reason from jobs where id = any($1) and state not in ('pending', 'running')",
        [[...left]],
      );
      for (const { id, state, reason } of rows) {
        if (state !== "succeeded") throw new Error(`job ${id} ${state}: ${reason}`);
        left.delete(id);
      }
      if (left.size === 0) return performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } finally {
    await database.end();
  }
}
