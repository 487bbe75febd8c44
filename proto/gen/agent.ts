import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ActiveAttempt as _weft_v1_ActiveAttempt, ActiveAttempt__Output as _weft_v1_ActiveAttempt__Output } from './weft/v1/ActiveAttempt.ts';
import type { AgentServiceClient as _weft_v1_AgentServiceClient, AgentServiceDefinition as _weft_v1_AgentServiceDefinition } from './weft/v1/AgentService.ts';
import type { Capacity as _weft_v1_Capacity, Capacity__Output as _weft_v1_Capacity__Output } from './weft/v1/Capacity.ts';
import type { Gpu as _weft_v1_Gpu, Gpu__Output as _weft_v1_Gpu__Output } from './weft/v1/Gpu.ts';
import type { GpuUsage as _weft_v1_GpuUsage, GpuUsage__Output as _weft_v1_GpuUsage__Output } from './weft/v1/GpuUsage.ts';
import type { HeartbeatRequest as _weft_v1_HeartbeatRequest, HeartbeatRequest__Output as _weft_v1_HeartbeatRequest__Output } from './weft/v1/HeartbeatRequest.ts';
import type { HeartbeatResponse as _weft_v1_HeartbeatResponse, HeartbeatResponse__Output as _weft_v1_HeartbeatResponse__Output } from './weft/v1/HeartbeatResponse.ts';
import type { JoinRequest as _weft_v1_JoinRequest, JoinRequest__Output as _weft_v1_JoinRequest__Output } from './weft/v1/JoinRequest.ts';
import type { JoinResponse as _weft_v1_JoinResponse, JoinResponse__Output as _weft_v1_JoinResponse__Output } from './weft/v1/JoinResponse.ts';
import type { StopAttempt as _weft_v1_StopAttempt, StopAttempt__Output as _weft_v1_StopAttempt__Output } from './weft/v1/StopAttempt.ts';
import type { Usage as _weft_v1_Usage, Usage__Output as _weft_v1_Usage__Output } from './weft/v1/Usage.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  weft: {
    v1: {
      ActiveAttempt: MessageTypeDefinition<_weft_v1_ActiveAttempt, _weft_v1_ActiveAttempt__Output>
      AgentService: SubtypeConstructor<typeof grpc.Client, _weft_v1_AgentServiceClient> & { service: _weft_v1_AgentServiceDefinition }
      Capacity: MessageTypeDefinition<_weft_v1_Capacity, _weft_v1_Capacity__Output>
      Gpu: MessageTypeDefinition<_weft_v1_Gpu, _weft_v1_Gpu__Output>
      GpuUsage: MessageTypeDefinition<_weft_v1_GpuUsage, _weft_v1_GpuUsage__Output>
      HeartbeatRequest: MessageTypeDefinition<_weft_v1_HeartbeatRequest, _weft_v1_HeartbeatRequest__Output>
      HeartbeatResponse: MessageTypeDefinition<_weft_v1_HeartbeatResponse, _weft_v1_HeartbeatResponse__Output>
      JoinRequest: MessageTypeDefinition<_weft_v1_JoinRequest, _weft_v1_JoinRequest__Output>
      JoinResponse: MessageTypeDefinition<_weft_v1_JoinResponse, _weft_v1_JoinResponse__Output>
      StopAttempt: MessageTypeDefinition<_weft_v1_StopAttempt, _weft_v1_StopAttempt__Output>
      Usage: MessageTypeDefinition<_weft_v1_Usage, _weft_v1_Usage__Output>
    }
  }
}

