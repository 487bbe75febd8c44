import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ChannelOptions, loadPackageDefinition, type GrpcObject } from "@grpc/grpc-js";
import { loadSync, type PackageDefinition } from "@grpc/proto-loader";
import type { ProtoGrpcType as AgentTypes } from "./gen/agent.ts";
import type { ProtoGrpcType as ClusterTypes } from "./gen/cluster.ts";
import type { ProtoGrpcType as JobTypes } from "./gen/job.ts";
import type { ProtoGrpcType as NotificationTypes } from "./gen/notification.ts";
import type { ProtoGrpcType as RegistryTypes } from "./gen/registry.ts";
import type { ProtoGrpcType as TriggerTypes } from "./gen/trigger.ts";
import type { ProtoGrpcType as SessionTypes } from "./gen/session.ts";

/**
 * Largest message either side takes, in bytes. A job of 10,000 plain tasks is about 1.5 MiB; a pipeline is
 * refused with a clearer error at 12 MiB, so the transport must let somewhat more through to be able to say so.
 */
export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Keepalive finds a peer that is gone without a FIN (a pulled cable, SIGSTOP) within 20 + 10 s; grpc-js leaves
 * it off, and a stream on a half-open connection would then wait for ever.
 */
export const CLIENT_OPTIONS: ChannelOptions = {
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.keepalive_permit_without_calls": 1,
  // Transparent retries keep a copy of what a long stream sent (grpc-node#2371); callers here retry themselves.
  "grpc.enable_retries": 0,
  // A channel stuck in CONNECTING spoils every channel that shares its subchannel (grpc-node#2785).
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 3_000,
};

export const SERVER_OPTIONS: ChannelOptions = {
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/** The `weft/v1/*.proto` files lie beside the sources; compiled code finds them one folder up. */
function protoDir(): string {
  for (const relative of ["./", "../../proto/"]) {
    const dir = fileURLToPath(new URL(relative, import.meta.url));
    if (existsSync(`${dir}weft/v1/job.proto`)) return dir;
  }
  throw new Error(
    `weft/v1/job.proto is neither beside ${import.meta.url} nor in the package's proto folder; reinstall the package`,
  );
}

const SERVICE_FILES = [
  "weft/v1/job.proto",
  "weft/v1/cluster.proto",
  "weft/v1/agent.proto",
  "weft/v1/trigger.proto",
  "weft/v1/notification.proto",
  "weft/v1/session.proto",
  "weft/v1/registry.proto",
];

let loaded: PackageDefinition | undefined;

/** The definition of all services, for clients and servers. */
export function packageDefinition(): PackageDefinition {
  loaded ??= loadSync(SERVICE_FILES, {
    includeDirs: [protoDir()],
    longs: Number,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  return loaded;
}

/** The same with the names of fields as the proto files write them: what reflection tells. */
export function reflectedDefinition(): PackageDefinition {
  return loadSync(SERVICE_FILES, { includeDirs: [protoDir()], keepCase: true });
}

export type WeftServices = JobTypes["weft"]["v1"] &
  ClusterTypes["weft"]["v1"] &
  AgentTypes["weft"]["v1"] &
  TriggerTypes["weft"]["v1"] &
  NotificationTypes["weft"]["v1"] &
  SessionTypes["weft"]["v1"] &
  RegistryTypes["weft"]["v1"];

/** Client constructors and service definitions of `weft.v1`. */
export function weftServices(): WeftServices {
  const tree = loadPackageDefinition(packageDefinition()) as GrpcObject & { weft: { v1: unknown } };
  return tree.weft.v1 as WeftServices;
}
