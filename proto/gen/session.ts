import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ExecExit as _weft_v1_ExecExit, ExecExit__Output as _weft_v1_ExecExit__Output } from './weft/v1/ExecExit.ts';
import type { ExecOpen as _weft_v1_ExecOpen, ExecOpen__Output as _weft_v1_ExecOpen__Output } from './weft/v1/ExecOpen.ts';
import type { ExecRequest as _weft_v1_ExecRequest, ExecRequest__Output as _weft_v1_ExecRequest__Output } from './weft/v1/ExecRequest.ts';
import type { ExecResponse as _weft_v1_ExecResponse, ExecResponse__Output as _weft_v1_ExecResponse__Output } from './weft/v1/ExecResponse.ts';
import type { ForwardOpen as _weft_v1_ForwardOpen, ForwardOpen__Output as _weft_v1_ForwardOpen__Output } from './weft/v1/ForwardOpen.ts';
import type { ForwardRequest as _weft_v1_ForwardRequest, ForwardRequest__Output as _weft_v1_ForwardRequest__Output } from './weft/v1/ForwardRequest.ts';
import type { ForwardResponse as _weft_v1_ForwardResponse, ForwardResponse__Output as _weft_v1_ForwardResponse__Output } from './weft/v1/ForwardResponse.ts';
import type { SessionDown as _weft_v1_SessionDown, SessionDown__Output as _weft_v1_SessionDown__Output } from './weft/v1/SessionDown.ts';
import type { SessionFailed as _weft_v1_SessionFailed, SessionFailed__Output as _weft_v1_SessionFailed__Output } from './weft/v1/SessionFailed.ts';
import type { SessionHello as _weft_v1_SessionHello, SessionHello__Output as _weft_v1_SessionHello__Output } from './weft/v1/SessionHello.ts';
import type { SessionOpened as _weft_v1_SessionOpened, SessionOpened__Output as _weft_v1_SessionOpened__Output } from './weft/v1/SessionOpened.ts';
import type { SessionServiceClient as _weft_v1_SessionServiceClient, SessionServiceDefinition as _weft_v1_SessionServiceDefinition } from './weft/v1/SessionService.ts';
import type { SessionUp as _weft_v1_SessionUp, SessionUp__Output as _weft_v1_SessionUp__Output } from './weft/v1/SessionUp.ts';
import type { WindowSize as _weft_v1_WindowSize, WindowSize__Output as _weft_v1_WindowSize__Output } from './weft/v1/WindowSize.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  weft: {
    v1: {
      ExecExit: MessageTypeDefinition<_weft_v1_ExecExit, _weft_v1_ExecExit__Output>
      ExecOpen: MessageTypeDefinition<_weft_v1_ExecOpen, _weft_v1_ExecOpen__Output>
      ExecRequest: MessageTypeDefinition<_weft_v1_ExecRequest, _weft_v1_ExecRequest__Output>
      ExecResponse: MessageTypeDefinition<_weft_v1_ExecResponse, _weft_v1_ExecResponse__Output>
      ForwardOpen: MessageTypeDefinition<_weft_v1_ForwardOpen, _weft_v1_ForwardOpen__Output>
      ForwardRequest: MessageTypeDefinition<_weft_v1_ForwardRequest, _weft_v1_ForwardRequest__Output>
      ForwardResponse: MessageTypeDefinition<_weft_v1_ForwardResponse, _weft_v1_ForwardResponse__Output>
      SessionDown: MessageTypeDefinition<_weft_v1_SessionDown, _weft_v1_SessionDown__Output>
      SessionFailed: MessageTypeDefinition<_weft_v1_SessionFailed, _weft_v1_SessionFailed__Output>
      SessionHello: MessageTypeDefinition<_weft_v1_SessionHello, _weft_v1_SessionHello__Output>
      SessionOpened: MessageTypeDefinition<_weft_v1_SessionOpened, _weft_v1_SessionOpened__Output>
      SessionService: SubtypeConstructor<typeof grpc.Client, _weft_v1_SessionServiceClient> & { service: _weft_v1_SessionServiceDefinition }
      SessionUp: MessageTypeDefinition<_weft_v1_SessionUp, _weft_v1_SessionUp__Output>
      WindowSize: MessageTypeDefinition<_weft_v1_WindowSize, _weft_v1_WindowSize__Output>
    }
  }
}

