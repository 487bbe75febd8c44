// Original file: proto/weft/v1/cluster.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ExplainRequest as _weft_v1_ExplainRequest, ExplainRequest__Output as _weft_v1_ExplainRequest__Output } from '../../weft/v1/ExplainRequest.ts';
import type { ExplainResponse as _weft_v1_ExplainResponse, ExplainResponse__Output as _weft_v1_ExplainResponse__Output } from '../../weft/v1/ExplainResponse.ts';
import type { InfoRequest as _weft_v1_InfoRequest, InfoRequest__Output as _weft_v1_InfoRequest__Output } from '../../weft/v1/InfoRequest.ts';
import type { InfoResponse as _weft_v1_InfoResponse, InfoResponse__Output as _weft_v1_InfoResponse__Output } from '../../weft/v1/InfoResponse.ts';
import type { Node as _weft_v1_Node, Node__Output as _weft_v1_Node__Output } from '../../weft/v1/Node.ts';
import type { NodeRequest as _weft_v1_NodeRequest, NodeRequest__Output as _weft_v1_NodeRequest__Output } from '../../weft/v1/NodeRequest.ts';
import type { NodesRequest as _weft_v1_NodesRequest, NodesRequest__Output as _weft_v1_NodesRequest__Output } from '../../weft/v1/NodesRequest.ts';
import type { NodesResponse as _weft_v1_NodesResponse, NodesResponse__Output as _weft_v1_NodesResponse__Output } from '../../weft/v1/NodesResponse.ts';
import type { QueueRequest as _weft_v1_QueueRequest, QueueRequest__Output as _weft_v1_QueueRequest__Output } from '../../weft/v1/QueueRequest.ts';
import type { QueueResponse as _weft_v1_QueueResponse, QueueResponse__Output as _weft_v1_QueueResponse__Output } from '../../weft/v1/QueueResponse.ts';

export interface ClusterServiceClient extends grpc.Client {
  Cordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Cordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Cordon(argument: _weft_v1_NodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Cordon(argument: _weft_v1_NodeRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  cordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  cordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  cordon(argument: _weft_v1_NodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  cordon(argument: _weft_v1_NodeRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  
  Drain(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Drain(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Drain(argument: _weft_v1_NodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Drain(argument: _weft_v1_NodeRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  drain(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  drain(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  drain(argument: _weft_v1_NodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  drain(argument: _weft_v1_NodeRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  
  Explain(argument: _weft_v1_ExplainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _weft_v1_ExplainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _weft_v1_ExplainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _weft_v1_ExplainRequest, callback: grpc.requestCallback<_weft_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _weft_v1_ExplainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _weft_v1_ExplainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _weft_v1_ExplainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _weft_v1_ExplainRequest, callback: grpc.requestCallback<_weft_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  
  Info(argument: _weft_v1_InfoRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_InfoResponse__Output>): grpc.ClientUnaryCall;
  Info(argument: _weft_v1_InfoRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_InfoResponse__Output>): grpc.ClientUnaryCall;
  Info(argument: _weft_v1_InfoRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_InfoResponse__Output>): grpc.ClientUnaryCall;
  Info(argument: _weft_v1_InfoRequest, callback: grpc.requestCallback<_weft_v1_InfoResponse__Output>): grpc.ClientUnaryCall;
  info(argument: _weft_v1_InfoRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_InfoResponse__Output>): grpc.ClientUnaryCall;
  info(argument: _weft_v1_InfoRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_InfoResponse__Output>): grpc.ClientUnaryCall;
  info(argument: _weft_v1_InfoRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_InfoResponse__Output>): grpc.ClientUnaryCall;
  info(argument: _weft_v1_InfoRequest, callback: grpc.requestCallback<_weft_v1_InfoResponse__Output>): grpc.ClientUnaryCall;
  
  Nodes(argument: _weft_v1_NodesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_NodesResponse__Output>): grpc.ClientUnaryCall;
  Nodes(argument: _weft_v1_NodesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_NodesResponse__Output>): grpc.ClientUnaryCall;
  Nodes(argument: _weft_v1_NodesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_NodesResponse__Output>): grpc.ClientUnaryCall;
  Nodes(argument: _weft_v1_NodesRequest, callback: grpc.requestCallback<_weft_v1_NodesResponse__Output>): grpc.ClientUnaryCall;
  nodes(argument: _weft_v1_NodesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_NodesResponse__Output>): grpc.ClientUnaryCall;
  nodes(argument: _weft_v1_NodesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_NodesResponse__Output>): grpc.ClientUnaryCall;
  nodes(argument: _weft_v1_NodesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_NodesResponse__Output>): grpc.ClientUnaryCall;
  nodes(argument: _weft_v1_NodesRequest, callback: grpc.requestCallback<_weft_v1_NodesResponse__Output>): grpc.ClientUnaryCall;
  
  Queue(argument: _weft_v1_QueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  Queue(argument: _weft_v1_QueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  Queue(argument: _weft_v1_QueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  Queue(argument: _weft_v1_QueueRequest, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  queue(argument: _weft_v1_QueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  queue(argument: _weft_v1_QueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  queue(argument: _weft_v1_QueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  queue(argument: _weft_v1_QueueRequest, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  
  Uncordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Uncordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Uncordon(argument: _weft_v1_NodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Uncordon(argument: _weft_v1_NodeRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  uncordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  uncordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  uncordon(argument: _weft_v1_NodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  uncordon(argument: _weft_v1_NodeRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  
}

export interface ClusterServiceHandlers extends grpc.UntypedServiceImplementation {
  Cordon: grpc.handleUnaryCall<_weft_v1_NodeRequest__Output, _weft_v1_Node>;
  
  Drain: grpc.handleUnaryCall<_weft_v1_NodeRequest__Output, _weft_v1_Node>;
  
  Explain: grpc.handleUnaryCall<_weft_v1_ExplainRequest__Output, _weft_v1_ExplainResponse>;
  
  Info: grpc.handleUnaryCall<_weft_v1_InfoRequest__Output, _weft_v1_InfoResponse>;
  
  Nodes: grpc.handleUnaryCall<_weft_v1_NodesRequest__Output, _weft_v1_NodesResponse>;
  
  Queue: grpc.handleUnaryCall<_weft_v1_QueueRequest__Output, _weft_v1_QueueResponse>;
  
  Uncordon: grpc.handleUnaryCall<_weft_v1_NodeRequest__Output, _weft_v1_Node>;
  
}

export interface ClusterServiceDefinition extends grpc.ServiceDefinition {
  Cordon: MethodDefinition<_weft_v1_NodeRequest, _weft_v1_Node, _weft_v1_NodeRequest__Output, _weft_v1_Node__Output>
  Drain: MethodDefinition<_weft_v1_NodeRequest, _weft_v1_Node, _weft_v1_NodeRequest__Output, _weft_v1_Node__Output>
  Explain: MethodDefinition<_weft_v1_ExplainRequest, _weft_v1_ExplainResponse, _weft_v1_ExplainRequest__Output, _weft_v1_ExplainResponse__Output>
  Info: MethodDefinition<_weft_v1_InfoRequest, _weft_v1_InfoResponse, _weft_v1_InfoRequest__Output, _weft_v1_InfoResponse__Output>
  Nodes: MethodDefinition<_weft_v1_NodesRequest, _weft_v1_NodesResponse, _weft_v1_NodesRequest__Output, _weft_v1_NodesResponse__Output>
  Queue: MethodDefinition<_weft_v1_QueueRequest, _weft_v1_QueueResponse, _weft_v1_QueueRequest__Output, _weft_v1_QueueResponse__Output>
  Uncordon: MethodDefinition<_weft_v1_NodeRequest, _weft_v1_Node, _weft_v1_NodeRequest__Output, _weft_v1_Node__Output>
}
