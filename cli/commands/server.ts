import { Command, Option } from "commander";
import { openLog } from "../../lib/log.ts";
import { stopInOrder } from "../../lib/shutdown.ts";
import { readServerConfig, SERVER_DEFAULTS, type ServerConfig, type ServerFlags } from "../server/config.ts";
import { startServer } from "../server/start.ts";

const EXIT_BUG = 1;

export function serverCommand(): Command {
  return new Command("server")
    .description("run the control plane: gRPC, HTTP and the scheduler")
    .addOption(new Option("--home <dir>", "folder for artifacts").env("WEFT_HOME").default(".weft"))
    .option("--host <address>", "address to listen on", SERVER_DEFAULTS.host)
    .option("--http-port <n>", "port for HTTP; 0: any free one", SERVER_DEFAULTS.httpPort)
    .option("--grpc-port <n>", "port for gRPC; 0: any free one", SERVER_DEFAULTS.grpcPort)
    .option("--advertise <host:port>", "where other servers reach this one's gRPC; without it: host and port as bound")
    .option("--agent-nats-url <url>", "where agents reach NATS; without it: NATS_URL")
    .option("--lease-ms <n>", "how long a node may run on without being heard", SERVER_DEFAULTS.leaseMs)
    .option("--heartbeat-ms <n>", "time between two heartbeats of a node", SERVER_DEFAULTS.heartbeatMs)
    .option(
      "--leader-lease-ms <n>",
      "time after which another server takes over from one that died",
      SERVER_DEFAULTS.leaderLeaseMs,
    )
    .option("--insecure-bind", "listen on an address that other machines reach, without accounts and TLS")
    .option("--openlineage-url <url>", "whom to tell of lineage, as OpenLineage; WEFT_OPENLINEAGE_URL")
    .option("--openlineage-namespace <name>", 'what this cluster is called there; without it: "weft"')
    .addHelpText(
      "after",
      `
Environment:
  DATABASE_URL  postgres://user:password@host:5432/name   (required)
  NATS_URL      nats://host:4222                          (required)
  WEFT_ARTIFACTS  s3://bucket/prefix, or a folder; without it: <home>/artifacts. Of S3, region, endpoint and keys are
                  read from AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
  WEFT_OPENLINEAGE_API_KEY  the bearer token of --openlineage-url

Any number of servers may share one database and one NATS; one of them leads, the others pass on to it.

Examples:
  $ DATABASE_URL=postgres://weft@localhost/weft NATS_URL=nats://localhost weft server
  $ weft server --host 10.0.0.5 --insecure-bind --advertise 10.0.0.5:8081 --agent-nats-url nats://10.0.0.7:4222`,
    )
    .action(async (flags: ServerFlags) => {
      await run(readServerConfig(flags, process.env));
    });
}

/** Until it is asked to stop. Ends the process, since a start that hangs on Postgres or NATS must not outlive the request. */
async function run(config: ServerConfig): Promise<void> {
  const log = openLog({ name: "server" });
  const shutdown = stopInOrder({ say: (line) => log.warn(line) });
  let failed = false;
  const starting = startServer(config, log, shutdown.onStop).then((server) => {
    const { httpPort: http, grpcPort: grpc, fresh } = server;
    log.info({ http, grpc, host: config.host }, "ready");
    process.send?.({ kind: "ready", http, grpc, fresh });
    server.ended.catch((error: unknown) => {
      failed = true;
      log.fatal({ err: error }, "the scheduler broke a law of its own; this server ends, and a new one takes over");
      shutdown.request("a bug");
    });
  });
  const outcome = await Promise.race([
    starting.then(
      () => null,
      (error: unknown) => ({ error }),
    ),
    shutdown.requested,
  ]);
  if (typeof outcome === "object" && outcome !== null) {
    shutdown.request("it could not start");
    await shutdown.finished;
    // The channel to whoever started us would keep this process alive.
    if (process.connected) process.disconnect();
    throw outcome.error;
  }
  const clean = await shutdown.finished;
  process.exit(failed || !clean ? EXIT_BUG : 0);
}
