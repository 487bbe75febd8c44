// Original file: proto/weft/v1/cluster.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ConfigureRequest as _weft_v1_ConfigureRequest, ConfigureRequest__Output as _weft_v1_ConfigureRequest__Output } from '../../weft/v1/ConfigureRequest.ts';
import type { DemandRequest as _weft_v1_DemandRequest, DemandRequest__Output as _weft_v1_DemandRequest__Output } from '../../weft/v1/DemandRequest.ts';
import type { DemandResponse as _weft_v1_DemandResponse, DemandResponse__Output as _weft_v1_DemandResponse__Output } from '../../weft/v1/DemandResponse.ts';
import type { DrainRequest as _weft_v1_DrainRequest, DrainRequest__Output as _weft_v1_DrainRequest__Output } from '../../weft/v1/DrainRequest.ts';
import type { ExplainRequest as _weft_v1_ExplainRequest, ExplainRequest__Output as _weft_v1_ExplainRequest__Output } from '../../weft/v1/ExplainRequest.ts';
import type { ExplainResponse as _weft_v1_ExplainResponse, ExplainResponse__Output as _weft_v1_ExplainResponse__Output } from '../../weft/v1/ExplainResponse.ts';
import type { InfoRequest as _weft_v1_InfoRequest, InfoRequest__Output as _weft_v1_InfoRequest__Output } from '../../weft/v1/InfoRequest.ts';
import type { InfoResponse as _weft_v1_InfoResponse, InfoResponse__Output as _weft_v1_InfoResponse__Output } from '../../weft/v1/InfoResponse.ts';
import type { Node as _weft_v1_Node, Node__Output as _weft_v1_Node__Output } from '../../weft/v1/Node.ts';
import type { NodeRequest as _weft_v1_NodeRequest, NodeRequest__Output as _weft_v1_NodeRequest__Output } from '../../weft/v1/NodeRequest.ts';
import type { NodesRequest as _weft_v1_NodesRequest, NodesRequest__Output as _weft_v1_NodesRequest__Output } from '../../weft/v1/NodesRequest.ts';
import type { NodesResponse as _weft_v1_NodesResponse, NodesResponse__Output as _weft_v1_NodesResponse__Output } from '../../weft/v1/NodesResponse.ts';
import type { Project as _weft_v1_Project, Project__Output as _weft_v1_Project__Output } from '../../weft/v1/Project.ts';
import type { ProjectsRequest as _weft_v1_ProjectsRequest, ProjectsRequest__Output as _weft_v1_ProjectsRequest__Output } from '../../weft/v1/ProjectsRequest.ts';
import type { ProjectsResponse as _weft_v1_ProjectsResponse, ProjectsResponse__Output as _weft_v1_ProjectsResponse__Output } from '../../weft/v1/ProjectsResponse.ts';
import type { QueueRequest as _weft_v1_QueueRequest, QueueRequest__Output as _weft_v1_QueueRequest__Output } from '../../weft/v1/QueueRequest.ts';
import type { QueueResponse as _weft_v1_QueueResponse, QueueResponse__Output as _weft_v1_QueueResponse__Output } from '../../weft/v1/QueueResponse.ts';
import type { SetProjectRequest as _weft_v1_SetProjectRequest, SetProjectRequest__Output as _weft_v1_SetProjectRequest__Output } from '../../weft/v1/SetProjectRequest.ts';

export interface ClusterServiceClient extends grpc.Client {
  Configure(argument: _weft_v1_ConfigureRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Configure(argument: _weft_v1_ConfigureRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Configure(argument: _weft_v1_ConfigureRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Configure(argument: _weft_v1_ConfigureRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  configure(argument: _weft_v1_ConfigureRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  configure(argument: _weft_v1_ConfigureRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  configure(argument: _weft_v1_ConfigureRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  configure(argument: _weft_v1_ConfigureRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  
  Cordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Cordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Cordon(argument: _weft_v1_NodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Cordon(argument: _weft_v1_NodeRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  cordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  cordon(argument: _weft_v1_NodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  cordon(argument: _weft_v1_NodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  cordon(argument: _weft_v1_NodeRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  
  Demand(argument: _weft_v1_DemandRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_DemandResponse__Output>): grpc.ClientUnaryCall;
  Demand(argument: _weft_v1_DemandRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_DemandResponse__Output>): grpc.ClientUnaryCall;
  Demand(argument: _weft_v1_DemandRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_DemandResponse__Output>): grpc.ClientUnaryCall;
  Demand(argument: _weft_v1_DemandRequest, callback: grpc.requestCallback<_weft_v1_DemandResponse__Output>): grpc.ClientUnaryCall;
  demand(argument: _weft_v1_DemandRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_DemandResponse__Output>): grpc.ClientUnaryCall;
  demand(argument: _weft_v1_DemandRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_DemandResponse__Output>): grpc.ClientUnaryCall;
  demand(argument: _weft_v1_DemandRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_DemandResponse__Output>): grpc.ClientUnaryCall;
  demand(argument: _weft_v1_DemandRequest, callback: grpc.requestCallback<_weft_v1_DemandResponse__Output>): grpc.ClientUnaryCall;
  
  Drain(argument: _weft_v1_DrainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Drain(argument: _weft_v1_DrainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Drain(argument: _weft_v1_DrainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  Drain(argument: _weft_v1_DrainRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  drain(argument: _weft_v1_DrainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  drain(argument: _weft_v1_DrainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  drain(argument: _weft_v1_DrainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  drain(argument: _weft_v1_DrainRequest, callback: grpc.requestCallback<_weft_v1_Node__Output>): grpc.ClientUnaryCall;
  
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
  
  Projects(argument: _weft_v1_ProjectsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ProjectsResponse__Output>): grpc.ClientUnaryCall;
  Projects(argument: _weft_v1_ProjectsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ProjectsResponse__Output>): grpc.ClientUnaryCall;
  Projects(argument: _weft_v1_ProjectsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ProjectsResponse__Output>): grpc.ClientUnaryCall;
  Projects(argument: _weft_v1_ProjectsRequest, callback: grpc.requestCallback<_weft_v1_ProjectsResponse__Output>): grpc.ClientUnaryCall;
  projects(argument: _weft_v1_ProjectsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ProjectsResponse__Output>): grpc.ClientUnaryCall;
  projects(argument: _weft_v1_ProjectsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ProjectsResponse__Output>): grpc.ClientUnaryCall;
  projects(argument: _weft_v1_ProjectsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ProjectsResponse__Output>): grpc.ClientUnaryCall;
  projects(argument: _weft_v1_ProjectsRequest, callback: grpc.requestCallback<_weft_v1_ProjectsResponse__Output>): grpc.ClientUnaryCall;
  
  Queue(argument: _weft_v1_QueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  Queue(argument: _weft_v1_QueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  Queue(argument: _weft_v1_QueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  Queue(argument: _weft_v1_QueueRequest, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  queue(argument: _weft_v1_QueueRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  queue(argument: _weft_v1_QueueRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  queue(argument: _weft_v1_QueueRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  queue(argument: _weft_v1_QueueRequest, callback: grpc.requestCallback<_weft_v1_QueueResponse__Output>): grpc.ClientUnaryCall;
  
  SetProject(argument: _weft_v1_SetProjectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Project__Output>): grpc.ClientUnaryCall;
  SetProject(argument: _weft_v1_SetProjectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Project__Output>): grpc.ClientUnaryCall;
  SetProject(argument: _weft_v1_SetProjectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Project__Output>): grpc.ClientUnaryCall;
  SetProject(argument: _weft_v1_SetProjectRequest, callback: grpc.requestCallback<_weft_v1_Project__Output>): grpc.ClientUnaryCall;
  setProject(argument: _weft_v1_SetProjectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Project__Output>): grpc.ClientUnaryCall;
  setProject(argument: _weft_v1_SetProjectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Project__Output>): grpc.ClientUnaryCall;
  setProject(argument: _weft_v1_SetProjectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Project__Output>): grpc.ClientUnaryCall;
  setProject(argument: _weft_v1_SetProjectRequest, callback: grpc.requestCallback<_weft_v1_Project__Output>): grpc.ClientUnaryCall;
  
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
  Configure: grpc.handleUnaryCall<_weft_v1_ConfigureRequest__Output, _weft_v1_Node>;
  
  Cordon: grpc.handleUnaryCall<_weft_v1_NodeRequest__Output, _weft_v1_Node>;
  
  Demand: grpc.handleUnaryCall<_weft_v1_DemandRequest__Output, _weft_v1_DemandResponse>;
  
  Drain: grpc.handleUnaryCall<_weft_v1_DrainRequest__Output, _weft_v1_Node>;
  
  Explain: grpc.handleUnaryCall<_weft_v1_ExplainRequest__Output, _weft_v1_ExplainResponse>;
  
  Info: grpc.handleUnaryCall<_weft_v1_InfoRequest__Output, _weft_v1_InfoResponse>;
  
  Nodes: grpc.handleUnaryCall<_weft_v1_NodesRequest__Output, _weft_v1_NodesResponse>;
  
  Projects: grpc.handleUnaryCall<_weft_v1_ProjectsRequest__Output, _weft_v1_ProjectsResponse>;
  
  Queue: grpc.handleUnaryCall<_weft_v1_QueueRequest__Output, _weft_v1_QueueResponse>;
  
  SetProject: grpc.handleUnaryCall<_weft_v1_SetProjectRequest__Output, _weft_v1_Project>;
  
  Uncordon: grpc.handleUnaryCall<_weft_v1_NodeRequest__Output, _weft_v1_Node>;
  
}

export interface ClusterServiceDefinition extends grpc.ServiceDefinition {
  Configure: MethodDefinition<_weft_v1_ConfigureRequest, _weft_v1_Node, _weft_v1_ConfigureRequest__Output, _weft_v1_Node__Output>
  Cordon: MethodDefinition<_weft_v1_NodeRequest, _weft_v1_Node, _weft_v1_NodeRequest__Output, _weft_v1_Node__Output>
  Demand: MethodDefinition<_weft_v1_DemandRequest, _weft_v1_DemandResponse, _weft_v1_DemandRequest__Output, _weft_v1_DemandResponse__Output>
  Drain: MethodDefinition<_weft_v1_DrainRequest, _weft_v1_Node, _weft_v1_DrainRequest__Output, _weft_v1_Node__Output>
  Explain: MethodDefinition<_weft_v1_ExplainRequest, _weft_v1_ExplainResponse, _weft_v1_ExplainRequest__Output, _weft_v1_ExplainResponse__Output>
  Info: MethodDefinition<_weft_v1_InfoRequest, _weft_v1_InfoResponse, _weft_v1_InfoRequest__Output, _weft_v1_InfoResponse__Output>
  Nodes: MethodDefinition<_weft_v1_NodesRequest, _weft_v1_NodesResponse, _weft_v1_NodesRequest__Output, _weft_v1_NodesResponse__Output>
  Projects: MethodDefinition<_weft_v1_ProjectsRequest, _weft_v1_ProjectsResponse, _weft_v1_ProjectsRequest__Output, _weft_v1_ProjectsResponse__Output>
  Queue: MethodDefinition<_weft_v1_QueueRequest, _weft_v1_QueueResponse, _weft_v1_QueueRequest__Output, _weft_v1_QueueResponse__Output>
  SetProject: MethodDefinition<_weft_v1_SetProjectRequest, _weft_v1_Project, _weft_v1_SetProjectRequest__Output, _weft_v1_Project__Output>
  Uncordon: MethodDefinition<_weft_v1_NodeRequest, _weft_v1_Node, _weft_v1_NodeRequest__Output, _weft_v1_Node__Output>
}
