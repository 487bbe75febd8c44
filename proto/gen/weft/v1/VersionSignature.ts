// Original file: proto/weft/v1/registry.proto


export interface VersionSignature {
  'key'?: (string);
  'state'?: (string);
  'by'?: (string);
  'atMs'?: (number | string);
}

export interface VersionSignature__Output {
  'key': (string);
  'state': (string);
  'by': (string);
  'atMs': (number);
}
