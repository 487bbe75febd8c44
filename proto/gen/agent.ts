import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ActiveAttempt as _weft_v1_ActiveAttempt, ActiveAttempt__Output as _weft_v1_ActiveAttempt__Output } from './weft/v1/ActiveAttempt.ts';
import type { AgentServiceClient as _weft_v1_AgentServiceClient, AgentServiceDefinition as _weft_v1_AgentServiceDefinition } from './weft/v1/AgentService.ts';
import type { Capacity as _weft_v1_Capacity, Capacity__Output as _weft_v1_Capacity__Output } from './weft/v1/Capacity.ts';
import type { ExecExit as _weft_v1_ExecExit, ExecExit__Output as _weft_v1_ExecExit__Output } from './weft/v1/ExecExit.ts';
import type { ExecOpen as _weft_v1_ExecOpen, ExecOpen__Output as _weft_v1_ExecOpen__Output } from './weft/v1/ExecOpen.ts';
import type { ExecRequest as _weft_v1_ExecRequest, ExecRequest__Output as _weft_v1_ExecRequest__Output } from './weft/v1/ExecRequest.ts';
import type { ExecResponse as _weft_v1_ExecResponse, ExecResponse__Output as _weft_v1_ExecResponse__Output } from './weft/v1/ExecResponse.ts';
import type { ForwardOpen as _weft_v1_ForwardOpen, ForwardOpen__Output as _weft_v1_ForwardOpen__Output } from './weft/v1/ForwardOpen.ts';
import type { ForwardRequest as _weft_v1_ForwardRequest, ForwardRequest__Output as _weft_v1_ForwardRequest__Output } from './weft/v1/ForwardRequest.ts';
import type { ForwardResponse as _weft_v1_ForwardResponse, ForwardResponse__Output as _weft_v1_ForwardResponse__Output } from './weft/v1/ForwardResponse.ts';
import type { Gpu as _weft_v1_Gpu, Gpu__Output as _weft_v1_Gpu__Output } from './weft/v1/Gpu.ts';
import type { GpuUsage as _weft_v1_GpuUsage, GpuUsage__Output as _weft_v1_GpuUsage__Output } from './weft/v1/GpuUsage.ts';
import type { HeartbeatRequest as _weft_v1_HeartbeatRequest, HeartbeatRequest__Output as _weft_v1_HeartbeatRequest__Output } from './weft/v1/HeartbeatRequest.ts';
import type { HeartbeatResponse as _weft_v1_HeartbeatResponse, HeartbeatResponse__Output as _weft_v1_HeartbeatResponse__Output } from './weft/v1/HeartbeatResponse.ts';
import type { JoinRequest as _weft_v1_JoinRequest, JoinRequest__Output as _weft_v1_JoinRequest__Output } from './weft/v1/JoinRequest.ts';
import type { JoinResponse as _weft_v1_JoinResponse, JoinResponse__Output as _weft_v1_JoinResponse__Output } from './weft/v1/JoinResponse.ts';
import type { OpenSession as _weft_v1_OpenSession, OpenSession__Output as _weft_v1_OpenSession__Output } from './weft/v1/OpenSession.ts';
import type { SessionDown as _weft_v1_SessionDown, SessionDown__Output as _weft_v1_SessionDown__Output } from './weft/v1/SessionDown.ts';
import type { SessionFailed as _weft_v1_SessionFailed, SessionFailed__Output as _weft_v1_SessionFailed__Output } from './weft/v1/SessionFailed.ts';
import type { SessionHello as _weft_v1_SessionHello, SessionHello__Output as _weft_v1_SessionHello__Output } from './weft/v1/SessionHello.ts';
import type { SessionOpened as _weft_v1_SessionOpened, SessionOpened__Output as _weft_v1_SessionOpened__Output } from './weft/v1/SessionOpened.ts';
import type { SessionServiceClient as _weft_v1_SessionServiceClient, SessionServiceDefinition as _weft_v1_SessionServiceDefinition } from './weft/v1/SessionService.ts';
import type { SessionUp as _weft_v1_SessionUp, SessionUp__Output as _weft_v1_SessionUp__Output } from './weft/v1/SessionUp.ts';
import type { StopAttempt as _weft_v1_StopAttempt, StopAttempt__Output as _weft_v1_StopAttempt__Output } from './weft/v1/StopAttempt.ts';
import type { Usage as _weft_v1_Usage, Usage__Output as _weft_v1_Usage__Output } from './weft/v1/Usage.ts';
import type { WindowSize as _weft_v1_WindowSize, WindowSize__Output as _weft_v1_WindowSize__Output } from './weft/v1/WindowSize.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  weft: {
    v1: {
      ActiveAttempt: MessageTypeDefinition<_weft_v1_ActiveAttempt, _weft_v1_ActiveAttempt__Output>
      AgentService: SubtypeConstructor<typeof grpc.Client, _weft_v1_AgentServiceClient> & { service: _weft_v1_AgentServiceDefinition }
      Capacity: MessageTypeDefinition<_weft_v1_Capacity, _weft_v1_Capacity__Output>
      ExecExit: MessageTypeDefinition<_weft_v1_ExecExit, _weft_v1_ExecExit__Output>
      ExecOpen: MessageTypeDefinition<_weft_v1_ExecOpen, _weft_v1_ExecOpen__Output>
      ExecRequest: MessageTypeDefinition<_weft_v1_ExecRequest, _weft_v1_ExecRequest__Output>
      ExecResponse: MessageTypeDefinition<_weft_v1_ExecResponse, _weft_v1_ExecResponse__Output>
      ForwardOpen: MessageTypeDefinition<_weft_v1_ForwardOpen, _weft_v1_ForwardOpen__Output>
      ForwardRequest: MessageTypeDefinition<_weft_v1_ForwardRequest, _weft_v1_ForwardRequest__Output>
      ForwardResponse: MessageTypeDefinition<_weft_v1_ForwardResponse, _weft_v1_ForwardResponse__Output>
      Gpu: MessageTypeDefinition<_weft_v1_Gpu, _weft_v1_Gpu__Output>
      GpuUsage: MessageTypeDefinition<_weft_v1_GpuUsage, _weft_v1_GpuUsage__Output>
      HeartbeatRequest: MessageTypeDefinition<_weft_v1_HeartbeatRequest, _weft_v1_HeartbeatRequest__Output>
      HeartbeatResponse: MessageTypeDefinition<_weft_v1_HeartbeatResponse, _weft_v1_HeartbeatResponse__Output>
      JoinRequest: MessageTypeDefinition<_weft_v1_JoinRequest, _weft_v1_JoinRequest__Output>
      JoinResponse: MessageTypeDefinition<_weft_v1_JoinResponse, _weft_v1_JoinResponse__Output>
      OpenSession: MessageTypeDefinition<_weft_v1_OpenSession, _weft_v1_OpenSession__Output>
      SessionDown: MessageTypeDefinition<_weft_v1_SessionDown, _weft_v1_SessionDown__Output>
      SessionFailed: MessageTypeDefinition<_weft_v1_SessionFailed, _weft_v1_SessionFailed__Output>
      SessionHello: MessageTypeDefinition<_weft_v1_SessionHello, _weft_v1_SessionHello__Output>
      SessionOpened: MessageTypeDefinition<_weft_v1_SessionOpened, _weft_v1_SessionOpened__Output>
      SessionService: SubtypeConstructor<typeof grpc.Client, _weft_v1_SessionServiceClient> & { service: _weft_v1_SessionServiceDefinition }
      SessionUp: MessageTypeDefinition<_weft_v1_SessionUp, _weft_v1_SessionUp__Output>
      StopAttempt: MessageTypeDefinition<_weft_v1_StopAttempt, _weft_v1_StopAttempt__Output>
      Usage: MessageTypeDefinition<_weft_v1_Usage, _weft_v1_Usage__Output>
      WindowSize: MessageTypeDefinition<_weft_v1_WindowSize, _weft_v1_WindowSize__Output>
    }
  }
}

