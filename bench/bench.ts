import { startCluster, type Cluster, type ClusterOptions } from "./cluster.ts";

/** What a row may use. Everything it starts through this is stopped when the row ends, however it ends. */
export interface Bench {
  readonly say: (line: string) => void;
  /** A fresh cluster: own Postgres, NATS, server and (with `agentCpus`) agent. */
  cluster(options?: ClusterOptions): Promise<Cluster>;
  /** Runs when the row ends; the last one given runs first. */
  onEnd(stop: () => Promise<unknown> | void): void;
}

/** Runs `work` with a bench of its own and ends what it started. */
export async function withBench<T>(
  parts: { readonly folder: string; readonly say: (line: string) => void },
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const stops: (() => Promise<unknown> | void)[] = [];
  const onEnd = (stop: () => Promise<unknown> | void): void => void stops.push(stop);
  try {
    return await work({
      say: parts.say,
      onEnd,
      cluster: (options = {}) => startCluster(parts, options, onEnd),
    });
  } finally {
    for (const stop of stops.toReversed()) {
      await Promise.resolve(stop()).catch((error: unknown) => parts.say(`could not stop something: ${String(error)}`));
    }
  }
}
