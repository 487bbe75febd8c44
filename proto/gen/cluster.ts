import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ListValue as _google_protobuf_ListValue, ListValue__Output as _google_protobuf_ListValue__Output } from './google/protobuf/ListValue.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from './google/protobuf/Struct.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from './google/protobuf/Value.ts';
import type { ActiveAttempt as _weft_v1_ActiveAttempt, ActiveAttempt__Output as _weft_v1_ActiveAttempt__Output } from './weft/v1/ActiveAttempt.ts';
import type { AgentServiceClient as _weft_v1_AgentServiceClient, AgentServiceDefinition as _weft_v1_AgentServiceDefinition } from './weft/v1/AgentService.ts';
import type { Approve as _weft_v1_Approve, Approve__Output as _weft_v1_Approve__Output } from './weft/v1/Approve.ts';
import type { CacheParams as _weft_v1_CacheParams, CacheParams__Output as _weft_v1_CacheParams__Output } from './weft/v1/CacheParams.ts';
import type { Capacity as _weft_v1_Capacity, Capacity__Output as _weft_v1_Capacity__Output } from './weft/v1/Capacity.ts';
import type { ClusterServiceClient as _weft_v1_ClusterServiceClient, ClusterServiceDefinition as _weft_v1_ClusterServiceDefinition } from './weft/v1/ClusterService.ts';
import type { Concurrency as _weft_v1_Concurrency, Concurrency__Output as _weft_v1_Concurrency__Output } from './weft/v1/Concurrency.ts';
import type { ConfigureRequest as _weft_v1_ConfigureRequest, ConfigureRequest__Output as _weft_v1_ConfigureRequest__Output } from './weft/v1/ConfigureRequest.ts';
import type { DataSource as _weft_v1_DataSource, DataSource__Output as _weft_v1_DataSource__Output } from './weft/v1/DataSource.ts';
import type { DemandRequest as _weft_v1_DemandRequest, DemandRequest__Output as _weft_v1_DemandRequest__Output } from './weft/v1/DemandRequest.ts';
import type { DemandResponse as _weft_v1_DemandResponse, DemandResponse__Output as _weft_v1_DemandResponse__Output } from './weft/v1/DemandResponse.ts';
import type { DrainRequest as _weft_v1_DrainRequest, DrainRequest__Output as _weft_v1_DrainRequest__Output } from './weft/v1/DrainRequest.ts';
import type { EmailTarget as _weft_v1_EmailTarget, EmailTarget__Output as _weft_v1_EmailTarget__Output } from './weft/v1/EmailTarget.ts';
import type { Environment as _weft_v1_Environment, Environment__Output as _weft_v1_Environment__Output } from './weft/v1/Environment.ts';
import type { ExecExit as _weft_v1_ExecExit, ExecExit__Output as _weft_v1_ExecExit__Output } from './weft/v1/ExecExit.ts';
import type { ExecOpen as _weft_v1_ExecOpen, ExecOpen__Output as _weft_v1_ExecOpen__Output } from './weft/v1/ExecOpen.ts';
import type { ExecRequest as _weft_v1_ExecRequest, ExecRequest__Output as _weft_v1_ExecRequest__Output } from './weft/v1/ExecRequest.ts';
import type { ExecResponse as _weft_v1_ExecResponse, ExecResponse__Output as _weft_v1_ExecResponse__Output } from './weft/v1/ExecResponse.ts';
import type { ExplainPast as _weft_v1_ExplainPast, ExplainPast__Output as _weft_v1_ExplainPast__Output } from './weft/v1/ExplainPast.ts';
import type { ExplainReason as _weft_v1_ExplainReason, ExplainReason__Output as _weft_v1_ExplainReason__Output } from './weft/v1/ExplainReason.ts';
import type { ExplainRequest as _weft_v1_ExplainRequest, ExplainRequest__Output as _weft_v1_ExplainRequest__Output } from './weft/v1/ExplainRequest.ts';
import type { ExplainResponse as _weft_v1_ExplainResponse, ExplainResponse__Output as _weft_v1_ExplainResponse__Output } from './weft/v1/ExplainResponse.ts';
import type { ForwardOpen as _weft_v1_ForwardOpen, ForwardOpen__Output as _weft_v1_ForwardOpen__Output } from './weft/v1/ForwardOpen.ts';
import type { ForwardRequest as _weft_v1_ForwardRequest, ForwardRequest__Output as _weft_v1_ForwardRequest__Output } from './weft/v1/ForwardRequest.ts';
import type { ForwardResponse as _weft_v1_ForwardResponse, ForwardResponse__Output as _weft_v1_ForwardResponse__Output } from './weft/v1/ForwardResponse.ts';
import type { Gpu as _weft_v1_Gpu, Gpu__Output as _weft_v1_Gpu__Output } from './weft/v1/Gpu.ts';
import type { GpuRequest as _weft_v1_GpuRequest, GpuRequest__Output as _weft_v1_GpuRequest__Output } from './weft/v1/GpuRequest.ts';
import type { GpuUsage as _weft_v1_GpuUsage, GpuUsage__Output as _weft_v1_GpuUsage__Output } from './weft/v1/GpuUsage.ts';
import type { HeartbeatRequest as _weft_v1_HeartbeatRequest, HeartbeatRequest__Output as _weft_v1_HeartbeatRequest__Output } from './weft/v1/HeartbeatRequest.ts';
import type { HeartbeatResponse as _weft_v1_HeartbeatResponse, HeartbeatResponse__Output as _weft_v1_HeartbeatResponse__Output } from './weft/v1/HeartbeatResponse.ts';
import type { InfoRequest as _weft_v1_InfoRequest, InfoRequest__Output as _weft_v1_InfoRequest__Output } from './weft/v1/InfoRequest.ts';
import type { InfoResponse as _weft_v1_InfoResponse, InfoResponse__Output as _weft_v1_InfoResponse__Output } from './weft/v1/InfoResponse.ts';
import type { InputSpec as _weft_v1_InputSpec, InputSpec__Output as _weft_v1_InputSpec__Output } from './weft/v1/InputSpec.ts';
import type { JobSource as _weft_v1_JobSource, JobSource__Output as _weft_v1_JobSource__Output } from './weft/v1/JobSource.ts';
import type { JoinRequest as _weft_v1_JoinRequest, JoinRequest__Output as _weft_v1_JoinRequest__Output } from './weft/v1/JoinRequest.ts';
import type { JoinResponse as _weft_v1_JoinResponse, JoinResponse__Output as _weft_v1_JoinResponse__Output } from './weft/v1/JoinResponse.ts';
import type { LabelRule as _weft_v1_LabelRule, LabelRule__Output as _weft_v1_LabelRule__Output } from './weft/v1/LabelRule.ts';
import type { MaintenanceWindow as _weft_v1_MaintenanceWindow, MaintenanceWindow__Output as _weft_v1_MaintenanceWindow__Output } from './weft/v1/MaintenanceWindow.ts';
import type { ManualSource as _weft_v1_ManualSource, ManualSource__Output as _weft_v1_ManualSource__Output } from './weft/v1/ManualSource.ts';
import type { MapDimension as _weft_v1_MapDimension, MapDimension__Output as _weft_v1_MapDimension__Output } from './weft/v1/MapDimension.ts';
import type { MapSource as _weft_v1_MapSource, MapSource__Output as _weft_v1_MapSource__Output } from './weft/v1/MapSource.ts';
import type { NatsSource as _weft_v1_NatsSource, NatsSource__Output as _weft_v1_NatsSource__Output } from './weft/v1/NatsSource.ts';
import type { Node as _weft_v1_Node, Node__Output as _weft_v1_Node__Output } from './weft/v1/Node.ts';
import type { NodeDemand as _weft_v1_NodeDemand, NodeDemand__Output as _weft_v1_NodeDemand__Output } from './weft/v1/NodeDemand.ts';
import type { NodeRequest as _weft_v1_NodeRequest, NodeRequest__Output as _weft_v1_NodeRequest__Output } from './weft/v1/NodeRequest.ts';
import type { NodesRequest as _weft_v1_NodesRequest, NodesRequest__Output as _weft_v1_NodesRequest__Output } from './weft/v1/NodesRequest.ts';
import type { NodesResponse as _weft_v1_NodesResponse, NodesResponse__Output as _weft_v1_NodesResponse__Output } from './weft/v1/NodesResponse.ts';
import type { NotifySpec as _weft_v1_NotifySpec, NotifySpec__Output as _weft_v1_NotifySpec__Output } from './weft/v1/NotifySpec.ts';
import type { OpenSession as _weft_v1_OpenSession, OpenSession__Output as _weft_v1_OpenSession__Output } from './weft/v1/OpenSession.ts';
import type { PipelineSpec as _weft_v1_PipelineSpec, PipelineSpec__Output as _weft_v1_PipelineSpec__Output } from './weft/v1/PipelineSpec.ts';
import type { Placement as _weft_v1_Placement, Placement__Output as _weft_v1_Placement__Output } from './weft/v1/Placement.ts';
import type { Probe as _weft_v1_Probe, Probe__Output as _weft_v1_Probe__Output } from './weft/v1/Probe.ts';
import type { Project as _weft_v1_Project, Project__Output as _weft_v1_Project__Output } from './weft/v1/Project.ts';
import type { ProjectsRequest as _weft_v1_ProjectsRequest, ProjectsRequest__Output as _weft_v1_ProjectsRequest__Output } from './weft/v1/ProjectsRequest.ts';
import type { ProjectsResponse as _weft_v1_ProjectsResponse, ProjectsResponse__Output as _weft_v1_ProjectsResponse__Output } from './weft/v1/ProjectsResponse.ts';
import type { QueueClass as _weft_v1_QueueClass, QueueClass__Output as _weft_v1_QueueClass__Output } from './weft/v1/QueueClass.ts';
import type { QueueGate as _weft_v1_QueueGate, QueueGate__Output as _weft_v1_QueueGate__Output } from './weft/v1/QueueGate.ts';
import type { QueueRequest as _weft_v1_QueueRequest, QueueRequest__Output as _weft_v1_QueueRequest__Output } from './weft/v1/QueueRequest.ts';
import type { QueueResponse as _weft_v1_QueueResponse, QueueResponse__Output as _weft_v1_QueueResponse__Output } from './weft/v1/QueueResponse.ts';
import type { Quota as _weft_v1_Quota, Quota__Output as _weft_v1_Quota__Output } from './weft/v1/Quota.ts';
import type { Rate as _weft_v1_Rate, Rate__Output as _weft_v1_Rate__Output } from './weft/v1/Rate.ts';
import type { Resources as _weft_v1_Resources, Resources__Output as _weft_v1_Resources__Output } from './weft/v1/Resources.ts';
import type { ResultCache as _weft_v1_ResultCache, ResultCache__Output as _weft_v1_ResultCache__Output } from './weft/v1/ResultCache.ts';
import type { Retries as _weft_v1_Retries, Retries__Output as _weft_v1_Retries__Output } from './weft/v1/Retries.ts';
import type { ScheduleSource as _weft_v1_ScheduleSource, ScheduleSource__Output as _weft_v1_ScheduleSource__Output } from './weft/v1/ScheduleSource.ts';
import type { ServiceSpec as _weft_v1_ServiceSpec, ServiceSpec__Output as _weft_v1_ServiceSpec__Output } from './weft/v1/ServiceSpec.ts';
import type { SessionDown as _weft_v1_SessionDown, SessionDown__Output as _weft_v1_SessionDown__Output } from './weft/v1/SessionDown.ts';
import type { SessionFailed as _weft_v1_SessionFailed, SessionFailed__Output as _weft_v1_SessionFailed__Output } from './weft/v1/SessionFailed.ts';
import type { SessionHello as _weft_v1_SessionHello, SessionHello__Output as _weft_v1_SessionHello__Output } from './weft/v1/SessionHello.ts';
import type { SessionOpened as _weft_v1_SessionOpened, SessionOpened__Output as _weft_v1_SessionOpened__Output } from './weft/v1/SessionOpened.ts';
import type { SessionServiceClient as _weft_v1_SessionServiceClient, SessionServiceDefinition as _weft_v1_SessionServiceDefinition } from './weft/v1/SessionService.ts';
import type { SessionUp as _weft_v1_SessionUp, SessionUp__Output as _weft_v1_SessionUp__Output } from './weft/v1/SessionUp.ts';
import type { SetProjectRequest as _weft_v1_SetProjectRequest, SetProjectRequest__Output as _weft_v1_SetProjectRequest__Output } from './weft/v1/SetProjectRequest.ts';
import type { StopAttempt as _weft_v1_StopAttempt, StopAttempt__Output as _weft_v1_StopAttempt__Output } from './weft/v1/StopAttempt.ts';
import type { SubPipeline as _weft_v1_SubPipeline, SubPipeline__Output as _weft_v1_SubPipeline__Output } from './weft/v1/SubPipeline.ts';
import type { Taints as _weft_v1_Taints, Taints__Output as _weft_v1_Taints__Output } from './weft/v1/Taints.ts';
import type { TaskSpec as _weft_v1_TaskSpec, TaskSpec__Output as _weft_v1_TaskSpec__Output } from './weft/v1/TaskSpec.ts';
import type { TriggerSpec as _weft_v1_TriggerSpec, TriggerSpec__Output as _weft_v1_TriggerSpec__Output } from './weft/v1/TriggerSpec.ts';
import type { Usage as _weft_v1_Usage, Usage__Output as _weft_v1_Usage__Output } from './weft/v1/Usage.ts';
import type { WebhookSource as _weft_v1_WebhookSource, WebhookSource__Output as _weft_v1_WebhookSource__Output } from './weft/v1/WebhookSource.ts';
import type { WebhookTarget as _weft_v1_WebhookTarget, WebhookTarget__Output as _weft_v1_WebhookTarget__Output } from './weft/v1/WebhookTarget.ts';
import type { WindowSize as _weft_v1_WindowSize, WindowSize__Output as _weft_v1_WindowSize__Output } from './weft/v1/WindowSize.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  google: {
    protobuf: {
      ListValue: MessageTypeDefinition<_google_protobuf_ListValue, _google_protobuf_ListValue__Output>
      NullValue: EnumTypeDefinition
      Struct: MessageTypeDefinition<_google_protobuf_Struct, _google_protobuf_Struct__Output>
      Value: MessageTypeDefinition<_google_protobuf_Value, _google_protobuf_Value__Output>
    }
  }
  weft: {
    v1: {
      ActiveAttempt: MessageTypeDefinition<_weft_v1_ActiveAttempt, _weft_v1_ActiveAttempt__Output>
      AgentService: SubtypeConstructor<typeof grpc.Client, _weft_v1_AgentServiceClient> & { service: _weft_v1_AgentServiceDefinition }
      Approve: MessageTypeDefinition<_weft_v1_Approve, _weft_v1_Approve__Output>
      CacheParams: MessageTypeDefinition<_weft_v1_CacheParams, _weft_v1_CacheParams__Output>
      Capacity: MessageTypeDefinition<_weft_v1_Capacity, _weft_v1_Capacity__Output>
      ClusterService: SubtypeConstructor<typeof grpc.Client, _weft_v1_ClusterServiceClient> & { service: _weft_v1_ClusterServiceDefinition }
      Concurrency: MessageTypeDefinition<_weft_v1_Concurrency, _weft_v1_Concurrency__Output>
      ConfigureRequest: MessageTypeDefinition<_weft_v1_ConfigureRequest, _weft_v1_ConfigureRequest__Output>
      DataSource: MessageTypeDefinition<_weft_v1_DataSource, _weft_v1_DataSource__Output>
      DemandRequest: MessageTypeDefinition<_weft_v1_DemandRequest, _weft_v1_DemandRequest__Output>
      DemandResponse: MessageTypeDefinition<_weft_v1_DemandResponse, _weft_v1_DemandResponse__Output>
      DrainRequest: MessageTypeDefinition<_weft_v1_DrainRequest, _weft_v1_DrainRequest__Output>
      EmailTarget: MessageTypeDefinition<_weft_v1_EmailTarget, _weft_v1_EmailTarget__Output>
      Environment: MessageTypeDefinition<_weft_v1_Environment, _weft_v1_Environment__Output>
      ExecExit: MessageTypeDefinition<_weft_v1_ExecExit, _weft_v1_ExecExit__Output>
      ExecOpen: MessageTypeDefinition<_weft_v1_ExecOpen, _weft_v1_ExecOpen__Output>
      ExecRequest: MessageTypeDefinition<_weft_v1_ExecRequest, _weft_v1_ExecRequest__Output>
      ExecResponse: MessageTypeDefinition<_weft_v1_ExecResponse, _weft_v1_ExecResponse__Output>
      ExplainPast: MessageTypeDefinition<_weft_v1_ExplainPast, _weft_v1_ExplainPast__Output>
      ExplainReason: MessageTypeDefinition<_weft_v1_ExplainReason, _weft_v1_ExplainReason__Output>
      ExplainRequest: MessageTypeDefinition<_weft_v1_ExplainRequest, _weft_v1_ExplainRequest__Output>
      ExplainResponse: MessageTypeDefinition<_weft_v1_ExplainResponse, _weft_v1_ExplainResponse__Output>
      ForwardOpen: MessageTypeDefinition<_weft_v1_ForwardOpen, _weft_v1_ForwardOpen__Output>
      ForwardRequest: MessageTypeDefinition<_weft_v1_ForwardRequest, _weft_v1_ForwardRequest__Output>
      ForwardResponse: MessageTypeDefinition<_weft_v1_ForwardResponse, _weft_v1_ForwardResponse__Output>
      Gpu: MessageTypeDefinition<_weft_v1_Gpu, _weft_v1_Gpu__Output>
      GpuRequest: MessageTypeDefinition<_weft_v1_GpuRequest, _weft_v1_GpuRequest__Output>
      GpuUsage: MessageTypeDefinition<_weft_v1_GpuUsage, _weft_v1_GpuUsage__Output>
      HeartbeatRequest: MessageTypeDefinition<_weft_v1_HeartbeatRequest, _weft_v1_HeartbeatRequest__Output>
      HeartbeatResponse: MessageTypeDefinition<_weft_v1_HeartbeatResponse, _weft_v1_HeartbeatResponse__Output>
      InfoRequest: MessageTypeDefinition<_weft_v1_InfoRequest, _weft_v1_InfoRequest__Output>
      InfoResponse: MessageTypeDefinition<_weft_v1_InfoResponse, _weft_v1_InfoResponse__Output>
      InputSpec: MessageTypeDefinition<_weft_v1_InputSpec, _weft_v1_InputSpec__Output>
      JobSource: MessageTypeDefinition<_weft_v1_JobSource, _weft_v1_JobSource__Output>
      JoinRequest: MessageTypeDefinition<_weft_v1_JoinRequest, _weft_v1_JoinRequest__Output>
      JoinResponse: MessageTypeDefinition<_weft_v1_JoinResponse, _weft_v1_JoinResponse__Output>
      LabelRule: MessageTypeDefinition<_weft_v1_LabelRule, _weft_v1_LabelRule__Output>
      MaintenanceWindow: MessageTypeDefinition<_weft_v1_MaintenanceWindow, _weft_v1_MaintenanceWindow__Output>
      ManualSource: MessageTypeDefinition<_weft_v1_ManualSource, _weft_v1_ManualSource__Output>
      MapDimension: MessageTypeDefinition<_weft_v1_MapDimension, _weft_v1_MapDimension__Output>
      MapSource: MessageTypeDefinition<_weft_v1_MapSource, _weft_v1_MapSource__Output>
      NatsSource: MessageTypeDefinition<_weft_v1_NatsSource, _weft_v1_NatsSource__Output>
      Node: MessageTypeDefinition<_weft_v1_Node, _weft_v1_Node__Output>
      NodeDemand: MessageTypeDefinition<_weft_v1_NodeDemand, _weft_v1_NodeDemand__Output>
      NodeRequest: MessageTypeDefinition<_weft_v1_NodeRequest, _weft_v1_NodeRequest__Output>
      NodesRequest: MessageTypeDefinition<_weft_v1_NodesRequest, _weft_v1_NodesRequest__Output>
      NodesResponse: MessageTypeDefinition<_weft_v1_NodesResponse, _weft_v1_NodesResponse__Output>
      NotifySpec: MessageTypeDefinition<_weft_v1_NotifySpec, _weft_v1_NotifySpec__Output>
      OpenSession: MessageTypeDefinition<_weft_v1_OpenSession, _weft_v1_OpenSession__Output>
      PipelineSpec: MessageTypeDefinition<_weft_v1_PipelineSpec, _weft_v1_PipelineSpec__Output>
      Placement: MessageTypeDefinition<_weft_v1_Placement, _weft_v1_Placement__Output>
      Probe: MessageTypeDefinition<_weft_v1_Probe, _weft_v1_Probe__Output>
      Project: MessageTypeDefinition<_weft_v1_Project, _weft_v1_Project__Output>
      ProjectsRequest: MessageTypeDefinition<_weft_v1_ProjectsRequest, _weft_v1_ProjectsRequest__Output>
      ProjectsResponse: MessageTypeDefinition<_weft_v1_ProjectsResponse, _weft_v1_ProjectsResponse__Output>
      QueueClass: MessageTypeDefinition<_weft_v1_QueueClass, _weft_v1_QueueClass__Output>
      QueueGate: MessageTypeDefinition<_weft_v1_QueueGate, _weft_v1_QueueGate__Output>
      QueueRequest: MessageTypeDefinition<_weft_v1_QueueRequest, _weft_v1_QueueRequest__Output>
      QueueResponse: MessageTypeDefinition<_weft_v1_QueueResponse, _weft_v1_QueueResponse__Output>
      Quota: MessageTypeDefinition<_weft_v1_Quota, _weft_v1_Quota__Output>
      Rate: MessageTypeDefinition<_weft_v1_Rate, _weft_v1_Rate__Output>
      Resources: MessageTypeDefinition<_weft_v1_Resources, _weft_v1_Resources__Output>
      ResultCache: MessageTypeDefinition<_weft_v1_ResultCache, _weft_v1_ResultCache__Output>
      Retries: MessageTypeDefinition<_weft_v1_Retries, _weft_v1_Retries__Output>
      ScheduleSource: MessageTypeDefinition<_weft_v1_ScheduleSource, _weft_v1_ScheduleSource__Output>
      ServiceSpec: MessageTypeDefinition<_weft_v1_ServiceSpec, _weft_v1_ServiceSpec__Output>
      SessionDown: MessageTypeDefinition<_weft_v1_SessionDown, _weft_v1_SessionDown__Output>
      SessionFailed: MessageTypeDefinition<_weft_v1_SessionFailed, _weft_v1_SessionFailed__Output>
      SessionHello: MessageTypeDefinition<_weft_v1_SessionHello, _weft_v1_SessionHello__Output>
      SessionOpened: MessageTypeDefinition<_weft_v1_SessionOpened, _weft_v1_SessionOpened__Output>
      SessionService: SubtypeConstructor<typeof grpc.Client, _weft_v1_SessionServiceClient> & { service: _weft_v1_SessionServiceDefinition }
      SessionUp: MessageTypeDefinition<_weft_v1_SessionUp, _weft_v1_SessionUp__Output>
      SetProjectRequest: MessageTypeDefinition<_weft_v1_SetProjectRequest, _weft_v1_SetProjectRequest__Output>
      StopAttempt: MessageTypeDefinition<_weft_v1_StopAttempt, _weft_v1_StopAttempt__Output>
      SubPipeline: MessageTypeDefinition<_weft_v1_SubPipeline, _weft_v1_SubPipeline__Output>
      Taints: MessageTypeDefinition<_weft_v1_Taints, _weft_v1_Taints__Output>
      TaskSpec: MessageTypeDefinition<_weft_v1_TaskSpec, _weft_v1_TaskSpec__Output>
      TriggerSpec: MessageTypeDefinition<_weft_v1_TriggerSpec, _weft_v1_TriggerSpec__Output>
      Usage: MessageTypeDefinition<_weft_v1_Usage, _weft_v1_Usage__Output>
      WebhookSource: MessageTypeDefinition<_weft_v1_WebhookSource, _weft_v1_WebhookSource__Output>
      WebhookTarget: MessageTypeDefinition<_weft_v1_WebhookTarget, _weft_v1_WebhookTarget__Output>
      WindowSize: MessageTypeDefinition<_weft_v1_WindowSize, _weft_v1_WindowSize__Output>
    }
  }
}

