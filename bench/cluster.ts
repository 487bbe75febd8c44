import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findNats, startNats } from "../cli/local/nats.ts";
import { findPostgres, startPostgres } from "../cli/local/postgres.ts";
import { startProgram } from "../cli/local/program.ts";
import { epochMs } from "./sample.ts";
import { connect, type Job, type PipelineBuilder, type WeftClient } from "../sdk/index.ts";

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
  readonly serverPid: number;
  readonly client: WeftClient;
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
  const postgresPlan = findPostgres(place);
  const postgresBase = postgresPlan.kind === "own" ? postgresPlan.base : home;
  onEnd(() => rmSync(postgresBase, { recursive: true, force: true, maxRetries: 5 }));
  const postgres = await startPostgres(postgresPlan, place);
  onEnd(() => postgres.own?.stop());
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
  if (options.agentCpus !== undefined) {
    const args = ["--server", grpc, "--dir", join(home, "agent"), "--cpus", String(options.agentCpus)];
    const agent = await startProgram({ name: "agent", args, env: programEnv, logFolder });
    onEnd(() => agent.stop());
  }
  const client = connect(grpc);
  onEnd(() => client.close());
  return { home, databaseUrl: postgres.url, natsUrl: nats.url, grpc, serverPid: server.pid, client };
}

/** Between two looks at a job. Each costs the server something; the end is taken from the job itself. */
const LOOK_MS = 250;

/** Submits, and gives the milliseconds from the call until the job's own end, all tasks having succeeded. */
export async function timeJob(client: WeftClient, pipeline: PipelineBuilder<string, string>): Promise<number> {
  const submittedAtMs = epochMs();
  const { id } = await client.submit(pipeline);
  for (;;) {
    const job = await headOf(client, id);
    if (job.state === "succeeded") return job.finishedAt!.getTime() - submittedAtMs;
    if (job.state !== "pending" && job.state !== "running")
      throw new Error(`job ${id} ${job.state}: ${job.reason ?? ""}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Without its tasks: those of 10,000 are megabytes. */
async function headOf(client: WeftClient, id: string): Promise<Job> {
  const { jobs } = await client.list({ limit: 1 });
  const job = jobs.find((one) => one.id === id);
  if (!job) throw new Error(`job ${id} is not the newest`);
  return job;
}
