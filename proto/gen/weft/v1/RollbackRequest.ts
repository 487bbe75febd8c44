// Original file: proto/weft/v1/registry.proto


export interface RollbackRequest {
  'name'?: (string);
  'alias'?: (string);
  'reason'?: (string);
  'expect'?: (number);
  'by'?: (string);
  '_expect'?: "expect";
}

export interface RollbackRequest__Output {
  'name': (string);
  'alias': (string);
  'reason': (string);
  'expect'?: (number);
  'by': (string);
  '_expect'?: "expect";
}
