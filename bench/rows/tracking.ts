import http from "node:http";
import type { Bench } from "../bench.ts";
import { type CpuTimes, cpuPerTask } from "../cpu.ts";
import type { Row } from "../figure.ts";
import { besideMlflow, withMlflow } from "../mlflow.ts";
import { batchBody, createRun, type Load, type LoadResult, NEW_RUN, runLoad } from "../tracking-load.ts";

const CONNECTIONS = 20;
const SECONDS = 8;
const SIZES = [1, 10, 100, 1_000];
/** Of one batch: a training loop logs some metrics together. */
const KEYS = 10;
/** Its own server takes fewer: with 20 connections it runs out of its pool and answers 400 after 30 s. */
const PEER_CONNECTIONS = 8;

interface Measured {
  readonly pointsPerSecond: ReadonlyMap<number, number>;
  readonly runsPerSecond: number;
}

/** The same requests to our server and to MLflow's own, one after the other, each on a Postgres of its own with the same settings. */
export const tracking: Row = {
  name: "tracking",
  about: `metrics in batches of ${SIZES.join(", ")} (${KEYS} keys), acknowledged after commit, and runs created: ${CONNECTIONS} connections, ${SECONDS} s each`,
  run: async (bench) => {
    const ours = await bench.within(async (own) => {
      const { httpUrl, cpu } = await own.cluster();
      return measure({ url: httpUrl, connections: CONNECTIONS, cpu }, own);
    });
    const theirs = await withMlflow(bench, ({ url, bench: own }) =>
      measure({ url, connections: PEER_CONNECTIONS }, own),
    );
    const peer = (value: (of: Measured) => number) =>
      "failed" in theirs ? theirs : { value: value(theirs), how: `${PEER_CONNECTIONS} connections` };
    return [
      ...SIZES.map((size) => {
        const value = ({ pointsPerSecond }: Measured): number => pointsPerSecond.get(size)!;
        const found = { row: `log-batch of ${size}`, unit: "points/s", value: value(ours) };
        return besideMlflow(found, peer(value), { compare: "≥", limit: 15, of: "ratio" });
      }),
      besideMlflow(
        { row: "create run", unit: "runs/s", value: ours.runsPerSecond },
        peer(({ runsPerSecond }) => runsPerSecond),
        { compare: "≥", limit: 10, of: "ratio" },
      ),
    ];
  },
};

interface Measuring {
  readonly url: string;
  readonly connections: number;
  readonly cpu?: () => CpuTimes;
}

async function measure(server: Measuring, bench: Bench): Promise<Measured> {
  const pointsPerSecond = new Map<number, number>();
  for (const size of SIZES) {
    const runs = await createRuns(server.url, server.connections);
    const keys = Math.min(KEYS, size);
    const body = (connection: number, n: number): string =>
      batchBody(runs[connection]!, size, keys, n * Math.ceil(size / keys));
    const path = "/api/2.0/mlflow/runs/log-batch";
    const { requests, seconds } = await load(server, bench, `${size} points`, (connection, n) => ({
      path,
      body: body(connection, n),
    }));
    pointsPerSecond.set(size, (requests * size) / seconds);
  }
  const path = "/api/2.0/mlflow/runs/create";
  const { requests, seconds } = await load(server, bench, "create run", () => ({ path, body: NEW_RUN }));
  return { pointsPerSecond, runsPerSecond: requests / seconds };
}

async function load(
  { url, connections, cpu }: Measuring,
  bench: Bench,
  what: string,
  request: Load["request"],
): Promise<LoadResult> {
  const before = cpu?.();
  const result = await runLoad({ url, connections, seconds: SECONDS, request });
  const { requests, seconds, p50Ms, p99Ms, errors } = result;
  const failed = Object.keys(errors).length === 0 ? "" : `, failed: ${JSON.stringify(errors)}`;
  const used = before && cpu ? `; ${cpuPerTask(before, cpu(), requests, "request")}` : "";
  bench.say(
    `  ${what}: ${Math.round(requests / seconds)} requests/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms${failed}${used}`,
  );
  return result;
}

async function createRuns(url: string, count: number): Promise<string[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: PEER_CONNECTIONS });
  const runs = await Promise.all(Array.from({ length: count }, () => createRun(agent, url)));
  agent.destroy();
  return runs;
}
