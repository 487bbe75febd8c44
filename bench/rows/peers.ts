import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describeError } from "../../lib/core/error.ts";
import type { Bench } from "../bench.ts";
import type { Cluster } from "../cluster.ts";
import { type Figure, figure, type Row } from "../figure.ts";
import { plainNoops } from "../noop.ts";
import { installPeer, type Peer, type PeerResult, runPeer } from "../peer.ts";
import { AGENT_CPUS, type Measured, type Work } from "../work.ts";

const WARM_UP_TASKS = 500;

export interface PeerRowOptions {
  readonly peers: readonly Peer[];
  readonly works: readonly Work[];
  /** Instead of each work's own limit. */
  readonly limitSeconds: number | null;
}

/** A row a peer. Ours is measured once, in the first of them, and nothing of it runs beside a peer. */
export function peerRows({ peers, works, limitSeconds }: PeerRowOptions): Row[] {
  const limited = limitSeconds === null ? works : works.map((work) => ({ ...work, limitSeconds }));
  let ours: Promise<ReadonlyMap<string, Measured>> | null = null;
  return peers.map((peer) => ({
    name: `peer-${peer.name}`,
    about: `${peer.title} and Weft, the same work: ${works.map(({ name }) => name).join(", ")}`,
    run: async (bench) => {
      ours ??= measureOurs(bench, limited);
      return compare(bench, peer, limited, await ours);
    },
  }));
}

/** Each work on a fresh cluster: what one leaves in the tables is not the next one's load. */
async function measureOurs(bench: Bench, works: readonly Work[]): Promise<ReadonlyMap<string, Measured>> {
  const found = new Map<string, Measured>();
  for (const work of works) {
    try {
      const measured = await bench.within((own) => measureOne(own, work));
      found.set(work.name, measured);
      bench.say(`  Weft ${work.name}: ${measured.count} in ${measured.seconds.toFixed(2)} s`);
    } catch (error) {
      bench.signal.throwIfAborted();
      bench.say(`  Weft ${work.name} failed: ${describeError(error)}`);
      process.exitCode = 1;
    }
  }
  return found;
}

async function measureOne(bench: Bench, work: Work): Promise<Measured> {
  const cluster: Cluster = await bench.cluster({ agentCpus: AGENT_CPUS });
  const { id } = await cluster.client.submit(plainNoops(WARM_UP_TASKS, AGENT_CPUS / WARM_UP_TASKS));
  await cluster.client.wait(id);
  return work.measure(cluster);
}

async function compare(
  bench: Bench,
  peer: Peer,
  works: readonly Work[],
  ours: ReadonlyMap<string, Measured>,
): Promise<Figure[]> {
  mkdirSync(bench.folder, { recursive: true });
  const logFile = join(bench.folder, `${peer.name}.log`);
  const say = (line: string): void => bench.say(line);
  const { signal } = bench;
  const onEnd = (stop: () => Promise<unknown>): void => bench.onEnd(stop);
  const measured = works.filter(({ name }) => ours.has(name));
  let results: PeerResult[];
  try {
    say(`  ${peer.title}: installing, unless it is`);
    await installPeer(peer, { logFile, onEnd, signal });
    const postgresUrl = peer.postgres ? await bench.postgres() : null;
    results = await runPeer(peer, { works: measured, postgresUrl, logFile, say, onEnd, signal });
  } catch (error) {
    signal.throwIfAborted();
    const words = describeError(error);
    say(`  ${peer.title}: ${words}`);
    results = measured.map(({ name }) => ({ kind: "failed", work: name, words }));
  }
  return measured.flatMap(({ name }, i) => figuresOf(peer, name, ours.get(name)!, results[i]!));
}

/** One of each kind that both have. */
function figuresOf(peer: Peer, work: string, ours: Measured, result: PeerResult): Figure[] {
  const theirs = result.kind === "failed" ? null : result;
  const reference =
    result.kind === "failed"
      ? `${peer.title} failed: ${result.words}`
      : `${peer.title} ${result.version}, ${result.count} in ${result.seconds.toFixed(1)} s; ${result.note}`;
  const one = (row: string, unit: "tasks/s" | "ms", of: (measured: Measured) => number): Figure =>
    ahead({ row: `${row} vs ${peer.title}`, unit, reference }, of(ours), theirs === null ? null : of(theirs));
  if (ours.stepMs === null) return [one(work, "tasks/s", ({ count, seconds }) => count / seconds)];
  return [
    one(`${work} step p50`, "ms", ({ stepMs }) => stepMs!),
    one(`${work} whole / steps`, "ms", ({ count, seconds }) => (seconds * 1000) / count),
  ];
}

/** Ahead is what is wanted of every row; a peer that failed is no reason to say so. */
function ahead(
  named: Pick<Figure, "row" | "reference"> & { readonly unit: "tasks/s" | "ms" },
  value: number,
  referenceValue: number | null,
): Figure {
  if (referenceValue === null)
    return { ...figure({ ...named, value, referenceValue: 1 }), referenceValue: null, ratio: null };
  const compare = named.unit === "ms" ? "≤" : "≥";
  return figure({ ...named, value, referenceValue }, { compare, limit: 1, of: "ratio" });
}
