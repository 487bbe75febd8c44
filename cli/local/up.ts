import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stopInOrder } from "../../lib/shutdown.ts";
import type { Shutdown } from "../../lib/shutdown.ts";
import { claimHome } from "./claim.ts";
import type { Claim } from "./claim.ts";
import { keepAlive } from "./keep-alive.ts";
import type { Kept, Running } from "./keep-alive.ts";
import { findNats, startNats } from "./nats.ts";
import { requirePort } from "./port-owner.ts";
import { findPostgres, startPostgres } from "./postgres.ts";
import { isRunning, launcher, sendSignal } from "./process-id.ts";
import type { ProcessId } from "./process-id.ts";
import { startProgram } from "./program.ts";
import type { Program } from "./program.ts";
import type { OwnServer, Place, ServerPart } from "./server-part.ts";

export interface UpOptions {
  /** Absolute. */
  readonly home: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly example: boolean;
  readonly cpus: number | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

/** Development alone: other addresses demand TLS and tokens, which `weft server` is started with. */
const HOST = "127.0.0.1";
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));
/** Each part stops within its own grace; this only ends what those fail to. */
const STEP_LIMIT_MS = 80_000;

/** How soon we notice that the npm which runs us was killed; nothing tells. */
const LAUNCHER_LOOK_MS = 500;

/** The parts of one machine's cluster and what they need of each other. */
class Cluster {
  readonly options: UpOptions;
  readonly place: Place;
  readonly claim: Claim;
  readonly shutdown: Shutdown;
  private readonly kept = new Map<string, Kept>();

  constructor(options: UpOptions, claim: Claim) {
    this.options = options;
    this.claim = claim;
    this.place = { home: options.home, env: options.env, say: options.say };
    this.shutdown = stopInOrder({
      say: options.say,
      stepLimitMs: STEP_LIMIT_MS,
      onForced: () => this.killAll(),
    });
    this.shutdown.onStop("the home", () => claim.release());
    void this.shutdown.requested.then((reason) => {
      claim.withdraw();
      options.say(`stopping (${reason}); once more to kill`);
    });
  }

  /** Keeps a part that was started running, and has it stopped when its turn comes. */
  async keep<T extends Running>(name: string, beganMs: number, first: T, startAgain: () => Promise<T>): Promise<T> {
    const { say } = this.options;
    if (this.shutdown.signal.aborted) {
      // The stop passed here while this part was still starting.
      await first.stop();
      throw new StopAsked();
    }
    this.claim.note(name, first.pid);
    const again = async (): Promise<T> => {
      const next = await startAgain();
      this.claim.note(name, next.pid);
      return next;
    };
    const kept = keepAlive({ name, first, startAgain: again, say });
    this.kept.set(name, kept);
    this.shutdown.onStop(name, async () => {
      const stopMs = performance.now();
      await kept.stop();
      say(`${name} stopped (${seconds(stopMs)})`);
    });
    say(`${name} ready (${seconds(beganMs)})`);
    return first;
  }

  /** What a second Ctrl-C does. */
  private killAll(): void {
    for (const [name, kept] of this.kept) {
      const pid = kept.pid();
      // A killed postmaster would leave its backends to find out; SIGQUIT ends them with it.
      if (pid !== undefined) sendSignal(pid, name === "Postgres" ? "SIGQUIT" : "SIGKILL");
    }
    this.claim.release();
  }
}

/** A stop was asked for before everything was up. */
class StopAsked extends Error {}

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

/** Runs the cluster until it is asked to stop. Resolves with the exit code when everything it started is gone. */
export async function up(options: UpOptions): Promise<number> {
  mkdirSync(options.home, { recursive: true });
  const npm = launcher(options.env);
  const claim = await claimHome(options.home, options.say, npm);
  const cluster = new Cluster(options, claim);
  if (npm !== null) stopWith(npm, cluster.shutdown);
  try {
    await start(cluster);
  } catch (error) {
    cluster.shutdown.request(error instanceof StopAsked ? "asked to" : "it could not start");
    await cluster.shutdown.finished;
    if (error instanceof StopAsked) return 0;
    throw error;
  }
  return (await cluster.shutdown.finished) ? 0 : 1;
}

/** npm hands on signals, but not its own death: a cluster that nobody waits for any more would block the next start. */
function stopWith(npm: ProcessId, shutdown: Shutdown): void {
  const timer = setInterval(() => {
    if (isRunning(npm)) return;
    shutdown.request("the npm that ran it is gone");
    clearInterval(timer);
  }, LAUNCHER_LOOK_MS);
  timer.unref();
}

async function start(cluster: Cluster): Promise<void> {
  const { options, place } = cluster;
  const beganMs = performance.now();
  await requirePort("HTTP", HOST, options.httpPort, "--http-port");
  await requirePort("gRPC", HOST, options.grpcPort, "--grpc-port");
  const plans = { postgres: findPostgres(place), nats: await findNats(place) };
  const postgresUrl = await addServer(cluster, "Postgres", (port) => startPostgres(plans.postgres, place, port));
  const natsUrl = await addServer(cluster, "NATS", (port) => startNats(plans.nats, place, port));
  const env = { ...options.env, WEFT_HOME: options.home, DATABASE_URL: postgresUrl, NATS_URL: natsUrl };
  const logFolder = join(options.home, "log");
  mkdirSync(logFolder, { recursive: true });

  const server = await addProgram(cluster, "server", (before) => {
    // One that comes back keeps its ports: agents and the command line know them.
    const { http = options.httpPort, grpc = options.grpcPort } = before?.ready ?? {};
    const ports = ["--http-port", String(http), "--grpc-port", String(grpc)];
    return startProgram({ name: "server", args: ["--home", options.home, "--host", HOST, ...ports], env, logFolder });
  });
  const http = `${HOST}:${server.ready.http}`;
  const grpc = `${HOST}:${server.ready.grpc}`;
  const cpus = options.cpus === undefined ? [] : ["--cpus", String(options.cpus)];
  const args = ["--server", grpc, "--dir", join(options.home, "agent"), ...cpus];
  await addProgram(cluster, "agent", () => startProgram({ name: "agent", args, env, logFolder }));
  cluster.claim.announce({ http, grpc, pid: process.pid });
  options.say(`Weft is up (${seconds(beganMs)})`);
  if (server.ready.fresh === true && options.example) await runExample(cluster, grpc, env);
  for (const line of addresses(cluster, http, grpc)) options.say(line);
}

async function addProgram(
  cluster: Cluster,
  name: string,
  launch: (before: Program | null) => Promise<Program>,
): Promise<Program> {
  const beganMs = performance.now();
  const first = await launch(null);
  return cluster.keep(name, beganMs, first, () => launch(first));
}

/** A server that is ours is kept running on its port; one that is not is only used. Gives its URL. */
async function addServer(
  cluster: Cluster,
  name: string,
  launch: (port?: number) => Promise<ServerPart>,
): Promise<string> {
  const beganMs = performance.now();
  const { url, own } = await launch();
  if (own === null) return url;
  const again = async (): Promise<OwnServer> => {
    const part = await launch(own.port);
    if (part.own === null) throw new Error(`${name} is no longer ours`);
    return part.own;
  };
  await cluster.keep(name, beganMs, own, again);
  return url;
}

/** Submits the example as a user would, and shows it run to its end. A stop in the middle ends the showing, not the job. */
async function runExample(cluster: Cluster, grpc: string, env: NodeJS.ProcessEnv): Promise<void> {
  const file = join(ROOT, "examples", "flight-delay", "weft.yaml");
  if (!existsSync(file)) return;
  const { say } = cluster.options;
  say(`\nThis cluster is new: running the example\n  $ npx weft submit examples/flight-delay/weft.yaml --follow`);
  const child = spawn(process.execPath, [MAIN, "submit", file, "--follow", "--server", grpc], {
    env,
    stdio: "inherit",
  });
  const abort = (): void => void child.kill("SIGTERM");
  cluster.shutdown.signal.addEventListener("abort", abort);
  const code = await exitOf(child);
  cluster.shutdown.signal.removeEventListener("abort", abort);
  if (code !== 0 && !cluster.shutdown.signal.aborted)
    say(`the example did not succeed (exit code ${code}); the cluster stays up`);
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => child.once("error", reject).once("exit", (code) => resolve(code)));
}

function addresses(cluster: Cluster, http: string, grpc: string): string[] {
  if (cluster.shutdown.signal.aborted) return [];
  const { home } = cluster.options;
  return [
    "",
    `  HTTP  http://${http}      gRPC  ${grpc}      data  ${home}`,
    "",
    "Try next:",
    "  npx weft jobs",
    "  npx weft nodes",
    "  npx weft submit examples/flight-delay/weft.yaml --follow",
    "",
    "Ctrl-C stops it; the data stays.",
  ];
}
