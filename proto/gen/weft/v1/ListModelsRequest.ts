// Original file: proto/weft/v1/registry.proto


export interface ListModelsRequest {
  'limit'?: (number);
  'pageToken'?: (string);
}

export interface ListModelsRequest__Output {
  'limit': (number);
  'pageToken': (string);
}
