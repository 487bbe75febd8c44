// Original file: proto/weft/v1/registry.proto


export interface RevokeKeyRequest {
  'name'?: (string);
  'by'?: (string);
}

export interface RevokeKeyRequest__Output {
  'name': (string);
  'by': (string);
}
