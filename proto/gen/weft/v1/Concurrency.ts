// Original file: proto/weft/v1/pipeline.proto


export interface Concurrency {
  'group'?: (string);
  'policy'?: (string);
  'limit'?: (number);
}

export interface Concurrency__Output {
  'group': (string);
  'policy': (string);
  'limit': (number);
}
