// Original file: proto/weft/v1/registry.proto


export interface PromoteRequest {
  'name'?: (string);
  'version'?: (number);
  'alias'?: (string);
  'reason'?: (string);
  'note'?: (string);
  'expect'?: (number);
  'by'?: (string);
  '_expect'?: "expect";
}

export interface PromoteRequest__Output {
  'name': (string);
  'version': (number);
  'alias': (string);
  'reason': (string);
  'note': (string);
  'expect'?: (number);
  'by': (string);
  '_expect'?: "expect";
}
