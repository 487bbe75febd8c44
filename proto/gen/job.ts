import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ListValue as _google_protobuf_ListValue, ListValue__Output as _google_protobuf_ListValue__Output } from './google/protobuf/ListValue.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from './google/protobuf/Struct.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from './google/protobuf/Value.ts';
import type { Approve as _weft_v1_Approve, Approve__Output as _weft_v1_Approve__Output } from './weft/v1/Approve.ts';
import type { ApproveRequest as _weft_v1_ApproveRequest, ApproveRequest__Output as _weft_v1_ApproveRequest__Output } from './weft/v1/ApproveRequest.ts';
import type { ApproveResponse as _weft_v1_ApproveResponse, ApproveResponse__Output as _weft_v1_ApproveResponse__Output } from './weft/v1/ApproveResponse.ts';
import type { Artifact as _weft_v1_Artifact, Artifact__Output as _weft_v1_Artifact__Output } from './weft/v1/Artifact.ts';
import type { CacheParams as _weft_v1_CacheParams, CacheParams__Output as _weft_v1_CacheParams__Output } from './weft/v1/CacheParams.ts';
import type { CancelJobRequest as _weft_v1_CancelJobRequest, CancelJobRequest__Output as _weft_v1_CancelJobRequest__Output } from './weft/v1/CancelJobRequest.ts';
import type { CancelJobResponse as _weft_v1_CancelJobResponse, CancelJobResponse__Output as _weft_v1_CancelJobResponse__Output } from './weft/v1/CancelJobResponse.ts';
import type { Code as _weft_v1_Code, Code__Output as _weft_v1_Code__Output } from './weft/v1/Code.ts';
import type { Concurrency as _weft_v1_Concurrency, Concurrency__Output as _weft_v1_Concurrency__Output } from './weft/v1/Concurrency.ts';
import type { DataSource as _weft_v1_DataSource, DataSource__Output as _weft_v1_DataSource__Output } from './weft/v1/DataSource.ts';
import type { Edge as _weft_v1_Edge, Edge__Output as _weft_v1_Edge__Output } from './weft/v1/Edge.ts';
import type { EmailTarget as _weft_v1_EmailTarget, EmailTarget__Output as _weft_v1_EmailTarget__Output } from './weft/v1/EmailTarget.ts';
import type { Environment as _weft_v1_Environment, Environment__Output as _weft_v1_Environment__Output } from './weft/v1/Environment.ts';
import type { Execution as _weft_v1_Execution, Execution__Output as _weft_v1_Execution__Output } from './weft/v1/Execution.ts';
import type { GetJobRequest as _weft_v1_GetJobRequest, GetJobRequest__Output as _weft_v1_GetJobRequest__Output } from './weft/v1/GetJobRequest.ts';
import type { GpuRequest as _weft_v1_GpuRequest, GpuRequest__Output as _weft_v1_GpuRequest__Output } from './weft/v1/GpuRequest.ts';
import type { InputSpec as _weft_v1_InputSpec, InputSpec__Output as _weft_v1_InputSpec__Output } from './weft/v1/InputSpec.ts';
import type { InstanceRange as _weft_v1_InstanceRange, InstanceRange__Output as _weft_v1_InstanceRange__Output } from './weft/v1/InstanceRange.ts';
import type { Job as _weft_v1_Job, Job__Output as _weft_v1_Job__Output } from './weft/v1/Job.ts';
import type { JobEvent as _weft_v1_JobEvent, JobEvent__Output as _weft_v1_JobEvent__Output } from './weft/v1/JobEvent.ts';
import type { JobServiceClient as _weft_v1_JobServiceClient, JobServiceDefinition as _weft_v1_JobServiceDefinition } from './weft/v1/JobService.ts';
import type { JobSource as _weft_v1_JobSource, JobSource__Output as _weft_v1_JobSource__Output } from './weft/v1/JobSource.ts';
import type { LabelRule as _weft_v1_LabelRule, LabelRule__Output as _weft_v1_LabelRule__Output } from './weft/v1/LabelRule.ts';
import type { LineageRequest as _weft_v1_LineageRequest, LineageRequest__Output as _weft_v1_LineageRequest__Output } from './weft/v1/LineageRequest.ts';
import type { LineageResponse as _weft_v1_LineageResponse, LineageResponse__Output as _weft_v1_LineageResponse__Output } from './weft/v1/LineageResponse.ts';
import type { ListJobsRequest as _weft_v1_ListJobsRequest, ListJobsRequest__Output as _weft_v1_ListJobsRequest__Output } from './weft/v1/ListJobsRequest.ts';
import type { ListJobsResponse as _weft_v1_ListJobsResponse, ListJobsResponse__Output as _weft_v1_ListJobsResponse__Output } from './weft/v1/ListJobsResponse.ts';
import type { LogChunk as _weft_v1_LogChunk, LogChunk__Output as _weft_v1_LogChunk__Output } from './weft/v1/LogChunk.ts';
import type { LogsRequest as _weft_v1_LogsRequest, LogsRequest__Output as _weft_v1_LogsRequest__Output } from './weft/v1/LogsRequest.ts';
import type { ManualSource as _weft_v1_ManualSource, ManualSource__Output as _weft_v1_ManualSource__Output } from './weft/v1/ManualSource.ts';
import type { MapDimension as _weft_v1_MapDimension, MapDimension__Output as _weft_v1_MapDimension__Output } from './weft/v1/MapDimension.ts';
import type { MapSource as _weft_v1_MapSource, MapSource__Output as _weft_v1_MapSource__Output } from './weft/v1/MapSource.ts';
import type { NatsSource as _weft_v1_NatsSource, NatsSource__Output as _weft_v1_NatsSource__Output } from './weft/v1/NatsSource.ts';
import type { NotifySpec as _weft_v1_NotifySpec, NotifySpec__Output as _weft_v1_NotifySpec__Output } from './weft/v1/NotifySpec.ts';
import type { OutputArtifact as _weft_v1_OutputArtifact, OutputArtifact__Output as _weft_v1_OutputArtifact__Output } from './weft/v1/OutputArtifact.ts';
import type { PipelineSpec as _weft_v1_PipelineSpec, PipelineSpec__Output as _weft_v1_PipelineSpec__Output } from './weft/v1/PipelineSpec.ts';
import type { Placement as _weft_v1_Placement, Placement__Output as _weft_v1_Placement__Output } from './weft/v1/Placement.ts';
import type { Probe as _weft_v1_Probe, Probe__Output as _weft_v1_Probe__Output } from './weft/v1/Probe.ts';
import type { Rate as _weft_v1_Rate, Rate__Output as _weft_v1_Rate__Output } from './weft/v1/Rate.ts';
import type { ReadPipelineRequest as _weft_v1_ReadPipelineRequest, ReadPipelineRequest__Output as _weft_v1_ReadPipelineRequest__Output } from './weft/v1/ReadPipelineRequest.ts';
import type { ReadPipelineResponse as _weft_v1_ReadPipelineResponse, ReadPipelineResponse__Output as _weft_v1_ReadPipelineResponse__Output } from './weft/v1/ReadPipelineResponse.ts';
import type { RerunRequest as _weft_v1_RerunRequest, RerunRequest__Output as _weft_v1_RerunRequest__Output } from './weft/v1/RerunRequest.ts';
import type { Resources as _weft_v1_Resources, Resources__Output as _weft_v1_Resources__Output } from './weft/v1/Resources.ts';
import type { ResultCache as _weft_v1_ResultCache, ResultCache__Output as _weft_v1_ResultCache__Output } from './weft/v1/ResultCache.ts';
import type { Retries as _weft_v1_Retries, Retries__Output as _weft_v1_Retries__Output } from './weft/v1/Retries.ts';
import type { ScheduleSource as _weft_v1_ScheduleSource, ScheduleSource__Output as _weft_v1_ScheduleSource__Output } from './weft/v1/ScheduleSource.ts';
import type { ServiceSpec as _weft_v1_ServiceSpec, ServiceSpec__Output as _weft_v1_ServiceSpec__Output } from './weft/v1/ServiceSpec.ts';
import type { ServiceStatus as _weft_v1_ServiceStatus, ServiceStatus__Output as _weft_v1_ServiceStatus__Output } from './weft/v1/ServiceStatus.ts';
import type { SubPipeline as _weft_v1_SubPipeline, SubPipeline__Output as _weft_v1_SubPipeline__Output } from './weft/v1/SubPipeline.ts';
import type { SubmitRequest as _weft_v1_SubmitRequest, SubmitRequest__Output as _weft_v1_SubmitRequest__Output } from './weft/v1/SubmitRequest.ts';
import type { SubmitResponse as _weft_v1_SubmitResponse, SubmitResponse__Output as _weft_v1_SubmitResponse__Output } from './weft/v1/SubmitResponse.ts';
import type { Task as _weft_v1_Task, Task__Output as _weft_v1_Task__Output } from './weft/v1/Task.ts';
import type { TaskSpec as _weft_v1_TaskSpec, TaskSpec__Output as _weft_v1_TaskSpec__Output } from './weft/v1/TaskSpec.ts';
import type { TriggerSpec as _weft_v1_TriggerSpec, TriggerSpec__Output as _weft_v1_TriggerSpec__Output } from './weft/v1/TriggerSpec.ts';
import type { TriggeredBy as _weft_v1_TriggeredBy, TriggeredBy__Output as _weft_v1_TriggeredBy__Output } from './weft/v1/TriggeredBy.ts';
import type { WatchJobRequest as _weft_v1_WatchJobRequest, WatchJobRequest__Output as _weft_v1_WatchJobRequest__Output } from './weft/v1/WatchJobRequest.ts';
import type { WebhookSource as _weft_v1_WebhookSource, WebhookSource__Output as _weft_v1_WebhookSource__Output } from './weft/v1/WebhookSource.ts';
import type { WebhookTarget as _weft_v1_WebhookTarget, WebhookTarget__Output as _weft_v1_WebhookTarget__Output } from './weft/v1/WebhookTarget.ts';

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
      Approve: MessageTypeDefinition<_weft_v1_Approve, _weft_v1_Approve__Output>
      ApproveRequest: MessageTypeDefinition<_weft_v1_ApproveRequest, _weft_v1_ApproveRequest__Output>
      ApproveResponse: MessageTypeDefinition<_weft_v1_ApproveResponse, _weft_v1_ApproveResponse__Output>
      Artifact: MessageTypeDefinition<_weft_v1_Artifact, _weft_v1_Artifact__Output>
      CacheParams: MessageTypeDefinition<_weft_v1_CacheParams, _weft_v1_CacheParams__Output>
      CancelJobRequest: MessageTypeDefinition<_weft_v1_CancelJobRequest, _weft_v1_CancelJobRequest__Output>
      CancelJobResponse: MessageTypeDefinition<_weft_v1_CancelJobResponse, _weft_v1_CancelJobResponse__Output>
      Code: MessageTypeDefinition<_weft_v1_Code, _weft_v1_Code__Output>
      Concurrency: MessageTypeDefinition<_weft_v1_Concurrency, _weft_v1_Concurrency__Output>
      DataSource: MessageTypeDefinition<_weft_v1_DataSource, _weft_v1_DataSource__Output>
      Edge: MessageTypeDefinition<_weft_v1_Edge, _weft_v1_Edge__Output>
      EmailTarget: MessageTypeDefinition<_weft_v1_EmailTarget, _weft_v1_EmailTarget__Output>
      Environment: MessageTypeDefinition<_weft_v1_Environment, _weft_v1_Environment__Output>
      Execution: MessageTypeDefinition<_weft_v1_Execution, _weft_v1_Execution__Output>
      GetJobRequest: MessageTypeDefinition<_weft_v1_GetJobRequest, _weft_v1_GetJobRequest__Output>
      GpuRequest: MessageTypeDefinition<_weft_v1_GpuRequest, _weft_v1_GpuRequest__Output>
      InputSpec: MessageTypeDefinition<_weft_v1_InputSpec, _weft_v1_InputSpec__Output>
      InstanceRange: MessageTypeDefinition<_weft_v1_InstanceRange, _weft_v1_InstanceRange__Output>
      Job: MessageTypeDefinition<_weft_v1_Job, _weft_v1_Job__Output>
      JobEvent: MessageTypeDefinition<_weft_v1_JobEvent, _weft_v1_JobEvent__Output>
      JobService: SubtypeConstructor<typeof grpc.Client, _weft_v1_JobServiceClient> & { service: _weft_v1_JobServiceDefinition }
      JobSource: MessageTypeDefinition<_weft_v1_JobSource, _weft_v1_JobSource__Output>
      LabelRule: MessageTypeDefinition<_weft_v1_LabelRule, _weft_v1_LabelRule__Output>
      LineageRequest: MessageTypeDefinition<_weft_v1_LineageRequest, _weft_v1_LineageRequest__Output>
      LineageResponse: MessageTypeDefinition<_weft_v1_LineageResponse, _weft_v1_LineageResponse__Output>
      ListJobsRequest: MessageTypeDefinition<_weft_v1_ListJobsRequest, _weft_v1_ListJobsRequest__Output>
      ListJobsResponse: MessageTypeDefinition<_weft_v1_ListJobsResponse, _weft_v1_ListJobsResponse__Output>
      LogChunk: MessageTypeDefinition<_weft_v1_LogChunk, _weft_v1_LogChunk__Output>
      LogsRequest: MessageTypeDefinition<_weft_v1_LogsRequest, _weft_v1_LogsRequest__Output>
      ManualSource: MessageTypeDefinition<_weft_v1_ManualSource, _weft_v1_ManualSource__Output>
      MapDimension: MessageTypeDefinition<_weft_v1_MapDimension, _weft_v1_MapDimension__Output>
      MapSource: MessageTypeDefinition<_weft_v1_MapSource, _weft_v1_MapSource__Output>
      NatsSource: MessageTypeDefinition<_weft_v1_NatsSource, _weft_v1_NatsSource__Output>
      NotifySpec: MessageTypeDefinition<_weft_v1_NotifySpec, _weft_v1_NotifySpec__Output>
      OutputArtifact: MessageTypeDefinition<_weft_v1_OutputArtifact, _weft_v1_OutputArtifact__Output>
      PipelineSpec: MessageTypeDefinition<_weft_v1_PipelineSpec, _weft_v1_PipelineSpec__Output>
      Placement: MessageTypeDefinition<_weft_v1_Placement, _weft_v1_Placement__Output>
      Probe: MessageTypeDefinition<_weft_v1_Probe, _weft_v1_Probe__Output>
      Rate: MessageTypeDefinition<_weft_v1_Rate, _weft_v1_Rate__Output>
      ReadPipelineRequest: MessageTypeDefinition<_weft_v1_ReadPipelineRequest, _weft_v1_ReadPipelineRequest__Output>
      ReadPipelineResponse: MessageTypeDefinition<_weft_v1_ReadPipelineResponse, _weft_v1_ReadPipelineResponse__Output>
      RerunRequest: MessageTypeDefinition<_weft_v1_RerunRequest, _weft_v1_RerunRequest__Output>
      Resources: MessageTypeDefinition<_weft_v1_Resources, _weft_v1_Resources__Output>
      ResultCache: MessageTypeDefinition<_weft_v1_ResultCache, _weft_v1_ResultCache__Output>
      Retries: MessageTypeDefinition<_weft_v1_Retries, _weft_v1_Retries__Output>
      ScheduleSource: MessageTypeDefinition<_weft_v1_ScheduleSource, _weft_v1_ScheduleSource__Output>
      ServiceSpec: MessageTypeDefinition<_weft_v1_ServiceSpec, _weft_v1_ServiceSpec__Output>
      ServiceStatus: MessageTypeDefinition<_weft_v1_ServiceStatus, _weft_v1_ServiceStatus__Output>
      SubPipeline: MessageTypeDefinition<_weft_v1_SubPipeline, _weft_v1_SubPipeline__Output>
      SubmitRequest: MessageTypeDefinition<_weft_v1_SubmitRequest, _weft_v1_SubmitRequest__Output>
      SubmitResponse: MessageTypeDefinition<_weft_v1_SubmitResponse, _weft_v1_SubmitResponse__Output>
      Task: MessageTypeDefinition<_weft_v1_Task, _weft_v1_Task__Output>
      TaskSpec: MessageTypeDefinition<_weft_v1_TaskSpec, _weft_v1_TaskSpec__Output>
      TriggerSpec: MessageTypeDefinition<_weft_v1_TriggerSpec, _weft_v1_TriggerSpec__Output>
      TriggeredBy: MessageTypeDefinition<_weft_v1_TriggeredBy, _weft_v1_TriggeredBy__Output>
      WatchJobRequest: MessageTypeDefinition<_weft_v1_WatchJobRequest, _weft_v1_WatchJobRequest__Output>
      WebhookSource: MessageTypeDefinition<_weft_v1_WebhookSource, _weft_v1_WebhookSource__Output>
      WebhookTarget: MessageTypeDefinition<_weft_v1_WebhookTarget, _weft_v1_WebhookTarget__Output>
    }
  }
}

