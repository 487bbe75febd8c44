import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { describeError, WeftError } from "../../lib/core/error.ts";
import type { Account } from "./account.ts";
import { LINGER_SECONDS, startGuarded } from "./guard.ts";
import { logSize, logTail } from "./log-tail.ts";
import { freePort } from "./port.ts";
import { stopOrphan } from "./postmaster.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";

/** A private Postgres cluster: `base/data` is its data, `base/data/weft.password` the password of its only user. */
export interface ClusterOptions {
  readonly base: string;
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  readonly logFile: string;
  /** A port to have again; any free one without it. */
  readonly port?: number;
  /** Server settings on top of our own, e.g. `fsync=off` in tests. */
  readonly settings?: readonly string[];
  readonly removeAfter?: string;
}

export interface Cluster {
  readonly port: number;
  readonly pid: number;
  readonly password: string;
  /** Connection string of the superuser `weft` for a database. */
  readonly url: (database: string) => string;
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
}

export const SUPERUSER = "weft";
const PASSWORD_FILE = "weft.password";

/** Recovery after a kill replays WAL; a minute covers gigabytes of it. Longer means that something else is wrong. */
const READY_LIMIT_MS = 60_000;
/** Between two looks at a server that starts: it says nowhere when it is ready. A start takes some 100 ms. */
const READY_LOOK_MS = 20;
/** A fast shutdown writes a checkpoint: seconds on slow disks with full buffers. */
const STOP_GRACE_SECONDS = 20;
/** How often a start is repeated whose port somebody took meanwhile, or whose predecessor's backends still end. */
const START_TRIES = 20;
const RETRY_PAUSE_MS = 250;

const runFile = promisify(execFile);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Makes the cluster unless it is there. Interrupted half way it leaves a folder that the next call sweeps away. */
export async function initCluster(options: ClusterOptions): Promise<"made" | "kept"> {
  const { base, binaries, account } = options;
  const data = join(base, "data");
  if (existsSync(join(data, "PG_VERSION"))) {
    const major = Number(readFileSync(join(data, "PG_VERSION"), "utf8"));
    if (major !== binaries.major) throw otherMajor(data, major, binaries);
    return "kept";
  }
  for (const name of readdirSync(base)) if (name.startsWith("data.new")) rmSync(join(base, name), { recursive: true });
  const fresh = join(base, `data.new.${process.pid}`);
  mkdirSync(fresh, { mode: 0o700 });
  if (account !== undefined) chownSync(fresh, account.uid, account.gid);
  const password = randomBytes(24).toString("hex");
  // initdb wants an empty folder, so the password is handed over beside it and moves in afterwards.
  const passwordFile = join(base, `data.new.${process.pid}.password`);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (account !== undefined) chownSync(passwordFile, account.uid, account.gid);
  try {
    await runFile(
      join(binaries.folder, "initdb"),
      // The C locale sorts by bytes: the same on every machine and in every version.
      [
        "-D",
        fresh,
        "-U",
        SUPERUSER,
        "--encoding=UTF8",
        "--locale=C",
        "--auth=scram-sha-256",
        `--pwfile=${passwordFile}`,
      ],
      { cwd: base, ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }) },
    );
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() ?? describeError(error);
    const remedy = /could not look up effective user ID/.test(said)
      ? ". Postgres wants its user to have a name: add one (useradd), start as another user, or set DATABASE_URL"
      : "";
    throw new WeftError(
      "failed_precondition",
      `initdb of ${binaries.folder} could not make a Postgres cluster in ${base}: ${said}${remedy}`,
    );
  }
  renameSync(passwordFile, join(fresh, PASSWORD_FILE));
  renameSync(fresh, data);
  return "made";
}

function otherMajor(data: string, major: number, binaries: PostgresBinaries): WeftError {
  return new WeftError(
    "failed_precondition",
    `the data in ${data} was made by Postgres ${major}, and the binaries found (${binaries.folder}) are of Postgres ${binaries.major}, ` +
      `which cannot read it. Install Postgres ${major} again; or move that folder away to begin with an empty database; ` +
      `or set DATABASE_URL to a server that you keep yourself`,
  );
}

function settings(port: number, extra: readonly string[]): string[] {
  const all = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    // Unix sockets would need a folder of short path that both accounts may enter.
    "unix_socket_directories=",
    // Server, its services and the command line tools, several of each in tests: 100 is near.
    "max_connections=200",
    "lc_messages=C",
    "log_line_prefix=%m [%p] ",
    ...extra,
  ];
  return all.flatMap((one) => ["-c", one]);
}

/** Starts a cluster that `initCluster` made and resolves when it answers queries. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const data = join(options.base, "data");
  await stopOrphan(data);
  const password = readFileSync(join(data, PASSWORD_FILE), "utf8").trim();
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    const from = logSize(options.logFile);
    const server = await startGuarded(
      join(options.binaries.folder, "postgres"),
      ["-D", data, ...settings(port, options.settings ?? [])],
      {
        stopSignal: "INT",
        graceSeconds: STOP_GRACE_SECONDS,
        lingerSeconds: LINGER_SECONDS,
        logFile: options.logFile,
        cwd: data,
        account: options.account,
        ...(options.removeAfter === undefined ? {} : { removeAfter: options.removeAfter }),
      },
    );
    const url = (database: string): string => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
    const problem = await untilReady(url("postgres"), server);
    if (problem === null) return { port, pid: server.pid, password, url, ended: server.ended, stop: server.stop };
    await server.stop();
    const said = logTail(options.logFile, from);
    // Both pass by themselves: another process took the port between our look and the bind; backends of a killed postmaster
    // are still on their way out.
    const passing = /could not bind|Address already in use|shared memory block|lock file "postmaster.pid"/.test(said);
    if (!passing || attempt === START_TRIES) {
      throw new WeftError(
        "internal",
        `Postgres (${options.binaries.folder}) did not start in ${data}: ${problem}. It said:\n${said}`,
      );
    }
    await pause(RETRY_PAUSE_MS);
  }
}

/** Null once it answers a query; else why not. */
async function untilReady(
  url: string,
  server: { isOver: () => boolean; ended: Promise<string> },
): Promise<string | null> {
  const deadline = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: READY_LIMIT_MS });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.end();
      return null;
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (server.isOver()) return `it ended with ${await server.ended}`;
      // 57P03: it accepts connections but recovers still.
      if (code !== "ECONNREFUSED" && code !== "57P03" && code !== "ECONNRESET") return describeError(error);
      if (performance.now() > deadline)
        return `it did not answer within ${READY_LIMIT_MS / 1000} s (${describeError(error)})`;
    }
    await pause(READY_LOOK_MS);
  }
}

/** Makes the database if it is missing. */
export async function ensureDatabase(cluster: Cluster, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.url("postgres") });
  await client.connect();
  try {
    const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
