// Original file: proto/weft/v1/registry.proto


export interface ModelFile {
  'path'?: (string);
  'digest'?: (string);
}

export interface ModelFile__Output {
  'path': (string);
  'digest': (string);
}
