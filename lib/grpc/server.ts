import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ServiceDefinition,
  type UntypedServiceImplementation,
  type ChannelOptions,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { loadSync } from "@grpc/proto-loader";
import { HealthImplementation, protoPath as healthProto } from "grpc-health-check";
import { reflectedDefinition, SERVER_OPTIONS } from "../../proto/channel.ts";
import { WeftError } from "../core/error.ts";
import { recordRaw } from "./raw.ts";
import { reflectable } from "./reflection.ts";

// grpc-js prints errors on stderr that it also returns; ours are logged once, and say more.
setLogVerbosity(logVerbosity.NONE);

export interface ServedService {
  /** Full name, e.g. `weft.v1.JobService`: what health checks ask for. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly handlers: UntypedServiceImplementation;
}

export interface GrpcServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Named in the error when the port is taken, e.g. `--grpc-port`. */
  readonly portFlag: string;
  readonly services: readonly ServedService[];
  readonly options?: ChannelOptions;
}

export interface GrpcServer {
  readonly port: number;
  /** Health checks of every service, and of the server as a whole (""), answer this from now on. */
  setServing(serving: boolean): void;
  /** Refuses new calls, waits up to `graceMs` for those under way, then ends the rest. */
  stop(graceMs: number): Promise<void>;
}

/** Serves with health checking (grpc.health.v1) and reflection, so that `grpcurl` works without proto files. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server({ ...SERVER_OPTIONS, ...options.options });
  for (const service of options.services) server.addService(recordRaw(service.definition), service.handlers);
  const health = new HealthImplementation();
  health.addToServer(server);
  new ReflectionService(reflectable([reflectedDefinition(), loadSync(healthProto, { keepCase: true })])).addToServer(
    server,
  );
  const setServing = (serving: boolean): void => {
    for (const name of ["", ...options.services.map((service) => service.name)]) {
      health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
    }
  };
  const port = await bind(server, options);
  setServing(true);
  return { port, setServing, stop: (graceMs) => stop(server, setServing, graceMs) };
}

function bind(server: Server, { host, port, portFlag }: GrpcServerOptions): Promise<number> {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (!error) resolve(bound);
      else reject(bindError(error, address, port, portFlag));
    });
  });
}

function bindError(error: Error, address: string, port: number, portFlag: string): WeftError {
  if (error.message.includes("EADDRINUSE")) {
    return new WeftError(
      "failed_precondition",
      `port ${port} is taken: another process listens on ${address}. Stop it, or choose another port with ${portFlag} (0: any free port)`,
    );
  }
  if (error.message.includes("EACCES")) {
    return new WeftError(
      "failed_precondition",
      `this user may not listen on port ${port}; choose one above 1023 with ${portFlag}`,
    );
  }
  return new WeftError("failed_precondition", `cannot listen on ${address}`, { cause: error });
}

async function stop(server: Server, setServing: (serving: boolean) => void, graceMs: number): Promise<void> {
  setServing(false);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
