// Original file: proto/weft/v1/registry.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AddKeyRequest as _weft_v1_AddKeyRequest, AddKeyRequest__Output as _weft_v1_AddKeyRequest__Output } from '../../weft/v1/AddKeyRequest.ts';
import type { Gates as _weft_v1_Gates, Gates__Output as _weft_v1_Gates__Output } from '../../weft/v1/Gates.ts';
import type { GetGatesRequest as _weft_v1_GetGatesRequest, GetGatesRequest__Output as _weft_v1_GetGatesRequest__Output } from '../../weft/v1/GetGatesRequest.ts';
import type { GetModelRequest as _weft_v1_GetModelRequest, GetModelRequest__Output as _weft_v1_GetModelRequest__Output } from '../../weft/v1/GetModelRequest.ts';
import type { ListKeysRequest as _weft_v1_ListKeysRequest, ListKeysRequest__Output as _weft_v1_ListKeysRequest__Output } from '../../weft/v1/ListKeysRequest.ts';
import type { ListKeysResponse as _weft_v1_ListKeysResponse, ListKeysResponse__Output as _weft_v1_ListKeysResponse__Output } from '../../weft/v1/ListKeysResponse.ts';
import type { ListModelsRequest as _weft_v1_ListModelsRequest, ListModelsRequest__Output as _weft_v1_ListModelsRequest__Output } from '../../weft/v1/ListModelsRequest.ts';
import type { ListModelsResponse as _weft_v1_ListModelsResponse, ListModelsResponse__Output as _weft_v1_ListModelsResponse__Output } from '../../weft/v1/ListModelsResponse.ts';
import type { ModelEvaluation as _weft_v1_ModelEvaluation, ModelEvaluation__Output as _weft_v1_ModelEvaluation__Output } from '../../weft/v1/ModelEvaluation.ts';
import type { ModelVersion as _weft_v1_ModelVersion, ModelVersion__Output as _weft_v1_ModelVersion__Output } from '../../weft/v1/ModelVersion.ts';
import type { PromoteRequest as _weft_v1_PromoteRequest, PromoteRequest__Output as _weft_v1_PromoteRequest__Output } from '../../weft/v1/PromoteRequest.ts';
import type { Promotion as _weft_v1_Promotion, Promotion__Output as _weft_v1_Promotion__Output } from '../../weft/v1/Promotion.ts';
import type { RegisterVersionRequest as _weft_v1_RegisterVersionRequest, RegisterVersionRequest__Output as _weft_v1_RegisterVersionRequest__Output } from '../../weft/v1/RegisterVersionRequest.ts';
import type { RegisteredModel as _weft_v1_RegisteredModel, RegisteredModel__Output as _weft_v1_RegisteredModel__Output } from '../../weft/v1/RegisteredModel.ts';
import type { RevokeKeyRequest as _weft_v1_RevokeKeyRequest, RevokeKeyRequest__Output as _weft_v1_RevokeKeyRequest__Output } from '../../weft/v1/RevokeKeyRequest.ts';
import type { RollbackRequest as _weft_v1_RollbackRequest, RollbackRequest__Output as _weft_v1_RollbackRequest__Output } from '../../weft/v1/RollbackRequest.ts';
import type { SetGatesRequest as _weft_v1_SetGatesRequest, SetGatesRequest__Output as _weft_v1_SetGatesRequest__Output } from '../../weft/v1/SetGatesRequest.ts';
import type { SignVersionRequest as _weft_v1_SignVersionRequest, SignVersionRequest__Output as _weft_v1_SignVersionRequest__Output } from '../../weft/v1/SignVersionRequest.ts';
import type { VerifiedVersion as _weft_v1_VerifiedVersion, VerifiedVersion__Output as _weft_v1_VerifiedVersion__Output } from '../../weft/v1/VerifiedVersion.ts';
import type { VerifyVersionRequest as _weft_v1_VerifyVersionRequest, VerifyVersionRequest__Output as _weft_v1_VerifyVersionRequest__Output } from '../../weft/v1/VerifyVersionRequest.ts';

export interface RegistryServiceClient extends grpc.Client {
  AddKey(argument: _weft_v1_AddKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  AddKey(argument: _weft_v1_AddKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  AddKey(argument: _weft_v1_AddKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  AddKey(argument: _weft_v1_AddKeyRequest, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  addKey(argument: _weft_v1_AddKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  addKey(argument: _weft_v1_AddKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  addKey(argument: _weft_v1_AddKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  addKey(argument: _weft_v1_AddKeyRequest, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  
  Evaluate(argument: _weft_v1_ModelEvaluation, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ModelEvaluation__Output>): grpc.ClientUnaryCall;
  Evaluate(argument: _weft_v1_ModelEvaluation, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ModelEvaluation__Output>): grpc.ClientUnaryCall;
  Evaluate(argument: _weft_v1_ModelEvaluation, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ModelEvaluation__Output>): grpc.ClientUnaryCall;
  Evaluate(argument: _weft_v1_ModelEvaluation, callback: grpc.requestCallback<_weft_v1_ModelEvaluation__Output>): grpc.ClientUnaryCall;
  evaluate(argument: _weft_v1_ModelEvaluation, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ModelEvaluation__Output>): grpc.ClientUnaryCall;
  evaluate(argument: _weft_v1_ModelEvaluation, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ModelEvaluation__Output>): grpc.ClientUnaryCall;
  evaluate(argument: _weft_v1_ModelEvaluation, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ModelEvaluation__Output>): grpc.ClientUnaryCall;
  evaluate(argument: _weft_v1_ModelEvaluation, callback: grpc.requestCallback<_weft_v1_ModelEvaluation__Output>): grpc.ClientUnaryCall;
  
  GetGates(argument: _weft_v1_GetGatesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  GetGates(argument: _weft_v1_GetGatesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  GetGates(argument: _weft_v1_GetGatesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  GetGates(argument: _weft_v1_GetGatesRequest, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  getGates(argument: _weft_v1_GetGatesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  getGates(argument: _weft_v1_GetGatesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  getGates(argument: _weft_v1_GetGatesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  getGates(argument: _weft_v1_GetGatesRequest, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  
  GetModel(argument: _weft_v1_GetModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RegisteredModel__Output>): grpc.ClientUnaryCall;
  GetModel(argument: _weft_v1_GetModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_RegisteredModel__Output>): grpc.ClientUnaryCall;
  GetModel(argument: _weft_v1_GetModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RegisteredModel__Output>): grpc.ClientUnaryCall;
  GetModel(argument: _weft_v1_GetModelRequest, callback: grpc.requestCallback<_weft_v1_RegisteredModel__Output>): grpc.ClientUnaryCall;
  getModel(argument: _weft_v1_GetModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RegisteredModel__Output>): grpc.ClientUnaryCall;
  getModel(argument: _weft_v1_GetModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_RegisteredModel__Output>): grpc.ClientUnaryCall;
  getModel(argument: _weft_v1_GetModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_RegisteredModel__Output>): grpc.ClientUnaryCall;
  getModel(argument: _weft_v1_GetModelRequest, callback: grpc.requestCallback<_weft_v1_RegisteredModel__Output>): grpc.ClientUnaryCall;
  
  ListKeys(argument: _weft_v1_ListKeysRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  ListKeys(argument: _weft_v1_ListKeysRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  ListKeys(argument: _weft_v1_ListKeysRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  ListKeys(argument: _weft_v1_ListKeysRequest, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  listKeys(argument: _weft_v1_ListKeysRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  listKeys(argument: _weft_v1_ListKeysRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  listKeys(argument: _weft_v1_ListKeysRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  listKeys(argument: _weft_v1_ListKeysRequest, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  
  ListModels(argument: _weft_v1_ListModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _weft_v1_ListModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _weft_v1_ListModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  ListModels(argument: _weft_v1_ListModelsRequest, callback: grpc.requestCallback<_weft_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _weft_v1_ListModelsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _weft_v1_ListModelsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _weft_v1_ListModelsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  listModels(argument: _weft_v1_ListModelsRequest, callback: grpc.requestCallback<_weft_v1_ListModelsResponse__Output>): grpc.ClientUnaryCall;
  
  Promote(argument: _weft_v1_PromoteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  Promote(argument: _weft_v1_PromoteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  Promote(argument: _weft_v1_PromoteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  Promote(argument: _weft_v1_PromoteRequest, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  promote(argument: _weft_v1_PromoteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  promote(argument: _weft_v1_PromoteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  promote(argument: _weft_v1_PromoteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  promote(argument: _weft_v1_PromoteRequest, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  
  Register(argument: _weft_v1_RegisterVersionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ModelVersion__Output>): grpc.ClientUnaryCall;
  Register(argument: _weft_v1_RegisterVersionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ModelVersion__Output>): grpc.ClientUnaryCall;
  Register(argument: _weft_v1_RegisterVersionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ModelVersion__Output>): grpc.ClientUnaryCall;
  Register(argument: _weft_v1_RegisterVersionRequest, callback: grpc.requestCallback<_weft_v1_ModelVersion__Output>): grpc.ClientUnaryCall;
  register(argument: _weft_v1_RegisterVersionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ModelVersion__Output>): grpc.ClientUnaryCall;
  register(argument: _weft_v1_RegisterVersionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ModelVersion__Output>): grpc.ClientUnaryCall;
  register(argument: _weft_v1_RegisterVersionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ModelVersion__Output>): grpc.ClientUnaryCall;
  register(argument: _weft_v1_RegisterVersionRequest, callback: grpc.requestCallback<_weft_v1_ModelVersion__Output>): grpc.ClientUnaryCall;
  
  RevokeKey(argument: _weft_v1_RevokeKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  RevokeKey(argument: _weft_v1_RevokeKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  RevokeKey(argument: _weft_v1_RevokeKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  RevokeKey(argument: _weft_v1_RevokeKeyRequest, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  revokeKey(argument: _weft_v1_RevokeKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  revokeKey(argument: _weft_v1_RevokeKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  revokeKey(argument: _weft_v1_RevokeKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  revokeKey(argument: _weft_v1_RevokeKeyRequest, callback: grpc.requestCallback<_weft_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  
  Rollback(argument: _weft_v1_RollbackRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  Rollback(argument: _weft_v1_RollbackRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  Rollback(argument: _weft_v1_RollbackRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  Rollback(argument: _weft_v1_RollbackRequest, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  rollback(argument: _weft_v1_RollbackRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  rollback(argument: _weft_v1_RollbackRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  rollback(argument: _weft_v1_RollbackRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  rollback(argument: _weft_v1_RollbackRequest, callback: grpc.requestCallback<_weft_v1_Promotion__Output>): grpc.ClientUnaryCall;
  
  SetGates(argument: _weft_v1_SetGatesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  SetGates(argument: _weft_v1_SetGatesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  SetGates(argument: _weft_v1_SetGatesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  SetGates(argument: _weft_v1_SetGatesRequest, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  setGates(argument: _weft_v1_SetGatesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  setGates(argument: _weft_v1_SetGatesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  setGates(argument: _weft_v1_SetGatesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  setGates(argument: _weft_v1_SetGatesRequest, callback: grpc.requestCallback<_weft_v1_Gates__Output>): grpc.ClientUnaryCall;
  
  Sign(argument: _weft_v1_SignVersionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  Sign(argument: _weft_v1_SignVersionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  Sign(argument: _weft_v1_SignVersionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  Sign(argument: _weft_v1_SignVersionRequest, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  sign(argument: _weft_v1_SignVersionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  sign(argument: _weft_v1_SignVersionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  sign(argument: _weft_v1_SignVersionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  sign(argument: _weft_v1_SignVersionRequest, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  
  Verify(argument: _weft_v1_VerifyVersionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  Verify(argument: _weft_v1_VerifyVersionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  Verify(argument: _weft_v1_VerifyVersionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  Verify(argument: _weft_v1_VerifyVersionRequest, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  verify(argument: _weft_v1_VerifyVersionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  verify(argument: _weft_v1_VerifyVersionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  verify(argument: _weft_v1_VerifyVersionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  verify(argument: _weft_v1_VerifyVersionRequest, callback: grpc.requestCallback<_weft_v1_VerifiedVersion__Output>): grpc.ClientUnaryCall;
  
}

export interface RegistryServiceHandlers extends grpc.UntypedServiceImplementation {
  AddKey: grpc.handleUnaryCall<_weft_v1_AddKeyRequest__Output, _weft_v1_ListKeysResponse>;
  
  Evaluate: grpc.handleUnaryCall<_weft_v1_ModelEvaluation__Output, _weft_v1_ModelEvaluation>;
  
  GetGates: grpc.handleUnaryCall<_weft_v1_GetGatesRequest__Output, _weft_v1_Gates>;
  
  GetModel: grpc.handleUnaryCall<_weft_v1_GetModelRequest__Output, _weft_v1_RegisteredModel>;
  
  ListKeys: grpc.handleUnaryCall<_weft_v1_ListKeysRequest__Output, _weft_v1_ListKeysResponse>;
  
  ListModels: grpc.handleUnaryCall<_weft_v1_ListModelsRequest__Output, _weft_v1_ListModelsResponse>;
  
  Promote: grpc.handleUnaryCall<_weft_v1_PromoteRequest__Output, _weft_v1_Promotion>;
  
  Register: grpc.handleUnaryCall<_weft_v1_RegisterVersionRequest__Output, _weft_v1_ModelVersion>;
  
  RevokeKey: grpc.handleUnaryCall<_weft_v1_RevokeKeyRequest__Output, _weft_v1_ListKeysResponse>;
  
  Rollback: grpc.handleUnaryCall<_weft_v1_RollbackRequest__Output, _weft_v1_Promotion>;
  
  SetGates: grpc.handleUnaryCall<_weft_v1_SetGatesRequest__Output, _weft_v1_Gates>;
  
  Sign: grpc.handleUnaryCall<_weft_v1_SignVersionRequest__Output, _weft_v1_VerifiedVersion>;
  
  Verify: grpc.handleUnaryCall<_weft_v1_VerifyVersionRequest__Output, _weft_v1_VerifiedVersion>;
  
}

export interface RegistryServiceDefinition extends grpc.ServiceDefinition {
  AddKey: MethodDefinition<_weft_v1_AddKeyRequest, _weft_v1_ListKeysResponse, _weft_v1_AddKeyRequest__Output, _weft_v1_ListKeysResponse__Output>
  Evaluate: MethodDefinition<_weft_v1_ModelEvaluation, _weft_v1_ModelEvaluation, _weft_v1_ModelEvaluation__Output, _weft_v1_ModelEvaluation__Output>
  GetGates: MethodDefinition<_weft_v1_GetGatesRequest, _weft_v1_Gates, _weft_v1_GetGatesRequest__Output, _weft_v1_Gates__Output>
  GetModel: MethodDefinition<_weft_v1_GetModelRequest, _weft_v1_RegisteredModel, _weft_v1_GetModelRequest__Output, _weft_v1_RegisteredModel__Output>
  ListKeys: MethodDefinition<_weft_v1_ListKeysRequest, _weft_v1_ListKeysResponse, _weft_v1_ListKeysRequest__Output, _weft_v1_ListKeysResponse__Output>
  ListModels: MethodDefinition<_weft_v1_ListModelsRequest, _weft_v1_ListModelsResponse, _weft_v1_ListModelsRequest__Output, _weft_v1_ListModelsResponse__Output>
  Promote: MethodDefinition<_weft_v1_PromoteRequest, _weft_v1_Promotion, _weft_v1_PromoteRequest__Output, _weft_v1_Promotion__Output>
  Register: MethodDefinition<_weft_v1_RegisterVersionRequest, _weft_v1_ModelVersion, _weft_v1_RegisterVersionRequest__Output, _weft_v1_ModelVersion__Output>
  RevokeKey: MethodDefinition<_weft_v1_RevokeKeyRequest, _weft_v1_ListKeysResponse, _weft_v1_RevokeKeyRequest__Output, _weft_v1_ListKeysResponse__Output>
  Rollback: MethodDefinition<_weft_v1_RollbackRequest, _weft_v1_Promotion, _weft_v1_RollbackRequest__Output, _weft_v1_Promotion__Output>
  SetGates: MethodDefinition<_weft_v1_SetGatesRequest, _weft_v1_Gates, _weft_v1_SetGatesRequest__Output, _weft_v1_Gates__Output>
  Sign: MethodDefinition<_weft_v1_SignVersionRequest, _weft_v1_VerifiedVersion, _weft_v1_SignVersionRequest__Output, _weft_v1_VerifiedVersion__Output>
  Verify: MethodDefinition<_weft_v1_VerifyVersionRequest, _weft_v1_VerifiedVersion, _weft_v1_VerifyVersionRequest__Output, _weft_v1_VerifiedVersion__Output>
}
