import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import http from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../cli/local/port.ts";
import { describeError } from "../../lib/core/error.ts";
import type { Bench } from "../bench.ts";
import { type Figure, figure, type Row } from "../figure.ts";
import { installPeer, type Peer } from "../peer.ts";
import { batchBody, type LoadResult, post, runLoad } from "../tracking-load.ts";

const CONNECTIONS = 20;
const SECONDS = 8;
const SIZES = [1, 10, 100, 1_000];
/** Of one batch: a training loop logs some metrics together. */
const KEYS = 10;
/** Its own server takes fewer: with 20 connections it runs out of its pool and answers 400 after 30 s. */
const PEER_CONNECTIONS = 8;
const PEER_WORKERS = 2;
const PEER_START_MS_MAX = 120_000;

const MLFLOW: Peer = { name: "mlflow", title: "MLflow's server", postgres: true, startAnew: true };

interface Measured {
  readonly pointsPerSecond: ReadonlyMap<number, number>;
  readonly runsPerSecond: number;
  readonly words: string;
}

/** The same requests to our server and to MLflow's own, one after the other, each on a Postgres of its own with the same settings. */
export const tracking: Row = {
  name: "tracking",
  about: `metrics in batches of ${SIZES.join(", ")} (${KEYS} keys), acknowledged after commit, and runs created: ${CONNECTIONS} connections, ${SECONDS} s each`,
  run: async (bench) => {
    const ours = await bench.within(async (own) => measure((await own.cluster()).httpUrl, CONNECTIONS, own));
    const theirs = await measurePeer(bench);
    const reference = typeof theirs === "string" ? theirs : `MLflow's server, ${theirs.words}`;
    const held = typeof theirs === "string" ? null : theirs;
    const one = (row: string, unit: string, value: number, peer: number | undefined, atLeast: number): Figure =>
      peer === undefined
        ? { ...figure({ row, unit, reference, value, referenceValue: 1 }), referenceValue: null, ratio: null }
        : figure({ row, unit, reference, value, referenceValue: peer }, { compare: "≥", limit: atLeast, of: "ratio" });
    return [
      ...SIZES.map((size) =>
        one(`log-batch of ${size}`, "points/s", ours.pointsPerSecond.get(size)!, held?.pointsPerSecond.get(size), 15),
      ),
      one("create run", "runs/s", ours.runsPerSecond, held?.runsPerSecond, 10),
    ];
  },
};

async function measure(url: string, connections: number, bench: Bench): Promise<Measured> {
  const pointsPerSecond = new Map<number, number>();
  for (const size of SIZES) {
    const runs = await createRuns(url, connections);
    const keys = Math.min(KEYS, size);
    const result = await runLoad({
      url,
      connections,
      seconds: SECONDS,
      request: (connection, n) => ({
        path: "/api/2.0/mlflow/runs/log-batch",
        body: batchBody(runs[connection]!, size, keys, n * Math.ceil(size / keys)),
      }),
    });
    told(bench, `${size} points`, result);
    pointsPerSecond.set(size, (result.requests * size) / result.seconds);
  }
  const created = await runLoad({
    url,
    connections,
    seconds: SECONDS,
    request: () => ({ path: "/api/2.0/mlflow/runs/create", body: NEW_RUN }),
  });
  told(bench, "create run", created);
  const runsPerSecond = created.requests / created.seconds;
  return { pointsPerSecond, runsPerSecond, words: `${connections} connections` };
}

const NEW_RUN = JSON.stringify({
  experiment_id: "0",
  user_id: "bench",
  start_time: 1_795_000_000_000,
  tags: ["user", "source.name", "source.type", "source.git.commit"].map((key) => ({
    key: `mlflow.${key}`,
    value: "x",
  })),
});

function told(bench: Bench, what: string, { requests, seconds, p50Ms, p99Ms, errors }: LoadResult): void {
  const failed = Object.keys(errors).length === 0 ? "" : `, failed: ${JSON.stringify(errors)}`;
  bench.say(
    `  ${what}: ${Math.round(requests / seconds)} requests/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms${failed}`,
  );
}

async function createRuns(url: string, count: number): Promise<string[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: PEER_CONNECTIONS });
  const answers = await Promise.all(
    Array.from({ length: count }, () => post(agent, url, "/api/2.0/mlflow/runs/create", NEW_RUN)),
  );
  agent.destroy();
  return answers.map(({ text }) => (JSON.parse(text) as { run: { info: { run_id: string } } }).run.info.run_id);
}

/** What went wrong instead, in words. */
async function measurePeer(bench: Bench): Promise<Measured | string> {
  mkdirSync(bench.folder, { recursive: true });
  const logFile = join(bench.folder, "mlflow.log");
  const onEnd = (stop: () => Promise<unknown>): void => bench.onEnd(stop);
  try {
    bench.say("  MLflow's server: installing, unless it is");
    await installPeer(MLFLOW, { logFile, onEnd, signal: bench.signal });
    return await bench.within(async (own) => {
      const url = await startMlflow(own, await own.postgres(), logFile);
      return measure(url, PEER_CONNECTIONS, own);
    });
  } catch (error) {
    bench.signal.throwIfAborted();
    return `MLflow's server failed: ${describeError(error)}`;
  }
}

async function startMlflow(bench: Bench, postgresUrl: string, logFile: string): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = ["--host", "127.0.0.1", "--port", String(port), "--workers", String(PEER_WORKERS)];
  const child = spawn(
    join(cache, "weft", "peers", "mlflow", "bin", "mlflow"),
    ["server", "--backend-store-uri", postgresUrl.replace(/^postgres(?:ql)?:/, "postgresql+psycopg2:"), ...settings],
    {
      cwd: bench.folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PATH: `${join(cache, "weft", "peers", "mlflow", "bin")}:${process.env["PATH"] ?? ""}`,
        MLFLOW_DISABLE_TELEMETRY: "true",
      },
    },
  );
  const log = createWriteStream(logFile, { flags: "a" });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  bench.onEnd(async () => {
    // Its workers are in its process group.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    await ended;
  });
  const until = performance.now() + PEER_START_MS_MAX;
  for (;;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok === true) return url;
    if (child.exitCode !== null || performance.now() > until)
      throw new Error(`it did not answer within ${PEER_START_MS_MAX / 1000} s; its words are in ${logFile}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
