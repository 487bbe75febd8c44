// Original file: proto/weft/v1/pipeline.proto


export interface InputSpec {
  'task'?: (string);
  'output'?: (string);
  'from'?: (string);
  'digest'?: (string);
  'discard'?: (boolean);
}

export interface InputSpec__Output {
  'task': (string);
  'output': (string);
  'from': (string);
  'digest': (string);
  'discard': (boolean);
}
