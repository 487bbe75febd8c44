// Original file: proto/weft/v1/pipeline.proto


export interface Environment {
  'node'?: (string);
}

export interface Environment__Output {
  'node': (string);
}
