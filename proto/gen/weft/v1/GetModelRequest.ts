// Original file: proto/weft/v1/registry.proto


export interface GetModelRequest {
  'name'?: (string);
  'limit'?: (number);
}

export interface GetModelRequest__Output {
  'name': (string);
  'limit': (number);
}
