// Original file: proto/weft/v1/registry.proto


export interface VerifyVersionRequest {
  'name'?: (string);
  'version'?: (number);
}

export interface VerifyVersionRequest__Output {
  'name': (string);
  'version': (number);
}
