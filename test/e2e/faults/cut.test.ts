import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startWeft, submit, weft } from "../../support/command.ts";
import { Ledger } from "../../support/ledger.ts";
import { startAgent, startBare, startServer, sweep } from "../../support/parts.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { until } from "../../support/wait.ts";

const LIMIT_MS = 180_000;
/** As the issue of an ordinary afternoon: somebody pulls the wrong cable and looks for it. */
const NATS_AWAY_MS = 60_000;
const LEASE_MS = 4_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}, LIMIT_MS);

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Cut {
  readonly grpc: string;
  readonly ledger: Ledger;
  /** What lies between the agent and NATS, and between the agent and gRPC. */
  readonly nats: TcpProxy;
  readonly server: TcpProxy;
}

/** One server and one agent that reaches NATS and gRPC through proxies only. */
async function cluster(flags: readonly string[]): Promise<Cut> {
  const bare = await startBare();
  cleanups.push(() => bare.stop());
  const home = join(bare.folder, "home");
  const server = await startServer({ home, databaseUrl: bare.databaseUrl, natsUrl: bare.nats.url, flags });
  cleanups.push(() => server.stop());
  const toNats = await startTcpProxy({ host: "127.0.0.1", port: bare.nats.port });
  const toServer = await startTcpProxy({ host: "127.0.0.1", port: Number(server.grpc.split(":")[1]) });
  cleanups.push(
    () => toNats.close(),
    () => toServer.close(),
  );
  const dir = join(bare.folder, "agent");
  const natsUrl = `nats://127.0.0.1:${toNats.port}`;
  const agent = await startAgent(`127.0.0.1:${toServer.port}`, dir, ["--cpus", "4", "--nats-url", natsUrl]);
  cleanups.push(
    () => sweep(dir),
    () => agent.stop(),
  );
  return { grpc: server.grpc, ledger: Ledger.make(join(bare.folder, "job")), nats: toNats, server: toServer };
}

test(
  "an agent that is cut from NATS for a minute loses nothing and repeats nothing",
  { timeout: LIMIT_MS },
  async () => {
    const { grpc, ledger, nats } = await cluster([]);
    const id = await submit(grpc, ledger.file);
    await ledger.reached(4);
    nats.silence();
    await pause(NATS_AWAY_MS);
    // What was given to the node before went on, and has ended meanwhile.
    expect(ledger.completed().length).toBeGreaterThan(4);
    expect(ledger.completed().length).toBeLessThan(ledger.instances().length);
    nats.mend();
    const end = await weft(grpc, ["job", id, "--watch"]);
    expect(end.exitCode, end.stdout.toString()).toBe(0);
    await ledger.check(grpc, id);
    await Ledger.nothingBegunTwice(grpc, id);
  },
);

test(
  "an agent that is cut from gRPC for longer than its lease stops what it runs; it all runs once more, to completion once",
  { timeout: LIMIT_MS },
  async () => {
    const { grpc, ledger, server } = await cluster(["--lease-ms", String(LEASE_MS), "--heartbeat-ms", "500"]);
    const id = await submit(grpc, ledger.file);
    const watched = startWeft(grpc, ["job", id, "--watch"]);
    await ledger.reached(4);
    server.silence();
    await until(
      async () => (await weft(grpc, ["nodes", "--json"])).stdout.toString().includes('"state":"lost"'),
      "the node to be given up",
      30_000,
    );
    const before = ledger.completed().length;
    await pause(LEASE_MS);
    // Without a lease nothing runs.
    expect(ledger.completed().length).toBe(before);
    server.mend();
    const end = await watched.done;
    expect(end.exitCode, end.stdout.toString()).toBe(0);
    const job = await ledger.check(grpc, id);
    expect(job.tasks.some(({ losses }) => losses > 0)).toBe(true);
  },
);
