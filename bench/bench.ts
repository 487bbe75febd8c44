import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startCluster, type Cluster, type ClusterOptions } from "./cluster.ts";
import { startDatabase } from "./database.ts";

/** What a row may use. Everything it starts through this is stopped when the row ends, however it ends. */
export interface Bench {
  readonly say: (line: string) => void;
  /** Aborted when the bench is to end early: start nothing more. */
  readonly signal: AbortSignal;
  /** For files of the row's own; made by whoever writes there first. */
  readonly folder: string;
  /** A fresh cluster: own Postgres, NATS, server and (with `agentCpus`) agent. */
  cluster(options?: ClusterOptions): Promise<Cluster>;
  /** The URL of an empty database on a fresh Postgres. */
  postgres(): Promise<string>;
  /** A part of the row with a bench of its own: what it started is stopped when it ends. */
  within<T>(work: (bench: Bench) => Promise<T>): Promise<T>;
  /** Runs when the row ends; the last one given runs first. */
  onEnd(stop: () => Promise<unknown> | void): void;
}

interface Parts {
  readonly folder: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

type OnEnd = (stop: () => Promise<unknown> | void) => void;

/** Runs `work` with a bench of its own and ends what it started; at an interruption at once, with the signal's reason. */
export async function withBench<T>(parts: Parts, work: (bench: Bench) => Promise<T>): Promise<T> {
  const { say, signal } = parts;
  signal.throwIfAborted();
  const stops: (() => Promise<unknown> | void)[] = [];
  const onEnd: OnEnd = (stop) => void stops.push(stop);
  let interrupt = (): void => {};
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(signal.reason as Error);
    signal.addEventListener("abort", interrupt);
  });
  const bench: Bench = {
    ...parts,
    onEnd,
    cluster: (options = {}) => startCluster(parts, options, onEnd),
    postgres: () => startEmptyDatabase(parts.folder, onEnd),
    within: (inner) => {
      const whole = withBench(parts, inner);
      onEnd(() => whole.then(() => {}).catch(() => {}));
      return whole;
    },
  };
  try {
    return await Promise.race([work(bench), interrupted]);
  } finally {
    signal.removeEventListener("abort", interrupt);
    for (const stop of stops.toReversed()) {
      await Promise.resolve(stop()).catch((error: unknown) => say(`could not stop something: ${String(error)}`));
    }
  }
}

async function startEmptyDatabase(folder: string, onEnd: OnEnd): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const home = mkdtempSync(join(folder, "postgres-"));
  onEnd(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));
  const { DATABASE_URL: _database, ...env } = process.env;
  return (await startDatabase({ home, env }, onEnd)).url;
}
