/** gRPC for Node, with the traps of grpc-js handled in one place: serving, calling, and errors on the wire. */
export {
  type CallContext,
  duplexStream,
  type ErrorLog,
  serverStream,
  type Sink,
  type StreamContext,
  unary,
} from "./grpc/handler.ts";
export { type CallSettings, CONNECT_DEADLINE_MS, Peer, type PeerMethod, UNARY_DEADLINE_MS } from "./grpc/peer.ts";
export { tellingOutages } from "./grpc/outage.ts";
export { rawRequest } from "./grpc/raw.ts";
export { type GrpcServer, type GrpcServerOptions, type ServedService, startGrpcServer } from "./grpc/server.ts";
export { fromServiceError, isServiceError, statusOf } from "./grpc/status.ts";
