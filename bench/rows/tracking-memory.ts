import { readFileSync } from "node:fs";
import http from "node:http";
import type { Bench } from "../bench.ts";
import { figure, type Row } from "../figure.ts";
import { median } from "../sample.ts";
import { batchBody, createRun, runLoad } from "../tracking-load.ts";

const CONNECTIONS = 20;
const BATCH = 100;
const KEYS = 10;
const POINTS_PER_MINUTE = 1_000_000;
/** Everything is loaded and compiled, and buffers have their size, when this is over. */
const WARM_SECONDS = 20;
const SECONDS = 120;
const LOOK_MS = 500;

export const trackingMemory: Row = {
  name: "tracking-memory",
  about: `the server's memory while ${POINTS_PER_MINUTE.toLocaleString("en")} points a minute come over ${CONNECTIONS} connections, in the first and in the last half minute of ${SECONDS / 60} minutes`,
  run: async (bench) => {
    const { httpUrl, serverPid } = await bench.cluster();
    const idle = residentMiB(serverPid);
    await log(httpUrl, WARM_SECONDS);
    const looks: number[] = [];
    const timer = setInterval(() => looks.push(residentMiB(serverPid)), LOOK_MS);
    bench.onEnd(() => clearInterval(timer));
    const points = await log(httpUrl, SECONDS);
    clearInterval(timer);
    const part = looks.length / 4;
    const [first, last] = [median(looks.slice(0, part)), median(looks.slice(-part))];
    say(bench, { idle, first, last, most: Math.max(...looks), points });
    return [
      figure(
        {
          row: "tracking-memory",
          unit: "MiB",
          value: last,
          reference: "in the first half minute",
          referenceValue: first,
        },
        { compare: "≤", limit: 1.1, of: "ratio" },
      ),
    ];
  },
};

function say(bench: Bench, found: Readonly<Record<"idle" | "first" | "last" | "most" | "points", number>>): void {
  const { idle, first, last, most, points } = found;
  const perMinute = Math.round((points / SECONDS) * 60).toLocaleString("en");
  bench.say(
    `  ${perMinute} points a minute; ${idle.toFixed(0)} MiB idle, ${first.toFixed(0)} first, ${last.toFixed(0)} last, ${most.toFixed(0)} at most`,
  );
}

/** Points that were taken. */
async function log(url: string, seconds: number): Promise<number> {
  const agent = new http.Agent({ keepAlive: true });
  const runs = await Promise.all(Array.from({ length: CONNECTIONS }, () => createRun(agent, url)));
  agent.destroy();
  const { requests, errors } = await runLoad({
    url,
    connections: CONNECTIONS,
    seconds,
    perSecond: POINTS_PER_MINUTE / 60 / BATCH,
    request: (connection, n) => ({
      path: "/api/2.0/mlflow/runs/log-batch",
      body: batchBody(runs[connection]!, BATCH, KEYS, (n * BATCH) / KEYS),
    }),
  });
  if (Object.keys(errors).length > 0) throw new Error(`not all points were taken: ${JSON.stringify(errors)}`);
  return requests * BATCH;
}

function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}
