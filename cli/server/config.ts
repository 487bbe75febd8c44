import { resolve } from "node:path";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import { type NotifySettings, readNotifySettings } from "../../scheduler/notify/settings.ts";
import { readStorePlace, type StorePlace } from "../../services/artifacts/index.ts";
import type { EmitterSettings } from "../../services/lineage/index.ts";
import { readNamespace, readOpenLineage } from "./openlineage.ts";
import { hostAndPort, isLoopback, milliseconds, port, readConfig } from "../../lib/config.ts";

/** What one server is started with; complete and checked. */
export interface ServerConfig {
  readonly home: string;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly host: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly advertise: string | null;
  readonly agentNatsUrl: string;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly leaderLeaseMs: number;
  readonly insecureBind: boolean;
  readonly notify: NotifySettings;
  readonly artifacts: StorePlace;
  /** To whom lineage is told; null: to nobody. */
  readonly openLineage: EmitterSettings | null;
  /** What this cluster is called in OpenLineage, whether anybody is told or not. */
  readonly lineageNamespace: string;
}

/** What can be said in flags and checked by itself. */
type Flags = Omit<ServerConfig, "notify" | "artifacts" | "openLineage" | "lineageNamespace">;

/** As commander gives them. */
export interface ServerFlags {
  readonly home: string;
  readonly host: string;
  readonly httpPort: string;
  readonly grpcPort: string;
  readonly advertise?: string;
  readonly agentNatsUrl?: string;
  readonly leaseMs: string;
  readonly heartbeatMs: string;
  readonly leaderLeaseMs: string;
  readonly insecureBind?: boolean;
  readonly openlineageUrl?: string;
  readonly openlineageNamespace?: string;
}

export const SERVER_DEFAULTS = {
  host: "127.0.0.1",
  httpPort: "8080",
  grpcPort: "8081",
  /** Long enough for a server's restart and a slow network; a node that is really lost is noticed after it. */
  leaseMs: "30000",
  heartbeatMs: "2000",
  /** Short, since whoever submits waits for it; long enough for a pause of the process or of Postgres. */
  leaderLeaseMs: "5000",
} as const;

const schema = z.object({
  home: z.string().min(1, "must name a folder"),
  databaseUrl: z.string({ error: "is not set; it must be postgres://user:password@host:5432/name" }).min(1),
  natsUrl: z.string({ error: "is not set; it must be nats://host:4222" }).min(1),
  host: z.string().min(1),
  httpPort: port,
  grpcPort: port,
  advertise: hostAndPort.nullable(),
  agentNatsUrl: z.string({ error: "is not set" }).min(1),
  leaseMs: milliseconds(300, 3_600_000),
  heartbeatMs: milliseconds(50, 600_000),
  leaderLeaseMs: milliseconds(300, 600_000),
  insecureBind: z.boolean(),
});

const NAMES: Record<keyof Flags, string> = {
  home: "--home",
  databaseUrl: "DATABASE_URL",
  natsUrl: "NATS_URL",
  host: "--host",
  httpPort: "--http-port",
  grpcPort: "--grpc-port",
  advertise: "--advertise",
  agentNatsUrl: "--agent-nats-url",
  leaseMs: "--lease-ms",
  heartbeatMs: "--heartbeat-ms",
  leaderLeaseMs: "--leader-lease-ms",
  insecureBind: "--insecure-bind",
};

/** Throws `invalid` that names the flag or variable. */
export function readServerConfig(flags: ServerFlags, env: NodeJS.ProcessEnv): ServerConfig {
  const natsUrl = env["NATS_URL"];
  const values = {
    ...flags,
    databaseUrl: env["DATABASE_URL"],
    natsUrl,
    advertise: flags.advertise ?? null,
    agentNatsUrl: flags.agentNatsUrl ?? natsUrl,
    insecureBind: flags.insecureBind ?? false,
  };
  const config = readConfig<Flags>(schema, values, NAMES);
  checkBind(config);
  if (config.heartbeatMs * 3 > config.leaseMs) {
    throw new WeftError(
      "invalid",
      `--heartbeat-ms ${config.heartbeatMs} is too long for --lease-ms ${config.leaseMs}: a node must be able to miss two heartbeats and still renew its lease; at most ${Math.floor(config.leaseMs / 3)} would be right`,
    );
  }
  const home = resolve(config.home);
  return {
    ...config,
    home,
    notify: readNotifySettings(env),
    artifacts: readStorePlace(home, env),
    openLineage: readOpenLineage(flags, env),
    lineageNamespace: readNamespace(flags, env),
  };
}

/** There are no accounts yet: whoever reaches the ports may run commands on every node. */
function checkBind({ host, insecureBind }: Flags): void {
  if (isLoopback(host) || insecureBind) return;
  throw new WeftError(
    "invalid",
    `--host ${host} can be reached from other machines, and Weft has neither accounts nor TLS yet: whoever reaches its ports may run commands on every node. Keep --host 127.0.0.1, or add --insecure-bind where only trusted machines reach ${host}`,
  );
}
