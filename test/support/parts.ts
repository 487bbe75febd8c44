import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { inject } from "vitest";
import { type Guarded, startGuarded } from "../../cli/local/guard.ts";
import type { Ready } from "../../cli/local/program.ts";
import { goneWithin, isRunning, type ProcessId } from "../../cli/local/process-id.ts";
import { isAlive, readRunnerRecord } from "../../worker/runner/door.ts";
import { MAIN } from "./command.ts";
import { createDatabase } from "./database.ts";
import { startNats, type TestNats } from "./nats.ts";
import { until } from "./wait.ts";

/** Migrations, Postgres and all of it on a machine that other tests keep busy. */
const READY_MS = 60_000;

/** The parts of a cluster as processes of their own, started from the command line and killed by tests. */
export interface Part extends Guarded {
  /** All that it wrote to its log. */
  readonly said: () => string;
  /** kill -9; resolves when it is gone. */
  readonly kill: () => Promise<void>;
}

/** A folder of the test's own; the account that runs Postgres may pass. */
export function ownFolder(name: string): string {
  const folder = join(inject("folder"), `${name}-${process.pid}-${randomBytes(4).toString("hex")}`);
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  return folder;
}

interface Start {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly graceSeconds: number;
  readonly onMessage?: (message: unknown) => void;
}

async function start({ args, env, logFile, graceSeconds, onMessage }: Start): Promise<Part> {
  mkdirSync(dirname(logFile), { recursive: true });
  const guarded = await startGuarded(process.execPath, [MAIN, ...args], {
    stopSignal: "TERM",
    graceSeconds,
    logFile,
    env: { ...process.env, WEFT_HOME: undefined, WEFT_SERVER: undefined, ...env },
    ...(onMessage === undefined ? {} : { onMessage }),
  });
  return {
    ...guarded,
    said: () => readFileSync(logFile, "utf8"),
    kill: async () => {
      process.kill(guarded.pid, "SIGKILL");
      await guarded.ended;
    },
  };
}

export interface ServerPart extends Part {
  /** HOST:PORT */
  readonly grpc: string;
  readonly http: string;
}

export interface ServerOptions {
  readonly home: string;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly flags?: readonly string[];
  readonly httpPort?: number;
  readonly grpcPort?: number;
}

export async function startServer(options: ServerOptions): Promise<ServerPart> {
  const { home, databaseUrl, natsUrl, flags = [], httpPort = 0, grpcPort = 0 } = options;
  const ports = ["--http-port", String(httpPort), "--grpc-port", String(grpcPort)];
  let ready: Ready | undefined;
  const part = await start({
    args: ["server", "--home", home, ...ports, "--leader-lease-ms", "1000", ...flags],
    env: { DATABASE_URL: databaseUrl, NATS_URL: natsUrl },
    logFile: join(`${home}.log`, "server.log"),
    graceSeconds: 20,
    onMessage: (message) => (ready = message as Ready),
  });
  const { http, grpc } = await until(() => ready ?? ifOver(part), "the server to be ready", READY_MS);
  return { ...part, http: `127.0.0.1:${http}`, grpc: `127.0.0.1:${grpc}` };
}

function ifOver(part: Part): undefined {
  if (part.isOver()) throw new Error(`it ended: ${part.said().slice(-2000)}`);
}

/** An agent that stands alone: told to stop, it leaves its tasks to the next in its folder. */
export async function startAgent(server: string, dir: string, flags: readonly string[] = []): Promise<Part> {
  const logFile = join(`${dir}.log`, "agent.log");
  const from = existsSync(logFile) ? readFileSync(logFile, "utf8").length : 0;
  const args = ["agent", "--server", server, "--dir", dir, "--memory", "8GiB", ...flags];
  const part = await start({ args, logFile, graceSeconds: 30 });
  await until(() => part.said().slice(from).includes('"msg":"joined"') || ifOver(part), "the agent to join", READY_MS);
  return part;
}

/** As a machine that loses its power: agent, runner and tasks are gone at once. */
export async function killMachine(agent: Part, dir: string): Promise<void> {
  const runner = readRunnerRecord(dir);
  for (const pid of [agent.pid, ...(runner === undefined ? [] : [runner.pid])]) process.kill(pid, "SIGKILL");
  for (const key of readdirSync(join(dir, "attempts"))) killTask(join(dir, "attempts", key, "process.json"));
  await agent.ended;
}

function killTask(record: string): void {
  try {
    const { pid } = JSON.parse(readFileSync(record, "utf8")) as { pid: number };
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended, or did not begin.
  }
}

/** Ends what an agent that is not coming back left: its runner stops its tasks when it is told to. */
export async function sweep(dir: string): Promise<void> {
  const runner = readRunnerRecord(dir);
  if (runner === undefined || !isAlive(runner)) return;
  process.kill(runner.pid, "SIGTERM");
  await until(() => !isAlive(runner), "the runner to end", 30_000);
}

/** What stands on a database and a nats-server of its own: one server, and agents as the test starts them. */
export interface Bare {
  readonly folder: string;
  readonly databaseUrl: string;
  readonly nats: TestNats;
  readonly stop: () => Promise<void>;
}

export async function startBare(): Promise<Bare> {
  const folder = ownFolder("faults");
  const [database, nats] = await Promise.all([createDatabase({ from: "nothing" }), startNats()]);
  return {
    folder,
    databaseUrl: database.url,
    nats,
    stop: async () => {
      await nats.stop();
      await database.drop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** One server and one agent of four CPUs, as most tests want them. */
export interface Cluster {
  readonly bare: Bare;
  readonly server: ServerPart;
  readonly agent: Part;
  readonly agentDir: string;
  readonly stop: () => Promise<void>;
}

export async function startCluster(
  flags: { readonly server?: readonly string[]; readonly agent?: readonly string[] } = {},
): Promise<Cluster> {
  const bare = await startBare();
  const stops = [bare.stop];
  const stop = async (): Promise<void> => {
    for (const each of stops.toReversed()) await each();
  };
  try {
    const { databaseUrl, folder, nats } = bare;
    const where = { home: join(folder, "home"), databaseUrl, natsUrl: nats.url };
    const server = await startServer({ ...where, ...(flags.server && { flags: flags.server }) });
    stops.push(() => server.stop());
    const agentDir = join(folder, "agent");
    stops.push(() => sweep(agentDir));
    const agent = await startAgent(server.grpc, agentDir, ["--cpus", "4", ...(flags.agent ?? [])]);
    stops.push(() => agent.stop());
    return { bare, server, agent, agentDir, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export interface UpPart extends Part {
  readonly grpc: string;
  readonly http: string;
  /** Of "Postgres", "NATS", "server", "agent": of what runs now. */
  readonly part: (name: PartName) => ProcessId;
  /** kill -9 of one part; resolves when `weft up` has started it again. */
  readonly killPart: (name: PartName) => Promise<void>;
}

export type PartName = "Postgres" | "NATS" | "server" | "agent";

/** `weft up` with Postgres and NATS of its own, all in `home`. */
export async function startUp(home: string, flags: readonly string[] = []): Promise<UpPart> {
  const part = await start({
    args: ["up", "--home", home, "--http-port", "0", "--grpc-port", "0", "--no-example", ...flags],
    env: { DATABASE_URL: undefined, NATS_URL: undefined, NATS_SERVER_BIN: inject("natsBinary") },
    logFile: join(`${home}.log`, "up.log"),
    graceSeconds: 90,
  });
  const addresses = join(home, "weft.json");
  const at = await until(
    () => {
      const read = existsSync(addresses)
        ? (JSON.parse(readFileSync(addresses, "utf8")) as { http: string; grpc: string; pid: number })
        : undefined;
      return read?.pid === part.pid ? read : ifOver(part);
    },
    "weft up to be ready",
    READY_MS,
  );
  const partOf = (name: PartName): ProcessId =>
    (JSON.parse(readFileSync(join(home, "weft.lock"), "utf8")) as { parts: Record<PartName, ProcessId> }).parts[name];
  return {
    ...part,
    ...at,
    pid: part.pid,
    part: partOf,
    killPart: async (name) => {
      const before = partOf(name);
      process.kill(before.pid, "SIGKILL");
      await until(
        () => partOf(name).pid !== before.pid,
        `${name} to run again; it said ${part.said().slice(-500)}`,
        READY_MS,
      );
    },
  };
}

/** Waits until each is gone: nothing may be left running. */
export async function allGone(ids: readonly ProcessId[]): Promise<void> {
  for (const id of ids) if (isRunning(id) && !(await goneWithin(id, 30_000))) throw new Error(`${id.pid} still runs`);
}
