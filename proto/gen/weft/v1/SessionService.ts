// Original file: proto/weft/v1/session.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ExecRequest as _weft_v1_ExecRequest, ExecRequest__Output as _weft_v1_ExecRequest__Output } from '../../weft/v1/ExecRequest.ts';
import type { ExecResponse as _weft_v1_ExecResponse, ExecResponse__Output as _weft_v1_ExecResponse__Output } from '../../weft/v1/ExecResponse.ts';
import type { ForwardRequest as _weft_v1_ForwardRequest, ForwardRequest__Output as _weft_v1_ForwardRequest__Output } from '../../weft/v1/ForwardRequest.ts';
import type { ForwardResponse as _weft_v1_ForwardResponse, ForwardResponse__Output as _weft_v1_ForwardResponse__Output } from '../../weft/v1/ForwardResponse.ts';

export interface SessionServiceClient extends grpc.Client {
  Exec(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_ExecRequest, _weft_v1_ExecResponse__Output>;
  Exec(options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_ExecRequest, _weft_v1_ExecResponse__Output>;
  exec(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_ExecRequest, _weft_v1_ExecResponse__Output>;
  exec(options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_ExecRequest, _weft_v1_ExecResponse__Output>;
  
  Forward(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_ForwardRequest, _weft_v1_ForwardResponse__Output>;
  Forward(options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_ForwardRequest, _weft_v1_ForwardResponse__Output>;
  forward(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_ForwardRequest, _weft_v1_ForwardResponse__Output>;
  forward(options?: grpc.CallOptions): grpc.ClientDuplexStream<_weft_v1_ForwardRequest, _weft_v1_ForwardResponse__Output>;
  
}

export interface SessionServiceHandlers extends grpc.UntypedServiceImplementation {
  Exec: grpc.handleBidiStreamingCall<_weft_v1_ExecRequest__Output, _weft_v1_ExecResponse>;
  
  Forward: grpc.handleBidiStreamingCall<_weft_v1_ForwardRequest__Output, _weft_v1_ForwardResponse>;
  
}

export interface SessionServiceDefinition extends grpc.ServiceDefinition {
  Exec: MethodDefinition<_weft_v1_ExecRequest, _weft_v1_ExecResponse, _weft_v1_ExecRequest__Output, _weft_v1_ExecResponse__Output>
  Forward: MethodDefinition<_weft_v1_ForwardRequest, _weft_v1_ForwardResponse, _weft_v1_ForwardRequest__Output, _weft_v1_ForwardResponse__Output>
}
