import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import type { ServerConfig } from "../../cli/server/config.ts";
import { type RunningServer, startServer } from "../../cli/server/start.ts";
import { Peer, type PeerMethod } from "../../lib/grpc.ts";
import { type Log, silentLog } from "../../lib/log.ts";
import { weftServices } from "../../proto/channel.ts";
import type { PipelineSpec } from "../../proto/gen/weft/v1/PipelineSpec.ts";
import type { TaskSpec } from "../../proto/gen/weft/v1/TaskSpec.ts";

export interface TestServer extends RunningServer {
  readonly address: string;
  readonly peer: Peer;
  readonly stop: () => Promise<void>;
}

/** A server of a test's own, in this process, on free ports. Leases are short, so that their end can be awaited. */
export async function startTestServer(
  at: { readonly databaseUrl: string; readonly natsUrl: string },
  parts: Partial<ServerConfig> = {},
  log: Log = silentLog(),
): Promise<TestServer> {
  const home = join(inject("folder"), `server-${process.pid}-${randomBytes(4).toString("hex")}`);
  mkdirSync(home);
  const stops: (() => Promise<void> | void)[] = [];
  const config: ServerConfig = {
    ...at,
    home,
    host: "127.0.0.1",
    httpPort: 0,
    grpcPort: 0,
    advertise: null,
    agentNatsUrl: at.natsUrl,
    leaseMs: 3_000,
    heartbeatMs: 200,
    leaderLeaseMs: 1_000,
    insecureBind: false,
    artifacts: { kind: "folder", root: join(home, "artifacts") },
    notify: { smtp: null, channels: {} },
    openLineage: null,
    lineageNamespace: "weft",
    ...parts,
  };
  const server = await startServer(config, log, (_name, stop) => stops.push(stop));
  server.ended.catch(() => undefined);
  const address = `127.0.0.1:${server.grpcPort}`;
  const peer = new Peer(address);
  return {
    ...server,
    address,
    peer,
    stop: async () => {
      peer.close();
      for (const stop of stops.splice(0).toReversed()) await stop();
    },
  };
}

const services = weftServices();
/** What a client calls. */
export const JOBS = services.JobService.service;
export const CLUSTER = services.ClusterService.service;
export const AGENTS = services.AgentService.service;

/** All messages of a stream. */
export async function collect<Response>(stream: AsyncIterable<unknown>): Promise<Response[]> {
  const all: Response[] = [];
  for await (const message of stream) all.push(message as Response);
  return all;
}

export function protoPipeline(name: string, ...tasks: TaskSpec[]): PipelineSpec {
  return { name, tasks };
}

export type { PeerMethod };
