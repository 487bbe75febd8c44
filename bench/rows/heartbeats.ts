import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { NodeId } from "../../lib/core/ids.ts";
import { Peer } from "../../lib/grpc.ts";
import { openLog } from "../../lib/log.ts";
import { enter } from "../answering-agent.ts";
import type { Bench } from "../bench.ts";
import type { Cluster } from "../cluster.ts";
import { figure, type Figure, type Row } from "../figure.ts";

/** Streams that share a connection: 10,000 sockets are more than a process may have by default. */
const AGENTS_PER_CONNECTION = 100;
/** Joins under way at once: as many as are answered within their time limit. */
const JOINS = 500;
/** Every agent has beaten several times by then: the interval grows with the cluster. */
const SETTLE_MS = 20_000;
/** NATS makes the queues of new nodes beside, a minute of a core for 10,000; what is measured comes after. */
const QUEUES_LIMIT_MS = 180_000;
const LOOK_MS = 2_000;
/** Of a core, over LOOK_MS: NATS has nothing left to make. */
const NATS_QUIET_FRACTION = 0.1;
const MEASURED_MS = 40_000;

export const heartbeats: readonly Row[] = [1_000, 10_000].map((agents) => {
  const name = `heartbeats-${agents / 1000}k`;
  return {
    name,
    about: `${agents} agents in this process, each with its stream to the server, none with work: the CPU time of the server`,
    run: (bench) => measure(bench, name, agents),
  };
});

async function measure(bench: Bench, name: string, agents: number): Promise<Figure[]> {
  const cluster = await bench.cluster();
  const log = openLog({ name, level: "error" });
  let answers = 0;
  const peers = Array.from({ length: Math.ceil(agents / AGENTS_PER_CONNECTION) }, () => new Peer(cluster.grpc));
  bench.onEnd(() => peers.forEach((peer) => peer.close()));
  let next = 0;
  const firstMs = performance.now();
  const joiner = async (): Promise<void> => {
    while (next < agents && !bench.signal.aborted) {
      const peer = peers[next % peers.length]!;
      next += 1;
      const node = randomUUID() as string as NodeId;
      const onAnswer = (): void => void (answers += 1);
      const { heartbeats: stream } = await enter({ node, peer, log, cpus: 8, active: new Set(), onAnswer });
      bench.onEnd(() => stream.stop());
    }
  };
  await Promise.all(Array.from({ length: JOINS }, joiner));
  bench.say(`all had joined after ${((performance.now() - firstMs) / 1000).toFixed(1)} s`);
  await delay(SETTLE_MS, undefined, { signal: bench.signal });
  await untilQuiet(cluster, bench.signal);
  const [before, answersBefore, startedMs] = [cluster.cpu(), answers, performance.now()];
  await delay(MEASURED_MS, undefined, { signal: bench.signal });
  const [after, wallMs] = [cluster.cpu(), performance.now() - startedMs];
  bench.say(`${Math.round((answers - answersBefore) / (wallMs / 1000))} heartbeats a second were answered`);
  const percent = (ms: number): number => (100 * ms) / wallMs;
  bench.say(
    `Postgres ${percent(after.postgres - before.postgres).toFixed(1)} %, NATS ${percent(after.nats - before.nats).toFixed(1)} %`,
  );
  return [
    figure(
      {
        row: name,
        value: percent(after.server - before.server),
        unit: "% of a core",
        reference: "one core",
        referenceValue: 100,
      },
      { compare: "≤", limit: 50, of: "value" },
    ),
  ];
}

async function untilQuiet(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + QUEUES_LIMIT_MS;
  for (let used = cluster.cpu().nats; performance.now() < deadlineMs;) {
    await delay(LOOK_MS, undefined, { signal });
    const before = used;
    used = cluster.cpu().nats;
    if (used - before < LOOK_MS * NATS_QUIET_FRACTION) return;
  }
}
