import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { freePort } from "../cli/local/port.ts";
import { describeError } from "../lib/core/error.ts";
import type { Bench } from "./bench.ts";
import { type Figure, figure, type Target } from "./figure.ts";
import { installPeer, type Peer } from "./peer.ts";

/** MLflow's own server, on a Postgres of its own with the same settings as ours. */
export interface Mlflow {
  readonly url: string;
  readonly databaseUrl: string;
  readonly bench: Bench;
}

const PEER: Peer = { name: "mlflow", title: "MLflow's server", postgres: true, startAnew: true };
const WORKERS = 2;
const START_MS_MAX = 120_000;

/** What went wrong instead, in words. */
export interface Failed {
  readonly failed: string;
}

/** Installs it unless it is, starts it for `work`, and stops it after. */
export async function withMlflow<T>(bench: Bench, work: (mlflow: Mlflow) => Promise<T>): Promise<T | Failed> {
  mkdirSync(bench.folder, { recursive: true });
  const logFile = join(bench.folder, "mlflow.log");
  const onEnd = (stop: () => Promise<unknown>): void => bench.onEnd(stop);
  try {
    bench.say("  MLflow's server: installing, unless it is");
    await installPeer(PEER, { logFile, onEnd, signal: bench.signal });
    return await bench.within(async (own) => {
      const databaseUrl = await own.postgres();
      return work({ url: await start(own, databaseUrl, logFile), databaseUrl, bench: own });
    });
  } catch (error) {
    bench.signal.throwIfAborted();
    return { failed: `MLflow's server failed: ${describeError(error)}` };
  }
}

/** Our figure beside that of MLflow's server, or beside the words of why there is none. */
export function besideMlflow(
  found: Pick<Figure, "row" | "value" | "unit">,
  peer: { readonly value: number; readonly how: string } | Failed,
  target: Target,
): Figure {
  if (!("failed" in peer))
    return figure({ ...found, reference: `MLflow's server, ${peer.how}`, referenceValue: peer.value }, target);
  const alone = figure({ ...found, reference: peer.failed, referenceValue: 1 }, target);
  const unknown = target.of === "ratio" ? { target: "", holds: null } : {};
  return { ...alone, referenceValue: null, ratio: null, ...unknown };
}

async function start(bench: Bench, postgresUrl: string, logFile: string): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const bin = join(cache, "weft", "peers", "mlflow", "bin");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = ["--host", "127.0.0.1", "--port", String(port), "--workers", String(WORKERS)];
  const child = spawn(
    join(bin, "mlflow"),
    ["server", "--backend-store-uri", postgresUrl.replace(/^postgres(?:ql)?:/, "postgresql+psycopg2:"), ...settings],
    {
      cwd: bench.folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}`, MLFLOW_DISABLE_TELEMETRY: "true" },
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
  const until = performance.now() + START_MS_MAX;
  for (;;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok === true) return url;
    if (child.exitCode !== null || performance.now() > until)
      throw new Error(`it did not answer within ${START_MS_MAX / 1000} s; its words are in ${logFile}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
