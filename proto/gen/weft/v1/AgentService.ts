// Original file: proto/weft/v1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { HeartbeatRequest as _weft_v1_HeartbeatRequest, HeartbeatRequest__Output as _weft_v1_HeartbeatRequest__Output } from '../../weft/v1/HeartbeatRequest.ts';
import type { HeartbeatResponse as _weft_v1_HeartbeatResponse, HeartbeatResponse__Output as _weft_v1_HeartbeatResponse__Output } from '../../weft/v1/HeartbeatResponse.ts';
import type { JoinRequest as _weft_v1_JoinRequest, JoinRequest__Output as _weft_v1_JoinRequest__Output } from '../../weft/v1/JoinRequest.ts';
import type { JoinResponse as _weft_v1_JoinResponse, JoinResponse__Output as _weft_v1_JoinResponse__Output } from '../../weft/v1/JoinResponse.ts';
import type { SessionDown as _weft_v1_SessionDown, SessionDown__Output as _weft_v1_SessionDown__Output } from '../../weft/v1/SessionDown.ts';
import type { SessionUp as _weft_v1_SessionUp, SessionUp__Output as _weft_v1_SessionUp__Output } from '../../weft/v1/SessionUp.ts';

export interface AgentServiceClient extends grpc.Client {
  Heartbeat(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_HeartbeatRequest, _weft_v1_HeartbeatResponse__Output>;
  Heartbeat(options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_HeartbeatRequest, _weft_v1_HeartbeatResponse__Output>;
  heartbeat(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_HeartbeatRequest, _weft_v1_HeartbeatResponse__Output>;
  heartbeat(options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_HeartbeatRequest, _weft_v1_HeartbeatResponse__Output>;
  
  Join(argument: _weft_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_JoinResponse__Output>): grpc.ClientUnaryCall;
  Join(argument: _weft_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_JoinResponse__Output>): grpc.ClientUnaryCall;
  Join(argument: _weft_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_JoinResponse__Output>): grpc.ClientUnaryCall;
  Join(argument: _weft_v1_JoinRequest, callback: grpc.requestCallback<_weft_v1_JoinResponse__Output>): grpc.ClientUnaryCall;
  join(argument: _weft_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_JoinResponse__Output>): grpc.ClientUnaryCall;
  join(argument: _weft_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_JoinResponse__Output>): grpc.ClientUnaryCall;
  join(argument: _weft_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_JoinResponse__Output>): grpc.ClientUnaryCall;
  join(argument: _weft_v1_JoinRequest, callback: grpc.requestCallback<_weft_v1_JoinResponse__Output>): grpc.ClientUnaryCall;
  
  Session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_SessionUp, _weft_v1_SessionDown__Output>;
  Session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_SessionUp, _weft_v1_SessionDown__Output>;
  session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_SessionUp, _weft_v1_SessionDown__Output>;
  session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_SessionUp, _weft_v1_SessionDown__Output>;
  
}

export interface AgentServiceHandlers extends grpc.UntypedServiceImplementation {
  Heartbeat: grpc.handleBidiStreamingCall<_weft_v1_HeartbeatRequest__Output, _weft_v1_HeartbeatResponse>;
  
  Join: grpc.handleUnaryCall<_weft_v1_JoinRequest__Output, _weft_v1_JoinResponse>;
  
  Session: grpc.handleBidiStreamingCall<_weft_v1_SessionUp__Output, _weft_v1_SessionDown>;
  
}

export interface AgentServiceDefinition extends grpc.ServiceDefinition {
  Heartbeat: MethodDefinition<_weft_v1_HeartbeatRequest, _weft_v1_HeartbeatResponse, _weft_v1_HeartbeatRequest__Output, _weft_v1_HeartbeatResponse__Output>
  Join: MethodDefinition<_weft_v1_JoinRequest, _weft_v1_JoinResponse, _weft_v1_JoinRequest__Output, _weft_v1_JoinResponse__Output>
  Session: MethodDefinition<_weft_v1_SessionUp, _weft_v1_SessionDown, _weft_v1_SessionUp__Output, _weft_v1_SessionDown__Output>
}
