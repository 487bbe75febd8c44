// Original file: proto/weft/v1/trigger.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApplyTriggersRequest as _weft_v1_ApplyTriggersRequest, ApplyTriggersRequest__Output as _weft_v1_ApplyTriggersRequest__Output } from '../../weft/v1/ApplyTriggersRequest.ts';
import type { ApplyTriggersResponse as _weft_v1_ApplyTriggersResponse, ApplyTriggersResponse__Output as _weft_v1_ApplyTriggersResponse__Output } from '../../weft/v1/ApplyTriggersResponse.ts';
import type { FireTriggerRequest as _weft_v1_FireTriggerRequest, FireTriggerRequest__Output as _weft_v1_FireTriggerRequest__Output } from '../../weft/v1/FireTriggerRequest.ts';
import type { FireTriggerResponse as _weft_v1_FireTriggerResponse, FireTriggerResponse__Output as _weft_v1_FireTriggerResponse__Output } from '../../weft/v1/FireTriggerResponse.ts';
import type { GetTriggerRequest as _weft_v1_GetTriggerRequest, GetTriggerRequest__Output as _weft_v1_GetTriggerRequest__Output } from '../../weft/v1/GetTriggerRequest.ts';
import type { ListTriggersRequest as _weft_v1_ListTriggersRequest, ListTriggersRequest__Output as _weft_v1_ListTriggersRequest__Output } from '../../weft/v1/ListTriggersRequest.ts';
import type { ListTriggersResponse as _weft_v1_ListTriggersResponse, ListTriggersResponse__Output as _weft_v1_ListTriggersResponse__Output } from '../../weft/v1/ListTriggersResponse.ts';
import type { RemoveTriggerResponse as _weft_v1_RemoveTriggerResponse, RemoveTriggerResponse__Output as _weft_v1_RemoveTriggerResponse__Output } from '../../weft/v1/RemoveTriggerResponse.ts';
import type { RotateSecretResponse as _weft_v1_RotateSecretResponse, RotateSecretResponse__Output as _weft_v1_RotateSecretResponse__Output } from '../../weft/v1/RotateSecretResponse.ts';
import type { Trigger as _weft_v1_Trigger, Trigger__Output as _weft_v1_Trigger__Output } from '../../weft/v1/Trigger.ts';
import type { TriggerRequest as _weft_v1_TriggerRequest, TriggerRequest__Output as _weft_v1_TriggerRequest__Output } from '../../weft/v1/TriggerRequest.ts';

export interface TriggerServiceClient extends grpc.Client {
  Apply(argument: _weft_v1_ApplyTriggersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ApplyTriggersResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _weft_v1_ApplyTriggersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ApplyTriggersResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _weft_v1_ApplyTriggersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ApplyTriggersResponse__Output>): grpc.ClientUnaryCall;
  Apply(argument: _weft_v1_ApplyTriggersRequest, callback: grpc.requestCallback<_weft_v1_ApplyTriggersResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _weft_v1_ApplyTriggersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ApplyTriggersResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _weft_v1_ApplyTriggersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ApplyTriggersResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _weft_v1_ApplyTriggersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ApplyTriggersResponse__Output>): grpc.ClientUnaryCall;
  apply(argument: _weft_v1_ApplyTriggersRequest, callback: grpc.requestCallback<_weft_v1_ApplyTriggersResponse__Output>): grpc.ClientUnaryCall;
  
  Fire(argument: _weft_v1_FireTriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_FireTriggerResponse__Output>): grpc.ClientUnaryCall;
  Fire(argument: _weft_v1_FireTriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_FireTriggerResponse__Output>): grpc.ClientUnaryCall;
  Fire(argument: _weft_v1_FireTriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_FireTriggerResponse__Output>): grpc.ClientUnaryCall;
  Fire(argument: _weft_v1_FireTriggerRequest, callback: grpc.requestCallback<_weft_v1_FireTriggerResponse__Output>): grpc.ClientUnaryCall;
  fire(argument: _weft_v1_FireTriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_FireTriggerResponse__Output>): grpc.ClientUnaryCall;
  fire(argument: _weft_v1_FireTriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_FireTriggerResponse__Output>): grpc.ClientUnaryCall;
  fire(argument: _weft_v1_FireTriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_FireTriggerResponse__Output>): grpc.ClientUnaryCall;
  fire(argument: _weft_v1_FireTriggerRequest, callback: grpc.requestCallback<_weft_v1_FireTriggerResponse__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _weft_v1_GetTriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Get(argument: _weft_v1_GetTriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Get(argument: _weft_v1_GetTriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Get(argument: _weft_v1_GetTriggerRequest, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  get(argument: _weft_v1_GetTriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  get(argument: _weft_v1_GetTriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  get(argument: _weft_v1_GetTriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  get(argument: _weft_v1_GetTriggerRequest, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  
  List(argument: _weft_v1_ListTriggersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListTriggersResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListTriggersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListTriggersResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListTriggersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListTriggersResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListTriggersRequest, callback: grpc.requestCallback<_weft_v1_ListTriggersResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListTriggersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListTriggersResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListTriggersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListTriggersResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListTriggersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListTriggersResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListTriggersRequest, callback: grpc.requestCallback<_weft_v1_ListTriggersResponse__Output>): grpc.ClientUnaryCall;
  
  Pause(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Pause(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Pause(argument: _weft_v1_TriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Pause(argument: _weft_v1_TriggerRequest, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  pause(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  pause(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  pause(argument: _weft_v1_TriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  pause(argument: _weft_v1_TriggerRequest, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  
  Remove(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RemoveTriggerResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_RemoveTriggerResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _weft_v1_TriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RemoveTriggerResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _weft_v1_TriggerRequest, callback: grpc.requestCallback<_weft_v1_RemoveTriggerResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RemoveTriggerResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_RemoveTriggerResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _weft_v1_TriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RemoveTriggerResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _weft_v1_TriggerRequest, callback: grpc.requestCallback<_weft_v1_RemoveTriggerResponse__Output>): grpc.ClientUnaryCall;
  
  Resume(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Resume(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Resume(argument: _weft_v1_TriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  Resume(argument: _weft_v1_TriggerRequest, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  resume(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  resume(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  resume(argument: _weft_v1_TriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  resume(argument: _weft_v1_TriggerRequest, callback: grpc.requestCallback<_weft_v1_Trigger__Output>): grpc.ClientUnaryCall;
  
  RotateSecret(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RotateSecretResponse__Output>): grpc.ClientUnaryCall;
  RotateSecret(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_RotateSecretResponse__Output>): grpc.ClientUnaryCall;
  RotateSecret(argument: _weft_v1_TriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RotateSecretResponse__Output>): grpc.ClientUnaryCall;
  RotateSecret(argument: _weft_v1_TriggerRequest, callback: grpc.requestCallback<_weft_v1_RotateSecretResponse__Output>): grpc.ClientUnaryCall;
  rotateSecret(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RotateSecretResponse__Output>): grpc.ClientUnaryCall;
  rotateSecret(argument: _weft_v1_TriggerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_RotateSecretResponse__Output>): grpc.ClientUnaryCall;
  rotateSecret(argument: _weft_v1_TriggerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RotateSecretResponse__Output>): grpc.ClientUnaryCall;
  rotateSecret(argument: _weft_v1_TriggerRequest, callback: grpc.requestCallback<_weft_v1_RotateSecretResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface TriggerServiceHandlers extends grpc.UntypedServiceImplementation {
  Apply: grpc.handleUnaryCall<_weft_v1_ApplyTriggersRequest__Output, _weft_v1_ApplyTriggersResponse>;
  
  Fire: grpc.handleUnaryCall<_weft_v1_FireTriggerRequest__Output, _weft_v1_FireTriggerResponse>;
  
  Get: grpc.handleUnaryCall<_weft_v1_GetTriggerRequest__Output, _weft_v1_Trigger>;
  
  List: grpc.handleUnaryCall<_weft_v1_ListTriggersRequest__Output, _weft_v1_ListTriggersResponse>;
  
  Pause: grpc.handleUnaryCall<_weft_v1_TriggerRequest__Output, _weft_v1_Trigger>;
  
  Remove: grpc.handleUnaryCall<_weft_v1_TriggerRequest__Output, _weft_v1_RemoveTriggerResponse>;
  
  Resume: grpc.handleUnaryCall<_weft_v1_TriggerRequest__Output, _weft_v1_Trigger>;
  
  RotateSecret: grpc.handleUnaryCall<_weft_v1_TriggerRequest__Output, _weft_v1_RotateSecretResponse>;
  
}

export interface TriggerServiceDefinition extends grpc.ServiceDefinition {
  Apply: MethodDefinition<_weft_v1_ApplyTriggersRequest, _weft_v1_ApplyTriggersResponse, _weft_v1_ApplyTriggersRequest__Output, _weft_v1_ApplyTriggersResponse__Output>
  Fire: MethodDefinition<_weft_v1_FireTriggerRequest, _weft_v1_FireTriggerResponse, _weft_v1_FireTriggerRequest__Output, _weft_v1_FireTriggerResponse__Output>
  Get: MethodDefinition<_weft_v1_GetTriggerRequest, _weft_v1_Trigger, _weft_v1_GetTriggerRequest__Output, _weft_v1_Trigger__Output>
  List: MethodDefinition<_weft_v1_ListTriggersRequest, _weft_v1_ListTriggersResponse, _weft_v1_ListTriggersRequest__Output, _weft_v1_ListTriggersResponse__Output>
  Pause: MethodDefinition<_weft_v1_TriggerRequest, _weft_v1_Trigger, _weft_v1_TriggerRequest__Output, _weft_v1_Trigger__Output>
  Remove: MethodDefinition<_weft_v1_TriggerRequest, _weft_v1_RemoveTriggerResponse, _weft_v1_TriggerRequest__Output, _weft_v1_RemoveTriggerResponse__Output>
  Resume: MethodDefinition<_weft_v1_TriggerRequest, _weft_v1_Trigger, _weft_v1_TriggerRequest__Output, _weft_v1_Trigger__Output>
  RotateSecret: MethodDefinition<_weft_v1_TriggerRequest, _weft_v1_RotateSecretResponse, _weft_v1_TriggerRequest__Output, _weft_v1_RotateSecretResponse__Output>
}
