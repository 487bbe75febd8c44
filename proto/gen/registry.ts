import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AddKeyRequest as _weft_v1_AddKeyRequest, AddKeyRequest__Output as _weft_v1_AddKeyRequest__Output } from './weft/v1/AddKeyRequest.ts';
import type { GateVerdict as _weft_v1_GateVerdict, GateVerdict__Output as _weft_v1_GateVerdict__Output } from './weft/v1/GateVerdict.ts';
import type { Gates as _weft_v1_Gates, Gates__Output as _weft_v1_Gates__Output } from './weft/v1/Gates.ts';
import type { GetGatesRequest as _weft_v1_GetGatesRequest, GetGatesRequest__Output as _weft_v1_GetGatesRequest__Output } from './weft/v1/GetGatesRequest.ts';
import type { GetModelRequest as _weft_v1_GetModelRequest, GetModelRequest__Output as _weft_v1_GetModelRequest__Output } from './weft/v1/GetModelRequest.ts';
import type { ListKeysRequest as _weft_v1_ListKeysRequest, ListKeysRequest__Output as _weft_v1_ListKeysRequest__Output } from './weft/v1/ListKeysRequest.ts';
import type { ListKeysResponse as _weft_v1_ListKeysResponse, ListKeysResponse__Output as _weft_v1_ListKeysResponse__Output } from './weft/v1/ListKeysResponse.ts';
import type { ListModelsRequest as _weft_v1_ListModelsRequest, ListModelsRequest__Output as _weft_v1_ListModelsRequest__Output } from './weft/v1/ListModelsRequest.ts';
import type { ListModelsResponse as _weft_v1_ListModelsResponse, ListModelsResponse__Output as _weft_v1_ListModelsResponse__Output } from './weft/v1/ListModelsResponse.ts';
import type { MetricValues as _weft_v1_MetricValues, MetricValues__Output as _weft_v1_MetricValues__Output } from './weft/v1/MetricValues.ts';
import type { ModelAlias as _weft_v1_ModelAlias, ModelAlias__Output as _weft_v1_ModelAlias__Output } from './weft/v1/ModelAlias.ts';
import type { ModelData as _weft_v1_ModelData, ModelData__Output as _weft_v1_ModelData__Output } from './weft/v1/ModelData.ts';
import type { ModelEvaluation as _weft_v1_ModelEvaluation, ModelEvaluation__Output as _weft_v1_ModelEvaluation__Output } from './weft/v1/ModelEvaluation.ts';
import type { ModelFile as _weft_v1_ModelFile, ModelFile__Output as _weft_v1_ModelFile__Output } from './weft/v1/ModelFile.ts';
import type { ModelGate as _weft_v1_ModelGate, ModelGate__Output as _weft_v1_ModelGate__Output } from './weft/v1/ModelGate.ts';
import type { ModelMove as _weft_v1_ModelMove, ModelMove__Output as _weft_v1_ModelMove__Output } from './weft/v1/ModelMove.ts';
import type { ModelVersion as _weft_v1_ModelVersion, ModelVersion__Output as _weft_v1_ModelVersion__Output } from './weft/v1/ModelVersion.ts';
import type { PromoteRequest as _weft_v1_PromoteRequest, PromoteRequest__Output as _weft_v1_PromoteRequest__Output } from './weft/v1/PromoteRequest.ts';
import type { Promotion as _weft_v1_Promotion, Promotion__Output as _weft_v1_Promotion__Output } from './weft/v1/Promotion.ts';
import type { RegisterVersionRequest as _weft_v1_RegisterVersionRequest, RegisterVersionRequest__Output as _weft_v1_RegisterVersionRequest__Output } from './weft/v1/RegisterVersionRequest.ts';
import type { RegisteredModel as _weft_v1_RegisteredModel, RegisteredModel__Output as _weft_v1_RegisteredModel__Output } from './weft/v1/RegisteredModel.ts';
import type { RegistryServiceClient as _weft_v1_RegistryServiceClient, RegistryServiceDefinition as _weft_v1_RegistryServiceDefinition } from './weft/v1/RegistryService.ts';
import type { RevokeKeyRequest as _weft_v1_RevokeKeyRequest, RevokeKeyRequest__Output as _weft_v1_RevokeKeyRequest__Output } from './weft/v1/RevokeKeyRequest.ts';
import type { RollbackRequest as _weft_v1_RollbackRequest, RollbackRequest__Output as _weft_v1_RollbackRequest__Output } from './weft/v1/RollbackRequest.ts';
import type { SetGatesRequest as _weft_v1_SetGatesRequest, SetGatesRequest__Output as _weft_v1_SetGatesRequest__Output } from './weft/v1/SetGatesRequest.ts';
import type { SignVersionRequest as _weft_v1_SignVersionRequest, SignVersionRequest__Output as _weft_v1_SignVersionRequest__Output } from './weft/v1/SignVersionRequest.ts';
import type { SigningKey as _weft_v1_SigningKey, SigningKey__Output as _weft_v1_SigningKey__Output } from './weft/v1/SigningKey.ts';
import type { VerifiedVersion as _weft_v1_VerifiedVersion, VerifiedVersion__Output as _weft_v1_VerifiedVersion__Output } from './weft/v1/VerifiedVersion.ts';
import type { VerifyVersionRequest as _weft_v1_VerifyVersionRequest, VerifyVersionRequest__Output as _weft_v1_VerifyVersionRequest__Output } from './weft/v1/VerifyVersionRequest.ts';
import type { VersionSignature as _weft_v1_VersionSignature, VersionSignature__Output as _weft_v1_VersionSignature__Output } from './weft/v1/VersionSignature.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  weft: {
    v1: {
      AddKeyRequest: MessageTypeDefinition<_weft_v1_AddKeyRequest, _weft_v1_AddKeyRequest__Output>
      GateVerdict: MessageTypeDefinition<_weft_v1_GateVerdict, _weft_v1_GateVerdict__Output>
      Gates: MessageTypeDefinition<_weft_v1_Gates, _weft_v1_Gates__Output>
      GetGatesRequest: MessageTypeDefinition<_weft_v1_GetGatesRequest, _weft_v1_GetGatesRequest__Output>
      GetModelRequest: MessageTypeDefinition<_weft_v1_GetModelRequest, _weft_v1_GetModelRequest__Output>
      ListKeysRequest: MessageTypeDefinition<_weft_v1_ListKeysRequest, _weft_v1_ListKeysRequest__Output>
      ListKeysResponse: MessageTypeDefinition<_weft_v1_ListKeysResponse, _weft_v1_ListKeysResponse__Output>
      ListModelsRequest: MessageTypeDefinition<_weft_v1_ListModelsRequest, _weft_v1_ListModelsRequest__Output>
      ListModelsResponse: MessageTypeDefinition<_weft_v1_ListModelsResponse, _weft_v1_ListModelsResponse__Output>
      MetricValues: MessageTypeDefinition<_weft_v1_MetricValues, _weft_v1_MetricValues__Output>
      ModelAlias: MessageTypeDefinition<_weft_v1_ModelAlias, _weft_v1_ModelAlias__Output>
      ModelData: MessageTypeDefinition<_weft_v1_ModelData, _weft_v1_ModelData__Output>
      ModelEvaluation: MessageTypeDefinition<_weft_v1_ModelEvaluation, _weft_v1_ModelEvaluation__Output>
      ModelFile: MessageTypeDefinition<_weft_v1_ModelFile, _weft_v1_ModelFile__Output>
      ModelGate: MessageTypeDefinition<_weft_v1_ModelGate, _weft_v1_ModelGate__Output>
      ModelMove: MessageTypeDefinition<_weft_v1_ModelMove, _weft_v1_ModelMove__Output>
      ModelVersion: MessageTypeDefinition<_weft_v1_ModelVersion, _weft_v1_ModelVersion__Output>
      PromoteRequest: MessageTypeDefinition<_weft_v1_PromoteRequest, _weft_v1_PromoteRequest__Output>
      Promotion: MessageTypeDefinition<_weft_v1_Promotion, _weft_v1_Promotion__Output>
      RegisterVersionRequest: MessageTypeDefinition<_weft_v1_RegisterVersionRequest, _weft_v1_RegisterVersionRequest__Output>
      RegisteredModel: MessageTypeDefinition<_weft_v1_RegisteredModel, _weft_v1_RegisteredModel__Output>
      RegistryService: SubtypeConstructor<typeof grpc.Client, _weft_v1_RegistryServiceClient> & { service: _weft_v1_RegistryServiceDefinition }
      RevokeKeyRequest: MessageTypeDefinition<_weft_v1_RevokeKeyRequest, _weft_v1_RevokeKeyRequest__Output>
      RollbackRequest: MessageTypeDefinition<_weft_v1_RollbackRequest, _weft_v1_RollbackRequest__Output>
      SetGatesRequest: MessageTypeDefinition<_weft_v1_SetGatesRequest, _weft_v1_SetGatesRequest__Output>
      SignVersionRequest: MessageTypeDefinition<_weft_v1_SignVersionRequest, _weft_v1_SignVersionRequest__Output>
      SigningKey: MessageTypeDefinition<_weft_v1_SigningKey, _weft_v1_SigningKey__Output>
      VerifiedVersion: MessageTypeDefinition<_weft_v1_VerifiedVersion, _weft_v1_VerifiedVersion__Output>
      VerifyVersionRequest: MessageTypeDefinition<_weft_v1_VerifyVersionRequest, _weft_v1_VerifyVersionRequest__Output>
      VersionSignature: MessageTypeDefinition<_weft_v1_VersionSignature, _weft_v1_VersionSignature__Output>
    }
  }
}

