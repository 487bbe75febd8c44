// Original file: proto/weft/v1/registry.proto


export interface SignVersionRequest {
  'name'?: (string);
  'version'?: (number);
  'key'?: (string);
  'signature'?: (string);
  'by'?: (string);
}

export interface SignVersionRequest__Output {
  'name': (string);
  'version': (number);
  'key': (string);
  'signature': (string);
  'by': (string);
}
