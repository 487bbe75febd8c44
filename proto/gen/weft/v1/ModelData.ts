// Original file: proto/weft/v1/registry.proto


export interface ModelData {
  'name'?: (string);
  'digest'?: (string);
}

export interface ModelData__Output {
  'name': (string);
  'digest': (string);
}
