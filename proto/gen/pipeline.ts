import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ListValue as _google_protobuf_ListValue, ListValue__Output as _google_protobuf_ListValue__Output } from './google/protobuf/ListValue.ts';
import type { Struct as _google_protobuf_Struct, Struct__Output as _google_protobuf_Struct__Output } from './google/protobuf/Struct.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from './google/protobuf/Value.ts';
import type { Approve as _weft_v1_Approve, Approve__Output as _weft_v1_Approve__Output } from './weft/v1/Approve.ts';
import type { CacheParams as _weft_v1_CacheParams, CacheParams__Output as _weft_v1_CacheParams__Output } from './weft/v1/CacheParams.ts';
import type { Concurrency as _weft_v1_Concurrency, Concurrency__Output as _weft_v1_Concurrency__Output } from './weft/v1/Concurrency.ts';
import type { DataSource as _weft_v1_DataSource, DataSource__Output as _weft_v1_DataSource__Output } from './weft/v1/DataSource.ts';
import type { EmailTarget as _weft_v1_EmailTarget, EmailTarget__Output as _weft_v1_EmailTarget__Output } from './weft/v1/EmailTarget.ts';
import type { Environment as _weft_v1_Environment, Environment__Output as _weft_v1_Environment__Output } from './weft/v1/Environment.ts';
import type { GpuRequest as _weft_v1_GpuRequest, GpuRequest__Output as _weft_v1_GpuRequest__Output } from './weft/v1/GpuRequest.ts';
import type { InputSpec as _weft_v1_InputSpec, InputSpec__Output as _weft_v1_InputSpec__Output } from './weft/v1/InputSpec.ts';
import type { JobSource as _weft_v1_JobSource, JobSource__Output as _weft_v1_JobSource__Output } from './weft/v1/JobSource.ts';
import type { LabelRule as _weft_v1_LabelRule, LabelRule__Output as _weft_v1_LabelRule__Output } from './weft/v1/LabelRule.ts';
import type { ManualSource as _weft_v1_ManualSource, ManualSource__Output as _weft_v1_ManualSource__Output } from './weft/v1/ManualSource.ts';
import type { MapDimension as _weft_v1_MapDimension, MapDimension__Output as _weft_v1_MapDimension__Output } from './weft/v1/MapDimension.ts';
import type { MapSource as _weft_v1_MapSource, MapSource__Output as _weft_v1_MapSource__Output } from './weft/v1/MapSource.ts';
import type { NatsSource as _weft_v1_NatsSource, NatsSource__Output as _weft_v1_NatsSource__Output } from './weft/v1/NatsSource.ts';
import type { NotifySpec as _weft_v1_NotifySpec, NotifySpec__Output as _weft_v1_NotifySpec__Output } from './weft/v1/NotifySpec.ts';
import type { PipelineSpec as _weft_v1_PipelineSpec, PipelineSpec__Output as _weft_v1_PipelineSpec__Output } from './weft/v1/PipelineSpec.ts';
import type { Placement as _weft_v1_Placement, Placement__Output as _weft_v1_Placement__Output } from './weft/v1/Placement.ts';
import type { Probe as _weft_v1_Probe, Probe__Output as _weft_v1_Probe__Output } from './weft/v1/Probe.ts';
import type { Rate as _weft_v1_Rate, Rate__Output as _weft_v1_Rate__Output } from './weft/v1/Rate.ts';
import type { Resources as _weft_v1_Resources, Resources__Output as _weft_v1_Resources__Output } from './weft/v1/Resources.ts';
import type { ResultCache as _weft_v1_ResultCache, ResultCache__Output as _weft_v1_ResultCache__Output } from './weft/v1/ResultCache.ts';
import type { Retries as _weft_v1_Retries, Retries__Output as _weft_v1_Retries__Output } from './weft/v1/Retries.ts';
import type { ScheduleSource as _weft_v1_ScheduleSource, ScheduleSource__Output as _weft_v1_ScheduleSource__Output } from './weft/v1/ScheduleSource.ts';
import type { ServiceSpec as _weft_v1_ServiceSpec, ServiceSpec__Output as _weft_v1_ServiceSpec__Output } from './weft/v1/ServiceSpec.ts';
import type { SubPipeline as _weft_v1_SubPipeline, SubPipeline__Output as _weft_v1_SubPipeline__Output } from './weft/v1/SubPipeline.ts';
import type { TaskSpec as _weft_v1_TaskSpec, TaskSpec__Output as _weft_v1_TaskSpec__Output } from './weft/v1/TaskSpec.ts';
import type { TriggerSpec as _weft_v1_TriggerSpec, TriggerSpec__Output as _weft_v1_TriggerSpec__Output } from './weft/v1/TriggerSpec.ts';
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
      CacheParams: MessageTypeDefinition<_weft_v1_CacheParams, _weft_v1_CacheParams__Output>
      Concurrency: MessageTypeDefinition<_weft_v1_Concurrency, _weft_v1_Concurrency__Output>
      DataSource: MessageTypeDefinition<_weft_v1_DataSource, _weft_v1_DataSource__Output>
      EmailTarget: MessageTypeDefinition<_weft_v1_EmailTarget, _weft_v1_EmailTarget__Output>
      Environment: MessageTypeDefinition<_weft_v1_Environment, _weft_v1_Environment__Output>
      GpuRequest: MessageTypeDefinition<_weft_v1_GpuRequest, _weft_v1_GpuRequest__Output>
      InputSpec: MessageTypeDefinition<_weft_v1_InputSpec, _weft_v1_InputSpec__Output>
      JobSource: MessageTypeDefinition<_weft_v1_JobSource, _weft_v1_JobSource__Output>
      LabelRule: MessageTypeDefinition<_weft_v1_LabelRule, _weft_v1_LabelRule__Output>
      ManualSource: MessageTypeDefinition<_weft_v1_ManualSource, _weft_v1_ManualSource__Output>
      MapDimension: MessageTypeDefinition<_weft_v1_MapDimension, _weft_v1_MapDimension__Output>
      MapSource: MessageTypeDefinition<_weft_v1_MapSource, _weft_v1_MapSource__Output>
      NatsSource: MessageTypeDefinition<_weft_v1_NatsSource, _weft_v1_NatsSource__Output>
      NotifySpec: MessageTypeDefinition<_weft_v1_NotifySpec, _weft_v1_NotifySpec__Output>
      PipelineSpec: MessageTypeDefinition<_weft_v1_PipelineSpec, _weft_v1_PipelineSpec__Output>
      Placement: MessageTypeDefinition<_weft_v1_Placement, _weft_v1_Placement__Output>
      Probe: MessageTypeDefinition<_weft_v1_Probe, _weft_v1_Probe__Output>
      Rate: MessageTypeDefinition<_weft_v1_Rate, _weft_v1_Rate__Output>
      Resources: MessageTypeDefinition<_weft_v1_Resources, _weft_v1_Resources__Output>
      ResultCache: MessageTypeDefinition<_weft_v1_ResultCache, _weft_v1_ResultCache__Output>
      Retries: MessageTypeDefinition<_weft_v1_Retries, _weft_v1_Retries__Output>
      ScheduleSource: MessageTypeDefinition<_weft_v1_ScheduleSource, _weft_v1_ScheduleSource__Output>
      ServiceSpec: MessageTypeDefinition<_weft_v1_ServiceSpec, _weft_v1_ServiceSpec__Output>
      SubPipeline: MessageTypeDefinition<_weft_v1_SubPipeline, _weft_v1_SubPipeline__Output>
      TaskSpec: MessageTypeDefinition<_weft_v1_TaskSpec, _weft_v1_TaskSpec__Output>
      TriggerSpec: MessageTypeDefinition<_weft_v1_TriggerSpec, _weft_v1_TriggerSpec__Output>
      WebhookSource: MessageTypeDefinition<_weft_v1_WebhookSource, _weft_v1_WebhookSource__Output>
      WebhookTarget: MessageTypeDefinition<_weft_v1_WebhookTarget, _weft_v1_WebhookTarget__Output>
    }
  }
}

