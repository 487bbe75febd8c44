// Original file: proto/weft/v1/registry.proto


export interface AddKeyRequest {
  'name'?: (string);
  'publicKey'?: (string);
  'by'?: (string);
}

export interface AddKeyRequest__Output {
  'name': (string);
  'publicKey': (string);
  'by': (string);
}
