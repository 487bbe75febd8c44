// Original file: proto/weft/v1/registry.proto

import type { RegisteredModel as _weft_v1_RegisteredModel, RegisteredModel__Output as _weft_v1_RegisteredModel__Output } from '../../weft/v1/RegisteredModel.ts';

export interface ListModelsResponse {
  'models'?: (_weft_v1_RegisteredModel)[];
  'nextPageToken'?: (string);
}

export interface ListModelsResponse__Output {
  'models': (_weft_v1_RegisteredModel__Output)[];
  'nextPageToken': (string);
}
