import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { inject } from "vitest";
import { createDatabase } from "./database.ts";
import { startNats } from "./nats.ts";

/** What `npm run build` makes: the commands are tested as a user runs them. */
export const MAIN = join(import.meta.dirname, "../../dist/cli/main.js");
const READY = /^Weft is up/;
/** What is shown of a cluster that did not come up. */
const LINES_SHOWN_MAX = 40;

export interface UpCluster {
  readonly home: string;
  /** HOST:PORT */
  readonly http: string;
  readonly grpc: string;
  readonly pid: number;
  /** Stops it as Ctrl-C does, and what it ran on; its files are gone after that. */
  readonly stop: () => Promise<void>;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `weft up` as its own process, with a database and a nats-server of the test's own. */
export async function startUp(flags: readonly string[] = []): Promise<UpCluster> {
  const home = join(inject("folder"), `up-${process.pid}-${randomBytes(4).toString("hex")}`);
  mkdirSync(home);
  const [database, nats] = await Promise.all([createDatabase({ from: "nothing" }), startNats()]);
  const args = ["up", "--home", home, "--http-port", "0", "--grpc-port", "0", "--no-example", ...flags];
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, DATABASE_URL: database.url, NATS_URL: nats.url, WEFT_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = async (): Promise<void> => {
    await ended(child);
    await nats.stop();
    await database.drop();
    rmSync(home, { recursive: true, force: true });
  };
  try {
    await readyLine(child);
    const { http, grpc, pid } = JSON.parse(readFileSync(join(home, "weft.json"), "utf8")) as UpCluster;
    return { home, http, grpc, pid, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs one command of the CLI against the cluster, to its end. */
export async function weft(cluster: Pick<UpCluster, "grpc">, args: readonly string[], cwd?: string): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, WEFT_SERVER: cluster.grpc },
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => (texts[name] += text));
  }
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { exitCode, ...texts };
}

/** Resolves when the cluster says that it is up; rejects with what it said when it ends instead. */
async function readyLine(child: ChildProcess): Promise<void> {
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (READY.test(line)) resolve();
      });
    }
    child.once("close", (code) => {
      reject(new Error(`weft up ended with ${code} before it was ready:\n${lines.slice(-LINES_SHOWN_MAX).join("\n")}`));
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGINT");
  await closed;
}
